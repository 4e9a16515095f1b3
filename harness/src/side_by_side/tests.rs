use rstest::rstest;

use super::*;
use crate::baseline::Class;
use crate::capability::{Capability, CapabilitySet};
use crate::record::LeftOut;
use crate::testing::record;

const ON: Outcome = Outcome::Blocked;
const THROUGH: Outcome = Outcome::Allowed;
const PROBE: &str = "time-settimeofday";

/// Records called a, b, c.
fn called(records: &[Record]) -> Vec<Named<'_>> {
    let names = ["a", "b", "c"];
    records.iter().zip(names).map(|(record, name)| Named { name: name.to_owned(), record }).collect()
}

fn with(outcome: Outcome, layers: &[Mechanism]) -> Record {
    record().with_cells(&[("docker-default", PROBE, outcome, layers)])
}

/// The reasons why two records differ, in words; "?" where there is none.
fn reasons(one: Record, other: Record) -> Vec<String> {
    let records = [one, other];
    let named = called(&records);
    let found = SideBySide::of(&named);
    let rows = found.scenarios.iter().flat_map(|scenario| &scenario.rows);
    rows.flat_map(|row| &row.why).map(|why| why.as_ref().map_or("?".to_owned(), Why::to_string)).collect()
}

#[test]
fn the_same_says_nothing() {
    assert_eq!(
        reasons(with(ON, &[Mechanism::Seccomp]), with(ON, &[Mechanism::Seccomp])),
        Vec::<String>::new()
    );
}

#[test]
fn hosts_that_differ_are_no_reason_by_themselves() {
    let mut other = with(THROUGH, &[]);
    other.host.kernel = "6.18.0".to_owned();
    other.host.selinux = "enforcing".to_owned();
    other.host.bounding_set = CapabilitySet::EMPTY;
    assert_eq!(reasons(with(ON, &[Mechanism::Ownership]), other), ["?"]);
}

#[test]
fn selinux_answers_where_it_is() {
    let mut enforcing = with(ON, &[Mechanism::Selinux]);
    enforcing.host.selinux = "enforcing".to_owned();
    let said = "SELinux answers on b: it is enforcing there, and absent on a";
    assert_eq!(reasons(with(THROUGH, &[]), enforcing.clone()), [said]);
    // Capabilities have nothing to do with that: one of two is not enough.
    let both = with(ON, &[Mechanism::Selinux, Mechanism::Capabilities]);
    let both = Record { host: enforcing.host, ..both };
    assert_eq!(reasons(with(THROUGH, &[]), both), ["?"]);
}

/// For a user other than root the kernel asks for a capability, and the knob is the user: which check answered is no layer.
#[test]
fn what_stands_behind_explains_who_answered() {
    let mut enforcing = with(ON, &[Mechanism::Ownership, Mechanism::Selinux]);
    enforcing.host.selinux = "enforcing".to_owned();
    enforcing.cells[0].blocked_by = Some(Mechanism::Selinux);
    let mut other = with(ON, &[Mechanism::Ownership]);
    other.cells[0].blocked_by = Some(Mechanism::Capabilities);
    let said = "SELinux answers on b: it is enforcing there, and absent on a";
    assert_eq!(reasons(other, enforcing), [said]);
}

#[rstest]
#[case::other_groups(
    "cgroup-mkdir",
    "v2",
    "what is tried are control groups, and those are hybrid on a, and v2 on b: other mounts, with other files and owners"
)]
#[case::the_same_groups("cgroup-mkdir", "hybrid", "?")]
#[case::not_about_groups(PROBE, "v2", "?")]
fn control_groups_of_another_version(#[case] probe: &str, #[case] version: &str, #[case] said: &str) {
    let of = |layers: &[Mechanism], version: &str| {
        let mut record = record().with_cells(&[("docker-default", probe, ON, layers)]);
        record.host.cgroup = version.to_owned();
        record
    };
    let one = of(&[Mechanism::UserNamespace, Mechanism::ReadOnlyMount], "hybrid");
    assert_eq!(reasons(one, of(&[Mechanism::UserNamespace], version)), [said]);
}

