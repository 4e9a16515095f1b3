//! A record without what a book of very many does not show: the evidence, the calls, the notes. It keeps each answer once,
//! and where it was given; it must not lose what makes two verdicts different ones.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

use super::Verdict;
use crate::engine::About;
use crate::host::Host;
use crate::mechanism::Mechanism;
use crate::record::{
    Cell, LeftOut, Outcome, ProbeEntry, Proof, Record, RecordError, ScenarioEntry, Timing, Witness,
    check_format,
};

/// What a verdict says, wherever it was given. Two verdicts are the same if these are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// What follows.
    pub outcome: Outcome,
    /// Whose check answered.
    pub blocked_by: Option<Mechanism>,
    /// Its errno's name, if the call failed.
    pub errno: Option<String>,
    /// Every mechanism that is enough alone.
    pub layers: Vec<Mechanism>,
    /// The minimal sets whose relaxation opens it.
    pub opens: Vec<Vec<Mechanism>>,
    /// How many mistakes it takes.
    pub depth: Option<u32>,
    /// Why it could not be tested, or what broke.
    pub reason: Option<String>,
    /// Whether the methods disagree. Whether one more method confirms it makes no other answer: that depends on how well
    /// a host's kernel can be watched.
    pub conflict: bool,
}

impl Answer {
    /// As a verdict about a place, without what was dropped.
    pub fn cell(&self, scenario: &str, probe: &str) -> Cell {
        Cell {
            scenario: scenario.to_owned(),
            probe: probe.to_owned(),
            outcome: self.outcome,
            call: None,
            errno: self.errno.clone(),
            blocked_by: self.blocked_by,
            layers: self.layers.clone(),
            opens: self.opens.clone(),
            depth: self.depth,
            evidence: Vec::new(),
            proof: self.conflict.then_some(Proof::Conflict),
            unconfirmed: None,
            reason: self.reason.clone(),
            note: None,
            violations: Vec::new(),
        }
    }
}

/// A record, reduced.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduced {
    /// The record without its verdicts.
    pub frame: Record,
    /// What it answers, each once.
    pub answers: Vec<Answer>,
    /// Its verdicts: the scenario, the probe and the answer, by their places in the lists. Sorted by scenario and probe, and no
    /// two about the same.
    pub verdicts: Vec<Verdict>,
}

impl Reduced {
    /// Reads the bytes of a record; `path` is for messages. What is dropped is skipped, and not looked at: a file that is no
    /// record only there is taken for one.
    pub fn parse(path: &str, text: &[u8]) -> Result<Self, RecordError> {
        match serde_json::from_slice::<Slim<'_>>(text) {
            Ok(slim) => {
                check_format(path, Some(&slim.format))?;
                Ok(slim.reduce())
            }
            Err(error) => {
                let malformed = |why: String| RecordError::Malformed { path: path.to_owned(), why };
                // A newer record may lack fields that this program wants: its format is the better reason.
                let head: Head<'_> =
                    serde_json::from_slice(text).map_err(|_| malformed(error.to_string()))?;
                check_format(path, head.format.as_deref())?;
                Err(malformed(error.to_string()))
            }
        }
    }

    /// Of a record that was read whole.
    pub fn of(record: &Record) -> Self {
        let frame = without_cells(record);
        let mut gathered = Gathered::of(&frame);
        for cell in &record.cells {
            let answer = Answer {
                outcome: cell.outcome,
                blocked_by: cell.blocked_by,
                errno: cell.errno.clone(),
                layers: cell.layers.clone(),
                opens: cell.opens.clone(),
                depth: cell.depth,
                reason: cell.reason.clone(),
                conflict: cell.proof == Some(Proof::Conflict),
            };
            gathered.add(&cell.scenario, &cell.probe, answer);
        }
        let (answers, verdicts) = gathered.done();
        Self { frame, answers, verdicts }
    }
}

/// A clone that does not clone the verdicts first.
fn without_cells(record: &Record) -> Record {
    Record {
        format: record.format.clone(),
        started: record.started,
        host: record.host.clone(),
        engine: record.engine.clone(),
        witness: record.witness.clone(),
        scenarios: record.scenarios.clone(),
        probes: record.probes.clone(),
        left_out: record.left_out.clone(),
        cells: Vec::new(),
        tried: record.tried.clone(),
        timing: record.timing,
        cut_short: record.cut_short.clone(),
    }
}

/// Puts verdicts where they belong; those about scenarios or probes that the record does not list belong nowhere.
struct Gathered {
    scenarios: HashMap<String, u32>,
    probes: HashMap<String, u32>,
    known: HashMap<Answer, u32>,
    verdicts: HashMap<(u32, u32), u32>,
}

