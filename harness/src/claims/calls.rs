//! The manual's list of blocked calls against what really answers: the default filters that are shipped, resolved as a
//! container gets them, and the probes of each record that make the call.

use whyblocked_agent::catalogue;

use super::manual::{LIST, Listed};
use super::{Said, Verdict};
use crate::capability::{Capability, CapabilitySet};
use crate::conformance::Place;
use crate::conformance::cells::{Cells, Found};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record};
use crate::seccomp::{Action, Architecture, DefaultProfile, Policy, Situation, kernel_version};

/// The profile versions that are looked at.
pub const PROFILES: [DefaultProfile; 2] = [DefaultProfile::Docker20, DefaultProfile::Docker26];

/// The scenario that has nothing but the defaults.
const SCENARIO: &str = "docker-default";

/// The kernel that is assumed where no record names one.
const USUAL_KERNEL: (u32, u32) = (6, 1);

/// The last kernel on which the profiles refuse ptrace.
const OLD_KERNEL: (u32, u32) = (4, 7);

/// What a filter does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Refuses it, with this errno; 0 if it does so otherwise.
    Refuses(u16),
    /// Refuses it or lets it through, by its arguments.
    ByArguments,
    /// Lets it through.
    LetsThrough,
}

/// A call of the list, and what answers to it.
#[derive(Debug)]
pub struct CallRow<'a> {
    /// What the manual says.
    pub listed: &'static Listed,
    /// Whether 64-bit programs of this processor have the call at all.
    pub native: bool,
    /// What each of [`PROFILES`] answers to a container that asks for nothing.
    pub answers: [Answer; 2],
    /// The same before Linux 4.8, where that is something else.
    pub on_old_kernels: Option<[Answer; 2]>,
    /// The same for a container that has the capability which the manual names.
    pub with_gate: Option<[Answer; 2]>,
    /// What the probes say that make the call, record by record; nothing in a record that cannot tell.
    pub observed: Vec<Vec<&'a Cell>>,
    /// Whether all of it is as the manual says.
    pub said: Said,
}

/// The list, row by row.
pub fn rows<'a>(records: &[&'a Record]) -> Vec<CallRow<'a>> {
    let cells: Vec<Cells<'a>> = records.iter().map(|record| Cells::of(record)).collect();
    let versions = records.iter().map(|record| kernel_version(&record.host.kernel));
    let kernel = versions.filter(|version| *version != (0, 0)).max().unwrap_or(USUAL_KERNEL);
    LIST.iter().map(|listed| row(listed, kernel, &cells)).collect()
}

/// What follows for the list as a whole.
pub fn verdict(rows: &[CallRow<'_>]) -> Verdict {
    if rows.iter().any(|row| row.said == Said::No) { Verdict::DoesNotHold } else { Verdict::Holds }
}

fn row<'a>(listed: &'static Listed, kernel: (u32, u32), cells: &[Cells<'a>]) -> CallRow<'a> {
    let answers = |capabilities, kernel| {
        PROFILES.map(|profile| answer(&profile.resolve(&Situation { capabilities, kernel }), listed.call))
    };
    let default = CapabilitySet::DOCKER_DEFAULT;
    let now = answers(default, kernel);
    let old = answers(default, OLD_KERNEL);
    let gate = listed.gate.and_then(Capability::named);
    let observed: Vec<Vec<&Cell>> = cells.iter().map(|cells| observed(listed.call, cells)).collect();
    CallRow {
        listed,
        native: Architecture::NATIVE.number(listed.call).is_some(),
        answers: now,
        on_old_kernels: (old != now).then_some(old),
        with_gate: gate.map(|gate| answers(default.with(gate.into()), kernel)),
        said: said(now, &observed),
        observed,
    }
}

/// Blocked is what every filter refuses, whatever the arguments, and where every probe met the filter.
fn said(answers: [Answer; 2], observed: &[Vec<&Cell>]) -> Said {
    let refused = answers.iter().all(|answer| matches!(answer, Answer::Refuses(_)));
    let met = observed.iter().flatten().all(|cell| stopped_by_the_filter(cell));
    if refused && met { Said::Yes } else { Said::No }
}

/// Whether the filter answered, or would have been enough alone.
pub fn stopped_by_the_filter(cell: &Cell) -> bool {
    cell.outcome == Outcome::Blocked
        && (cell.blocked_by == Some(Mechanism::Seccomp) || cell.layers.contains(&Mechanism::Seccomp))
}

/// What a resolved filter does with a call: its first rule without a condition decides, unless conditions come before.
fn answer(policy: &Policy, call: &str) -> Answer {
    let of = |action: Action| match action {
        Action::Errno(errno) => Answer::Refuses(errno),
        action if action.lets_through() => Answer::LetsThrough,
        _ => Answer::Refuses(0),
    };
    let mut found: Vec<Answer> = Vec::new();
    for rule in policy.rules.iter().filter(|rule| rule.calls.iter().any(|name| name == call)) {
        found.push(of(rule.action));
        if rule.conditions.is_empty() {
            return one_or_by_arguments(&found);
        }
    }
    found.push(of(policy.default));
    one_or_by_arguments(&found)
}

fn one_or_by_arguments(found: &[Answer]) -> Answer {
    let first = found[0];
    if found.iter().all(|answer| *answer == first) { first } else { Answer::ByArguments }
}

/// The verdicts about probes that make this call, and in which it was this call that was answered.
fn observed<'a>(call: &str, cells: &Cells<'a>) -> Vec<&'a Cell> {
    let probes = catalogue::all().filter(|probe| probe.calls.iter().any(|known| known.name() == call));
    probes
        .filter_map(|probe| match cells.found(Place { scenario: SCENARIO, probe: probe.id }) {
            Found::Verdict(cell) if matches!(cell.outcome, Outcome::Allowed | Outcome::Blocked) => Some(cell),
            _ => None,
        })
        .filter(|cell| cell.call.as_deref() == Some(call))
        .collect()
}
