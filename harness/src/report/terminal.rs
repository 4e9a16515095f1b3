//! The terminal report: a matrix that fits 80 columns and says who blocked what.
//!
//! Scenarios are columns of three characters, probes are rows. A cell names the mechanism that answered, by a
//! code of two letters; how many mechanisms would have to fail is in the third.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::proofs::{Proofs, by_probe};
use super::reached::never_reached;
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record, ScenarioEntry};

/// Columns of the terminal; 80 if there is none.
pub fn width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// Characters of a probe's name; longer ones are cut.
const NAME: usize = 29;
/// Characters of a cell, with the space before it.
const CELL: usize = 4;

const ALLOWED: Style = AnsiColor::Red.on_default().bold();
const BLOCKED: Style = AnsiColor::Green.on_default();
const UNTESTABLE: Style = AnsiColor::BrightBlack.on_default();
const BROKEN: Style = AnsiColor::Magenta.on_default().bold();
const HEADING: Style = Style::new().bold();

/// The whole report.
pub fn table(record: &Record, width: usize) -> String {
    let mut text = String::new();
    let run: Vec<&ScenarioEntry> = record.scenarios.iter().filter(|s| s.not_run.is_none()).collect();
    let proofs = Proofs::of(record);
    if let Some(why) = &record.cut_short {
        text.push_str(&wrapped(
            &format!("CUT SHORT: {}; what was known by then follows", plain(why)),
            width.min(100),
            4,
        ));
    }
    conflicts(&mut text, &proofs, width.min(100));
    let per_block = (width.saturating_sub(NAME) / CELL).max(1);
    for block in run.chunks(per_block) {
        matrix(&mut text, record, block);
        text.push('\n');
    }
    if !run.is_empty() {
        legend(&mut text, record, width);
    }
    let width = width.min(100);
    not_run(&mut text, record, width);
    notes(&mut text, record, width);
    summary(&mut text, record, width);
    unreached(&mut text, record, width);
    proved(&mut text, record, &proofs, width);
    text
}

fn conflicts(text: &mut String, proofs: &Proofs<'_>, width: usize) {
    for cell in &proofs.conflicts {
        line(
            text,
            BROKEN,
            &format!("CONFLICT {} / {}: the methods disagree", plain(&cell.scenario), plain(&cell.probe)),
        );
        let why = cell.unconfirmed.as_deref().unwrap_or("no reason given");
        text.push_str(&moved(&plain(why), width, 4, 0));
    }
}

/// How many blocks are confirmed, the list of those that are not, and which witnesses there were.
fn proved(text: &mut String, record: &Record, proofs: &Proofs<'_>, width: usize) {
    if let Some(percent) = proofs.percent() {
        let Proofs { confirmed, blocked, .. } = proofs;
        let sentence = format!(
            "{confirmed} of {blocked} blocks confirmed by an independent witness ({}), {} conflicts",
            share(percent),
            proofs.conflicts.len()
        );
        text.push_str(&wrapped(&sentence, width, 0));
    }
    for (reason, cells) in &proofs.rest {
        let probes: Vec<String> =
            by_probe(cells).iter().map(|(probe, times)| format!("{} ({times})", plain(probe))).collect();
        let sentence = format!("experiment only: {}: {}", probes.join(", "), plain(reason));
        text.push_str(&moved(&sentence, width, 2, 4));
    }
    if !record.witness.reason.is_empty() {
        text.push_str(&wrapped(&format!("witnesses: {}", plain(&record.witness.reason)), width, 4));
    }
}

/// More names in one sentence nobody reads.
const MOST_NAMED: usize = 30;

/// Probes that prove nothing here.
fn unreached(text: &mut String, record: &Record, width: usize) {
    let never = never_reached(record);
    if !never.is_empty() {
        let ids: Vec<String> = never.iter().take(MOST_NAMED).map(|probe| plain(&probe.id)).collect();
        let more = match never.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more, marked in the book's list of probes"),
        };
        let sentence = format!(
            "{} probes never reached their guard here, even with everything open: {}{more}",
            never.len(),
            ids.join(", ")
        );
        text.push_str(&wrapped(&sentence, width, 4));
    }
}

