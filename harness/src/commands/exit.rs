//! Exit codes, and which error means which.

use std::fmt::Display;
use std::process::ExitCode;

use nix::sys::signal::Signal;

use crate::engine::EngineError;
use crate::record::RecordError;
use crate::report::book::BookError;
use crate::scenario::ScenarioError;
use crate::survey::SurveyError;
use crate::tryout::TryError;

/// How the program ends. The numbers are part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// As expected.
    Expected = 0,
    /// Hardening differs from what was wanted.
    Differs = 1,
    /// Wrong usage, or a file that does not parse.
    Usage = 2,
    /// The harness could not do its work.
    Failed = 3,
    /// Nothing was run.
    NothingRun = 4,
}

impl Exit {
    /// What a program that ended with this code has said.
    pub(super) fn from_code(code: i32) -> Option<Self> {
        let all = [Self::Expected, Self::Differs, Self::Usage, Self::Failed, Self::NothingRun];
        all.into_iter().find(|exit| *exit as i32 == code)
    }
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
    signal: Option<Signal>,
}

impl Failure {
    /// Wrong usage.
    pub fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, anyhow::anyhow!("{message}"))
    }

    /// The harness could not do its work.
    pub fn failed(message: impl Display) -> Self {
        Self::new(Exit::Failed, anyhow::anyhow!("{message}"))
    }

    /// Nothing could be run, and here is why.
    pub fn nothing_run(message: impl Display) -> Self {
        Self::new(Exit::NothingRun, anyhow::anyhow!("{message}"))
    }

    /// A signal asked the program to end.
    pub fn interrupted(signal: Signal) -> Self {
        let error = anyhow::anyhow!("interrupted by {signal}; everything is put away, nothing was written");
        Self { signal: Some(signal), ..Self::new(Exit::Failed, error) }
    }

    fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), signal: None }
    }

    /// The message; each error names its own cause.
    pub fn message(&self) -> String {
        self.error.to_string()
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The signal that the program is to end by.
    pub fn signal(&self) -> Option<Signal> {
        self.signal
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<TryError> for Failure {
    fn from(error: TryError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        let exit = if matches!(error, RecordError::Unwritable { .. }) { Exit::Failed } else { Exit::Usage };
        Self::new(exit, error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::new(Exit::Failed, error)
    }
}

impl From<SurveyError> for Failure {
    fn from(error: SurveyError) -> Self {
        match error {
            SurveyError::Scenario(error) => error.into(),
            SurveyError::Engine(error) | SurveyError::NoEngine(error) => error.into(),
        }
    }
}

impl From<BookError> for Failure {
    fn from(error: BookError) -> Self {
        let exit = if matches!(error, BookError::NotOurs { .. }) { Exit::Usage } else { Exit::Failed };
        Self::new(exit, error)
    }
}
