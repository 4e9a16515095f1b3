//! What can be wrong with a configuration that is to be tried, said so that it can be mended. Names that somebody
//! else has written are escaped here.

use thiserror::Error;

use crate::scenario::{ScenarioError, nearest};

/// A configuration that cannot be tried.
#[derive(Debug, Error)]
pub enum TryError {
    /// The line does not begin as it should.
    #[error("'{}' is not the beginning of a command that starts a container; write docker run, docker create or podman run", .word.escape_debug())]
    NotACommand {
        /// The word that does not belong there.
        word: String,
    },
    /// The line has no word, or a quotation that does not end.
    #[error("the line cannot be split into words; a quotation mark is missing, or there is nothing in it")]
    Unsplittable,
    /// A flag that neither Docker nor Podman has.
    #[error("{command}: unknown flag '{}'{}", .flag.escape_debug(), nearest(near.as_deref()))]
    UnknownFlag {
        /// `docker run`.
        command: String,
        /// The flag, with its dashes.
        flag: String,
        /// The most similar one.
        near: Option<String>,
    },
    /// A flag's value is missing.
    #[error("{command}: {flag} needs a value")]
    NoValue {
        /// `docker run`.
        command: String,
        /// The flag, with its dashes.
        flag: String,
    },
    /// There is no image on the line.
    #[error("{command}: no image is named, so this line starts no container{}", hint.as_deref().unwrap_or(""))]
    NoImage {
        /// `docker run`.
        command: String,
        /// What may have become of it.
        hint: Option<String>,
    },
    /// A value cannot be used.
    #[error("{place}: {key}: {why}")]
    Value {
        /// Where it was written.
        place: String,
        /// Which flag or key.
        key: String,
        /// What is wrong, and what would be right. Escaped already.
        why: String,
    },
    /// The Compose file itself.
    #[error(transparent)]
    File(#[from] ScenarioError),
    /// The Compose file has several services, and none was chosen.
    #[error("{path} has several services; say which: --service {}", names.join(" | "))]
    WhichService {
        /// The file.
        path: String,
        /// Their names, escaped.
        names: Vec<String>,
    },
    /// The Compose file has no service of that name.
    #[error("{path} has no service '{}'{}; it has: {}", .name.escape_debug(), nearest(near.as_deref()), names.join(", "))]
    NoService {
        /// The file.
        path: String,
        /// The name.
        name: String,
        /// The most similar one.
        near: Option<String>,
        /// Those that there are, escaped.
        names: Vec<String>,
    },
}
