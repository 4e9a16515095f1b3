//! Who answers what about one attempt: every answer that was given, and the groups that gave it.

use std::collections::BTreeMap;

use super::Group;
use crate::record::{Cell, Outcome};
use crate::side_by_side::{Differs, answer};

/// One probe in one scenario, on all hosts.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    /// Which scenario, by its place.
    pub scenario: usize,
    /// Which probe, by its place.
    pub probe: usize,
    /// The answers, that of most hosts first.
    pub given: Vec<Given>,
}

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Given {
    /// Which, by its place.
    pub answer: usize,
    /// The groups that gave it, by their places.
    pub groups: Vec<usize>,
    /// How many hosts these are.
    pub hosts: usize,
}

impl Split {
    /// How far the hosts differ.
    pub fn differs(&self, answers: &[Cell]) -> Differs {
        let mut given = self.given.iter().map(|given| answer(&answers[given.answer]));
        let first = given.next();
        if given.any(|other| Some(other) != first) {
            Differs::Answer
        } else if self.given.len() > 1 {
            Differs::Behind
        } else {
            Differs::No
        }
    }

    /// How many hosts came to this.
    pub fn hosts(&self, outcome: Outcome, answers: &[Cell]) -> usize {
        self.given
            .iter()
            .filter(|given| answers[given.answer].outcome == outcome)
            .map(|given| given.hosts)
            .sum()
    }

    /// How many hosts have a verdict.
    pub fn all(&self) -> usize {
        self.given.iter().map(|given| given.hosts).sum()
    }
}

/// What every group says, put together.
pub(super) fn of(groups: &[Group]) -> Vec<Split> {
    let mut places: BTreeMap<(u32, u32), Vec<Given>> = BTreeMap::new();
    for (place, group) in groups.iter().enumerate() {
        let hosts = group.hosts.len();
        for (scenario, probe, answer) in &group.verdicts {
            let given = places.entry((*scenario, *probe)).or_default();
            let answer = *answer as usize;
            match given.iter_mut().find(|given| given.answer == answer) {
                Some(known) => {
                    known.groups.push(place);
                    known.hosts += hosts;
                }
                None => given.push(Given { answer, groups: vec![place], hosts }),
            }
        }
    }
    let split = |((scenario, probe), mut given): ((u32, u32), Vec<Given>)| {
        given.sort_by_key(|given| std::cmp::Reverse(given.hosts));
        Split { scenario: scenario as usize, probe: probe as usize, given }
    };
    places.into_iter().map(split).collect()
}
