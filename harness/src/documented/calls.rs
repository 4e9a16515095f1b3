//! The manual's list of blocked calls against what really answers: the default filters that are shipped, resolved as a
//! container gets them, and the probes of each record that make the call.

use std::collections::HashMap;

use whyblocked_agent::catalogue;

use super::list::{Blocked, LIST, Listed};
use super::{SCENARIO, elsewhere, profile, together};
use crate::capability::{Capability, CapabilitySet};
use crate::claims::{Said, Verdict};
use crate::conformance::Place;
use crate::conformance::cells::{Cells, Found};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record};
use crate::seccomp::{Action, Architecture, DefaultProfile, Policy, Situation, kernel_version};

/// The profile versions that are looked at.
pub const PROFILES: [DefaultProfile; 2] = [DefaultProfile::Docker20, DefaultProfile::Docker26];

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
    /// Whether each of [`PROFILES`] does what the manual says.
    pub by_profile: [Said; 2],
    /// What each record shows.
    pub seen: Vec<Seen<'a>>,
}

/// What a record shows of a call.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The verdicts about probes that make the call, and in which it was this call that was answered.
    pub cells: Vec<&'a Cell>,
    /// Whether the call is blocked as the manual says: by these verdicts, or else by the filter that the containers got.
    pub blocked: Said,
    /// Whether the kernel asks for the capability that the manual names.
    pub gate: Said,
}

impl CallRow<'_> {
    /// Whether all profiles and all records block it as the manual says.
    pub fn said(&self) -> Said {
        together(self.by_profile.into_iter().chain(self.seen.iter().map(|seen| seen.blocked)))
    }
}

/// The list, row by row.
pub fn rows<'a>(records: &[&'a Record]) -> Vec<CallRow<'a>> {
    let cells: Vec<(&Record, Cells<'a>)> =
        records.iter().map(|record| (*record, Cells::of(record))).collect();
    let versions = records.iter().map(|record| kernel_version(&record.host.kernel));
    let kernel = versions.filter(|version| *version != (0, 0)).max().unwrap_or(USUAL_KERNEL);
    let mut filters = Filters::default();
    LIST.iter().map(|listed| row(listed, kernel, &cells, &mut filters)).collect()
}

/// The profiles as they are resolved for a situation, each once: it is the same few situations for every call.
#[derive(Debug, Default)]
struct Filters {
    resolved: HashMap<(&'static str, u64, (u32, u32)), Policy>,
}

impl Filters {
    /// What a profile answers to a container with these capabilities on such a kernel.
    fn answer(
        &mut self,
        profile: DefaultProfile,
        capabilities: CapabilitySet,
        kernel: (u32, u32),
        call: &str,
    ) -> Answer {
        let key = (profile.name(), capabilities.bits(), kernel);
        let policy =
            self.resolved.entry(key).or_insert_with(|| profile.resolve(&Situation { capabilities, kernel }));
        answer(policy, call)
    }
}

/// What follows for the list as a whole.
pub fn verdict(rows: &[CallRow<'_>]) -> Verdict {
    if rows.iter().any(|row| row.said() == Said::No) { Verdict::DoesNotHold } else { Verdict::Holds }
}

fn row<'a>(
    listed: &'static Listed,
    kernel: (u32, u32),
    records: &[(&'a Record, Cells<'a>)],
    filters: &mut Filters,
) -> CallRow<'a> {
    let mut answers = |capabilities, kernel| {
        PROFILES.map(|profile| filters.answer(profile, capabilities, kernel, listed.call))
    };
    let default = CapabilitySet::DOCKER_DEFAULT;
    let now = answers(default, kernel);
    let old = answers(default, OLD_KERNEL);
    let gate = listed.gate.and_then(Capability::named);
    let with_gate = gate.map(|gate| answers(default.with(gate.into()), kernel));
    CallRow {
        listed,
        native: Architecture::NATIVE.number(listed.call).is_some(),
        answers: now,
        on_old_kernels: (old != now).then_some(old),
        with_gate,
        by_profile: now.map(|answer| by_filter(listed.blocked, answer, kernel)),
        seen: records.iter().map(|(record, cells)| seen(listed, record, cells, filters)).collect(),
    }
}

