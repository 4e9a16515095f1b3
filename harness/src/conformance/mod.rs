//! Two records, cell by cell: where two engines come to the same verdict, where they do not, and why, as far as that is
//! known. Pure: it reads the records and formats nothing.
//!
//! A comparison is of two records. More than two are held against the first, one after another.

pub(crate) mod cells;
pub mod known;
mod tally;

use std::collections::{BTreeMap, HashMap};

use self::cells::{Cells, ids};
pub use self::known::Known;
pub use self::tally::{Answer, Tally};
use crate::mechanism::Mechanism;
use crate::record::Posture as Stood;
use crate::record::{Cell, Outcome, Record};

/// A record and another, held against each other.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// The records.
    pub sides: [&'a Record; 2],
    /// All comparable cells together.
    pub all: Tally,
    /// Cells with another outcome, or another mechanism that answered; those without a known reason first.
    pub differing: Vec<Pair<'a>>,
    /// Cells with the same answer whose layers, opening sets or errno differ: they count as agreeing. Those without a
    /// known reason first.
    pub behind: Vec<Pair<'a>>,
    /// What cannot be compared, by the reason why not, in the order of the records.
    pub incomparable: Vec<(Why<'a>, Vec<Place<'a>>)>,
    /// Mechanisms that stood differently in a scenario of both.
    pub postures: Vec<Posture<'a>>,
    /// How many cells of each scenario agree, in the order of the records.
    pub by_scenario: Vec<(&'a str, Tally)>,
    /// The same by who answered; a cell in which two answered counts for both.
    pub by_answer: BTreeMap<Answer, Tally>,
}

/// A scenario and a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The scenario's id.
    pub scenario: &'a str,
    /// The probe's id.
    pub probe: &'a str,
}

/// The same cell on both sides.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// Where it is.
    pub place: Place<'a>,
    /// What each side says.
    pub cells: [&'a Cell; 2],
    /// Why they differ, if that is known.
    pub known: Option<&'static Known>,
}

/// Why a cell cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why<'a> {
    /// A side has not run the scenario: the reason, where there is one.
    NotRun([Option<&'a str>; 2]),
    /// One of the records knows no such scenario; which side.
    NoScenario(usize),
    /// One of the records knows no such probe; which side.
    NoProbe(usize),
    /// A record lists scenario and probe, and has no verdict for them; whether each side does.
    NoVerdict([bool; 2]),
    /// A side came to no answer: the outcome and its reason, where that is so.
    Undecided([Option<(Outcome, &'a str)>; 2]),
}

/// A mechanism that stood differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posture<'a> {
    /// In which scenario.
    pub scenario: &'a str,
    /// Which mechanism.
    pub mechanism: Mechanism,
    /// How it stood on each side; off where there is nothing.
    pub states: [Option<&'a str>; 2],
}

impl<'a> Comparison<'a> {
    /// Compares.
    pub fn of(first: &'a Record, second: &'a Record) -> Self {
        let sides = [first, second];
        let cells = sides.map(Cells::of);
        let scenarios = ids(sides.map(|record| record.scenarios.iter().map(|entry| entry.id.as_str())));
        let probes = ids(sides.map(|record| record.probes.iter().map(|entry| entry.id.as_str())));
        let reasons = known::Reasons::between([&first.engine, &second.engine]);
        let mut comparison = Self {
            sides,
            all: Tally::default(),
            differing: Vec::new(),
            behind: Vec::new(),
            incomparable: Vec::new(),
            postures: Vec::new(),
            by_scenario: Vec::new(),
            by_answer: BTreeMap::new(),
        };
        let mut set_aside = Vec::new();
        for scenario in scenarios {
            comparison.postures.extend(cells::postures(&cells, scenario));
            let mut of_this_one = Tally::default();
            for probe in &probes {
                let place = Place { scenario, probe };
                match cells::pair(&cells, place) {
                    Err(why) => set_aside.push((why, place)),
                    Ok(pair) => {
                        let stood = [0, 1].map(|side: usize| cells[side].posture(scenario));
                        comparison.count(pair, &reasons, stood, &mut of_this_one);
                    }
                }
            }
            comparison.by_scenario.push((scenario, of_this_one));
        }
        comparison.incomparable = grouped(set_aside);
        comparison.differing.sort_by_key(|pair| pair.known.is_some());
        comparison.behind.sort_by_key(|pair| pair.known.is_some());
        comparison
    }

    fn count(
        &mut self,
        mut pair: Pair<'a>,
        reasons: &known::Reasons,
        stood: [&'a [Stood]; 2],
        of_scenario: &mut Tally,
    ) {
        let answers = pair.cells.map(Answer::of);
        let agrees = answers[0] == answers[1];
        if !agrees || pair.differs_behind() {
            pair.known = reasons.find(&pair, stood);
        }
        let explained = pair.known.is_some();
        let mut tallies = vec![&mut self.all, of_scenario];
        for tally in &mut tallies {
            tally.add(agrees, explained);
        }
        self.by_answer.entry(answers[0]).or_default().add(agrees, explained);
        if !agrees {
            self.by_answer.entry(answers[1]).or_default().add(agrees, explained);
            self.differing.push(pair);
        } else if pair.differs_behind() {
            self.behind.push(pair);
        }
    }

    /// Cells that cannot be compared.
    pub fn incomparable_cells(&self) -> usize {
        self.incomparable.iter().map(|(_, places)| places.len()).sum()
    }

    /// The differences without a known reason: they come first.
    pub fn unexplained(&self) -> &[Pair<'a>] {
        let count = self.differing.iter().take_while(|pair| pair.known.is_none()).count();
        &self.differing[..count]
    }

    /// Differences by their known reason.
    pub fn explained(pairs: &[Pair<'a>]) -> Vec<(&'static Known, Vec<Pair<'a>>)> {
        let mut by_reason: Vec<(&Known, Vec<Pair<'_>>)> = Vec::new();
        for pair in pairs {
            let Some(known) = pair.known else { continue };
            match by_reason.iter_mut().find(|(one, _)| std::ptr::eq(*one, known)) {
                Some((_, pairs)) => pairs.push(*pair),
                None => by_reason.push((known, vec![*pair])),
            }
        }
        by_reason
    }

    /// Scenarios whose filters are different ones.
    pub fn filters(&self) -> Vec<&Posture<'a>> {
        self.postures.iter().filter(|posture| posture.mechanism == Mechanism::Seccomp).collect()
    }
}

impl Pair<'_> {
    /// Whether the sides differ in what stands behind the one that answered, or in the errno.
    pub fn differs_behind(&self) -> bool {
        let [one, other] = self.cells;
        one.layers != other.layers
            || one.opens != other.opens
            || one.depth != other.depth
            || one.errno != other.errno
    }
}

/// The places of each reason; the reasons in the order in which they first come.
fn grouped<'a>(set_aside: Vec<(Why<'a>, Place<'a>)>) -> Vec<(Why<'a>, Vec<Place<'a>>)> {
    let mut groups: Vec<(Why<'a>, Vec<Place<'a>>)> = Vec::new();
    let mut known: HashMap<Why<'a>, usize> = HashMap::new();
    for (why, place) in set_aside {
        let group = *known.entry(why).or_insert_with(|| {
            groups.push((why, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(place);
    }
    groups
}

/// Whether a record is of another engine than the first: of another name or version.
pub fn other_engine(first: &Record, other: &Record) -> bool {
    (&first.engine.name, &first.engine.version) != (&other.engine.name, &other.engine.version)
}

#[cfg(test)]
mod tests;
