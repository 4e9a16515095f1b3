use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::record::{Posture as Stood, ProbeEntry, ScenarioEntry};

/// A record of an engine, with these scenarios and probes and no verdicts.
fn record(engine: &str, version: &str, scenarios: &[&str], probes: &[&str]) -> Record {
    let mut record: Record = serde_json::from_str(include_str!("../../../tests/src/record.json")).unwrap();
    engine.clone_into(&mut record.engine.name);
    version.clone_into(&mut record.engine.version);
    let (scenario, probe) = (record.scenarios[0].clone(), record.probes[0].clone());
    record.scenarios =
        scenarios.iter().map(|id| ScenarioEntry { id: (*id).to_owned(), ..scenario.clone() }).collect();
    record.probes = probes.iter().map(|id| ProbeEntry { id: (*id).to_owned(), ..probe.clone() }).collect();
    record.cells.clear();
    record
}

fn cell(scenario: &str, probe: &str, outcome: Outcome, layers: &[Mechanism]) -> Cell {
    let mut record: Record = serde_json::from_str(include_str!("../../../tests/src/record.json")).unwrap();
    Cell {
        scenario: scenario.to_owned(),
        probe: probe.to_owned(),
        outcome,
        blocked_by: layers.first().copied(),
        layers: layers.to_vec(),
        opens: if layers.is_empty() { Vec::new() } else { vec![layers.to_vec()] },
        depth: (!layers.is_empty()).then_some(layers.len() as u32),
        errno: (outcome == Blocked).then(|| "EPERM".to_owned()),
        reason: None,
        ..record.cells.remove(0)
    }
}

use Mechanism::{Capabilities as Caps, MountNamespace as Mounts, Seccomp};
use Outcome::{Allowed, Blocked, Broken, Untestable};