impl Gathered {
    fn of(frame: &Record) -> Self {
        fn places<'a>(ids: impl Iterator<Item = &'a String>) -> HashMap<String, u32> {
            ids.zip(0..).map(|(id, place)| (id.clone(), place)).collect()
        }
        Self {
            scenarios: places(frame.scenarios.iter().map(|entry| &entry.id)),
            probes: places(frame.probes.iter().map(|entry| &entry.id)),
            known: HashMap::new(),
            verdicts: HashMap::new(),
        }
    }

    fn add(&mut self, scenario: &str, probe: &str, answer: Answer) {
        let (Some(scenario), Some(probe)) = (self.scenarios.get(scenario), self.probes.get(probe)) else {
            return;
        };
        let next = self.known.len() as u32;
        let answer = *self.known.entry(answer).or_insert(next);
        self.verdicts.insert((*scenario, *probe), answer);
    }

    fn done(self) -> (Vec<Answer>, Vec<Verdict>) {
        let mut answers: Vec<(Answer, u32)> = self.known.into_iter().collect();
        answers.sort_unstable_by_key(|(_, place)| *place);
        let mut verdicts: Vec<_> =
            self.verdicts.into_iter().map(|((scenario, probe), answer)| (scenario, probe, answer)).collect();
        verdicts.sort_unstable();
        (answers.into_iter().map(|(answer, _)| answer).collect(), verdicts)
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    format: Option<Cow<'a, str>>,
}

/// A [`Record`] as it is in a file, without what is dropped.
#[derive(Deserialize)]
struct Slim<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    started: u64,
    host: Host,
    engine: About,
    witness: Witness,
    scenarios: Vec<ScenarioEntry>,
    probes: Vec<ProbeEntry>,
    #[serde(default)]
    left_out: Vec<LeftOut>,
    #[serde(borrow)]
    cells: Vec<SlimCell<'a>>,
    timing: Timing,
    #[serde(default)]
    cut_short: Option<String>,
}

#[derive(Deserialize)]
struct SlimCell<'a> {
    #[serde(borrow)]
    scenario: Cow<'a, str>,
    #[serde(borrow)]
    probe: Cow<'a, str>,
    outcome: Outcome,
    errno: Option<String>,
    blocked_by: Option<Mechanism>,
    layers: Vec<Mechanism>,
    opens: Vec<Vec<Mechanism>>,
    depth: Option<u32>,
    proof: Option<Proof>,
    reason: Option<String>,
}

impl Slim<'_> {
    fn reduce(self) -> Reduced {
        let frame = Record {
            format: self.format.into_owned(),
            started: self.started,
            host: self.host,
            engine: self.engine,
            witness: self.witness,
            scenarios: self.scenarios,
            probes: self.probes,
            left_out: self.left_out,
            cells: Vec::new(),
            tried: None,
            timing: self.timing,
            cut_short: self.cut_short,
        };
        let mut gathered = Gathered::of(&frame);
        for cell in self.cells {
            let answer = Answer {
                outcome: cell.outcome,
                blocked_by: cell.blocked_by,
                errno: cell.errno,
                layers: cell.layers,
                opens: cell.opens,
                depth: cell.depth,
                reason: cell.reason,
                conflict: cell.proof == Some(Proof::Conflict),
            };
            gathered.add(&cell.scenario, &cell.probe, answer);
        }
        let (answers, verdicts) = gathered.done();
        Reduced { frame, answers, verdicts }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::record;

    const RECORD: &str = include_str!("../../../tests/src/record.json");

    #[rstest]
    #[case::small(RECORD)]
    #[case::real(include_str!("../../../book/observed/plain.json"))]
    #[case::another_host(include_str!("../../../book/observed/selinux.json"))]
    fn reading_less_and_reading_all_come_to_the_same(#[case] text: &str) {
        let whole = Reduced::of(&record::parse("r.json", text.as_bytes()).unwrap());
        let mut slim = Reduced::parse("r.json", text.as_bytes()).unwrap();
        slim.frame.tried.clone_from(&whole.frame.tried);
        assert_eq!(slim, whole);
        assert!(slim.answers.len() < slim.verdicts.len() || slim.verdicts.len() < 10);
    }

    #[rstest]
    #[case::not_json("{")]
    #[case::no_format("{}")]
    #[case::newer(r#"{"format":"whyblocked/2"}"#)]
    #[case::another(r#"{"format":"junit"}"#)]
    #[case::hostile(r#"{"format":"\u001b[2J"}"#)]
    #[case::missing_fields(r#"{"format":"whyblocked/1"}"#)]
    fn a_broken_record_says_the_same_as_when_it_is_read_whole(#[case] text: &str) {
        let [slim, whole] = [
            Reduced::parse("r.json", text.as_bytes()).map(|_| ()),
            record::parse("r.json", text.as_bytes()).map(|_| ()),
        ]
        .map(|result| result.unwrap_err().to_string());
        // Where in the file a field is missing is known only to whom reads it from there.
        assert_eq!(slim.split(" at line").next(), whole.split(" at line").next());
    }

    #[test]
    fn a_newer_record_that_this_program_could_read_is_not_read() {
        let newer = RECORD.replace("whyblocked/1", "whyblocked/2");
        let error = Reduced::parse("r.json", newer.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("a newer one can read that"), "{error}");
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(text in crate::testing::damaged(&[RECORD])) {
            if let Err(error) = Reduced::parse("r.json", &text) {
                let message = error.to_string();
                prop_assert!(!message.chars().any(char::is_control), "{message:?}");
            }
        }
    }
}
