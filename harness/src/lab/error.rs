//! What can be wrong with a lab, and with a learner's folder.

use thiserror::Error;

use crate::scenario::{ScenarioError, nearest};

/// A lab, a folder or a progress file that cannot be used.
#[derive(Debug, Error)]
pub enum LabError {
    /// No lab is called so.
    #[error("there is no lab '{}'{}; `whyblocked lab list` shows them all", name.escape_debug(), nearest(near.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The name most like it.
        near: Option<String>,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Unwritable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not say what it should.
    #[error("{path}: {why}")]
    Malformed {
        /// Which file, with the line where that is known.
        path: String,
        /// Why.
        why: String,
    },
    /// A file of the lab does not parse; it names itself.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// No folder of labs is here.
    #[error(
        "no labs were started here; `whyblocked lab start` makes the folder '{folder}' and begins the first"
    )]
    NoFolder {
        /// What the folder is called.
        folder: &'static str,
    },
    /// No lab is under way.
    #[error("no lab is under way in {path}; `whyblocked lab start` begins the next")]
    NoneUnderWay {
        /// Which folder.
        path: String,
    },
}
