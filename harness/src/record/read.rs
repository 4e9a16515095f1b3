//! Records as files: read with suspicion, written all at once.

use std::path::Path;

use thiserror::Error;

use super::{FORMAT, Record};
use crate::{input, output};

/// A record that cannot be used, or not be written.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("cannot read the record {path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no record.
    #[error("{path}: not a record: {why}")]
    Malformed {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
    /// The record is of another format.
    #[error("{path}: the record's format is '{format}'; this program reads '{FORMAT}'{}", newer(format))]
    Format {
        /// Which file.
        path: String,
        /// The format it has.
        format: String,
    },
    /// The file cannot be written.
    #[error("cannot write the record {path}: {source}")]
    Unwritable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

fn newer(format: &str) -> &'static str {
    let number = |text: &str| text.strip_prefix("whyblocked/").and_then(|n| n.parse::<u32>().ok());
    if number(format) > number(FORMAT) { ", and a newer one can read that" } else { "" }
}

/// Longer files are no record that this program wrote.
const LONGEST: u64 = 256 << 20;

/// Reads a record.
pub fn read(path: &Path) -> Result<Record, RecordError> {
    parse(&path.display().to_string(), &bytes(path)?)
}

/// A record's file as it is, if it is not too long for one.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, RecordError> {
    input::read(path, LONGEST)
        .map_err(|source| RecordError::Unreadable { path: path.display().to_string(), source })
}

/// Parses the bytes of one; `path` is for messages.
pub fn parse(path: &str, text: &[u8]) -> Result<Record, RecordError> {
    let malformed = |why: String| RecordError::Malformed { path: path.to_owned(), why };
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
    // The format first: a newer record may lack fields that this program wants.
    check_format(path, value.get("format").and_then(serde_json::Value::as_str))?;
    serde_json::from_value(value).map_err(|error| malformed(error.to_string()))
}

/// Whether what a file says of its format is what this program reads.
pub(crate) fn check_format(path: &str, format: Option<&str>) -> Result<(), RecordError> {
    let path = path.to_owned();
    match format {
        Some(FORMAT) => Ok(()),
        Some(format) => Err(RecordError::Format { path, format: format.escape_debug().to_string() }),
        None => Err(RecordError::Malformed { path, why: "it has no \"format\"".to_owned() }),
    }
}

/// Writes a record beside its place and then moves it there, so that no reader sees half of it.
pub fn write(record: &Record, path: &Path) -> Result<(), RecordError> {
    let unwritable = |source| RecordError::Unwritable { path: path.display().to_string(), source };
    let mut text = serde_json::to_vec_pretty(record).map_err(|error| unwritable(error.into()))?;
    text.push(b'\n');
    output::write(path, &text).map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::not_json("{", "not a record: EOF")]
    #[case::no_format("{}", "no \"format\"")]
    #[case::newer(r#"{"format":"whyblocked/2"}"#, "a newer one can read that")]
    #[case::another(r#"{"format":"junit"}"#, "this program reads 'whyblocked/1'")]
    #[case::hostile(r#"{"format":"\u001b[2J"}"#, "'\\u{1b}[2J'")]
    #[case::missing_fields(r#"{"format":"whyblocked/1"}"#, "missing field")]
    fn a_broken_record_says_what_is_wrong(#[case] text: &str, #[case] message: &str) {
        let error = parse("r.json", text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    const RECORD: &str = include_str!("../../../tests/src/record.json");

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(text in crate::testing::damaged(&[RECORD])) {
            if let Err(error) = parse("r.json", &text) {
                let message = error.to_string();
                prop_assert!(!message.chars().any(char::is_control), "{message:?}");
                prop_assert!(message.starts_with("r.json: "), "{message}");
            }
        }
    }
}
