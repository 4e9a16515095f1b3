//! The report of `try`: what gets through a configuration of somebody's own, who stops the rest and how deep, and which
//! single change closes most. It reads the record and nothing else.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::book::yaml;
use super::proofs::Proofs;
use super::terminal::{moved, plain, share, wrapped};
use crate::record::{Cell, Change, Outcome, Proof, Record, ScenarioEntry, Tried};

const HEADING: Style = Style::new().bold();
const OPEN: Style = AnsiColor::Red.on_default().bold();
const STOPS: Style = AnsiColor::Green.on_default().bold();
const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// More changes nobody makes at once.
const MOST_CHANGES: usize = 3;

/// What every container of a run without privilege has in common.
const ROOTLESS: &str = "without root every container lives in a user namespace of its caller's, as with a daemon that runs without root; what this configuration does with a daemon of root's only root can try";

/// More attempts than this are listed without what they are.
const MOST_TITLES: usize = 8;

/// More attempts of one change nobody reads.
const MOST_NAMED: usize = 12;

/// The whole report; empty if the record is not one of `try`.
pub fn text(record: &Record, width: usize) -> String {
    let Some(tried) = &record.tried else { return String::new() };
    let width = width.min(100);
    let mut text = String::new();
    beginning(&mut text, record, tried, width);
    let entry = record.scenarios.iter().find(|entry| entry.id == tried.scenario);
    if let Some(reason) = entry.and_then(|entry| entry.not_run.as_deref()) {
        text.push_str(&wrapped(&format!("not run here: {}", plain(reason)), width, 4));
        return text;
    }
    got_through(&mut text, record, tried, width);
    blocked(&mut text, record, width);
    changes(&mut text, record, tried, width);
    ending(&mut text, record, tried, entry, width);
    text
}

/// The scenario as a file, with everything that a reader should know of it as comments.
pub fn scenario_file(tried: &Tried, settings: &BTreeMap<String, Value>) -> String {
    let mut text = String::new();
    let mut comment = |words: String| {
        for line in wrapped(&plain(&words), 98, 4).lines() {
            let _ = writeln!(text, "# {line}");
        }
    };
    comment(tried.source.clone());
    tried.warnings.iter().for_each(|warning| comment(format!("WARNING: {warning}")));
    tried.notes.iter().for_each(|note| comment(format!("note: {note}")));
    tried.not_looked_at.iter().for_each(|what| comment(format!("not looked at: {what}")));
    if !tried.no_part.is_empty() {
        comment(format!("plays no part: {}", tried.no_part.join(", ")));
    }
    let about =
        [("title", tried.source.as_str()), ("teaches", "what a configuration of one's own lets through")];
    for (key, value) in about {
        text.push_str(&yaml::mapping([(&key.to_owned(), &Value::from(value))].into_iter(), 0));
    }
    text.push_str(&yaml::mapping(settings.iter(), 0));
    text
}

