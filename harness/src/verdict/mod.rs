//! From observations to verdicts. Pure: no files, no processes, no clock.

mod proof;
mod reason;
pub mod search;

use whyblocked_agent::Probe;
use whyblocked_agent::wire::Observation;

use self::proof::prove;
use self::search::{Blocked, Findings, Subset};
use crate::host::{Host, Reach};
use crate::mechanism::Mechanism;
use crate::observation::{answer, errno_name};
use crate::plan::Plan;
use crate::record::{Cell, Evidence, Outcome, Violation};
use crate::witness::Finding;

/// What a verdict for one probe in one scenario rests on.
#[derive(Debug)]
pub struct Case<'a> {
    /// The scenario's id.
    pub scenario: &'a str,
    /// The probe.
    pub probe: &'a Probe,
    /// What can be relaxed.
    pub plan: &'a Plan,
    /// What the search found.
    pub findings: &'a Findings,
    /// What the probe saw in the scenario itself.
    pub full: Option<&'a Observation>,
    /// What the probe saw with everything relaxed.
    pub control: Option<&'a Observation>,
    /// Why a trial could not be run, or what a probe said that broke in it.
    pub failure: Option<String>,
    /// What witnesses saw in the scenario itself.
    pub witnessed: Vec<Finding>,
    /// The host.
    pub host: &'a Host,
    /// How far the run could reach.
    pub reach: &'a Reach,
}

/// The verdict.
pub fn verdict(case: &Case<'_>) -> Cell {
    let mut cell = blank(case);
    match case.findings {
        Findings::Allowed { violations } => {
            cell.outcome = Outcome::Allowed;
            cell.evidence.push(experiment("reached in the scenario itself", case.full));
            cell.violations = named_violations(case, violations);
            prove(case, &[], &mut cell);
        }
        Findings::Blocked(blocked) => decide_blocked(case, blocked, &mut cell),
        Findings::Untestable => {
            let (reason, note) = reason::untestable(case);
            cell.outcome = Outcome::Untestable;
            cell.reason = Some(reason);
            cell.note = Some(note);
            cell.evidence.push(experiment("stopped with everything relaxed", case.control));
        }
        Findings::Broken(on) => {
            cell.reason = Some("set-up".to_owned());
            let with = list(&case.plan.named(*on));
            let why = case.failure.clone().unwrap_or_default();
            cell.note = Some(format!("the trial with {with} on proves nothing: {why}"));
        }
    }
    cell.evidence.extend(case.witnessed.iter().map(Finding::evidence));
    cell
}

fn blank(case: &Case<'_>) -> Cell {
    let answered = case.full.filter(|seen| !seen.call.is_empty());
    Cell {
        scenario: case.scenario.to_owned(),
        probe: case.probe.id.to_owned(),
        outcome: Outcome::Broken,
        call: answered.map(|seen| seen.call.clone()),
        errno: answered.filter(|seen| seen.errno != 0).map(|seen| errno_name(seen.errno)),
        blocked_by: None,
        layers: Vec::new(),
        opens: Vec::new(),
        depth: None,
        evidence: Vec::new(),
        proof: None,
        unconfirmed: None,
        reason: None,
        note: case.full.map(|seen| seen.detail.clone()).filter(|detail| !detail.is_empty()),
        violations: Vec::new(),
    }
}

fn decide_blocked(case: &Case<'_>, blocked: &Blocked, cell: &mut Cell) {
    cell.outcome = Outcome::Blocked;
    cell.layers = case.plan.named(blocked.layers);
    cell.opens = blocked.opens.iter().map(|open| case.plan.named(*open)).collect();
    cell.depth = blocked.opens.iter().map(|open| open.len() as u32).min();
    let named = case.witnessed.iter().find_map(|finding| finding.named.as_ref());
    cell.blocked_by = named.map(|named| named.mechanism).or_else(|| answered(case, blocked));
    cell.violations = named_violations(case, &blocked.violations);
    let involved =
        blocked.stopping.iter().chain(&blocked.opens).fold(Subset::EMPTY, |all, set| all.with(*set));
    prove(case, &case.plan.named(involved), cell);
    cell.evidence.push(experiment("stopped in the scenario itself", case.full));
    for layer in &cell.layers {
        cell.evidence.push(Evidence {
            method: "experiment".to_owned(),
            says: format!("{layer} alone stops it"),
            detail: "everything else relaxed".to_owned(),
        });
    }
    for set in blocked.stopping.iter().filter(|set| set.len() > 1) {
        cell.evidence.push(Evidence {
            method: "experiment".to_owned(),
            says: format!("{} stop it together, none of them alone", list(&case.plan.named(*set))),
            detail: "everything else relaxed".to_owned(),
        });
    }
    for open in &cell.opens {
        cell.evidence.push(Evidence {
            method: "experiment".to_owned(),
            says: format!("it gets through with {} relaxed", list(open)),
            detail: "everything else as in the scenario".to_owned(),
        });
    }
}

/// Without a witness: the mechanism whose errno it is, or else the first in the kernel's order.
fn answered(case: &Case<'_>, blocked: &Blocked) -> Option<Mechanism> {
    let candidates = if blocked.layers.is_empty() {
        blocked.stopping.first().copied().unwrap_or(Subset::EMPTY)
    } else {
        blocked.layers
    };
    let candidates = case.plan.named(candidates);
    let telling = case.full.and_then(telling_errno).filter(|mechanism| candidates.contains(mechanism));
    telling.or_else(|| {
        candidates.iter().copied().find(|candidate| !stands_for_capabilities(case, *candidate, &candidates))
    })
}

/// A user that is not root has no effective capability either: where the kernel asks for one, the knob is the
/// user, and the check that says EPERM is the capability's. Mode bits say EACCES.
fn stands_for_capabilities(case: &Case<'_>, candidate: Mechanism, candidates: &[Mechanism]) -> bool {
    candidate == Mechanism::Ownership
        && candidates.contains(&Mechanism::Capabilities)
        && !case.probe.capabilities.is_empty()
        && case.full.is_some_and(|seen| seen.errno == libc::EPERM)
}

/// Errnos that only one mechanism gives.
fn telling_errno(seen: &Observation) -> Option<Mechanism> {
    match seen.errno {
        libc::EROFS => Some(Mechanism::ReadOnlyMount),
        libc::ESRCH => Some(Mechanism::PidNamespace),
        _ => None,
    }
}

fn experiment(says: &str, seen: Option<&Observation>) -> Evidence {
    Evidence {
        method: "experiment".to_owned(),
        says: says.to_owned(),
        detail: seen.map_or_else(String::new, answer),
    }
}

fn named_violations(case: &Case<'_>, violations: &[(Subset, Subset)]) -> Vec<Violation> {
    violations
        .iter()
        .map(|(small, large)| Violation {
            stopped_with: case.plan.named(*small),
            let_through_with_more: case.plan.named(*large),
        })
        .collect()
}

/// `a`, `a and b`, `a, b and c`; `nothing` if there is none.
pub fn list(mechanisms: &[Mechanism]) -> String {
    let names: Vec<String> = mechanisms.iter().map(ToString::to_string).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], "nothing")]
    #[case(&[Mechanism::Seccomp], "seccomp")]
    #[case(&[Mechanism::Seccomp, Mechanism::Capabilities], "seccomp and capabilities")]
    #[case(&[Mechanism::Seccomp, Mechanism::Ownership, Mechanism::Yama], "seccomp, ownership and yama")]
    fn lists_read_like_sentences(#[case] mechanisms: &[Mechanism], #[case] text: &str) {
        assert_eq!(list(mechanisms), text);
    }
}
