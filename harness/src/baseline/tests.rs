//! What a comparison says, by tables.

use std::collections::BTreeMap;

use jiff::civil::date;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::mechanism::Mechanism::{Capabilities, Seccomp, UserNamespace};
use crate::testing::record;

const TODAY: jiff::civil::Date = date(2026, 11, 25);

fn one(outcome: Outcome, layers: &[Mechanism]) -> Record {
    record().with_scenario("a", &[]).with_cell("p", outcome, layers)
}

fn agreed(record: &Record) -> Baseline {
    let mut baseline = Baseline::new();
    baseline.take("here", record);
    baseline
}

fn classes(baseline: &Baseline, record: &Record, scope: Scope) -> Vec<Class> {
    let compared = compare(baseline, record, None, scope, TODAY).unwrap();
    compared.differences.iter().map(|difference| difference.class).collect()
}

const DEEP: &[Mechanism] = &[Seccomp, Capabilities];

#[rstest]
#[case::the_same(one(Outcome::Blocked, DEEP), one(Outcome::Blocked, DEEP), None)]
#[case::it_gets_through(one(Outcome::Blocked, DEEP), one(Outcome::Allowed, &[]), Some(Class::Weaker))]
#[case::fewer_mistakes(one(Outcome::Blocked, DEEP), one(Outcome::Blocked, &[Seccomp]), Some(Class::Weaker))]
#[case::more_mistakes(one(Outcome::Blocked, &[Seccomp]), one(Outcome::Blocked, DEEP), Some(Class::Stronger))]
#[case::it_is_stopped(one(Outcome::Allowed, &[]), one(Outcome::Blocked, &[Seccomp]), Some(Class::Stronger))]
#[case::another(one(Outcome::Blocked, &[Seccomp]), one(Outcome::Blocked, &[Capabilities]), Some(Class::Another))]
#[case::another_behind(
    one(Outcome::Blocked, DEEP),
    one(Outcome::Blocked, &[Seccomp, UserNamespace]),
    Some(Class::Another)
)]
#[case::untestable(one(Outcome::Blocked, DEEP), one(Outcome::Untestable, &[]), Some(Class::Untestable))]
#[case::broken(one(Outcome::Allowed, &[]), one(Outcome::Broken, &[]), Some(Class::Untestable))]
#[case::testable(one(Outcome::Untestable, &[]), one(Outcome::Allowed, &[]), Some(Class::New))]
#[case::never_testable(one(Outcome::Untestable, &[]), one(Outcome::Untestable, &[]), None)]
fn a_difference_has_a_class(#[case] before: Record, #[case] now: Record, #[case] class: Option<Class>) {
    let found = classes(&agreed(&before), &now, Scope::Whole);
    assert_eq!(found, class.into_iter().collect::<Vec<_>>());
}

#[test]
fn what_only_one_of_them_has_is_new_or_gone() {
    let two = one(Outcome::Blocked, DEEP).with_cell("q", Outcome::Allowed, &[]);
    assert_eq!(classes(&agreed(&one(Outcome::Blocked, DEEP)), &two, Scope::Whole), [Class::New]);
    assert_eq!(classes(&agreed(&two), &one(Outcome::Blocked, DEEP), Scope::Whole), [Class::Gone]);
    // Nobody has asked for it.
    assert_eq!(classes(&agreed(&two), &one(Outcome::Blocked, DEEP), Scope::Part), []);
    let not_run = record().with_scenario("b", &[]).with_cell("p", Outcome::Allowed, &[]);
    let not_run = not_run.with_not_run("a", "no root");
    let compared = agreed(&one(Outcome::Blocked, DEEP));
    let compared = compare(&compared, &not_run, None, Scope::Part, TODAY).unwrap();
    let gone = compared.differences.iter().find(|difference| difference.class == Class::Gone).unwrap();
    assert_eq!(gone.is.as_deref(), Some("the scenario was not run: no root"));
}

fn waived(until: jiff::civil::Date) -> Baseline {
    let mut baseline = agreed(&one(Outcome::Blocked, DEEP));
    baseline.waivers.push(Waiver {
        id: "W1".to_owned(),
        scenario: "a".to_owned(),
        probe: "*".to_owned(),
        reason: "the new daemon".to_owned(),
        until,
    });
    baseline
}

#[rstest]
#[case::it_counts(TODAY, Outcome::Allowed, 0, Used::Covers(1))]
#[case::it_is_over(date(2026, 11, 24), Outcome::Allowed, 1, Used::Expired(1))]
#[case::not_needed(TODAY, Outcome::Blocked, 0, Used::NotNeeded)]
#[case::over_and_not_needed(date(2026, 11, 24), Outcome::Blocked, 0, Used::NotNeeded)]
fn a_waiver_accepts_for_a_while(
    #[case] until: jiff::civil::Date,
    #[case] outcome: Outcome,
    #[case] failing: usize,
    #[case] used: Used,
) {
    let baseline = waived(until);
    let layers: &[Mechanism] = if outcome == Outcome::Blocked { DEEP } else { &[] };
    let compared = compare(&baseline, &one(outcome, layers), None, Scope::Whole, TODAY).unwrap();
    assert_eq!(compared.failing(&[Class::Weaker]).count(), failing);
    assert_eq!(compared.waivers, [("W1", used)]);
}