fn beginning(text: &mut String, record: &Record, tried: &Tried, width: usize) {
    let _ = writeln!(text, "{HEADING}{}{HEADING:#}", plain(&tried.source));
    let engine = format!("{} {}", plain(&record.engine.name), plain(&record.engine.version));
    let who = if record.host.privilege == "root" { "root" } else { "an ordinary user" };
    let kernel = plain(&record.host.kernel);
    let _ = writeln!(text, "{QUIET}tried with {engine}, as {who}, on Linux {kernel}{QUIET:#}\n");
    for warning in &tried.warnings {
        let sentence = wrapped(&format!("WARNING: {}", plain(warning)), width, 4);
        let _ = write!(text, "{OPEN}{sentence}{OPEN:#}");
    }
    let rootless = (record.host.privilege != "root").then_some(ROOTLESS);
    for note in tried.notes.iter().map(String::as_str).chain(rootless) {
        text.push_str(&wrapped(&format!("note: {}", plain(note)), width, 4));
    }
    for what in &tried.not_looked_at {
        text.push_str(&wrapped(&format!("not looked at: {}", plain(what)), width, 4));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    for cell in record.cells.iter().filter(|cell| cell.proof == Some(Proof::Conflict)) {
        let why = plain(cell.unconfirmed.as_deref().unwrap_or("no reason given"));
        let sentence = format!("CONFLICT {}: the methods disagree: {why}", plain(&cell.probe));
        let _ = write!(text, "{OPEN}{}{OPEN:#}", wrapped(&sentence, width, 4));
    }
}

/// Those that the configuration itself has opened come first.
fn got_through(text: &mut String, record: &Record, tried: &Tried, width: usize) {
    let through = of(record, Outcome::Allowed);
    let tested = through.len() + of(record, Outcome::Blocked).len();
    let _ = writeln!(
        text,
        "{OPEN}GOT THROUGH{OPEN:#}: {} of {tested} attempts that can be tested here",
        through.len()
    );
    let Some(defaults) = &tried.defaults else {
        names(text, &through, width);
        text.push('\n');
        return;
    };
    let (usual, own): (Vec<&Cell>, Vec<&Cell>) =
        through.into_iter().partition(|cell| defaults.contains(&cell.probe));
    if !own.is_empty() {
        let _ = writeln!(text, "  {} not with Docker's defaults:", own.len());
        if own.len() <= MOST_TITLES { titles(text, record, &own, width) } else { names(text, &own, width) }
    }
    if !usual.is_empty() {
        let _ = writeln!(text, "  {} with Docker's defaults too:", usual.len());
        names(text, &usual, width);
    }
    text.push('\n');
}

/// By depth, and by who answered.
fn blocked(text: &mut String, record: &Record, width: usize) {
    let blocked = of(record, Outcome::Blocked);
    let _ = writeln!(text, "{STOPS}BLOCKED{STOPS:#}: {}", blocked.len());
    let mut by_depth: BTreeMap<u32, Vec<&Cell>> = BTreeMap::new();
    for cell in blocked {
        by_depth.entry(cell.depth.unwrap_or(0)).or_default().push(cell);
    }
    for (depth, cells) in by_depth {
        let takes = match depth {
            0 => "how deep is not known".to_owned(),
            1 => "one mistake opens each".to_owned(),
            depth => format!("it takes {depth} mistakes at once"),
        };
        let _ = writeln!(text, "  {HEADING}{} at depth {depth}{HEADING:#}: {takes}", cells.len());
        let mut by_whom: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
        for cell in cells {
            let whom = cell.blocked_by.map_or_else(|| "nobody known".to_owned(), |by| by.to_string());
            by_whom.entry(whom).or_default().push(cell);
        }
        let mut by_whom: Vec<_> = by_whom.into_iter().collect();
        by_whom.sort_by_key(|(_, cells)| Reverse(cells.len()));
        for (whom, cells) in by_whom {
            let ids: Vec<String> = cells.iter().map(|cell| plain(&cell.probe)).collect();
            let line = format!("by {whom} ({}): {}", ids.len(), ids.join(", "));
            text.push_str(&moved(&line, width, 4, 4));
        }
    }
    text.push('\n');
}

fn changes(text: &mut String, record: &Record, tried: &Tried, width: usize) {
    let through = of(record, Outcome::Allowed).len();
    let useful: Vec<&Change> = tried.changes.iter().filter(|change| !change.closes.is_empty()).collect();
    if through == 0 {
        return;
    }
    if useful.is_empty() {
        let _ = writeln!(text, "{HEADING}NO SINGLE CHANGE{HEADING:#} that was tried closes any of them\n");
    } else {
        let tried = tried.changes.iter().filter(|change| change.not_tried.is_none()).count();
        let _ = writeln!(
            text,
            "{HEADING}SINGLE CHANGES{HEADING:#} that close most of what is open; {tried} were tried"
        );
    }
    if !(useful.is_empty() || tried.warnings.is_empty()) {
        let sentence =
            "before any of these: what the warnings name; it weighs more than a number of attempts";
        let _ = write!(text, "{OPEN}{}{OPEN:#}", moved(sentence, width, 2, 2));
    }
    for (number, alike) in alike(&useful).into_iter().take(MOST_CHANGES).enumerate() {
        one_change(text, number + 1, &alike, through, width);
    }
    of_what_is_ones_own(text, record, tried, &useful, width);
    let mut untried: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for change in &tried.changes {
        if let Some(reason) = &change.not_tried {
            untried.entry(reason).or_default().push(plain(&change.how));
        }
    }
    for (reason, hows) in untried {
        let sentence = format!("not tried: {}: {}", hows.join("; "), plain(reason));
        text.push_str(&moved(&sentence, width, 2, 4));
    }
    text.push('\n');
}

/// Changes that close and open the very same, together.
fn alike<'a>(changes: &[&'a Change]) -> Vec<Vec<&'a Change>> {
    let mut alike: Vec<Vec<&Change>> = Vec::new();
    for change in changes {
        let same = |group: &&mut Vec<&Change>| {
            group.iter().all(|one| (&one.closes, &one.opens) == (&change.closes, &change.opens))
        };
        match alike.iter_mut().find(same) {
            Some(group) => group.push(change),
            None => alike.push(vec![change]),
        }
    }
    alike
}

