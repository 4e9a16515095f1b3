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
    let trace = case.witnessed.iter().find(|finding| finding.method == "trace");
    match trace {
        Some(trace) if trace.says == "unwitnessed" => trace.detail.clone(),
        Some(trace) => trace.says.clone(),
        None => "no witness that could see it took part".to_owned(),
    }
}
