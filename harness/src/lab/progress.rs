//! A learner's progress: a TOML file that they can read, beside the labs that they started.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Lab, LabError};
use crate::input;

/// The file's name.
pub const FILE: &str = "progress.toml";

/// The value of [`Progress::format`].
pub const FORMAT: &str = "whyblocked-labs/1";

/// This moment, to the second.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Longer files are no progress.
const LONGEST: u64 = 4 << 20;

/// How far a learner is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// `whyblocked-labs/1`.
    pub format: String,
    /// What the learner wants to be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The lab that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// Every lab that was started, in that order.
    #[serde(default, rename = "lab")]
    pub labs: Vec<Taken>,
}

/// A lab that was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Its id.
    pub id: String,
    /// Its folder, if it is none that is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When it was started.
    pub started: Timestamp,
    /// When its last step was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// Its steps.
    #[serde(default, rename = "step")]
    pub steps: Vec<StepTaken>,
}

/// How a learner fared with a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepTaken {
    /// `predict`, `configure` or `explain`.
    pub kind: String,
    /// How often it was tried.
    pub tries: u32,
    /// How many of its hints were shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub hints: u32,
    /// What was answered first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Whether that was what the run then showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<bool>,
    /// Whether its solution was shown before it was done.
    #[serde(skip_serializing_if = "is_false")]
    pub solution_shown: bool,
    /// Whether it was passed over.
    #[serde(skip_serializing_if = "is_false")]
    pub skipped: bool,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(is: &bool) -> bool {
    !*is
}

impl Default for Progress {
    fn default() -> Self {
        Self { format: FORMAT.to_owned(), name: None, current: None, labs: Vec::new() }
    }
}

impl Progress {
    /// Reads a progress file.
    pub fn read(path: &Path) -> Result<Self, LabError> {
        let shown = path.display().to_string();
        let text = input::read_text(path, LONGEST)
            .map_err(|source| LabError::Unreadable { path: shown.clone(), source })?;
        Self::parse(&shown, &text)
    }

    /// Parses the text of one; `path` is for messages.
    pub fn parse(path: &str, text: &str) -> Result<Self, LabError> {
        let malformed = |why: String| LabError::Malformed { path: path.to_owned(), why };
        let table: toml::Table = toml::from_str(text).map_err(|error| malformed(what(&error)))?;
        match table.get("format").and_then(toml::Value::as_str) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(malformed(format!(
                    "its format is '{}'; this program reads '{FORMAT}'",
                    other.escape_debug()
                )));
            }
            None => return Err(malformed("not a file of progress: it has no 'format'".to_owned())),
        }
        toml::from_str(text).map_err(|error| malformed(what(&error)))
    }

    /// As it is written.
    pub fn text(&self) -> Result<String, LabError> {
        let why =
            |error: toml::ser::Error| LabError::Malformed { path: FILE.to_owned(), why: error.to_string() };
        Ok(format!(
            "# How far the labs are. `whyblocked lab status` shows it.\n{}",
            toml::to_string(self).map_err(why)?
        ))
    }

    /// What is known of a lab.
    pub fn of(&self, id: &str) -> Option<&Taken> {
        self.labs.iter().find(|taken| taken.id == id)
    }

    /// The same, begun now if it was not before, with a step for each of the lab's.
    pub fn begun(&mut self, lab: &Lab, from: Option<String>, now: Timestamp) -> &mut Taken {
        let place = self.labs.iter().position(|taken| taken.id == lab.id).unwrap_or_else(|| {
            self.labs.push(Taken {
                id: lab.id.clone(),
                from: None,
                started: now,
                finished: None,
                steps: Vec::new(),
            });
            self.labs.len() - 1
        });
        let taken = &mut self.labs[place];
        taken.from = from.or_else(|| taken.from.take());
        taken.fit(lab);
        taken
    }
}

impl Taken {
    /// The first step that is not done yet.
    pub fn next(&self) -> Option<usize> {
        self.steps.iter().position(|step| step.done.is_none())
    }

    /// Marks a step done, and the lab with the last.
    pub fn done(&mut self, step: usize, now: Timestamp) {
        if let Some(step) = self.steps.get_mut(step) {
            step.done.get_or_insert(now);
        }
        if self.next().is_none() {
            self.finished.get_or_insert(now);
        }
    }

    /// As many steps as the lab has, of its kinds: a newer lab may have others.
    pub fn fit(&mut self, lab: &Lab) {
        self.steps.resize(lab.file.steps.len(), StepTaken::default());
        for (taken, step) in self.steps.iter_mut().zip(&lab.file.steps) {
            if taken.kind != step.kind() {
                *taken = StepTaken { kind: step.kind().to_owned(), ..StepTaken::default() };
            }
        }
        if self.next().is_some() {
            self.finished = None;
        }
    }
}

/// The line, and what is wrong there.
fn what(error: &toml::de::Error) -> String {
    error.message().lines().next().unwrap_or("it is no TOML").escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::lab;

    fn begun() -> Progress {
        let lab = lab::find("1").unwrap();
        let mut progress =
            Progress { name: Some("Ada".to_owned()), current: Some(lab.id.clone()), ..Progress::default() };
        progress.begun(&lab, None, Timestamp::UNIX_EPOCH);
        progress
    }

    #[test]
    fn what_is_written_is_read() {
        let mut progress = begun();
        progress.labs[0].steps[0] = StepTaken {
            tries: 2,
            answer: Some("blocked".to_owned()),
            right: Some(false),
            ..progress.labs[0].steps[0].clone()
        };
        progress.labs[0].done(0, Timestamp::UNIX_EPOCH);
        assert_eq!(Progress::parse("p", &progress.text().unwrap()).unwrap(), progress);
    }

    #[test]
    fn a_lab_is_finished_with_its_last_step() {
        let mut progress = begun();
        let taken = &mut progress.labs[0];
        for step in 0..taken.steps.len() {
            assert_eq!((taken.next(), taken.finished), (Some(step), None));
            taken.done(step, Timestamp::UNIX_EPOCH);
        }
        assert_eq!((taken.next(), taken.finished), (None, Some(Timestamp::UNIX_EPOCH)));
    }

    #[rstest]
    #[case::no_toml("]", "p: ")]
    #[case::something_else("a = 1", "p: not a file of progress: it has no 'format'")]
    #[case::newer(
        "format = \"whyblocked-labs/2\"",
        "p: its format is 'whyblocked-labs/2'; this program reads 'whyblocked-labs/1'"
    )]
    #[case::odd_key("format = \"whyblocked-labs/1\"\nx = 1", "p: unknown field `x`")]
    fn a_broken_file_says_what_is_wrong(#[case] text: &str, #[case] message: &str) {
        let error = Progress::parse("p", text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }

    const FILES: &[&str] = &[
        "format = \"whyblocked-labs/1\"\ncurrent = \"01-namespaces\"\n[[lab]]\nid = \"01-namespaces\"\nstarted = \"2026-11-25T12:00:00Z\"\n[[lab.step]]\nkind = \"predict\"\ntries = 1\n",
    ];

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(text in crate::testing::damaged(FILES)) {
            if let Err(error) = Progress::parse("p", &String::from_utf8_lossy(&text)) {
                prop_assert!(!error.to_string().chars().any(char::is_control));
            }
        }
    }
}