/// A percentage; 100 only if nothing is missing.
pub fn share(percent: f64) -> String {
    let shown = if percent < 100.0 { percent.min(99.9) } else { percent };
    format!("{shown:.1} %")
}

fn matrix(text: &mut String, record: &Record, scenarios: &[&ScenarioEntry]) {
    let letters: Vec<char> = ('A'..='Z').collect();
    for (column, scenario) in scenarios.iter().enumerate() {
        let letter = letters[column % letters.len()];
        line(text, HEADING, &format!("{letter} {:<25} {}", scenario.id, cut(&scenario.title, 52)));
    }
    let mut heads = " ".repeat(NAME);
    for column in 0..scenarios.len() {
        let _ = write!(heads, "  {} ", letters[column % letters.len()]);
    }
    line(text, HEADING, heads.trim_end());
    let mut family = "";
    for probe in &record.probes {
        if !family.is_empty() && family != probe.family {
            text.push('\n');
        }
        family = &probe.family;
        let _ = write!(text, "{:<NAME$}", cut(&probe.id, NAME - 1));
        for scenario in scenarios {
            text.push(' ');
            match record.cell(&scenario.id, &probe.id) {
                Some(cell) => {
                    let (style, code) = code(cell);
                    let _ = write!(text, "{style}{code}{style:#}{}", " ".repeat(3 - code.chars().count()));
                }
                None => text.push_str("   "),
            }
        }
        while text.ends_with(' ') {
            text.pop();
        }
        text.push('\n');
    }
}

/// A cell in three characters.
fn code(cell: &Cell) -> (Style, String) {
    match cell.outcome {
        Outcome::Allowed => (ALLOWED, "YES".to_owned()),
        Outcome::Untestable => (UNTESTABLE, " ·".to_owned()),
        Outcome::Broken => (BROKEN, "???".to_owned()),
        Outcome::Blocked => {
            let who = cell.blocked_by.map_or("??", short);
            let depth = cell.depth.map_or_else(|| " ".to_owned(), |depth| depth.min(9).to_string());
            (BLOCKED, format!("{who}{depth}"))
        }
    }
}

/// A mechanism in two letters.
pub fn short(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::MountNamespace => "mn",
        Mechanism::PidNamespace => "pn",
        Mechanism::NetworkNamespace => "nn",
        Mechanism::IpcNamespace => "in",
        Mechanism::UtsNamespace => "un",
        Mechanism::CgroupNamespace => "cn",
        Mechanism::Seccomp => "sc",
        Mechanism::Ownership => "ow",
        Mechanism::Capabilities => "ca",
        Mechanism::UserNamespace => "us",
        Mechanism::ReadOnlyMount => "ro",
        Mechanism::MaskedPath => "mp",
        Mechanism::DeviceCgroup => "dc",
        Mechanism::ResourceLimit => "rl",
        Mechanism::NoNewPrivileges => "np",
        Mechanism::Selinux => "se",
        Mechanism::Apparmor => "aa",
        Mechanism::Landlock => "ll",
        Mechanism::Yama => "ya",
        Mechanism::Lockdown => "lo",
        Mechanism::Sysctl => "sy",
        Mechanism::Kernel => "ke",
    }
}

