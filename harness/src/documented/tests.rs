use std::collections::BTreeSet;

use rstest::rstest;
use whyblocked_agent::catalogue;

use super::list::LIST;
use super::*;
use crate::capability::NAMES;
use crate::claims::Verdict;
use crate::record::Outcome;
use crate::scenario;
use crate::seccomp::Architecture;
use crate::testing::record;

const ON: Outcome = Outcome::Blocked;
const THROUGH: Outcome = Outcome::Allowed;
const SECCOMP: &[Mechanism] = &[Mechanism::Seccomp];
const CAPABILITIES: &[Mechanism] = &[Mechanism::Capabilities];
const BOTH: &[Mechanism] = &[Mechanism::Seccomp, Mechanism::Capabilities];

/// A record of a default container with this filter, and one verdict about it.
fn defaults(filter: &str, probe: &str, call: &str, outcome: Outcome, layers: &[Mechanism]) -> Record {
    let posture = [(Mechanism::Seccomp, filter), (Mechanism::Capabilities, "Docker's default 14")];
    let mut record = record().with_scenario(SCENARIO, &posture).with_cell(probe, outcome, layers);
    record.cells[0].call = Some(call.to_owned());
    record
}

fn call<'r, 'a>(documented: &'r Documented<'a>, call: &str) -> &'r CallRow<'a> {
    documented.calls.iter().find(|row| row.listed.call == call).unwrap()
}

fn capability<'r, 'a>(documented: &'r Documented<'a>, name: &str) -> &'r capabilities::Seen<'a> {
    &documented.capabilities.iter().find(|row| row.name == name).unwrap().seen[0]
}

fn limitation<'r, 'a>(documented: &'r Documented<'a>, id: &str) -> &'r LimitationRow<'a> {
    documented.limitations.iter().find(|row| row.limitation.id == id).unwrap()
}

#[test]
fn every_source_is_a_page_of_the_manual_and_a_version_that_does_not_change() {
    for source in SOURCES {
        assert!(source.url.starts_with("https://docs.docker.com/engine/"), "{}", source.url);
        let version = source.version.split("/blob/").nth(1).and_then(|path| path.split('/').next()).unwrap();
        assert!(version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit()), "{}", source.version);
        assert!(!source.title.is_empty());
    }
}

#[test]
fn no_call_is_listed_twice_and_each_has_a_reason_and_a_capability_that_there_is() {
    assert_eq!(LIST.len(), 50);
    let names: BTreeSet<&str> = LIST.iter().map(|listed| listed.call).collect();
    assert_eq!(names.len(), LIST.len());
    for listed in LIST {
        assert!(!listed.because.is_empty(), "{}", listed.call);
        assert!(listed.gate.is_none_or(|gate| NAMES.contains(&gate)), "{}", listed.call);
    }
}

/// A call that neither kind of program of this processor has would be judged by its name alone.
#[test]
#[cfg(target_arch = "x86_64")]
fn every_listed_call_is_one_of_the_processors() {
    for listed in LIST {
        let known = [Architecture::X8664, Architecture::X86].map(|arch| arch.number(listed.call));
        assert!(known.iter().any(Option::is_some), "{}", listed.call);
    }
}

#[test]
fn the_two_tables_have_every_capability_once() {
    let said: Vec<&str> = capabilities::KEPT.into_iter().chain(capabilities::NOT_GRANTED).collect();
    assert_eq!(said.len(), NAMES.len());
    assert_eq!(said.iter().collect::<BTreeSet<_>>(), NAMES.iter().collect::<BTreeSet<_>>());
}

#[test]
fn every_limitation_has_an_id_of_its_own_and_a_test_or_a_reason_why_there_is_none() {
    let ids: BTreeSet<&str> = remap::ALL.iter().map(|limitation| limitation.id).collect();
    assert_eq!(ids.len(), remap::ALL.len());
    let scenarios: Vec<String> = scenario::select(&[]).unwrap().into_iter().map(|one| one.id).collect();
    for limitation in remap::ALL {
        assert_eq!(limitation.shown_by.is_empty(), limitation.unobserved.is_some(), "{}", limitation.id);
        assert!(limitation.says.ends_with('.'), "{}", limitation.id);
        for test in limitation.shown_by {
            assert!(scenarios.iter().any(|id| id == test.scenario), "{}", test.scenario);
            assert!(test.look.probe().is_none_or(|probe| catalogue::find(probe).is_some()));
        }
    }
}

/// What the filters answer was checked by hand against moby's profiles of 20.10.24 and 26.1.5.
#[rstest]
#[case::time("settimeofday", [Said::Yes, Said::Yes])]
#[case::let_through_since_20_10("clock_adjtime", [Said::No, Said::No])]
#[case::let_through_since_23("process_vm_readv", [Said::Yes, Said::No])]
#[case::let_through_since_23_too("process_vm_writev", [Said::Yes, Said::No])]
#[case::the_manual_says_that_later_kernels_let_it_through("ptrace", [Said::Yes, Said::Yes])]
#[case::the_manual_says_that_it_is_some_of_it("clone", [Said::Yes, Said::Yes])]
#[case::of_this_too("personality", [Said::Yes, Said::Yes])]
#[case::no_such_call_for_64_bit_programs("vm86", [Said::Yes, Said::Yes])]
fn what_the_profiles_do_is_what_the_manual_says_or_not(#[case] name: &str, #[case] said: [Said; 2]) {
    assert_eq!(call(&Documented::of(&[]), name).by_profile, said);
}

