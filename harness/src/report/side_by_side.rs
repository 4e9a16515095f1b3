//! Records side by side, for a terminal: which they are, what differs, what is weaker. The sentences are the book's too.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::book::date;
use super::terminal::{moved, plain, wrapped};
use crate::baseline::Class;
use crate::side_by_side::{Change, Diff, Differs, SideBySide};

const HEADING: Style = Style::new().bold();
const UNEXPLAINED: Style = AnsiColor::Magenta.on_default().bold();

/// More lines nobody reads; the book has them all.
const MOST: usize = 12;

/// The summary.
pub fn text(found: &SideBySide<'_>, width: usize) -> String {
    let width = width.min(100);
    let mut text = String::new();
    for named in found.records {
        let record = named.record;
        let _ = writeln!(text, "{HEADING}{}{HEADING:#}", plain(&named.name));
        let about = format!(
            "{}, Linux {}, SELinux {}, AppArmor {}; {} {}, {}; {}",
            record.host.system,
            record.host.kernel,
            record.host.selinux,
            record.host.apparmor,
            record.engine.name,
            record.engine.version,
            record.engine.place,
            date::utc(record.started)
        );
        text.push_str(&moved(&plain(&about), width, 2, 2));
    }
    text.push_str(&wrapped(&differences(found), width, 2));
    for change in &found.changes {
        let name = &found.records[change.to].name;
        text.push_str(&moved(&plain(&format!("{name}: {}", change_in_words(change))), width, 2, 2));
    }
    for row in found.differing(Differs::Answer).filter(|row| row.why.contains(&None)).take(MOST) {
        let place = plain(&format!("{} / {}", row.place.scenario, row.place.probe));
        let _ = writeln!(text, "  {UNEXPLAINED}NOT EXPLAINED {place}{UNEXPLAINED:#}");
    }
    let (_, unexplained) = found.counts(Differs::Answer);
    if unexplained > MOST {
        let _ = writeln!(text, "  and {} more that are not explained", unexplained - MOST);
    }
    let groups = found.by_reason(Differs::Answer);
    for (why, rows) in groups.iter().filter_map(|(why, rows)| Some(((*why)?, rows))).take(MOST) {
        text.push_str(&moved(&plain(&format!("{}: {why}", rows.len())), width, 2, 4));
    }
    text
}

/// How much differs, in a sentence without its full stop.
pub(super) fn differences(found: &SideBySide<'_>) -> String {
    let (differing, unexplained) = found.counts(Differs::Answer);
    let (behind, _) = found.counts(Differs::Behind);
    format!(
        "{differing} of {} verdicts that two records have differ in outcome or mechanism, {unexplained} of them without a reason \
         that the records say; {behind} more differ in what stands behind",
        found.rows()
    )
}

/// What became of the first record's verdicts, in a sentence without its full stop.
pub(super) fn change_in_words(change: &Change<'_>) -> String {
    let whose = if change.same_host { "the same host and engine, another date: " } else { "" };
    format!(
        "{whose}{} stronger, {} weaker, {} by another mechanism, {} the same, {} without an answer on a side, {} new, {} gone",
        change.stronger.len(),
        change.weaker.len(),
        change.other.len(),
        change.same,
        change.undecided,
        change.new,
        change.gone
    )
}

/// How many verdicts are of each class, in a sentence without its full stop.
pub(super) fn classes(diff: &Diff<'_>) -> String {
    let counts = Class::ALL.map(|class| format!("{} {}", diff.of_class(class).count(), class.in_words()));
    format!("{}; {} the same", counts.join(", "), diff.same)
}

/// The facts about hosts and runs that a reader wants to know first, and what it is called where they differ.
const OTHER: [(&str, &str); 7] = [
    ("System", "another system"),
    ("Kernel", "another kernel"),
    ("SELinux", "SELinux otherwise"),
    ("AppArmor", "AppArmor otherwise"),
    ("Engine", "another engine"),
    ("Versions", "other versions"),
    ("Filter by default", "another default filter"),
];

/// What is different about a record's host and run, held against the first, in a few words.
pub(super) fn what_is_other(found: &SideBySide<'_>, to: usize) -> String {
    let differs =
        |name| found.facts.iter().any(|fact| fact.name == name && fact.values[0] != fact.values[to]);
    let [first, other] = [0, to].map(|at: usize| &found.records[at].record.engine.name);
    let words: Vec<&str> = OTHER
        .into_iter()
        .filter(|(name, _)| differs(*name))
        .map(|(name, words)| match name {
            "Engine" if first == other => "another version of the engine",
            _ => words,
        })
        .collect();
    if words.is_empty() { "another run".to_owned() } else { words.join(", ") }
}