fn seen<'a>(listed: &Listed, record: &Record, cells: &Cells<'a>, filters: &mut Filters) -> Seen<'a> {
    let found = observed(listed.call, cells);
    if elsewhere(record).is_some() {
        return Seen { cells: found, blocked: Said::Unseen, gate: Said::Unseen };
    }
    let kernel = match kernel_version(&record.host.kernel) {
        (0, 0) => USUAL_KERNEL,
        version => version,
    };
    let blocked = match by_probes(listed.blocked, &found, kernel) {
        Said::Unseen => profile(cells).map_or(Said::Unseen, |profile| {
            let answer = filters.answer(profile, CapabilitySet::DOCKER_DEFAULT, kernel, listed.call);
            by_filter(listed.blocked, answer, kernel)
        }),
        said => said,
    };
    Seen { blocked, gate: asked_for(listed, &found), cells: found }
}

/// Whether a filter does what the manual says.
fn by_filter(blocked: Blocked, answer: Answer, kernel: (u32, u32)) -> Said {
    let refused = matches!(answer, Answer::Refuses(_));
    yes_or_no(match blocked {
        Blocked::Whole => refused,
        Blocked::Some(_) => refused || answer == Answer::ByArguments,
        Blocked::Before(major, minor) if kernel < (major, minor) => refused,
        Blocked::Before(..) => answer == Answer::LetsThrough,
    })
}

/// Whether the filter met the probes as the manual says.
fn by_probes(blocked: Blocked, cells: &[&Cell], kernel: (u32, u32)) -> Said {
    if cells.is_empty() {
        return Said::Unseen;
    }
    let all = cells.iter().all(|cell| stopped_by_the_filter(cell));
    let any = cells.iter().any(|cell| stopped_by_the_filter(cell));
    match blocked {
        Blocked::Whole => yes_or_no(all),
        // That something got through says nothing: its arguments may be others than the manual means.
        Blocked::Some(_) if any => Said::Yes,
        Blocked::Some(_) => Said::Unseen,
        Blocked::Before(major, minor) if kernel < (major, minor) => yes_or_no(all),
        Blocked::Before(..) => yes_or_no(!any),
    }
}

/// Whether the kernel itself asks for the capability. Where a probe is about that capability, only such probes can deny it:
/// the others may be ways of making the call that need none.
fn asked_for(listed: &Listed, cells: &[&Cell]) -> Said {
    let Some(gate) = listed.gate else { return Said::Unseen };
    if cells.iter().any(|cell| stopped_by(cell, Mechanism::Capabilities)) {
        return Said::Yes;
    }
    let about = |probe: &str| catalogue::find(probe).is_some_and(|probe| probe.capabilities.contains(&gate));
    let makes = |probe: &whyblocked_agent::Probe| probe.calls.iter().any(|call| call.name() == listed.call);
    let some_are = catalogue::all().any(|probe| makes(probe) && about(probe.id));
    let denies = cells.iter().any(|cell| !some_are || about(&cell.probe));
    if denies && listed.blocked == Blocked::Whole { Said::No } else { Said::Unseen }
}

fn yes_or_no(yes: bool) -> Said {
    if yes { Said::Yes } else { Said::No }
}

/// Whether the filter answered, or would have been enough alone.
pub fn stopped_by_the_filter(cell: &Cell) -> bool {
    stopped_by(cell, Mechanism::Seccomp)
}

/// Whether a mechanism answered, or would have been enough alone.
pub(super) fn stopped_by(cell: &Cell, mechanism: Mechanism) -> bool {
    cell.outcome == Outcome::Blocked
        && (cell.blocked_by == Some(mechanism) || cell.layers.contains(&mechanism))
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
