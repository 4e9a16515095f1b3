//! The cells of a record, found at once, and each with its twin on the other side or the reason why it has none.

use std::collections::{HashMap, HashSet};

use super::{Pair, Place, Posture, Why};
use crate::capability::{Capability, CapabilitySet};
use crate::mechanism::{self, Mechanism};
use crate::record::{Cell, Outcome, Posture as Stood, Record, ScenarioEntry};

/// A record, indexed.
#[derive(Debug)]
pub(crate) struct Cells<'a> {
    scenarios: HashMap<&'a str, &'a ScenarioEntry>,
    probes: HashSet<&'a str>,
    verdicts: HashMap<(&'a str, &'a str), &'a Cell>,
}

/// What a record has of a scenario and a probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found<'a> {
    /// It knows no such scenario.
    NoScenario,
    /// It has not run the scenario, and says why.
    NotRun(&'a ScenarioEntry, &'a str),
    /// It knows no such probe.
    NoProbe,
    /// It lists both, and has no verdict for them.
    NoVerdict,
    /// A verdict.
    Verdict(&'a Cell),
}

impl<'a> Cells<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        Self {
            scenarios: record.scenarios.iter().map(|entry| (entry.id.as_str(), entry)).collect(),
            probes: record.probes.iter().map(|entry| entry.id.as_str()).collect(),
            verdicts: record.cells.iter().map(|c| ((c.scenario.as_str(), c.probe.as_str()), c)).collect(),
        }
    }

    /// What there is of a place.
    pub(crate) fn found(&self, Place { scenario, probe }: Place<'_>) -> Found<'a> {
        let Some(entry) = self.scenarios.get(scenario) else { return Found::NoScenario };
        if let Some(why) = &entry.not_run {
            return Found::NotRun(entry, why);
        }
        if !self.probes.contains(probe) {
            return Found::NoProbe;
        }
        self.verdicts.get(&(scenario, probe)).map_or(Found::NoVerdict, |cell| Found::Verdict(cell))
    }

    /// The verdict about a place, if there is one.
    pub(crate) fn verdict(&self, place: Place<'_>) -> Option<&'a Cell> {
        match self.found(place) {
            Found::Verdict(cell) => Some(cell),
            _ => None,
        }
    }

    /// How many places have a verdict.
    pub(crate) fn verdicts(&self) -> usize {
        self.verdicts.len()
    }

    /// A scenario as the record has it.
    pub(crate) fn scenario(&self, id: &str) -> Option<&'a ScenarioEntry> {
        self.scenarios.get(id).copied()
    }

    /// The mechanisms that were on in a scenario, and how they stood.
    pub(crate) fn posture(&self, scenario: &str) -> &'a [Stood] {
        self.scenarios.get(scenario).map_or(&[], |entry| &entry.posture)
    }

    /// How a mechanism stood in a scenario, if it was on.
    fn state(&self, scenario: &str, mechanism: Mechanism) -> Option<&'a str> {
        state(self.posture(scenario), mechanism)
    }

    fn was_run(&self, scenario: &str) -> bool {
        self.scenarios.get(scenario).is_some_and(|entry| entry.not_run.is_none())
    }
}

/// How a mechanism stood, if it was on.
pub(crate) fn state(posture: &[Stood], mechanism: Mechanism) -> Option<&str> {
    posture.iter().find(|one| one.mechanism == mechanism).map(|one| one.state.as_str())
}

/// The capabilities that a container had, as its posture says them; where it says nothing, all that the host has.
pub(crate) fn held(posture: &[Stood], bounding_set: CapabilitySet) -> CapabilitySet {
    let Some(state) = state(posture, Mechanism::Capabilities) else { return bounding_set };
    let names = state.split_once(": ").map_or("", |(_, names)| names);
    let named: CapabilitySet = names.split(", ").filter_map(Capability::named).collect();
    if state.starts_with("Docker's default") { CapabilitySet::DOCKER_DEFAULT } else { named }
}

/// The ids of all sides, each once: those of the first side, and then what only the later ones have.
pub(crate) fn ids<'a, T>(sides: impl IntoIterator<Item = T>) -> Vec<&'a str>
where
    T: Iterator<Item = &'a str>,
{
    let mut seen = HashSet::new();
    sides.into_iter().flatten().filter(|id| seen.insert(*id)).collect()
}

/// The mechanisms that stood differently in a scenario that both sides have run.
pub(super) fn postures<'a>(sides: &[Cells<'a>; 2], scenario: &'a str) -> Vec<Posture<'a>> {
    if !sides.iter().all(|side| side.was_run(scenario)) {
        return Vec::new();
    }
    let states = mechanism::ALL.iter().map(|entry| {
        let states = [0, 1].map(|side: usize| sides[side].state(scenario, entry.id));
        Posture { scenario, mechanism: entry.id, states }
    });
    states.filter(|posture| posture.states[0] != posture.states[1]).collect()
}

/// The cell on both sides, or why there are no two to compare.
pub(super) fn pair<'a>(sides: &[Cells<'a>; 2], place: Place<'a>) -> Result<Pair<'a>, Why<'a>> {
    let found = sides.each_ref().map(|side| side.found(place));
    if let Some(side) = found.iter().position(|one| *one == Found::NoScenario) {
        return Err(Why::NoScenario(side));
    }
    let not_run = found.map(|one| if let Found::NotRun(_, why) = one { Some(why) } else { None });
    if not_run != [None, None] {
        return Err(Why::NotRun(not_run));
    }
    if let Some(side) = found.iter().position(|one| *one == Found::NoProbe) {
        return Err(Why::NoProbe(side));
    }
    let [Found::Verdict(one), Found::Verdict(other)] = found else {
        return Err(Why::NoVerdict(found.map(|one| matches!(one, Found::Verdict(_)))));
    };
    let undecided = [one, other].map(|cell| match cell.outcome {
        Outcome::Allowed | Outcome::Blocked => None,
        outcome => Some((outcome, cell.reason.as_deref().unwrap_or(""))),
    });
    if undecided != [None, None] {
        return Err(Why::Undecided(undecided));
    }
    Ok(Pair { place, cells: [one, other], known: None })
}
