//! Holds claims against records: what each of their tests says of each record, and what follows for the claim.

use super::{Claim, Expect, Instead, Look, Test, Verdict, Where};
use crate::conformance::Place;
use crate::conformance::cells::{Cells, Found as There, state};
use crate::documented::calls::{self, CallRow};
use crate::record::{Cell, Outcome, Record, ScenarioEntry};

/// A claim and what came of it.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The claim.
    pub claim: &'static Claim,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What was seen of what it predicts.
    pub predicted: Vec<Observed<'a>>,
    /// The manual's list of calls, if the claim is about that.
    pub calls: Vec<CallRow<'a>>,
    /// What is so instead: those of its words for which everything was seen. Empty if it holds.
    pub instead: Vec<(&'static Instead, Vec<Observed<'a>>)>,
}

/// A test and what each record says to it.
#[derive(Debug)]
pub struct Observed<'a> {
    /// The test.
    pub test: &'static Test,
    /// Record by record.
    pub found: Vec<Found<'a>>,
}

/// What a record says to a test.
#[derive(Debug)]
pub struct Found<'a> {
    /// Whether it is as expected.
    pub said: Said,
    /// What was seen, or why nothing was.
    pub words: String,
    /// The verdict that it rests on, if it is one.
    pub cell: Option<&'a Cell>,
}

/// Whether something is as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// This record cannot tell.
    Unseen,
}

impl Observed<'_> {
    /// What all records together say: no, if one of them does.
    pub fn said(&self) -> Said {
        let any = |said| self.found.iter().any(|found| found.said == said);
        if any(Said::No) {
            Said::No
        } else if any(Said::Yes) {
            Said::Yes
        } else {
            Said::Unseen
        }
    }
}

/// Holds claims against records.
pub fn judge<'a>(claims: &[&'static Claim], records: &[&'a Record]) -> Vec<Judged<'a>> {
    let cells: Vec<(&Record, Cells<'a>)> =
        records.iter().map(|record| (*record, Cells::of(record))).collect();
    let judged = claims.iter().map(|claim| {
        let calls = if claim.list { calls::rows(records) } else { Vec::new() };
        one(claim, &cells, calls)
    });
    judged.collect()
}

fn one<'a>(
    claim: &'static Claim,
    records: &[(&'a Record, Cells<'a>)],
    calls: Vec<CallRow<'a>>,
) -> Judged<'a> {
    let predicted = observe(claim.predicts, records);
    let verdict = if claim.list { calls::verdict(&calls) } else { verdict(&predicted) };
    let instead = claim.instead.iter().map(|instead| (instead, observe(instead.shown_by, records)));
    let shown = |(_, observed): &(&Instead, Vec<Observed<'_>>)| {
        observed.iter().all(|observed| observed.said() == Said::Yes)
    };
    let instead = match verdict {
        Verdict::DoesNotHold => instead.filter(shown).collect(),
        _ => Vec::new(),
    };
    Judged { claim, verdict, predicted, calls, instead }
}

/// What follows from what was seen.
fn verdict(predicted: &[Observed<'_>]) -> Verdict {
    let any = |said| predicted.iter().any(|observed| observed.said() == said);
    match (any(Said::No), any(Said::Yes), any(Said::Unseen)) {
        (true, _, _) => Verdict::DoesNotHold,
        (_, true, false) => Verdict::Holds,
        (_, true, true) => Verdict::InPart,
        (_, false, _) => Verdict::NotObservable,
    }
}

/// What each of these records says to each of these tests.
pub(crate) fn observe<'a>(tests: &'static [Test], records: &[(&'a Record, Cells<'a>)]) -> Vec<Observed<'a>> {
    let of = |test| records.iter().map(|(record, cells)| look(test, record, cells)).collect();
    tests.iter().map(|test| Observed { test, found: of(test) }).collect()
}

fn unseen<'a>(words: impl Into<String>) -> Found<'a> {
    Found { said: Said::Unseen, words: words.into(), cell: None }
}

/// What one record says to a test.
fn look<'a>(test: &Test, record: &'a Record, cells: &Cells<'a>) -> Found<'a> {
    if let Some(why) = elsewhere(test.at, record) {
        return unseen(why);
    }
    let Some(entry) = cells.scenario(test.scenario) else {
        return unseen("the scenario is not in this record");
    };
    match test.look {
        Look::Refused(words) => return refused(entry, words),
        Look::Started => return started(entry),
        _ => {}
    }
    if let Some(why) = &entry.not_run {
        return unseen(format!("not run: {why}"));
    }
    let decided = |yes, words: String| Found { said: yes_or_no(yes), words, cell: None };
    match test.look {
        Look::Probe(probe, expect) => {
            verdict_on(cells, Place { scenario: test.scenario, probe }, |cell| expect.fits(cell))
        }
        Look::Witness(probe, method, words) => witnessed(cells, test.scenario, probe, (method, words)),
        Look::Stood(mechanism, words) => match state(&entry.posture, mechanism) {
            Some(state) => decided(state.contains(words), format!("{mechanism}: {state}")),
            None => decided(false, format!("{mechanism} is off")),
        },
        Look::Off(mechanism) => match state(&entry.posture, mechanism) {
            Some(state) => decided(false, format!("{mechanism} is on: {state}")),
            None => decided(true, format!("{mechanism} is off")),
        },
        Look::Note(words) => match entry.notes.iter().find(|note| note.contains(words)) {
            Some(note) => decided(true, note.clone()),
            None => unseen("no note of this run speaks of it"),
        },
        Look::Refused(_) | Look::Started => unreachable!("answered above"),
    }
}