#[test]
fn a_probe_about_selinux_has_nothing_to_aim_at_without_it() {
    let of = |outcome, layers: &[Mechanism]| {
        record().with_cells(&[("docker-default", "selinux-change-own-label", outcome, layers)])
    };
    let mut enforcing = of(ON, &[Mechanism::Selinux]);
    enforcing.host.selinux = "enforcing".to_owned();
    let said = "the kernel of a runs without SELinux; on b it is enforcing";
    assert_eq!(reasons(of(Outcome::Untestable, &[]), enforcing), [said]);
}

#[rstest]
#[case::kernel(
    Mechanism::Kernel,
    "the kernel of b has not, or does not show, what is tried: it cannot be tested there, whatever the settings"
)]
#[case::other(Mechanism::Lockdown, "on b it is stopped whatever the settings, by lockdown")]
fn who_cannot_test_says_why(#[case] reason: Mechanism, #[case] said: &str) {
    assert_eq!(reasons(with(THROUGH, &[]), with(Outcome::Untestable, &[reason])), [said]);
}

#[test]
fn a_bounding_set_that_lacks_the_capability_of_the_attempt() {
    let time = Capability::named("SYS_TIME").unwrap();
    let mut poor = with(Outcome::Untestable, &[Mechanism::Capabilities]);
    poor.host.bounding_set = CapabilitySet::ALL.without(time.into());
    let said = "b itself lacks SYS_TIME, which is not in its bounding set: it cannot be tested there";
    assert_eq!(reasons(with(THROUGH, &[]), poor.clone()), [said]);
    let blocked = Record { cells: with(ON, &[Mechanism::Capabilities]).cells, ..poor };
    let said = "the bounding set of b lacks SYS_TIME, and so do its containers";
    assert_eq!(reasons(with(THROUGH, &[]), blocked), [said]);
}

#[test]
fn what_stood_differently_is_the_reason_only_if_it_stops() {
    let of = |state: &str, outcome, layers: &[Mechanism]| {
        record()
            .with_scenario("docker-default", &[(Mechanism::Seccomp, state)])
            .with_cell(PROBE, outcome, layers)
    };
    let said = "the filters are different: Docker 26 on a, Docker 20.10 on b";
    let other = of("Docker 20.10", THROUGH, &[]);
    assert_eq!(reasons(of("Docker 26", ON, &[Mechanism::Seccomp]), other.clone()), [said]);
    assert_eq!(reasons(of("Docker 26", ON, &[Mechanism::Ownership]), other), ["?"]);
}

#[test]
fn an_experiment_that_failed_explains_nothing_but_itself() {
    let said = "the experiment itself failed on b: that says nothing of the host";
    assert_eq!(reasons(with(THROUGH, &[]), with(Outcome::Broken, &[])), [said]);
}

#[test]
fn a_trace_that_sees_more_names_another_check_for_the_same_layers() {
    let of = |by: Mechanism, trace: &str| {
        let mut record = with(ON, &[Mechanism::UserNamespace]);
        record.cells[0].blocked_by = Some(by);
        record.witness.trace = trace.to_owned();
        record
    };
    let one = of(Mechanism::UserNamespace, "tracepoint");
    let said = "the same layers stop it; which check answered is read from the kernel's trace, and that of a (tracepoint) shows others than that of b (kprobe)";
    assert_eq!(reasons(one.clone(), of(Mechanism::Ownership, "kprobe")), [said]);
    assert_eq!(reasons(one.clone(), of(Mechanism::Ownership, "tracepoint")), ["?"]);
    let mut conflict = of(Mechanism::Ownership, "kprobe");
    conflict.cells[0].proof = Some(crate::record::Proof::Conflict);
    assert_eq!(reasons(one, conflict), ["?"], "what the methods disagree about explains nothing");
}

