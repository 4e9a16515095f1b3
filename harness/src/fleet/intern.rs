//! One list of scenarios, probes and answers for all records. It must not grow with their number: what every host says alike
//! is there once.

use std::collections::HashMap;

use super::reduced::{Answer, Reduced};
use super::{Members, Verdict};
use crate::record::{Cell, ProbeEntry, Record, ScenarioEntry};

/// What was met so far.
#[derive(Debug, Default)]
pub(super) struct Interned {
    scenarios: Vec<ScenarioEntry>,
    probes: Vec<ProbeEntry>,
    places: [HashMap<String, u32>; 2],
    answers: HashMap<Answer, u32>,
}

/// What all records have together.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) scenarios: Vec<ScenarioEntry>,
    pub(super) probes: Vec<ProbeEntry>,
    pub(super) answers: Vec<Cell>,
}

impl Interned {
    /// A record's frame, made small, and its verdicts in the common lists.
    pub(super) fn take(&mut self, reduced: Reduced) -> (Record, Vec<Verdict>) {
        let Reduced { mut frame, answers, verdicts } = reduced;
        let mut scenarios = Vec::with_capacity(frame.scenarios.len());
        for entry in &mut frame.scenarios {
            let next = self.scenarios.len() as u32;
            scenarios.push(*self.places[0].entry(entry.id.clone()).or_insert_with(|| {
                self.scenarios.push(entry.clone());
                next
            }));
            // What the container was is said once, and how it stood on this host by its posture.
            entry.settings.clear();
            entry.title.clear();
            entry.teaches.clear();
        }
        let mut probes = Vec::with_capacity(frame.probes.len());
        for entry in std::mem::take(&mut frame.probes) {
            let next = self.probes.len() as u32;
            probes.push(*self.places[1].entry(entry.id.clone()).or_insert_with(|| {
                self.probes.push(entry);
                next
            }));
        }
        let answers: Vec<u32> = answers
            .into_iter()
            .map(|answer| {
                let next = self.answers.len() as u32;
                *self.answers.entry(answer).or_insert(next)
            })
            .collect();
        let mut verdicts: Vec<Verdict> = verdicts
            .into_iter()
            .map(|(scenario, probe, answer)| {
                (scenarios[scenario as usize], probes[probe as usize], answers[answer as usize])
            })
            .collect();
        verdicts.sort_unstable();
        (frame, verdicts)
    }

    /// The lists. The probes of a family stand together, whichever record had them first, and the verdicts follow them.
    pub(super) fn done(self, members: &mut [Members]) -> Lists {
        let mut families: HashMap<&str, usize> = HashMap::new();
        for probe in &self.probes {
            let next = families.len();
            families.entry(&probe.family).or_insert(next);
        }
        let mut order: Vec<usize> = (0..self.probes.len()).collect();
        order.sort_by_key(|place| families[self.probes[*place].family.as_str()]);
        let mut moved = vec![0; order.len()];
        for (now, before) in order.iter().enumerate() {
            moved[*before] = now as u32;
        }
        for members in members {
            for (_, probe, _) in &mut members.verdicts {
                *probe = moved[*probe as usize];
            }
            members.verdicts.sort_unstable();
        }
        let probes = order.iter().map(|place| self.probes[*place].clone()).collect();
        let mut answers: Vec<(Answer, u32)> = self.answers.into_iter().collect();
        answers.sort_unstable_by_key(|(_, place)| *place);
        let answers = answers.iter().map(|(answer, _)| answer.cell("", "")).collect();
        Lists { scenarios: self.scenarios, probes, answers }
    }
}