fn yes_or_no(yes: bool) -> Said {
    if yes { Said::Yes } else { Said::No }
}

/// Why a record is of a host that cannot show this at all.
fn elsewhere(at: Where, record: &Record) -> Option<String> {
    let host = &record.host;
    let selinux = || (host.selinux != "enforcing").then(|| format!("SELinux is {} there", host.selinux));
    let engine = &record.engine.name;
    let docker = || (engine != "docker").then(|| format!("the engine is {engine}"));
    match at {
        Where::Anywhere => None,
        Where::Root => (host.privilege != "root").then(|| "the run had no root".to_owned()),
        Where::Selinux => selinux(),
        Where::SelinuxDocker => selinux().or_else(docker),
        Where::Docker => docker(),
        Where::Disposable => {
            (record.engine.place == "here").then(|| "not run in the disposable machine".to_owned())
        }
    }
}

fn refused<'a>(entry: &ScenarioEntry, words: &str) -> Found<'a> {
    match (&entry.refused, &entry.not_run) {
        (Some(said), _) => {
            Found { said: yes_or_no(said.contains(words)), words: format!("refused: {said}"), cell: None }
        }
        (None, Some(why)) => unseen(format!("not run: {why}")),
        (None, None) => Found { said: Said::No, words: "the container was started".to_owned(), cell: None },
    }
}

fn started<'a>(entry: &ScenarioEntry) -> Found<'a> {
    match (&entry.refused, &entry.not_run) {
        (Some(said), _) => Found { said: Said::No, words: format!("refused: {said}"), cell: None },
        (None, Some(why)) => unseen(format!("not run: {why}")),
        (None, None) => Found { said: Said::Yes, words: "the container was started".to_owned(), cell: None },
    }
}

fn verdict_on<'a>(cells: &Cells<'a>, place: Place<'_>, fits: impl Fn(&Cell) -> bool) -> Found<'a> {
    match cells.found(place) {
        There::Verdict(cell) => match cell.outcome {
            Outcome::Allowed | Outcome::Blocked => {
                Found { said: yes_or_no(fits(cell)), words: in_words(cell), cell: Some(cell) }
            }
            _ => Found { said: Said::Unseen, words: in_words(cell), cell: Some(cell) },
        },
        There::NoProbe => unseen("the probe is not in this record"),
        _ => unseen("there is no verdict in this record"),
    }
}

/// That it got through is not enough: a witness has to say whose it is, or the like.
fn witnessed<'a>(cells: &Cells<'a>, scenario: &str, probe: &str, (method, words): (&str, &str)) -> Found<'a> {
    let says = |cell: &Cell| {
        let of_it = cell.evidence.iter().filter(|evidence| evidence.method == method);
        of_it.map(|evidence| format!("{}: {}", evidence.says, evidence.detail)).collect::<Vec<_>>()
    };
    let mut found = verdict_on(cells, Place { scenario, probe }, |cell| {
        cell.outcome == Outcome::Allowed && says(cell).iter().any(|said| said.contains(words))
    });
    if let Some(cell) = found.cell.filter(|cell| cell.outcome == Outcome::Allowed) {
        let said = says(cell);
        if said.is_empty() {
            found.said = Said::Unseen;
            found.words.push_str("; the witness did not speak");
        } else {
            found.words = format!("{}; {}", found.words, said.join("; "));
        }
    }
    found
}

/// A verdict in a few words.
fn in_words(cell: &Cell) -> String {
    let reason = cell.reason.as_deref().unwrap_or("no reason given");
    let errno = cell.errno.as_ref().map_or_else(String::new, |errno| format!(" ({errno})"));
    match (cell.outcome, cell.blocked_by) {
        (Outcome::Allowed, _) => "got through".to_owned(),
        (Outcome::Blocked, Some(mechanism)) => format!("blocked by {mechanism}{errno}"),
        (Outcome::Blocked, None) => format!("blocked{errno}"),
        (Outcome::Untestable, _) => match &cell.note {
            Some(note) => format!("not testable there ({reason}): {note}"),
            None => format!("not testable there ({reason})"),
        },
        (Outcome::Broken, _) => format!("broken ({reason})"),
    }
}

impl Expect {
    /// Whether a decided verdict is as expected.
    fn fits(self, cell: &Cell) -> bool {
        let blocked = cell.outcome == Outcome::Blocked;
        match self {
            Self::Through => cell.outcome == Outcome::Allowed,
            Self::Blocked => blocked,
            Self::By(mechanism) => blocked && cell.blocked_by == Some(mechanism),
            Self::Layer(mechanism) => {
                blocked && (cell.blocked_by == Some(mechanism) || cell.layers.contains(&mechanism))
            }
        }
    }
}