/// An outcome and the layers.
type Said = (Outcome, &'static [Mechanism]);

fn by(layers: &'static [Mechanism]) -> Said {
    (Blocked, layers)
}

fn just(outcome: Outcome) -> Said {
    (outcome, &[])
}

/// The built-in engine and Docker, with one cell.
fn one_cell(probe: &str, ours: Said, theirs: Said, filters: [&str; 2]) -> [Record; 2] {
    let mut sides = [("embedded", "0.1.0"), ("docker", "20.10.24+dfsg1")]
        .map(|(engine, version)| record(engine, version, &["privileged"], &[probe]));
    for ((side, (outcome, layers)), filter) in sides.iter_mut().zip([ours, theirs]).zip(filters) {
        side.cells.push(cell("privileged", probe, outcome, layers));
        side.scenarios[0].posture = vec![Stood { mechanism: Seccomp, state: filter.to_owned() }];
    }
    sides
}

#[rstest]
#[case::the_same("key-add", by(&[Seccomp]), by(&[Seccomp]), (1, 1, 0, 0))]
#[case::both_through("key-add", just(Allowed), just(Allowed), (1, 1, 0, 0))]
#[case::another_outcome("key-add", by(&[Seccomp]), just(Allowed), (1, 0, 0, 0))]
#[case::another_mechanism("key-add", by(&[Seccomp]), by(&[Caps]), (1, 0, 0, 0))]
#[case::deeper_only("key-add", by(&[Seccomp, Caps]), by(&[Seccomp]), (1, 1, 0, 1))]
#[case::known("mount-quotactl", by(&[Mounts]), just(Allowed), (1, 0, 1, 0))]
#[case::known_and_deeper("mount-quotactl", by(&[Seccomp, Mounts]), by(&[Seccomp]), (1, 1, 0, 1))]
#[case::the_known_reason_the_other_way_round("mount-quotactl", just(Allowed), by(&[Mounts]), (1, 0, 0, 0))]
#[case::not_testable("key-add", just(Untestable), by(&[Seccomp]), (0, 0, 0, 0))]
#[case::broken("key-add", by(&[Seccomp]), just(Broken), (0, 0, 0, 0))]
fn what_is_counted(
    #[case] probe: &str,
    #[case] ours: Said,
    #[case] theirs: Said,
    #[case] (comparable, agreeing, explained, behind): (usize, usize, usize, usize),
) {
    let [one, other] = one_cell(probe, ours, theirs, ["Docker 26"; 2]);
    for [first, second] in [[&one, &other], [&other, &one]] {
        let found = Comparison::of(first, second);
        assert_eq!(found.all, Tally { comparable, agreeing, explained });
        assert_eq!(found.behind.len(), behind);
        assert_eq!(found.incomparable_cells(), 1 - comparable);
        assert_eq!(found.unexplained().len(), found.all.unexplained());
    }
}

#[rstest]
#[case::only_one_refuses(by(&[Seccomp]), by(&[Caps]), true)]
#[case::both_refuse(by(&[Seccomp, Caps]), by(&[Caps, Seccomp]), false)]
#[case::neither_refuses(by(&[Mounts]), by(&[Caps]), false)]
fn other_filters_explain_only_what_one_of_them_refuses(
    #[case] ours: Said,
    #[case] theirs: Said,
    #[case] explained: bool,
) {
    let [one, other] = one_cell("key-add", ours, theirs, ["Docker 26", "Docker 20.10"]);
    let found = Comparison::of(&one, &other);
    assert_eq!(found.filters().len(), 1);
    assert_eq!(found.differing[0].known.is_some(), explained);
}

#[rstest]
#[case::fewer_capabilities("Docker's default 14", "CHOWN", by(&[Seccomp, Caps]), by(&[Seccomp]), true)]
#[case::what_stood_alike_explains_nothing("CHOWN", "CHOWN", by(&[Seccomp, Caps]), by(&[Seccomp]), false)]
#[case::nor_does_what_does_not_answer("Docker's default 14", "CHOWN", by(&[Mounts]), just(Allowed), false)]
fn what_podman_gives_by_default_explains_only_what_it_decides(
    #[case] ours: &str,
    #[case] podmans: &str,
    #[case] said: Said,
    #[case] podman_said: Said,
    #[case] explained: bool,
) {
    let [mut one, mut podman] = one_cell("key-add", said, podman_said, ["Docker 26"; 2]);
    for (side, state) in [(&mut one, ours), (&mut podman, podmans)] {
        side.scenarios[0].posture.push(Stood { mechanism: Caps, state: state.to_owned() });
    }
    "podman".clone_into(&mut podman.engine.name);
    let found = Comparison::of(&one, &podman);
    let pairs = found.differing.iter().chain(&found.behind);
    assert_eq!(pairs.map(|pair| pair.known.is_some()).collect::<Vec<_>>(), [explained]);
}

#[test]
fn differences_without_a_reason_come_first() {
    let [mut one, mut other] = one_cell("mount-quotactl", by(&[Mounts]), just(Allowed), ["Docker 26"; 2]);
    for (side, outcome) in [(&mut one, Allowed), (&mut other, Blocked)] {
        let mut probe = side.probes[0].clone();
        "key-add".clone_into(&mut probe.id);
        side.probes.push(probe);
        side.cells.push(cell("privileged", "key-add", outcome, &[]));
    }
    let found = Comparison::of(&one, &other);
    let probes: Vec<&str> = found.differing.iter().map(|pair| pair.place.probe).collect();
    assert_eq!(probes, ["key-add", "mount-quotactl"]);
    assert_eq!(found.unexplained().len(), 1);
    assert_eq!(Comparison::explained(&found.differing)[0].1.len(), 1);
}

#[test]
fn what_only_one_side_has_is_set_aside_with_its_reason() {
    let mut one = record("embedded", "1", &["a", "b"], &["p", "q"]);
    let mut other = record("docker", "2", &["b", "a", "c"], &["q", "r"]);
    other.scenarios[0].not_run = Some("no daemon".to_owned());
    one.cells.push(cell("a", "q", Allowed, &[]));
    let found = Comparison::of(&one, &other);
    let counts: Vec<(Why<'_>, usize)> =
        found.incomparable.iter().map(|(why, places)| (*why, places.len())).collect();
    assert_eq!(
        counts,
        [
            (Why::NoProbe(1), 1),
            (Why::NoVerdict([true, false]), 1),
            (Why::NoProbe(0), 1),
            (Why::NotRun([None, Some("no daemon")]), 3),
            (Why::NoScenario(0), 3),
        ]
    );
}

#[test]
fn engines_of_other_names_or_versions_are_other_engines() {
    let one = record("docker", "20", &[], &[]);
    assert!(!other_engine(&one, &one.clone()));
    assert!(other_engine(&one, &record("docker", "26", &[], &[])));
    assert!(other_engine(&one, &record("podman", "20", &[], &[])));
}

const SCENARIOS: [&str; 3] = ["docker-default", "privileged", "own"];
const PROBES: [&str; 3] = ["mount-quotactl", "key-add", "time-settimeofday"];

/// Any record of few scenarios and probes, with any verdicts.
fn any_record() -> impl Strategy<Value = Record> {
    let mechanisms = || prop::sample::subsequence(vec![Mounts, Seccomp, Caps], 0..3);
    let outcome = prop::sample::select(vec![Allowed, Blocked, Blocked, Untestable, Broken]);
    let cells = prop::collection::vec(prop::option::weighted(0.9, (outcome, mechanisms())), 9);
    let engine =
        prop::sample::select(vec![("embedded", "0.1.0"), ("docker", "20.10.24"), ("docker", "26.1")]);
    let some = |all: [&'static str; 3]| prop::sample::subsequence(all.to_vec(), 1..=3).prop_shuffle();
    let not_run = prop::collection::vec(prop::option::weighted(0.2, Just("no reason".to_owned())), 3);
    let filter = prop::sample::select(vec!["Docker 20.10", "Docker 26"]);
    (engine, some(SCENARIOS), some(PROBES), not_run, cells, filter).prop_map(
        |((engine, version), scenarios, probes, not_run, cells, filter)| {
            let mut record = record(engine, version, &scenarios, &probes);
            for (entry, not_run) in record.scenarios.iter_mut().zip(not_run) {
                entry.posture = vec![Stood { mechanism: Seccomp, state: filter.to_owned() }];
                entry.not_run = not_run;
            }
            let places = scenarios.iter().flat_map(|s| probes.iter().map(move |p| (*s, *p)));
            record.cells = places
                .zip(cells)
                .filter_map(|((s, p), found)| {
                    let (outcome, layers) = found?;
                    Some(cell(s, p, outcome, if outcome == Blocked { &layers } else { &[] }))
                })
                .collect();
            record
        },
    )
}

proptest! {
    #[test]
    fn a_record_agrees_with_itself(record in any_record()) {
        let found = Comparison::of(&record, &record);
        prop_assert!(found.all.percent().is_none_or(|percent| percent >= 100.0));
        prop_assert!(found.differing.is_empty() && found.behind.is_empty() && found.postures.is_empty());
    }

    #[test]
    fn the_order_of_the_sides_changes_no_count(one in any_record(), other in any_record()) {
        let (there, back) = (Comparison::of(&one, &other), Comparison::of(&other, &one));
        prop_assert_eq!(there.all, back.all);
        prop_assert_eq!(&there.by_answer, &back.by_answer);
        prop_assert_eq!(there.behind.len(), back.behind.len());
        prop_assert_eq!(there.incomparable_cells(), back.incomparable_cells());
        prop_assert_eq!(there.postures.len(), back.postures.len());
        let sorted = |found: &Comparison<'_>| {
            let mut rows: Vec<(String, Tally)> = found.by_scenario.iter().map(|(s, t)| ((*s).to_owned(), *t)).collect();
            rows.sort_by(|a, b| a.0.cmp(&b.0));
            rows
        };
        prop_assert_eq!(sorted(&there), sorted(&back));
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_counted_twice(one in any_record(), other in any_record()) {
        let found = Comparison::of(&one, &other);
        let union = |f: fn(&Record) -> Vec<&str>| {
            [f(&one), f(&other)].concat().into_iter().collect::<std::collections::BTreeSet<_>>().len()
        };
        let scenarios = union(|r| r.scenarios.iter().map(|s| s.id.as_str()).collect());
        let probes = union(|r| r.probes.iter().map(|p| p.id.as_str()).collect());
        prop_assert_eq!(found.all.comparable + found.incomparable_cells(), scenarios * probes);
        prop_assert_eq!(found.all.differing(), found.differing.len());
        prop_assert_eq!(found.all.unexplained(), found.unexplained().len());
        let summed = found.by_scenario.iter().map(|(_, tally)| tally.comparable).sum::<usize>();
        prop_assert_eq!(summed, found.all.comparable);
    }
}