#[test]
fn what_became_stronger_needs_no_waiver() {
    let mut baseline = waived(TODAY);
    baseline.take("here", &one(Outcome::Blocked, &[Seccomp]));
    let compared = compare(&baseline, &one(Outcome::Blocked, DEEP), None, Scope::Whole, TODAY).unwrap();
    assert_eq!(compared.waivers, [("W1", Used::NotNeeded)]);
    assert_eq!(compared.differences[0].waived, None);
}

#[test]
fn a_record_finds_its_kind_of_host() {
    let mut baseline = agreed(&one(Outcome::Allowed, &[]));
    let mut other = one(Outcome::Allowed, &[]);
    other.host.selinux = "enforcing".to_owned();
    let error = baseline.host_of(&other, None).unwrap_err().to_string();
    assert!(
        error.contains("no host of this kind (engine embedded") && error.contains("it has: here"),
        "{error}"
    );
    baseline.take("fedora", &other);
    assert_eq!(baseline.host_of(&other, None).unwrap(), "fedora");
    assert!(baseline.host_of(&other, Some("here")).unwrap_err().to_string().contains("selinux enforcing"));
    let error = baseline.host_of(&other, Some("x")).unwrap_err().to_string();
    assert_eq!(error, "the baseline has no host 'x'; it has: fedora, here");
    baseline.take("again", &other);
    assert!(baseline.host_of(&other, None).unwrap_err().to_string().contains("say which with --host"));
}

#[test]
fn what_is_written_is_read_and_every_verdict_has_a_line() {
    let mut baseline = waived(TODAY);
    baseline.take("a host", &one(Outcome::Untestable, &[]));
    let text = text(&baseline);
    assert_eq!(parse("b.toml", &text).unwrap(), baseline);
    let line = "p = { outcome = \"blocked\", by = \"seccomp\", depth = 2, layers = [\"seccomp\", \"capabilities\"] }";
    assert!(text.lines().any(|found| found == line), "{text}");
}

const WHOLE: &str = "format = \"whyblocked-baseline/1\"\n\n[[waiver]]\nid = \"W\"\nscenario = \"a\"\nprobe = \"p\"\nreason = \"x\"\nuntil = \"2027-01-31\"\n\n[host.here]\nengine = \"embedded\"\nprivilege = \"root\"\nselinux = \"absent\"\napparmor = \"absent\"\nmodules = \"absent\"\n\n[cells.here.a]\np = { outcome = \"blocked\", by = \"seccomp\", depth = 1, layers = [\"seccomp\"] }\n";

#[rstest]
#[case::no_toml("format =", 1, "")]
#[case::something_else("a = 1", 1, "not a baseline: it does not begin with")]
#[case::no_reason(&WHOLE.replace("reason = \"x\"\n", ""), 3, "missing field `reason`")]
#[case::an_empty_reason(&WHOLE.replace("reason = \"x\"", "reason = \" \""), 7, "a waiver needs a reason")]
#[case::no_date(&WHOLE.replace("2027-01-31", "soon"), 8, "")]
#[case::no_mechanism(&WHOLE.replace("by = \"seccomp\"", "by = \"secomp\""), 18, "unknown variant `secomp`")]
#[case::odd_key(&WHOLE.replace("depth", "dept"), 18, "unknown field `dept`")]
fn a_broken_file_names_its_line(#[case] text: &str, #[case] at: usize, #[case] what: &str) {
    match parse("b.toml", text).unwrap_err() {
        BaselineError::Malformed { line, why, .. } => {
            assert_eq!(line, at, "{why}");
            assert!(why.contains(what), "{why}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_newer_format_says_so() {
    let error = parse("b.toml", "format = \"whyblocked-baseline/2\"").unwrap_err().to_string();
    assert_eq!(
        error,
        "b.toml: its format is 'whyblocked-baseline/2'; this program reads 'whyblocked-baseline/1'"
    );
}

const CORPUS: &[&str] = &[WHOLE];

proptest! {
    #[test]
    fn no_damage_makes_it_panic(damaged in crate::testing::damaged(CORPUS)) {
        if let Err(error) = parse("b.toml", &String::from_utf8_lossy(&damaged)) {
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn any_id_is_read_back(id in "\\PC{0,12}") {
        let mut baseline = Baseline::new();
        baseline.hosts.insert(id.clone(), Kind::of(&record()));
        let expected = Expected { outcome: Outcome::Allowed, by: None, depth: None, layers: Vec::new() };
        let probes = BTreeMap::from([(id.clone(), expected)]);
        baseline.cells.insert(id.clone(), BTreeMap::from([(id, probes)]));
        prop_assert_eq!(parse("b.toml", &text(&baseline)).unwrap(), baseline);
    }
}
