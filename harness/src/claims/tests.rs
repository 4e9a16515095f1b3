use rstest::rstest;
use whyblocked_agent::catalogue;

use super::*;
use crate::record::{Evidence, Outcome, Record};
use crate::scenario;
use crate::testing::record;

const ON: Outcome = Outcome::Blocked;
const THROUGH: Outcome = Outcome::Allowed;

fn claim(number: u32) -> &'static Claim {
    all().into_iter().find(|claim| claim.number == number).unwrap()
}

fn verdict(number: u32, records: &[&Record]) -> Verdict {
    judge(&[claim(number)], records)[0].verdict
}

fn tests(claim: &'static Claim) -> impl Iterator<Item = &'static Test> {
    claim.predicts.iter().chain(claim.instead.iter().flat_map(|instead| instead.shown_by))
}

#[test]
fn there_are_twenty_two_claims_each_with_a_number_of_its_own() {
    let numbers: Vec<u32> = all().iter().map(|claim| claim.number).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<u32>>());
}

#[test]
fn every_claim_predicts_something_or_is_a_list() {
    for claim in all() {
        assert_eq!(claim.predicts.is_empty(), claim.list, "{}", claim.number);
        assert!(claim.says.ends_with('.') && !claim.title.ends_with('.'), "{}", claim.number);
        for instead in claim.instead {
            assert!(instead.says.ends_with('.'), "{}", claim.number);
            assert_eq!(instead.shown_by.is_empty(), claim.list, "{}", claim.number);
        }
    }
}

#[test]
fn every_test_is_about_a_scenario_and_a_probe_that_there_are() {
    let scenarios: Vec<String> =
        scenario::select(&[]).unwrap().into_iter().map(|scenario| scenario.id).collect();
    for test in all().into_iter().flat_map(tests) {
        let known = |id: &str| scenarios.iter().any(|one| one == id);
        assert!(known(test.scenario), "{}", test.scenario);
        if let Some(probe) = test.look.probe() {
            assert!(catalogue::find(probe).is_some(), "{probe}");
        }
    }
}

#[test]
fn no_claim_can_be_judged_by_no_records() {
    for judged in judge(&all(), &[]).iter().filter(|judged| !judged.claim.list) {
        assert_eq!(judged.verdict, Verdict::NotObservable, "{}", judged.claim.number);
        assert!(judged.instead.is_empty());
    }
}

#[rstest]
#[case::as_it_is(THROUGH, &[], Verdict::DoesNotHold)]
#[case::were_it_so(ON, &[Mechanism::Capabilities], Verdict::Holds)]
#[case::not_tried(Outcome::Untestable, &[], Verdict::InPart)]
#[case::it_broke(Outcome::Broken, &[], Verdict::InPart)]
fn the_record_decides_about_the_kill_command(
    #[case] own: Outcome,
    #[case] layers: &[Mechanism],
    #[case] expected: Verdict,
) {
    let record = record().with_cells(&[
        ("cap-drop-kill", "process-kill-own-uid", own, layers),
        ("cap-drop-kill", "process-kill-other-uid", ON, &[Mechanism::Capabilities]),
        ("docker-default", "process-kill-other-uid", THROUGH, &[]),
    ]);
    let judged = &judge(&[claim(9)], &[&record])[0];
    assert_eq!(judged.verdict, expected);
    assert_eq!(judged.instead.len(), usize::from(expected == Verdict::DoesNotHold));
}

#[test]
fn what_is_true_instead_is_said_only_where_it_was_seen() {
    let record = record().with_cells(&[("cap-drop-kill", "process-kill-own-uid", THROUGH, &[])]);
    let judged = &judge(&[claim(9)], &[&record])[0];
    assert_eq!((judged.verdict, judged.instead.len()), (Verdict::DoesNotHold, 0));
}

