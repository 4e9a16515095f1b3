//! Several records side by side, hosts or dates: what is different about the hosts, which verdicts differ, and why, as
//! far as the records themselves say why. Pure: it reads the records and formats no page.
//!
//! Every record is held against the first that has a verdict at the place. What has no reason in the records is counted
//! as unexplained, and comes first: a difference is never explained by there being one.

pub mod change;
pub mod diff;
pub mod facts;
pub mod names;
mod why;

pub use self::change::Change;
pub use self::diff::{Diff, Difference};
pub use self::facts::Fact;
pub use self::names::{Named, named};
pub use self::why::Why;
use crate::conformance::Place;
use crate::conformance::cells::{Cells, ids};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record};

/// Records, held against each other.
#[derive(Debug)]
pub struct SideBySide<'a> {
    /// The records, with their names.
    pub records: &'a [Named<'a>],
    /// What there is to know of each host and run.
    pub facts: Vec<Fact>,
    /// The scenarios, in the order of the records, each with its verdicts.
    pub scenarios: Vec<Scenario<'a>>,
    /// What became of the first record's verdicts in each further record.
    pub changes: Vec<Change<'a>>,
    /// The same, verdict by verdict.
    pub diffs: Vec<Diff<'a>>,
}

/// A scenario in all records.
#[derive(Debug)]
pub struct Scenario<'a> {
    /// Its id.
    pub id: &'a str,
    /// Why a record has no verdicts for it, in words; nothing where it has.
    pub missing: Vec<Option<String>>,
    /// A row for each probe about which two records say something.
    pub rows: Vec<Row<'a>>,
}

/// One probe in one scenario, record by record.
#[derive(Debug)]
pub struct Row<'a> {
    /// Which.
    pub place: Place<'a>,
    /// What each record says; nothing where it has no verdict.
    pub cells: Vec<Option<&'a Cell>>,
    /// How far they differ.
    pub differs: Differs,
    /// Why the records that differ from the first one do; each once. `None` among them: no reason is known.
    pub why: Vec<Option<Why>>,
}

/// How far verdicts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Differs {
    /// Not at all.
    No,
    /// The same answer, with something else behind it: layers, what opens it, errno.
    Behind,
    /// The outcome, or who answered.
    Answer,
}

/// What counts as the same answer.
pub(crate) fn answer(cell: &Cell) -> (Outcome, Option<Mechanism>) {
    let blocked = (cell.outcome == Outcome::Blocked).then_some(cell.blocked_by).flatten();
    (cell.outcome, blocked)
}

impl<'a> SideBySide<'a> {
    /// Compares.
    pub fn of(records: &'a [Named<'a>]) -> Self {
        let all: Vec<&Record> = records.iter().map(|named| named.record).collect();
        let cells: Vec<Cells<'a>> = all.iter().map(|record| Cells::of(record)).collect();
        let scenarios = ids(all.iter().map(|record| record.scenarios.iter().map(|entry| entry.id.as_str())));
        let probes = ids(all.iter().map(|record| record.probes.iter().map(|entry| entry.id.as_str())));
        let judge = why::Judge::of(records, &cells);
        let scenarios = scenarios.into_iter().map(|id| Scenario {
            id,
            missing: cells.iter().map(|cells| missing(cells, id)).collect(),
            rows: probes
                .iter()
                .filter_map(|probe| row(&judge, &cells, Place { scenario: id, probe }))
                .collect(),
        });
        let scenarios: Vec<Scenario<'a>> = scenarios.collect();
        let rest = 1..records.len();
        let changes = rest.clone().map(|at| Change::of(records, at, &cells, &scenarios)).collect();
        let diffs = rest.map(|at| Diff::of(records, at, &cells, (&scenarios, &probes), &judge)).collect();
        Self { records, facts: facts::of(&all), scenarios, changes, diffs }
    }

    /// Rows that differ so far, in the order of the records.
    pub fn differing(&self, differs: Differs) -> impl Iterator<Item = &Row<'a>> {
        self.scenarios.iter().flat_map(|scenario| &scenario.rows).filter(move |row| row.differs == differs)
    }

    /// Rows whose answers differ, by their reasons: those without one first, then the most frequent reason.
    pub fn by_reason(&self, differs: Differs) -> Vec<(Option<&Why>, Vec<&Row<'a>>)> {
        let mut groups: Vec<(Option<&Why>, Vec<&Row<'a>>)> = Vec::new();
        for row in self.differing(differs) {
            for why in &row.why {
                match groups.iter_mut().find(|(known, _)| *known == why.as_ref()) {
                    Some((_, rows)) => rows.push(row),
                    None => groups.push((why.as_ref(), vec![row])),
                }
            }
        }
        groups.sort_by_key(|(why, rows)| (why.is_some(), std::cmp::Reverse(rows.len())));
        groups
    }

    /// How many rows differ so far, and for how many of them a record's difference has no known reason.
    pub fn counts(&self, differs: Differs) -> (usize, usize) {
        let unexplained = self.differing(differs).filter(|row| row.why.contains(&None)).count();
        (self.differing(differs).count(), unexplained)
    }

    /// Rows in all.
    pub fn rows(&self) -> usize {
        self.scenarios.iter().map(|scenario| scenario.rows.len()).sum()
    }
}

fn missing(cells: &Cells<'_>, scenario: &str) -> Option<String> {
    match cells.scenario(scenario) {
        None => Some("this record does not have the scenario".to_owned()),
        Some(entry) => match (&entry.refused, &entry.not_run) {
            (Some(said), _) => Some(format!("refused: {said}")),
            (None, Some(why)) => Some(format!("not run: {why}")),
            (None, None) => None,
        },
    }
}

fn row<'a>(judge: &why::Judge<'_, 'a>, cells: &[Cells<'a>], place: Place<'a>) -> Option<Row<'a>> {
    let found: Vec<Option<&Cell>> = cells.iter().map(|cells| cells.verdict(place)).collect();
    let mut there = found.iter().enumerate().filter_map(|(at, cell)| Some((at, (*cell)?)));
    let (first, reference) = there.next()?;
    let others: Vec<(usize, &Cell)> = there.collect();
    if others.is_empty() {
        return None;
    }
    let mut row = Row { place, cells: found.clone(), differs: Differs::No, why: Vec::new() };
    for (at, cell) in others {
        let differs = how_far(reference, cell);
        // What differs only behind says nothing more once the answers differ.
        if differs < row.differs || differs == Differs::No {
            continue;
        }
        if differs > row.differs {
            row.why.clear();
            row.differs = differs;
        }
        let why = judge.why(place, [(first, reference), (at, cell)]);
        if !row.why.contains(&why) {
            row.why.push(why);
        }
    }
    Some(row)
}

fn how_far(one: &Cell, other: &Cell) -> Differs {
    if answer(one) != answer(other) {
        Differs::Answer
    } else if one.outcome == Outcome::Blocked
        && (&one.layers, &one.opens, &one.errno) != (&other.layers, &other.opens, &other.errno)
    {
        Differs::Behind
    } else {
        Differs::No
    }
}

#[cfg(test)]
mod tests;
