//! What can be wrong with a scenario, said so that it can be mended.

use thiserror::Error;

/// A scenario that cannot be used as it is written.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// No scenario has this id.
    #[error("no scenario matches '{pattern}'{}; `whyblocked list scenarios` shows them all", nearest(near.as_deref()))]
    Unknown {
        /// The id or glob that was asked for.
        pattern: String,
        /// The most similar id.
        near: Option<String>,
    },
    /// The glob itself is malformed.
    #[error("the pattern '{pattern}' is malformed: {why}")]
    Pattern {
        /// The glob.
        pattern: String,
        /// Why.
        why: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file has a key that scenarios do not have.
    #[error("{path}:{line}: unknown key '{}'{}", key.escape_debug(), nearest(near.as_deref()))]
    UnknownKey {
        /// Which file.
        path: String,
        /// Where in it.
        line: u64,
        /// The key.
        key: String,
        /// The most similar key.
        near: Option<String>,
    },
    /// The file is not YAML, or a value has the wrong form.
    #[error("{path}:{line}: {why}")]
    Malformed {
        /// Which file.
        path: String,
        /// Where in it.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// What was given in place of a file has a value of the wrong form.
    #[error("{path}: {why}")]
    Given {
        /// What was given.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A value has the right form and makes no sense.
    #[error("{path}: {key}: {why}")]
    Value {
        /// Which file.
        path: String,
        /// Which key.
        key: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
}

/// The end of a message about an unknown word: what was probably meant, if anything was.
pub fn nearest(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"))
}

/// The candidate most like `word`, if one is at all like it.
pub fn most_like<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