#[test]
fn nothing_else_of_the_list_is_stale_in_the_profiles() {
    let documented = Documented::of(&[]);
    let stale: Vec<&str> = documented.stale().iter().map(|stale| stale.about).collect();
    assert_eq!(stale, ["clock_adjtime", "process_vm_readv", "process_vm_writev"]);
    assert_eq!([On::Profile(0), On::Profile(1)].map(|on| documented.count(on)), [1, 3]);
}

#[test]
fn what_the_filters_answer_is_said_for_old_kernels_and_for_the_capability_too() {
    let documented = Documented::of(&[]);
    let refuses = Answer::Refuses(libc::EPERM as u16);
    assert_eq!(call(&documented, "add_key").answers, [refuses; 2]);
    assert_eq!(call(&documented, "settimeofday").with_gate, Some([Answer::LetsThrough; 2]));
    assert_eq!(call(&documented, "ptrace").answers, [Answer::LetsThrough; 2]);
    assert_eq!(call(&documented, "ptrace").on_old_kernels, Some([refuses; 2]));
    assert_eq!(call(&documented, "clone").answers, [Answer::ByArguments; 2]);
    assert!(!call(&documented, "vm86").native);
    assert_eq!(calls::verdict(&documented.calls), Verdict::DoesNotHold);
}

/// `probe`, the call that answered, the filter that the container had, the verdict: and what follows.
#[rstest]
#[case::the_filter_met_it("key-add", "add_key", "Docker 26", ON, SECCOMP, Said::Yes)]
#[case::it_got_through("key-add", "add_key", "Docker 26", THROUGH, &[], Said::No)]
#[case::somebody_else_met_it("time-clock-adjtime", "clock_adjtime", "Docker 26", ON, CAPABILITIES, Said::No)]
#[case::of_another_call_the_profile_tells("time-settimeofday", "add_key", "Docker 26", ON, BOTH, Said::Yes)]
#[case::some_of_it("limit-fork", "clone", "Docker 26", THROUGH, &[], Said::Yes)]
#[case::a_newer_kernel("process-traceme", "ptrace", "Docker 26", THROUGH, &[], Said::Yes)]
#[case::a_newer_kernel_that_still_refuses("process-traceme", "ptrace", "Docker 26", ON, SECCOMP, Said::No)]
#[case::the_older_profile("process-read-memory", "process_vm_readv", "Docker 20.10", ON, BOTH, Said::Yes)]
#[case::the_newer_profile("process-read-memory", "process_vm_readv", "Docker 26", ON, CAPABILITIES, Said::No)]
fn a_record_shows_whether_a_call_is_blocked(
    #[case] probe: &str,
    #[case] name: &str,
    #[case] filter: &str,
    #[case] outcome: Outcome,
    #[case] layers: &[Mechanism],
    #[case] said: Said,
) {
    let record = defaults(filter, probe, name, outcome, layers);
    assert_eq!(call(&Documented::of(&[&record]), name).seen[0].blocked, said);
}

#[rstest]
#[case::by_the_older("Docker 20.10", Said::Yes)]
#[case::by_the_newer("Docker 26", Said::No)]
#[case::by_one_that_nobody_knows("mine.json", Said::Unseen)]
fn a_call_that_no_probe_made_is_told_by_the_filter(#[case] filter: &str, #[case] said: Said) {
    let record = defaults(filter, "key-add", "add_key", ON, SECCOMP);
    let documented = Documented::of(&[&record]);
    assert_eq!(call(&documented, "process_vm_writev").seen[0].blocked, said);
    assert_eq!(
        documented.profiles[0].map(DefaultProfile::name),
        Some(filter).filter(|_| said != Said::Unseen)
    );
}

#[rstest]
#[case::a_layer("time-settimeofday", "settimeofday", BOTH, Said::Yes)]
#[case::none_although_the_probe_is_about_it("time-settimeofday", "settimeofday", SECCOMP, Said::No)]
#[case::no_probe_is_about_it("kernel-mempolicy", "get_mempolicy", SECCOMP, Said::No)]
#[case::another_probe_would_be("process-kcmp", "kcmp", SECCOMP, Said::Unseen)]
#[case::none_is_named("key-add", "add_key", SECCOMP, Said::Unseen)]
fn the_capability_that_the_manual_names_is_asked_for_or_not(
    #[case] probe: &str,
    #[case] name: &str,
    #[case] layers: &[Mechanism],
    #[case] said: Said,
) {
    let record = defaults("Docker 26", probe, name, ON, layers);
    assert_eq!(call(&Documented::of(&[&record]), name).seen[0].gate, said);
}

