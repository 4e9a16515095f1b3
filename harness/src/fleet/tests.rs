use rstest::rstest;

use super::*;
use crate::mechanism::Mechanism;
use crate::record::Outcome::{self, Allowed, Blocked, Untestable};
use crate::side_by_side::Differs;
use crate::testing::record;

const SECCOMP: &[Mechanism] = &[Mechanism::Seccomp];
const BOTH: &[Mechanism] = &[Mechanism::Seccomp, Mechanism::Capabilities];
const YAMA: &[Mechanism] = &[Mechanism::Yama];

/// Hosts called a, b, c, … with these verdicts about one attempt, and the same about another.
fn fleet(verdicts: &[(Outcome, &[Mechanism])]) -> Fleet {
    let of = |((outcome, layers), name): (&(Outcome, &[Mechanism]), char)| {
        let record = record().with_cells(&[
            ("docker-default", "time-settimeofday", *outcome, layers),
            ("docker-default", "time-adjtimex", Allowed, &[]),
        ]);
        (name.to_string(), Reduced::of(&record))
    };
    Fleet::with_names(verdicts.iter().zip('a'..='z').map(of), Vec::new())
}

fn groups(fleet: &Fleet) -> Vec<String> {
    (0..fleet.groups.len()).map(|group| fleet.names(group).collect()).collect()
}

#[rstest]
#[case::all_the_same(&[(Blocked, SECCOMP); 3], &["abc"])]
#[case::the_largest_first(&[(Blocked, SECCOMP), (Allowed, &[]), (Allowed, &[])], &["bc", "a"])]
#[case::of_equals_the_first(&[(Blocked, SECCOMP), (Allowed, &[])], &["a", "b"])]
#[case::then_the_weakest(&[(Blocked, BOTH), (Blocked, BOTH), (Untestable, &[]), (Blocked, YAMA), (Blocked, SECCOMP)], &["ab", "d", "e", "c"])]
#[case::none(&[], &[])]
fn hosts_with_the_very_same_verdicts_are_one_group(
    #[case] verdicts: &[(Outcome, &[Mechanism])],
    #[case] expected: &[&str],
) {
    let fleet = fleet(verdicts);
    assert_eq!(groups(&fleet), expected);
    for (place, group) in fleet.groups.iter().enumerate() {
        assert!(group.hosts.iter().all(|host| fleet.hosts[*host].group == place));
    }
}

#[test]
fn each_group_is_held_against_the_largest() {
    let fleet = fleet(&[(Blocked, BOTH), (Blocked, BOTH), (Blocked, SECCOMP), (Untestable, &[])]);
    assert_eq!(groups(&fleet), ["ab", "c", "d"]);
    assert_eq!(fleet.groups[0].against, BTreeMap::from([(Step::Same, 2)]));
    assert_eq!(fleet.groups[1].against, BTreeMap::from([(Step::Weaker, 1), (Step::Same, 1)]));
    assert_eq!(fleet.groups[2].against, BTreeMap::from([(Step::Undecided, 1), (Step::Same, 1)]));
    let [one, other] = fleet.side_by_side(&fleet.groups[1]);
    assert_eq!([one.cells.len(), other.cells.len()], [1, 1], "only what differs");
    assert_eq!((other.cells[0].scenario.as_str(), other.cells[0].depth), ("docker-default", Some(1)));
    assert_eq!(other.probes.len(), 1);
}

#[test]
fn who_answers_what() {
    let fleet = fleet(&[(Blocked, SECCOMP), (Blocked, BOTH), (Allowed, &[]), (Blocked, BOTH)]);
    let split =
        |probe: &str| fleet.splits.iter().find(|split| fleet.probes[split.probe].id == probe).unwrap();
    let same = split("time-adjtimex");
    assert_eq!((same.differs(&fleet.answers), same.all()), (Differs::No, 4));
    let differing = split("time-settimeofday");
    assert_eq!(differing.differs(&fleet.answers), Differs::Answer);
    let hosts: Vec<usize> = differing.given.iter().map(|given| given.hosts).collect();
    assert_eq!(hosts, [2, 1, 1]);
    assert_eq!([Blocked, Allowed].map(|outcome| differing.hosts(outcome, &fleet.answers)), [3, 1]);
}

#[test]
fn other_layers_below_the_same_answer_are_another_group_and_no_other_answer() {
    let seccomp_and_yama = &[Mechanism::Seccomp, Mechanism::Yama];
    let fleet = fleet(&[(Blocked, BOTH), (Blocked, seccomp_and_yama)]);
    assert_eq!(fleet.groups.len(), 2);
    assert_eq!(fleet.groups[1].steps(Step::Behind), 1);
    assert!(fleet.splits.iter().any(|split| split.differs(&fleet.answers) == Differs::Behind));
}

#[test]
fn records_need_not_have_the_same_scenarios_and_probes() {
    let one = record().with_cells(&[("s", "time-a", Allowed, &[]), ("s", "net-a", Allowed, &[])]);
    let other = record().with_cells(&[
        ("t", "net-b", Allowed, &[]),
        ("s", "time-b", Allowed, &[]),
        ("s", "time-a", Allowed, &[]),
    ]);
    let named =
        [("one", &one), ("other", &other)].map(|(name, record)| (name.to_owned(), Reduced::of(record)));
    let fleet = Fleet::with_names(named, Vec::new());
    let ids: Vec<&str> = fleet.probes.iter().map(|probe| probe.id.as_str()).collect();
    assert_eq!(ids, ["time-a", "time-b", "net-a", "net-b"], "family by family");
    assert_eq!((fleet.groups[1].only, fleet.groups[1].steps(Step::Same)), ([2, 1], 1));
    assert_eq!(fleet.verdicts(), 5);
}

#[test]
fn verdicts_about_what_the_record_does_not_list_are_left_out() {
    let mut stray = record().with_cells(&[("s", "time-a", Allowed, &[])]);
    stray.cells[0].scenario = "another".to_owned();
    let fleet = Fleet::with_names([("one".to_owned(), Reduced::of(&stray))], Vec::new());
    assert_eq!((fleet.verdicts(), fleet.groups.len()), (0, 1));
}
