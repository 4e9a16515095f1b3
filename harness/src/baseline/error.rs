//! What can be wrong with a baseline.

use thiserror::Error;

/// A baseline that cannot be used, or not for this record.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// The file cannot be read.
    #[error("cannot read the baseline {path}: {source}{}", if source.kind() == std::io::ErrorKind::NotFound { "; `whyblocked baseline write FILE` makes one" } else { "" })]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no baseline.
    #[error("{path}:{line}: {why}")]
    Malformed {
        /// Which file.
        path: String,
        /// Where in it.
        line: usize,
        /// Why.
        why: String,
    },
    /// It is of another format.
    #[error("{path}: its format is '{format}'; this program reads '{}'", super::FORMAT)]
    Format {
        /// Which file.
        path: String,
        /// The format it has.
        format: String,
    },
    /// The file cannot be written.
    #[error("cannot write the baseline {path}: {source}")]
    Unwritable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It has no such kind of host.
    #[error("the baseline has no host '{}'; it has: {known}", name.escape_debug())]
    UnknownHost {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The kind of host that was named is another one.
    #[error("this run is not of the kind '{name}': it is {is}; the baseline says {was}")]
    OtherHost {
        /// What was asked for.
        name: String,
        /// This run's.
        is: String,
        /// The baseline's.
        was: String,
    },
    /// No kind of host fits.
    #[error(
        "the baseline has no host of this kind ({is}); it has: {known}. `whyblocked baseline update FILE --host NAME` adds it"
    )]
    NoHost {
        /// This run's.
        is: String,
        /// What there is.
        known: String,
    },
    /// Two fit.
    #[error("the baseline's hosts '{one}' and '{other}' are both of this kind; say which with --host")]
    TwoHosts {
        /// One.
        one: String,
        /// The other.
        other: String,
    },
}
