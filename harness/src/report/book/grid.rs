//! A record with its verdicts in a grid, scenario by probe, so that every page finds its own at once. It names
//! the pages, and knows nothing of what is on them.

use std::collections::HashMap;

use whyblocked_agent::Probe;
use whyblocked_agent::catalogue;

use super::markdown::Slugs;
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, ProbeEntry, Record, ScenarioEntry};

/// A record, indexed.
#[derive(Debug)]
pub(super) struct Grid<'a> {
    pub(super) record: &'a Record,
    pub(super) scenarios: Vec<Scenario<'a>>,
    pub(super) probes: Vec<Attempt<'a>>,
    /// Row by row: all scenarios of the first probe, of the second, …
    cells: Vec<Option<&'a Cell>>,
    /// Verdicts about scenarios or probes that the record does not list.
    pub(super) strays: usize,
    /// The way from the record's first page to the book's root.
    pub(super) up: &'static str,
}

/// A scenario and the name of its page.
#[derive(Debug)]
pub(super) struct Scenario<'a> {
    pub(super) entry: &'a ScenarioEntry,
    pub(super) slug: String,
}

/// A probe and the name of its page.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub(super) entry: &'a ProbeEntry,
    pub(super) slug: String,
    /// What the catalogue says of it; a record of another version may have probes that this one does not know.
    pub(super) known: Option<&'static Probe>,
}

impl Scenario<'_> {
    pub(super) fn was_run(&self) -> bool {
        self.entry.not_run.is_none()
    }
}

impl<'a> Grid<'a> {
    pub(super) fn new(record: &'a Record) -> Self {
        let mut slugs = Slugs::default();
        let scenarios: Vec<_> =
            record.scenarios.iter().map(|entry| Scenario { entry, slug: slugs.take(&entry.id) }).collect();
        let known: HashMap<&str, &'static Probe> = catalogue::all().map(|probe| (probe.id, probe)).collect();
        let mut slugs = Slugs::default();
        let probes: Vec<_> = record
            .probes
            .iter()
            .map(|entry| Attempt {
                entry,
                slug: slugs.take(&entry.id),
                known: known.get(entry.id.as_str()).copied(),
            })
            .collect();
        let columns: HashMap<&str, usize> =
            scenarios.iter().enumerate().map(|(place, s)| (s.entry.id.as_str(), place)).collect();
        let rows: HashMap<&str, usize> =
            probes.iter().enumerate().map(|(place, p)| (p.entry.id.as_str(), place)).collect();
        let mut cells = vec![None; scenarios.len() * probes.len()];
        let mut strays = 0;
        for cell in &record.cells {
            match (rows.get(cell.probe.as_str()), columns.get(cell.scenario.as_str())) {
                (Some(row), Some(column)) => cells[row * scenarios.len() + column] = Some(cell),
                _ => strays += 1,
            }
        }
        Self { record, scenarios, probes, cells, strays, up: "" }
    }

    /// The page of a scenario, and that of a probe, by their ids.
    pub(super) fn slugs(&self, scenario: &str, probe: &str) -> (Option<&str>, Option<&str>) {
        let of_scenario = self.scenarios.iter().find(|one| one.entry.id == scenario);
        let of_probe = self.probes.iter().find(|one| one.entry.id == probe);
        (of_scenario.map(|one| one.slug.as_str()), of_probe.map(|one| one.slug.as_str()))
    }

    pub(super) fn cell(&self, scenario: usize, probe: usize) -> Option<&'a Cell> {
        self.cells[probe * self.scenarios.len() + scenario]
    }

    /// The verdicts of a scenario, in the order of the probes.
    pub(super) fn of_scenario(&self, scenario: usize) -> impl Iterator<Item = (usize, &'a Cell)> {
        (0..self.probes.len()).filter_map(move |probe| Some((probe, self.cell(scenario, probe)?)))
    }

    /// The verdicts of a probe, in the order of the scenarios.
    pub(super) fn of_probe(&self, probe: usize) -> impl Iterator<Item = (usize, &'a Cell)> {
        (0..self.scenarios.len()).filter_map(move |scenario| Some((scenario, self.cell(scenario, probe)?)))
    }

    /// Every verdict with its scenario and its probe, scenario by scenario.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, usize, &'a Cell)> {
        (0..self.scenarios.len()).flat_map(move |scenario| {
            self.of_scenario(scenario).map(move |(probe, cell)| (scenario, probe, cell))
        })
    }

    /// The scenarios that were run.
    pub(super) fn run(&self) -> impl Iterator<Item = (usize, &Scenario<'a>)> {
        self.scenarios.iter().enumerate().filter(|(_, scenario)| scenario.was_run())
    }

    /// The probes, family by family, in the order of the record: the family's id and its probes.
    pub(super) fn families(&self) -> Vec<(&'a str, Vec<usize>)> {
        let mut families: Vec<(&str, Vec<usize>)> = Vec::new();
        for (place, probe) in self.probes.iter().enumerate() {
            let id = probe.entry.family.as_str();
            match families.last_mut() {
                Some((last, places)) if *last == id => places.push(place),
                _ => families.push((id, vec![place])),
            }
        }
        families
    }
}

/// How far an attempt is from getting through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    Through,
    /// One mechanism stops it, or nobody knows how many.
    One,
    Two,
    More,
    Untestable,
    Broken,
}

impl Grade {
    pub(super) const ALL: [Self; 6] =
        [Self::Through, Self::One, Self::Two, Self::More, Self::Untestable, Self::Broken];

    pub(super) fn of(cell: &Cell) -> Self {
        match (cell.outcome, cell.depth) {
            (Outcome::Allowed, _) => Self::Through,
            (Outcome::Untestable, _) => Self::Untestable,
            (Outcome::Broken, _) => Self::Broken,
            (Outcome::Blocked, Some(0 | 1) | None) => Self::One,
            (Outcome::Blocked, Some(2)) => Self::Two,
            (Outcome::Blocked, _) => Self::More,
        }
    }
}

/// How many verdicts there are of each kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    grades: [usize; Grade::ALL.len()],
    pub(super) contradictions: usize,
    answered: [usize; crate::mechanism::ALL.len()],
}

impl Counts {
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        let mut counts = Self::default();
        for cell in cells {
            counts.grades[Grade::of(cell) as usize] += 1;
            counts.contradictions += usize::from(!cell.violations.is_empty());
            if let Some(mechanism) = cell.blocked_by {
                counts.answered[mechanism as usize] += 1;
            }
        }
        counts
    }

    pub(super) fn all(&self) -> usize {
        self.grades.iter().sum()
    }

    pub(super) fn number(&self, grade: Grade) -> usize {
        self.grades[grade as usize]
    }

    pub(super) fn blocked(&self) -> usize {
        [Grade::One, Grade::Two, Grade::More].map(|grade| self.number(grade)).iter().sum()
    }

    /// Which mechanisms answered, and how often: most often first.
    pub(super) fn who_said_no(&self) -> Vec<(Mechanism, usize)> {
        let mut said: Vec<(Mechanism, usize)> = crate::mechanism::ALL
            .iter()
            .map(|entry| (entry.id, self.answered[entry.id as usize]))
            .filter(|(_, times)| *times > 0)
            .collect();
        said.sort_by_key(|(mechanism, times)| (std::cmp::Reverse(*times), *mechanism));
        said
    }
}

/// A family's heading and what it is about; its id where the catalogue does not know it.
pub(super) fn family(id: &str) -> (&str, &str) {
    catalogue::FAMILIES
        .iter()
        .find(|family| family.id == id)
        .map_or((id, ""), |family| (family.title, family.about))
}
