//! Whether independent methods bear a verdict out: the experiment says what would let an attempt through, witnesses
//! say who was seen to answer, and the two must fit.

use super::{Case, list};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Proof};
use crate::witness::Finding;

/// Judges the verdict so far. `involved` are the mechanisms that the experiment found to matter.
pub(super) fn prove(case: &Case<'_>, involved: &[Mechanism], cell: &mut Cell) {
    let against: Vec<String> = case
        .witnessed
        .iter()
        .filter_map(|finding| objection(finding, involved, cell))
        .chain(quarrel(case))
        .collect();
    let confirmed = case.witnessed.iter().any(|finding| confirms(finding, cell.outcome));
    let (proof, unconfirmed) = match (against.first(), confirmed) {
        (Some(objection), _) => (Proof::Conflict, Some(objection.clone())),
        (None, true) => (Proof::Confirmed, None),
        (None, false) => (Proof::Single, Some(why_alone(case))),
    };
    cell.proof = Some(proof);
    cell.unconfirmed = unconfirmed;
}

/// A block is confirmed by who was seen to answer, a passage by its having been seen.
fn confirms(finding: &Finding, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Blocked => finding.named.is_some(),
        _ => finding.through == Some(true),
    }
}

/// What a finding has against the verdict.
fn objection(finding: &Finding, involved: &[Mechanism], cell: &Cell) -> Option<String> {
    let against = |what: String| Some(format!("{}: {}; but {what}", finding.method, finding.says));
    let blocked = cell.outcome == Outcome::Blocked;
    match (&finding.named, cell.blocked_by) {
        _ if finding.through == Some(blocked) => {
            against(format!("the experiment says it {}", if blocked { "was stopped" } else { "got through" }))
        }
        (Some(named), _) if !blocked => {
            against(format!("it got through, so {} did not refuse it", named.mechanism))
        }
        (Some(named), _) if !named.knobs.iter().any(|knob| involved.contains(knob)) => {
            against(format!("relaxing {} is not what opens it, {} is", named.mechanism, list(involved)))
        }
        (None, Some(by)) if finding.excludes.contains(&by) => {
            against(format!("{by} is said to have answered"))
        }
        _ => None,
    }
}

/// Two witnesses that saw different mechanisms answer.
fn quarrel(case: &Case<'_>) -> Option<String> {
    let mut named = case.witnessed.iter().filter_map(|finding| Some((finding, finding.named.as_ref()?)));
    let (first, one) = named.next()?;
    let (second, other) = named.find(|(_, other)| !one.agrees_with(other))?;
    Some(format!("{} saw {} answer, {} saw {}", first.method, one.mechanism, second.method, other.mechanism))
}

fn why_alone(case: &Case<'_>) -> String {
    let said = |method: &str| case.witnessed.iter().find(|finding| finding.method == method);
    match (said("trace"), said("dye")) {
        (Some(trace), _) if trace.says == "unwitnessed" => trace.detail.clone(),
        (Some(trace), _) => trace.says.clone(),
        (None, Some(dye)) => format!("{}, and no other witness that could see it took part", dye.says),
        (None, None) => "no witness that could see it took part".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use whyblocked_agent::catalogue;

    use super::super::search::Findings;
    use super::*;
    use crate::plan::Plan;
    use crate::testing;
    use crate::witness::Named;

    fn finding(method: &'static str) -> Finding {
        Finding { method, says: "something".to_owned(), ..Finding::default() }
    }

    fn names(method: &'static str, named: Named) -> Finding {
        Finding { named: Some(named), ..finding(method) }
    }

    fn judged(
        witnessed: Vec<Finding>,
        outcome: Outcome,
        by: Option<Mechanism>,
    ) -> (Option<Proof>, Option<String>) {
        let host = testing::host();
        let plan = Plan::new(testing::settings("docker-default"), &testing::ROOT);
        let findings = Findings::Untestable;
        let case = Case {
            scenario: "docker-default",
            probe: catalogue::find("time-settimeofday").unwrap(),
            plan: &plan,
            findings: &findings,
            full: None,
            control: None,
            failure: None,
            witnessed,
            host: &host,
            reach: &testing::ROOT,
        };
        let mut cell = super::super::blank(&case);
        (cell.outcome, cell.blocked_by) = (outcome, by);
        prove(&case, &[Mechanism::Seccomp, Mechanism::Ownership], &mut cell);
        (cell.proof, cell.unconfirmed)
    }

    const BY_FILTER: Option<Mechanism> = Some(Mechanism::Seccomp);

    #[rstest]
    #[case::nobody_looked(vec![], Proof::Single)]
    #[case::somebody_who_saw_nothing(vec![finding("trace")], Proof::Single)]
    #[case::it_saw_the_same(vec![names("trace", Named::only(Mechanism::Seccomp))], Proof::Confirmed)]
    #[case::it_saw_a_check_that_another_knob_turns(vec![names("trace", Named::of(Mechanism::Capabilities, &[Mechanism::Ownership]))], Proof::Confirmed)]
    #[case::it_saw_what_the_experiment_did_not(vec![names("trace", Named::only(Mechanism::Selinux))], Proof::Conflict)]
    #[case::two_that_saw_different_things(vec![names("filter", Named::only(Mechanism::Seccomp)), names("trace", Named::only(Mechanism::Ownership))], Proof::Conflict)]
    #[case::it_certainly_was_not(vec![Finding { excludes: vec![Mechanism::Seccomp], ..finding("filter") }], Proof::Conflict)]
    #[case::it_was_seen_to_get_through(vec![Finding { through: Some(true), ..finding("outside") }], Proof::Conflict)]
    #[case::nothing_arrived_but_who_stopped_it(vec![Finding { through: Some(false), ..finding("outside") }], Proof::Single)]
    fn blocks(#[case] witnessed: Vec<Finding>, #[case] proof: Proof) {
        let (judged, why) = judged(witnessed, Outcome::Blocked, BY_FILTER);
        assert_eq!(judged, Some(proof), "{why:?}");
        assert_eq!(why.is_none(), proof == Proof::Confirmed);
    }

    #[rstest]
    #[case::nobody_looked(vec![], Proof::Single)]
    #[case::it_was_seen(vec![Finding { through: Some(true), ..finding("trace") }], Proof::Confirmed)]
    #[case::it_did_not_arrive(vec![Finding { through: Some(false), ..finding("outside") }], Proof::Conflict)]
    #[case::somebody_saw_it_refused(vec![names("filter", Named::only(Mechanism::Seccomp))], Proof::Conflict)]
    fn passages(#[case] witnessed: Vec<Finding>, #[case] proof: Proof) {
        assert_eq!(judged(witnessed, Outcome::Allowed, None).0, Some(proof));
    }

    #[test]
    fn a_conflict_says_who_disagrees_with_what() {
        let (_, why) =
            judged(vec![names("trace", Named::only(Mechanism::Selinux))], Outcome::Blocked, BY_FILTER);
        assert_eq!(
            why.as_deref(),
            Some("trace: something; but relaxing selinux is not what opens it, seccomp and ownership is")
        );
    }
}
