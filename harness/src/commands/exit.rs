//! Exit codes, and which error means which.

use std::fmt::Display;
use std::process::ExitCode;

use crate::engine::EngineError;
use crate::record::RecordError;
use crate::report::book::BookError;
use crate::scenario::ScenarioError;

/// How the program ends. The numbers are part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// As expected.
    Expected = 0,
    /// Wrong usage, or a file that does not parse.
    Usage = 2,
    /// The harness could not do its work.
    Failed = 3,
    /// Nothing was run.
    NothingRun = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with its exit code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    /// Wrong usage.
    pub fn usage(message: impl Display) -> Self {
        Self { exit: Exit::Usage, error: anyhow::anyhow!("{message}") }
    }

    /// The harness could not do its work.
    pub fn failed(message: impl Display) -> Self {
        Self { exit: Exit::Failed, error: anyhow::anyhow!("{message}") }
    }

    /// The message; each error names its own cause.
    pub fn message(&self) -> String {
        self.error.to_string()
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        let exit = if matches!(error, RecordError::Unwritable { .. }) { Exit::Failed } else { Exit::Usage };
        Self { exit, error: error.into() }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self { exit: Exit::Failed, error: error.into() }
    }
}

impl From<BookError> for Failure {
    fn from(error: BookError) -> Self {
        let exit = if matches!(error, BookError::NotOurs { .. }) { Exit::Usage } else { Exit::Failed };
        Self { exit, error: error.into() }
    }
}