#[test]
fn what_only_stands_behind_is_told_apart() {
    let one = with(ON, &[Mechanism::Seccomp]);
    let two = with(ON, &[Mechanism::Seccomp, Mechanism::Yama]);
    let records = [one, two];
    let named = called(&records);
    let found = SideBySide::of(&named);
    assert_eq!((found.counts(Differs::Answer), found.counts(Differs::Behind)), ((0, 0), (1, 1)));
}

#[test]
fn a_scenario_that_was_not_run_is_said_once_and_not_for_every_probe() {
    let records = [with(ON, &[Mechanism::Seccomp]), record().with_not_run("docker-default", "no root")];
    let named = called(&records);
    let found = SideBySide::of(&named);
    assert_eq!(found.scenarios[0].missing, [None, Some("not run: no root".to_owned())]);
    assert!(found.scenarios[0].rows.is_empty());
}

#[test]
fn what_is_not_explained_comes_first_however_rare_it_is() {
    let cells = |first: Outcome, rest: Outcome| {
        record().with_cells(&[
            ("docker-default", PROBE, rest, &[Mechanism::Kernel]),
            ("docker-default", "time-adjtimex", rest, &[Mechanism::Kernel]),
            ("docker-default", "time-clock-settime", first, &[Mechanism::Ownership]),
        ])
    };
    let records = [cells(THROUGH, THROUGH), cells(ON, Outcome::Untestable)];
    let named = called(&records);
    let found = SideBySide::of(&named);
    let sizes: Vec<(bool, usize)> =
        found.by_reason(Differs::Answer).iter().map(|(why, rows)| (why.is_some(), rows.len())).collect();
    assert_eq!(sizes, [(false, 1), (true, 2)]);
}

/// The same host on two days.
#[rstest]
#[case::weaker(ON, &[Mechanism::Seccomp], THROUGH, &[], [0, 1, 0, 0, 0])]
#[case::stronger(ON, &[Mechanism::Seccomp], ON, &[Mechanism::Seccomp, Mechanism::Yama], [1, 0, 0, 0, 0])]
#[case::somebody_else(ON, &[Mechanism::Seccomp], ON, &[Mechanism::Yama], [0, 0, 1, 0, 0])]
#[case::the_same(ON, &[Mechanism::Seccomp], ON, &[Mechanism::Seccomp], [0, 0, 0, 1, 0])]
#[case::no_answer(ON, &[Mechanism::Seccomp], Outcome::Broken, &[], [0, 0, 0, 0, 1])]
fn from_one_date_to_another(
    #[case] before: Outcome,
    #[case] layers_before: &[Mechanism],
    #[case] after: Outcome,
    #[case] layers_after: &[Mechanism],
    #[case] expected: [usize; 5],
) {
    let older = with(before, layers_before).with_cell("probe-gone", THROUGH, &[]);
    let newer =
        with(after, layers_after).with_cell("probe-new", THROUGH, &[]).with_cell("probe-newer", ON, &[]);
    let records = [older, newer];
    let named = called(&records);
    let found = SideBySide::of(&named);
    let change = &found.changes[0];
    let counts =
        [change.stronger.len(), change.weaker.len(), change.other.len(), change.same, change.undecided];
    assert_eq!((counts, change.new, change.gone), (expected, 2, 1));
    assert!(change.same_host);
}

#[test]
fn hosts_are_told_apart_by_what_is_in_their_facts() {
    let mut other = record();
    other.host.apparmor = "active".to_owned();
    other.host.bounding_set = CapabilitySet::ALL.without(Capability::SYS_ADMIN.into());
    let records = [record(), other];
    let named = called(&records);
    let found = SideBySide::of(&named);
    let differing: Vec<&str> =
        found.facts.iter().filter(|fact| fact.differs()).map(|fact| fact.name).collect();
    assert_eq!(differing, ["AppArmor", "Bounding set"]);
    assert!(!found.changes[0].same_host);
}

