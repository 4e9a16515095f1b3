//! Verdicts in any book: `{{#verdict SCENARIO PROBE}}` in a chapter becomes what records show. Pure; a verdict that no
//! record has is an error, so that a book never says less than its writer meant.

use std::fmt::Write as _;

use thiserror::Error;

use super::book::markdown::{code, escape};
use crate::record::{Cell, Outcome};
use crate::side_by_side::Named;
use crate::verdict::list;

/// A directive that cannot be followed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InlineError {
    /// It has not the two words that it takes.
    #[error(
        "'{directive}': a verdict takes a scenario and a probe: {{{{#verdict docker-default time-settimeofday}}}}"
    )]
    Words {
        /// As it is written.
        directive: String,
    },
    /// It does not end.
    #[error("'{beginning}…' has no '}}}}' on its line")]
    Open {
        /// Its beginning.
        beginning: String,
    },
    /// No record has the verdict.
    #[error("no record has a verdict for {scenario} / {probe}; the records are: {records}")]
    Unknown {
        /// The scenario.
        scenario: String,
        /// The probe.
        probe: String,
        /// What was looked through.
        records: String,
    },
}

const BEGIN: &str = "{{#verdict";
const END: &str = "}}";

/// A chapter with its verdicts. A directive after a backslash stays, without the backslash.
pub fn with_verdicts(chapter: &str, records: &[Named<'_>]) -> Result<String, InlineError> {
    let mut text = String::with_capacity(chapter.len());
    let mut rest = chapter;
    while let Some(place) = rest.find(BEGIN) {
        let (before, directive) = rest.split_at(place);
        let line = directive.lines().next().unwrap_or_default();
        if let Some(before) = before.strip_suffix('\\') {
            text.push_str(before);
            text.push_str(BEGIN);
            rest = &directive[BEGIN.len()..];
            continue;
        }
        text.push_str(before);
        let Some(end) = line.find(END) else {
            let beginning = line.chars().take(40).collect::<String>().escape_debug().to_string();
            return Err(InlineError::Open { beginning });
        };
        let words: Vec<&str> = line[BEGIN.len()..end].split_whitespace().collect();
        let [scenario, probe] = words[..] else {
            let directive = line[..end + END.len()].escape_debug().to_string();
            return Err(InlineError::Words { directive });
        };
        text.push_str(&verdict(scenario, probe, records)?);
        rest = &directive[end + END.len()..];
    }
    text.push_str(rest);
    Ok(text)
}

/// What was observed: once, if all records say the same; else record by record.
fn verdict(scenario: &str, probe: &str, records: &[Named<'_>]) -> Result<String, InlineError> {
    let found: Vec<(&str, String)> = records
        .iter()
        .filter_map(|named| Some((named.name.as_str(), in_words(named.record.cell(scenario, probe)?))))
        .collect();
    let Some((_, first)) = found.first() else {
        let names: Vec<&str> = records.iter().map(|named| named.name.as_str()).collect();
        let records = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let plain = |text: &str| text.escape_debug().to_string();
        return Err(InlineError::Unknown { scenario: plain(scenario), probe: plain(probe), records });
    };
    if found.iter().all(|(_, words)| words == first) {
        return Ok(first.clone());
    }
    let mut text = String::new();
    for (place, (name, words)) in found.iter().enumerate() {
        let _ = write!(text, "{}{}: {words}", if place == 0 { "" } else { "; " }, code(name));
    }
    Ok(text)
}

fn in_words(cell: &Cell) -> String {
    let why = || {
        cell.note
            .as_deref()
            .or(cell.reason.as_deref())
            .map_or_else(String::new, |why| format!(" ({})", escape(why)))
    };
    match cell.outcome {
        Outcome::Allowed => "**gets through**".to_owned(),
        Outcome::Untestable => format!("cannot be tested there{}", why()),
        Outcome::Broken => format!("the experiment failed{}", why()),
        Outcome::Blocked => {
            let by = cell.blocked_by.map_or_else(String::new, |by| format!(" by {by}"));
            let errno =
                cell.errno.as_deref().map_or_else(String::new, |errno| format!(" ({})", escape(errno)));
            let layers = match &cell.layers[..] {
                [] => String::new(),
                layers => format!("; enough alone: {}", list(layers)),
            };
            format!("**blocked{by}**{errno}{layers}")
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::mechanism::Mechanism::{Capabilities, Seccomp, Selinux};
    use crate::record::Record;

    fn record(layers: &[crate::mechanism::Mechanism]) -> Record {
        crate::testing::record().with_scenario("a", &[]).with_cell("p", Outcome::Blocked, layers)
    }

    fn named<'a>(name: &str, record: &'a Record) -> Named<'a> {
        Named { name: name.to_owned(), record }
    }

    #[rstest]
    #[case::a_verdict(
        "see {{#verdict a p}}.",
        "see **blocked by seccomp** (EPERM); enough alone: seccomp and capabilities."
    )]
    #[case::spaces(
        "{{#verdict  a   p }}",
        "**blocked by seccomp** (EPERM); enough alone: seccomp and capabilities"
    )]
    #[case::none("{{#include x.md}} {{a}}", "{{#include x.md}} {{a}}")]
    #[case::escaped("\\{{#verdict a p}}", "{{#verdict a p}}")]
    fn a_directive_becomes_what_was_seen(#[case] chapter: &str, #[case] text: &str) {
        let record = record(&[Seccomp, Capabilities]);
        let records = [named("here", &record)];
        assert_eq!(with_verdicts(chapter, &records).as_deref(), Ok(text));
    }

    #[test]
    fn records_that_differ_are_named() {
        let (here, there) = (record(&[Seccomp]), record(&[Selinux]));
        let records = [named("here", &here), named("there", &there)];
        let text = with_verdicts("{{#verdict a p}}", &records).unwrap();
        assert!(
            text.starts_with("<code>here</code>: **blocked by seccomp**") || text.starts_with("`here`"),
            "{text}"
        );
        assert!(text.contains("blocked by selinux"), "{text}");
        let same = [named("here", &here), named("there", &here)];
        assert!(!with_verdicts("{{#verdict a p}}", &same).unwrap().contains("here"));
    }

    #[rstest]
    #[case::unknown("{{#verdict a q}}", "no record has a verdict for a / q; the records are: here")]
    #[case::one_word(
        "{{#verdict a}}",
        "'{{#verdict a}}': a verdict takes a scenario and a probe: {{#verdict docker-default time-settimeofday}}"
    )]
    #[case::open("{{#verdict a p\n}}", "'{{#verdict a p…' has no '}}' on its line")]
    fn what_cannot_be_shown_is_an_error(#[case] chapter: &str, #[case] message: &str) {
        let record = record(&[Seccomp]);
        let records = [named("here", &record)];
        assert_eq!(with_verdicts(chapter, &records).unwrap_err().to_string(), message);
    }

    #[test]
    fn what_a_record_says_is_no_markup() {
        let mut hostile = record(&[Seccomp]);
        hostile.cells[0].errno = Some("<script>".to_owned());
        let text = with_verdicts("{{#verdict a p}}", &[named("here", &hostile)]).unwrap();
        assert!(!text.contains('<'), "{text}");
    }
}
