//! What `report` found, for programs: the records, what differs and why, what changed, what came of the
//! claims and of the manual.

use serde::Serialize;

use super::documented::Documented;
use crate::baseline::{Class, Expected};
use crate::claims::{Judged, Said};
use crate::conformance::Place;
use crate::documented;
use crate::record::{Cell, Record};
use crate::side_by_side::{Differs, SideBySide};

/// All of it.
#[derive(Debug, Serialize)]
pub struct Findings {
    records: Vec<Named>,
    facts: Vec<Fact>,
    differing: Vec<Difference>,
    changes: Vec<Change>,
    diffs: Vec<Diff>,
    claims: Vec<Claim>,
    documented: Documented,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
    engine: String,
    place: String,
    kernel: String,
    started: u64,
}

#[derive(Debug, Serialize)]
struct Fact {
    name: &'static str,
    values: Vec<String>,
    differs: bool,
}

#[derive(Debug, Serialize)]
struct Difference {
    scenario: String,
    probe: String,
    /// Record by record.
    outcomes: Vec<Option<crate::record::Outcome>>,
    blocked_by: Vec<Option<crate::mechanism::Mechanism>>,
    /// Empty if nothing in the records says why.
    why: Vec<String>,
    explained: bool,
}

#[derive(Debug, Serialize)]
struct Change {
    record: String,
    same_host: bool,
    stronger: Vec<String>,
    weaker: Vec<String>,
    other_mechanism: Vec<String>,
    same: usize,
    undecided: usize,
    new: usize,
    gone: usize,
}

/// What became of the first record's verdicts in another one.
#[derive(Debug, Serialize)]
struct Diff {
    record: String,
    same: usize,
    differing: Vec<Became>,
}

#[derive(Debug, Serialize)]
struct Became {
    scenario: String,
    probe: String,
    class: Class,
    was: Option<String>,
    is: Option<String>,
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct Claim {
    number: u32,
    title: &'static str,
    verdict: &'static str,
    instead: Vec<&'static str>,
    tests: Vec<Test>,
}

#[derive(Debug, Serialize)]
struct Test {
    what: &'static str,
    scenario: &'static str,
    probe: Option<&'static str>,
    expected: String,
    /// Record by record.
    found: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    as_expected: Option<bool>,
    says: String,
}

impl Findings {
    /// Of these.
    pub fn of(found: &SideBySide<'_>, judged: &[Judged<'_>]) -> Self {
        let places = |places: &[Place<'_>]| {
            places.iter().map(|place| format!("{}/{}", place.scenario, place.probe)).collect()
        };
        let records: Vec<&Record> = found.records.iter().map(|named| named.record).collect();
        Self {
            records: found
                .records
                .iter()
                .map(|named| Named {
                    name: named.name.clone(),
                    engine: format!("{} {}", named.record.engine.name, named.record.engine.version),
                    place: named.record.engine.place.clone(),
                    kernel: named.record.host.kernel.clone(),
                    started: named.record.started,
                })
                .collect(),
            facts: found
                .facts
                .iter()
                .map(|fact| Fact { name: fact.name, values: fact.values.clone(), differs: fact.differs() })
                .collect(),
            differing: found.differing(Differs::Answer).map(difference).collect(),
            changes: found
                .changes
                .iter()
                .map(|change| Change {
                    record: found.records[change.to].name.clone(),
                    same_host: change.same_host,
                    stronger: places(&change.stronger),
                    weaker: places(&change.weaker),
                    other_mechanism: places(&change.other),
                    same: change.same,
                    undecided: change.undecided,
                    new: change.new,
                    gone: change.gone,
                })
                .collect(),
            diffs: found.diffs.iter().map(|diff| became(found, diff)).collect(),
            claims: judged.iter().map(claim).collect(),
            documented: Documented::of(&documented::Documented::of(&records)),
        }
    }
}

fn difference(row: &crate::side_by_side::Row<'_>) -> Difference {
    Difference {
        scenario: row.place.scenario.to_owned(),
        probe: row.place.probe.to_owned(),
        outcomes: row.cells.iter().map(|cell| cell.map(|cell| cell.outcome)).collect(),
        blocked_by: row.cells.iter().map(|cell| cell.and_then(|cell| cell.blocked_by)).collect(),
        why: row.why.iter().flatten().map(ToString::to_string).collect(),
        explained: !row.why.contains(&None),
    }
}

fn became(found: &SideBySide<'_>, diff: &crate::side_by_side::Diff<'_>) -> Diff {
    let words = |cell: Option<&Cell>| cell.map(|cell| Expected::of(cell).in_words());
    let differing = diff.rows.iter().map(|row| Became {
        scenario: row.place.scenario.to_owned(),
        probe: row.place.probe.to_owned(),
        class: row.class,
        was: words(row.was),
        is: words(row.is),
        why: row.why.clone(),
    });
    Diff { record: found.records[diff.to].name.clone(), same: diff.same, differing: differing.collect() }
}

fn claim(judged: &Judged<'_>) -> Claim {
    let test = |observed: &crate::claims::Observed<'_>| Test {
        what: observed.test.what,
        scenario: observed.test.scenario,
        probe: observed.test.look.probe(),
        expected: observed.test.look.to_string(),
        found: observed
            .found
            .iter()
            .map(|found| Found {
                as_expected: match found.said {
                    Said::Yes => Some(true),
                    Said::No => Some(false),
                    Said::Unseen => None,
                },
                says: found.words.clone(),
            })
            .collect(),
    };
    Claim {
        number: judged.claim.number,
        title: judged.claim.title,
        verdict: judged.verdict.id(),
        instead: judged.instead.iter().map(|(instead, _)| instead.says).collect(),
        tests: judged.predicted.iter().map(test).collect(),
    }
}
