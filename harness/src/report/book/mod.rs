//! The book.

use std::path::Path;

use thiserror::Error;

use crate::record::Record;

/// A book that cannot be written.
#[derive(Debug, Error)]
pub enum BookError {
    /// The directory holds something else.
    #[error("{path} is not empty and not a book of ours; name another directory, or remove it")]
    NotOurs {
        /// Which directory.
        path: String,
    },
}

/// Whether a book may be written to `dir`: it must be new, empty, or a book of ours.
pub fn check_place(_dir: &Path) -> Result<(), BookError> {
    Ok(())
}

/// Writes the book.
pub fn write(_record: &Record, _dir: &Path) -> Result<(), BookError> {
    Ok(())
}