#[test]
fn one_record_that_contradicts_is_enough_and_the_others_are_shown_beside_it() {
    let blocked =
        record().with_cells(&[("cap-add-sys-time", "time-settimeofday", ON, &[Mechanism::Seccomp])]);
    let through = record().with_cells(&[
        ("docker-default", "time-settimeofday", ON, &[Mechanism::Seccomp]),
        ("cap-add-sys-time", "time-settimeofday", THROUGH, &[]),
    ]);
    assert_eq!(verdict(10, &[&through]), Verdict::InPart, "nobody has set the clock");
    assert_eq!(verdict(10, &[&through, &blocked]), Verdict::DoesNotHold);
    let judged = &judge(&[claim(10)], &[&through, &blocked])[0];
    let said: Vec<Said> = judged.predicted[0].found.iter().map(|found| found.said).collect();
    assert_eq!(said, [Said::Yes, Said::No]);
}

#[rstest]
#[case::a_process_type("system_u:system_r:container_t:s0:c1,c2", Verdict::DoesNotHold, 1)]
#[case::were_it_so("system_u:object_r:container_file_t:s0", Verdict::Holds, 0)]
fn the_label_of_the_process(#[case] label: &str, #[case] expected: Verdict, #[case] instead: usize) {
    let mut record = record()
        .with_scenario("selinux-bind-unlabelled", &[(Mechanism::Selinux, label)])
        .with_cell("selinux-write-unlabelled-bind", ON, &[Mechanism::Selinux]);
    let elsewhere = record.clone();
    record.host.selinux = "enforcing".to_owned();
    let judged = &judge(&[claim(8)], &[&record, &elsewhere])[0];
    assert_eq!((judged.verdict, judged.instead.len()), (expected, instead));
    assert_eq!(judged.predicted[0].found[1].said, Said::Unseen, "without SELinux nothing can be told");
}

#[rstest]
#[case::as_it_is("0–65535 are 100000–165535 on the host", Verdict::DoesNotHold, 1)]
#[case::were_it_so("0–65535 are 1000000–1065535 on the host", Verdict::Holds, 0)]
#[case::something_else("0–9 are 5–14 on the host", Verdict::DoesNotHold, 0)]
fn the_ids_of_vagrant(#[case] range: &str, #[case] expected: Verdict, #[case] instead: usize) {
    let record = record().with_scenario("userns-remap", &[(Mechanism::UserNamespace, range)]);
    let judged = &judge(&[claim(17)], &[&record])[0];
    assert_eq!((judged.verdict, judged.instead.len()), (expected, instead));
}

#[test]
fn what_docker_refuses_is_an_answer_and_what_was_not_run_is_none() {
    let mut docker = record()
        .with_refused("userns-remap-true", "cannot unmarshal bool")
        .with_scenario("userns-remap", &[]);
    docker.engine.name = "docker".to_owned();
    let embedded = record().with_not_run("userns-remap-true", "docker: there is none");
    assert_eq!(verdict(18, &[&docker]), Verdict::DoesNotHold);
    assert_eq!(judge(&[claim(18)], &[&docker])[0].instead.len(), 1);
    assert_eq!(verdict(18, &[&embedded]), Verdict::NotObservable);
    let started =
        Record { engine: docker.engine.clone(), ..record().with_scenario("userns-remap-true", &[]) };
    assert_eq!(verdict(18, &[&started]), Verdict::Holds);
}

#[rstest]
#[case::the_users("owner 1000:1000 on the host", Said::Yes)]
#[case::somebody_elses("owner 100000:100000 on the host", Said::No)]
fn a_witness_says_whose_a_file_is(#[case] detail: &str, #[case] expected: Said) {
    let mut record = record().with_cells(&[("user-1000-shared-dir", "file-write-host-etc", THROUGH, &[])]);
    let silent = record.clone();
    let (says, detail) = ("the file appeared on the host".to_owned(), detail.to_owned());
    record.cells[0].evidence.push(Evidence { method: "outside".to_owned(), says, detail });
    let judged = &judge(&[claim(5)], &[&record, &silent])[0];
    assert_eq!(judged.predicted[1].found[0].said, expected);
    assert_eq!(judged.predicted[1].found[1].said, Said::Unseen, "who saw nothing says nothing");
}