#[rstest]
#[case::kept_and_used("CAP_CHOWN", "capability-chown", THROUGH, &[], Said::Yes)]
#[case::kept_and_missing("CAP_CHOWN", "capability-chown", ON, CAPABILITIES, Said::No)]
#[case::not_granted("CAP_SYS_NICE", "capability-sys-nice", ON, CAPABILITIES, Said::Yes)]
#[case::not_asked_for("CAP_SYS_NICE", "capability-sys-nice", THROUGH, &[], Said::Unseen)]
#[case::either_would_do("CAP_BPF", "kernel-bpf", THROUGH, &[], Said::Yes)]
#[case::neither_is_held("CAP_BPF", "kernel-bpf", ON, BOTH, Said::Yes)]
#[case::not_tried("CAP_LEASE", "key-add", ON, SECCOMP, Said::Yes)]
fn a_record_shows_which_capabilities_are_held(
    #[case] name: &str,
    #[case] probe: &str,
    #[case] outcome: Outcome,
    #[case] layers: &[Mechanism],
    #[case] said: Said,
) {
    assert!(catalogue::find(probe).is_some(), "{probe}");
    let record = defaults("Docker 26", probe, "openat", outcome, layers);
    assert_eq!(capability(&Documented::of(&[&record]), name).said, said);
}

#[rstest]
#[case::used("capability-sys-nice", THROUGH, &[], Said::No)]
#[case::not_tried("key-add", ON, SECCOMP, Said::No)]
#[case::stopped_all_the_same("capability-sys-nice", ON, CAPABILITIES, Said::Yes)]
fn a_container_that_was_given_more_contradicts_the_manual(
    #[case] probe: &str,
    #[case] outcome: Outcome,
    #[case] layers: &[Mechanism],
    #[case] said: Said,
) {
    let posture = [(Mechanism::Capabilities, "2 left: CHOWN, SYS_NICE")];
    let record = record().with_scenario(SCENARIO, &posture).with_cell(probe, outcome, layers);
    let documented = Documented::of(&[&record]);
    assert_eq!(capability(&documented, "CAP_SYS_NICE").said, said);
    assert_eq!(capability(&documented, "CAP_KILL").said, Said::No, "kept by default, and not given");
}

/// Seen for real: on a kernel without SELinux a file's label is set without the capability that the attempt names.
#[test]
fn what_capabilities_stop_outweighs_what_gets_through() {
    let record = defaults("Docker 26", "capability-set-selinux-label", "fsetxattr", THROUGH, &[]).with_cell(
        "mount-new",
        ON,
        BOTH,
    );
    let documented = Documented::of(&[&record]);
    let seen = capability(&documented, "CAP_SYS_ADMIN");
    assert_eq!(seen.said, Said::Yes);
    assert_eq!(seen.cells.iter().map(|cell| cell.probe.as_str()).collect::<Vec<_>>(), ["mount-new"]);
}

#[test]
fn what_the_host_itself_lacks_says_nothing_of_the_manual() {
    let mut record = defaults("Docker 26", "capability-chown", "chown", ON, CAPABILITIES);
    record.host.bounding_set = crate::capability::CapabilitySet::EMPTY;
    assert_eq!(capability(&Documented::of(&[&record]), "CAP_CHOWN").said, Said::Unseen);
}

#[test]
fn podman_contradicts_nothing_in_dockers_manual() {
    let mut podman = defaults("Docker 26", "capability-chown", "chown", ON, CAPABILITIES).with_scenario(
        "userns-remap",
        &[(Mechanism::UserNamespace, "0–65535 are 100000–165535 on the host")],
    );
    podman.engine.name = "podman".to_owned();
    assert_eq!(Documented::of(&[&podman]).count(On::Record(0)), 0);
}

#[rstest]
#[case::as_it_is("0–65535 are 100000–165535 on the host", Said::No)]
#[case::as_the_manual_has_it("0–65536 are 100000–165536 on the host", Said::Yes)]
fn the_ids_of_a_range_are_one_fewer_than_the_manual_says(#[case] range: &str, #[case] said: Said) {
    let record = record().with_scenario("userns-remap", &[(Mechanism::UserNamespace, range)]);
    let documented = Documented::of(&[&record]);
    assert_eq!(limitation(&documented, "ids").said, [said]);
    let stale: Vec<Stale> = documented.stale().into_iter().filter(|stale| stale.about == "ids").collect();
    let words = stale.first().map(|stale| stale.instead.clone());
    let expected = (said == Said::No).then(|| vec![(On::Record(0), format!("user-namespace: {range}"))]);
    assert_eq!(words, expected);
}

#[test]
fn a_limitation_without_a_scenario_is_never_seen() {
    let docker = || {
        let mut record =
            record().with_refused("userns-remap-host-pid", "cannot share the host PID namespace");
        record.engine.name = "docker".to_owned();
        record
    };
    let record = docker();
    let documented = Documented::of(&[&record]);
    assert_eq!(limitation(&documented, "host-pid").said, [Said::Yes]);
    assert_eq!(limitation(&documented, "host-network").said, [Said::Unseen]);
    assert_eq!(limitation(&documented, "privileged").said, [Said::Unseen], "not in this record");
}