fn one_change(text: &mut String, number: usize, alike: &[&Change], through: usize, width: usize) {
    let [change, others @ ..] = alike else { return };
    let _ = writeln!(
        text,
        "  {number}. {HEADING}{}{HEADING:#}: closes {} of {through}",
        plain(&change.how),
        change.closes.len()
    );
    text.push_str(&moved(&plain(&change.does), width, 5, 0));
    text.push_str(&moved(&named(&change.closes), width, 5, 2));
    if !others.is_empty() {
        let hows: Vec<String> = others.iter().map(|other| plain(&other.how)).collect();
        text.push_str(&moved(&format!("the same is closed by: {}", hows.join("; ")), width, 5, 2));
    }
    if !change.opens.is_empty() {
        let sentence = format!("but opens {}: {}", change.opens.len(), named(&change.opens));
        let _ = write!(text, "{OPEN}{}{OPEN:#}", moved(&sentence, width, 5, 2));
    }
}

/// The change that closes most of what Docker's defaults would stop, if that is another one.
fn of_what_is_ones_own(text: &mut String, record: &Record, tried: &Tried, useful: &[&Change], width: usize) {
    let Some(defaults) = &tried.defaults else { return };
    let own: Vec<&str> = of(record, Outcome::Allowed)
        .into_iter()
        .map(|cell| cell.probe.as_str())
        .filter(|probe| !defaults.iter().any(|known| known == probe))
        .collect();
    let closes =
        |change: &&Change| change.closes.iter().filter(|probe| own.contains(&probe.as_str())).count();
    let best = useful.iter().min_by_key(|change| (Reverse(closes(change)), change.closes.len()));
    // The first of all is said already.
    let Some(best) = best.filter(|best| closes(best) > 0 && **best != useful[0]) else { return };
    let sentence = format!(
        "Of what Docker's defaults would stop, this closes most: {}: {} of {}",
        plain(&best.how),
        closes(best),
        own.len()
    );
    text.push_str(&moved(&sentence, width, 2, 2));
}

fn ending(text: &mut String, record: &Record, tried: &Tried, entry: Option<&ScenarioEntry>, width: usize) {
    if !tried.no_part.is_empty() {
        let sentence = format!("plays no part: {}", plain(&tried.no_part.join(", ")));
        text.push_str(&wrapped(&sentence, width, 4));
    }
    // The rest of the notes is this host's; what the configuration has is said at the beginning.
    let said = tried.warnings.len() + tried.notes.len() + tried.not_looked_at.len();
    for note in entry.into_iter().flat_map(|entry| &entry.notes).skip(said) {
        text.push_str(&wrapped(&format!("note: {}", plain(note)), width, 4));
    }
    let untestable = of(record, Outcome::Untestable).len();
    if untestable > 0 {
        let sentence = format!(
            "{untestable} attempts cannot be tested here: with everything open this host stops them by itself"
        );
        text.push_str(&wrapped(&sentence, width, 4));
    }
    let broken = of(record, Outcome::Broken);
    if !broken.is_empty() {
        let ids: Vec<String> = broken.iter().map(|cell| plain(&cell.probe)).collect();
        let sentence = format!("{} attempts broke and prove nothing: {}", ids.len(), ids.join(", "));
        text.push_str(&wrapped(&sentence, width, 4));
    }
    let proofs = Proofs::of(record);
    if let Some(percent) = proofs.percent() {
        let _ = writeln!(
            text,
            "{} of {} blocks confirmed by an independent witness ({})",
            proofs.confirmed,
            proofs.blocked,
            share(percent)
        );
    }
    let _ = writeln!(text, "{:.1} s", record.timing.seconds);
    let explain = format!(
        "One verdict at length: add --record FILE, then: whyblocked explain {} PROBE --record FILE",
        plain(&tried.scenario)
    );
    let _ = write!(text, "{QUIET}{}{QUIET:#}", wrapped(&explain, width, 4));
}

fn of(record: &Record, outcome: Outcome) -> Vec<&Cell> {
    record.cells.iter().filter(|cell| cell.outcome == outcome).collect()
}

fn names(text: &mut String, cells: &[&Cell], width: usize) {
    let ids: Vec<String> = cells.iter().map(|cell| plain(&cell.probe)).collect();
    text.push_str(&moved(&ids.join(", "), width, 4, 0));
}

/// One attempt a line, with what it is.
fn titles(text: &mut String, record: &Record, cells: &[&Cell], width: usize) {
    for cell in cells {
        let title = record.probes.iter().find(|probe| probe.id == cell.probe);
        let title = title.map_or_else(String::new, |probe| format!(": {}", plain(&probe.title)));
        text.push_str(&moved(&format!("{}{title}", plain(&cell.probe)), width, 4, 2));
    }
}

fn named(probes: &[String]) -> String {
    let shown: Vec<String> = probes.iter().take(MOST_NAMED).map(|probe| plain(probe)).collect();
    let more = match probes.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.join(", ") + &more
}