fn legend(text: &mut String, record: &Record, width: usize) {
    let mut answered: Vec<Mechanism> = record.cells.iter().filter_map(|cell| cell.blocked_by).collect();
    answered.sort_unstable();
    answered.dedup();
    let mut words = vec!["YES got through".to_owned(), "· cannot be tested here".to_owned()];
    words.extend(answered.into_iter().map(|mechanism| format!("{} {mechanism}", short(mechanism))));
    words.push("the digit: how many must fail".to_owned());
    let mut line = String::new();
    for word in words {
        if !line.is_empty() && line.chars().count() + word.chars().count() + 3 > width.min(100) {
            let _ = writeln!(text, "{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push_str(" | ");
        }
        line.push_str(&word);
    }
    let _ = writeln!(text, "{line}\n");
}

fn not_run(text: &mut String, record: &Record, width: usize) {
    for scenario in &record.scenarios {
        let sentence = match (&scenario.refused, &scenario.not_run) {
            (Some(said), _) => format!("refused by {}: {}: {}", record.engine.name, scenario.id, plain(said)),
            (None, Some(reason)) => format!("not run here: {}: {}", scenario.id, plain(reason)),
            (None, None) => continue,
        };
        text.push_str(&wrapped(&sentence, width, 4));
    }
}

fn notes(text: &mut String, record: &Record, width: usize) {
    for (whose, note) in shared_notes(record) {
        text.push_str(&wrapped(&format!("note: {whose}: {}", plain(note)), width, 4));
    }
}

/// The scenarios' notes, and whose each one is: what several scenarios share is said once.
pub fn shared_notes(record: &Record) -> Vec<(String, &str)> {
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for scenario in &record.scenarios {
        for note in &scenario.notes {
            match said.iter_mut().find(|(known, _)| known == note) {
                Some((_, ids)) => ids.push(&scenario.id),
                None => said.push((note, vec![&scenario.id])),
            }
        }
    }
    let run = record.scenarios.iter().filter(|scenario| scenario.not_run.is_none()).count();
    let whose = |ids: Vec<&str>| {
        if ids.len() == run && run > 1 { "every scenario".to_owned() } else { ids.join(", ") }
    };
    said.into_iter().map(|(note, ids)| (whose(ids), note)).collect()
}

fn summary(text: &mut String, record: &Record, width: usize) {
    let of = |outcome| record.count(outcome);
    let contradictions = record.cells.iter().filter(|cell| !cell.violations.is_empty()).count();
    let counts = format!(
        "{} verdicts: {} blocked, {} got through, {} cannot be tested here, {} broken",
        record.cells.len(),
        of(Outcome::Blocked),
        of(Outcome::Allowed),
        of(Outcome::Untestable),
        of(Outcome::Broken),
    );
    text.push_str(&wrapped(&counts, width, 4));
    if contradictions > 0 {
        let _ = writeln!(
            text,
            "{contradictions} verdicts with a contradiction: more mechanisms let through what fewer stopped"
        );
    }
    let _ = writeln!(
        text,
        "{} containers, {} observations, {:.1} s",
        record.timing.containers, record.timing.observations, record.timing.seconds
    );
}

fn line(text: &mut String, style: Style, content: &str) {
    let _ = writeln!(text, "{style}{content}{style:#}");
}

/// At most `length` characters, without control characters.
fn cut(text: &str, length: usize) -> String {
    let plain = plain(text);
    if plain.chars().count() <= length {
        return plain;
    }
    let mut short: String = plain.chars().take(length.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// A paragraph of lines of at most `width` characters, the second and later ones indented.
pub fn wrapped(words: &str, width: usize, indent: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}

/// The same, with the whole paragraph moved to the right.
pub fn moved(words: &str, width: usize, left: usize, indent: usize) -> String {
    let margin = " ".repeat(left);
    let mut moved = String::new();
    for line in wrapped(words, width.saturating_sub(left), indent).lines() {
        let _ = writeln!(moved, "{margin}{line}");
    }
    moved
}

/// Text that may come from a container or a file, without anything that a terminal would obey.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("one two three", 20, "one two three\n")]
    #[case("one two three", 8, "one two\n  three\n")]
    #[case("averylongwordindeed x", 5, "averylongwordindeed\n  x\n")]
    #[case("", 5, "\n")]
    fn paragraphs_are_wrapped(#[case] words: &str, #[case] width: usize, #[case] text: &str) {
        assert_eq!(wrapped(words, width, 2), text);
    }

    #[test]
    fn what_a_terminal_would_obey_is_replaced() {
        assert_eq!(plain("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
    }

    #[test]
    fn no_two_mechanisms_share_a_code() {
        let codes: std::collections::BTreeSet<&str> =
            crate::mechanism::ALL.iter().map(|entry| short(entry.id)).collect();
        assert_eq!(codes.len(), crate::mechanism::ALL.len());
    }
}