const BOTH: &[Mechanism] = &[Mechanism::Seccomp, Mechanism::Capabilities];

/// What becomes of one verdict in another record; nothing if it is the same.
fn became(one: &Record, other: &Record) -> Option<(Class, Option<String>)> {
    let records = [one.clone(), other.clone()];
    let named = called(&records);
    let found = SideBySide::of(&named);
    let [diff] = &found.diffs[..] else { panic!("one further record, one diff") };
    assert_eq!(diff.rows.len() + diff.same, 1);
    diff.rows.first().map(|row| (row.class, row.why.clone()))
}

#[rstest]
#[case::the_same(with(ON, BOTH), with(ON, BOTH), None)]
#[case::got_through(with(ON, BOTH), with(THROUGH, &[]), Some(Class::Weaker))]
#[case::fewer(with(ON, BOTH), with(ON, &[Mechanism::Seccomp]), Some(Class::Weaker))]
#[case::more(with(ON, &[Mechanism::Seccomp]), with(ON, BOTH), Some(Class::Stronger))]
#[case::stopped(with(THROUGH, &[]), with(ON, BOTH), Some(Class::Stronger))]
#[case::by_another(with(ON, &[Mechanism::Seccomp]), with(ON, &[Mechanism::Selinux]), Some(Class::Another))]
#[case::no_answer_any_more(with(ON, BOTH), with(Outcome::Untestable, &[]), Some(Class::Untestable))]
#[case::an_answer_at_last(with(Outcome::Untestable, &[]), with(ON, BOTH), Some(Class::New))]
#[case::no_answer_on_either_side(with(Outcome::Untestable, &[]), with(Outcome::Untestable, &[]), None)]
#[case::broken_as_before(with(Outcome::Broken, &[]), with(Outcome::Broken, &[]), None)]
#[case::it_broke(with(Outcome::Untestable, &[]), with(Outcome::Broken, &[]), Some(Class::Untestable))]
fn a_verdict_has_the_class_that_a_baseline_would_give_it(
    #[case] one: Record,
    #[case] other: Record,
    #[case] class: Option<Class>,
) {
    assert_eq!(became(&one, &other).map(|(class, _)| class), class);
}

#[test]
fn what_only_one_record_has_is_gone_or_new_and_the_other_says_why() {
    let here = with(ON, BOTH);
    let not_run = record().with_not_run("docker-default", "it needs a daemon");
    let gone = Some((Class::Gone, Some("b: not run: it needs a daemon".to_owned())));
    assert_eq!(became(&here, &not_run), gone);
    let new = Some((Class::New, Some("a: not run: it needs a daemon".to_owned())));
    assert_eq!(became(&not_run, &here), new);
    let mut left_out = record().with_scenario("docker-default", &[]);
    left_out.left_out.push(LeftOut { probe: PROBE.to_owned(), reason: "another processor".to_owned() });
    let why = "b: the attempt was not made: another processor".to_owned();
    assert_eq!(became(&here, &left_out), Some((Class::Gone, Some(why))));
}

#[test]
fn the_worst_class_comes_first_and_every_record_has_a_diff_of_its_own() {
    let cells = |first: Outcome, second: Outcome| {
        record().with_cells(&[
            ("docker-default", PROBE, first, &[Mechanism::Seccomp]),
            ("cap-drop-all", PROBE, second, &[Mechanism::Seccomp]),
        ])
    };
    let records = [cells(THROUGH, ON), cells(ON, THROUGH), cells(THROUGH, ON)];
    let named = called(&records);
    let found = SideBySide::of(&named);
    let classes: Vec<Vec<Class>> =
        found.diffs.iter().map(|diff| diff.rows.iter().map(|row| row.class).collect()).collect();
    assert_eq!(classes, [vec![Class::Weaker, Class::Stronger], vec![]]);
    assert_eq!(found.diffs.iter().map(|diff| (diff.to, diff.same)).collect::<Vec<_>>(), [(1, 0), (2, 2)]);
}
