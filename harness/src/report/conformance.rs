//! A comparison of two records, for a terminal: the share that agrees, what differs without a known reason first. The
//! words for why something cannot be compared are the book's too.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::terminal::{moved, plain, share};
use crate::conformance::{Comparison, Pair, Place, Why};
use crate::record::{Cell, Outcome, Record};

const HEADING: Style = Style::new().bold();
const UNEXPLAINED: Style = AnsiColor::Magenta.on_default().bold();

/// More lines about single cells nobody reads; the book has them all.
const MOST: usize = 30;

/// Of more scenarios than these only the number is said.
const FEW: usize = 4;

/// The summary of a comparison.
pub fn text(comparison: &Comparison<'_>, width: usize) -> String {
    let width = width.min(100);
    let names = comparison.sides.map(name);
    let mut text = String::new();
    let [one, other] = names.each_ref().map(|name| plain(name));
    let _ = writeln!(text, "{HEADING}{one} and {other}{HEADING:#}");
    for warning in warnings(comparison) {
        text.push_str(&moved(&plain(&warning), width, 2, 2));
    }
    for pair in comparison.unexplained().iter().take(MOST) {
        let Place { scenario, probe } = pair.place;
        let place = plain(&format!("{scenario} / {probe}"));
        let _ = writeln!(text, "  {UNEXPLAINED}NOT EXPLAINED {place}{UNEXPLAINED:#}");
        text.push_str(&moved(&plain(&both(pair, &names)), width, 4, 2));
    }
    if let Some(more) = comparison.unexplained().len().checked_sub(MOST).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more that are not explained");
    }
    text.push_str(&moved(&plain(&counts(comparison)), width, 2, 2));
    for (known, pairs) in Comparison::explained(&comparison.differing) {
        let sentence = format!("explained: {}: {}", probes(&pairs), known.why);
        text.push_str(&moved(&plain(&sentence), width, 2, 4));
    }
    if !comparison.behind.is_empty() {
        let count = comparison.behind.len();
        let sentence = format!(
            "{count} of those that agree differ in what stands behind: {}",
            probes(&comparison.behind)
        );
        text.push_str(&moved(&plain(&sentence), width, 2, 4));
    }
    for (why, places) in &comparison.incomparable {
        let (count, scenarios) = (places.len(), scenarios(places));
        let sentence = format!("{count} not comparable ({scenarios}): {}", reason(why, &names));
        text.push_str(&moved(&plain(&sentence), width, 2, 4));
    }
    text
}

/// An engine by name and version.
pub(super) fn name(record: &Record) -> String {
    format!("{} {}", record.engine.name, record.engine.version)
}

/// What a reader should know before anything else: that more than the engine is different.
pub(super) fn warnings(comparison: &Comparison<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let filters = comparison.filters();
    if let Some(first) = filters.first() {
        let [one, other] = first.states.map(|state| state.unwrap_or("none"));
        warnings.push(format!(
            "the filters are different ones in {} scenarios ({one} and {other} in {}): what follows compares those too; the \
             same --seccomp-default for both compares the engines alone",
            filters.len(),
            first.scenario
        ));
    }
    let [one, other] = comparison.sides.map(|record| &record.host);
    if (&one.kernel, &one.arch, &one.system) != (&other.kernel, &other.arch, &other.system) {
        warnings.push(format!(
            "the hosts are different ones ({}, Linux {}, {}, and {}, Linux {}, {}): what follows compares those too",
            one.system, one.kernel, one.arch, other.system, other.kernel, other.arch
        ));
    }
    warnings
}

/// The figures, in a sentence.
pub(super) fn counts(comparison: &Comparison<'_>) -> String {
    let all = &comparison.all;
    let Some(percent) = all.percent() else {
        return "no verdict can be compared".to_owned();
    };
    format!(
        "{} of {} comparable verdicts agree in outcome and mechanism ({}); {} differ: {} explained, {} not explained; {} \
         cannot be compared",
        all.agreeing,
        all.comparable,
        share(percent),
        all.differing(),
        all.explained,
        all.unexplained(),
        comparison.incomparable_cells()
    )
}

/// What both sides say.
fn both(pair: &Pair<'_>, names: &[String; 2]) -> String {
    let [one, other] = pair.cells.map(said);
    format!("{}: {one}; {}: {other}", names[0], names[1])
}

fn said(cell: &Cell) -> String {
    let mut text = match (cell.outcome, cell.blocked_by) {
        (Outcome::Allowed, _) => "got through".to_owned(),
        (_, Some(mechanism)) => format!("blocked by {mechanism}"),
        (_, None) => "blocked".to_owned(),
    };
    if let Some(errno) = &cell.errno {
        let _ = write!(text, " ({errno})");
    }
    if let Some(depth) = cell.depth {
        let layers: Vec<String> = cell.layers.iter().map(ToString::to_string).collect();
        let _ = write!(text, ", depth {depth}, layers {}", layers.join(" "));
    }
    text
}

/// `mount-quotactl (4), …`
fn probes(pairs: &[Pair<'_>]) -> String {
    tallied(pairs.iter().map(|pair| pair.place.probe))
}

/// The scenarios of some cells; of many only how many they are.
fn scenarios(places: &[Place<'_>]) -> String {
    let scenarios = times(places.iter().map(|place| place.scenario));
    match scenarios.len() {
        0..=FEW => scenarios.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", "),
        many => format!("in {many} scenarios"),
    }
}

/// Each word once, with how often it comes.
pub(super) fn times<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for word in words {
        let at = *known.entry(word).or_insert_with(|| {
            counted.push((word, 0));
            counted.len() - 1
        });
        counted[at].1 += 1;
    }
    counted
}

fn tallied<'a>(words: impl Iterator<Item = &'a str>) -> String {
    times(words).iter().map(|(word, times)| format!("{word} ({times})")).collect::<Vec<_>>().join(", ")
}

/// Why cells cannot be compared.
pub(super) fn reason(why: &Why<'_>, names: &[String; 2]) -> String {
    let per_side = |say: &dyn Fn(usize) -> Option<String>| {
        [0, 1].into_iter().filter_map(say).collect::<Vec<_>>().join("; ")
    };
    match why {
        Why::NotRun([Some(one), Some(other)]) if one == other => format!("not run on either side: {one}"),
        Why::NotRun(reasons) => {
            per_side(&|side| reasons[side].map(|why| format!("not run by {}: {why}", names[side])))
        }
        Why::NoScenario(side) => format!("the record of {} knows no such scenario", names[*side]),
        Why::NoProbe(side) => format!("the record of {} knows no such probe", names[*side]),
        Why::NoVerdict(there) => per_side(&|side| {
            (!there[side]).then(|| format!("the record of {} has no verdict here", names[side]))
        }),
        Why::Undecided([Some(one), Some(other)]) if one == other => {
            format!("{} on either side", undecided(*one))
        }
        Why::Undecided(sides) => {
            per_side(&|side| sides[side].map(|found| format!("{} with {}", undecided(found), names[side])))
        }
    }
}

fn undecided((outcome, reason): (Outcome, &str)) -> String {
    let what = if outcome == Outcome::Broken { "broken" } else { "not testable" };
    if reason.is_empty() { what.to_owned() } else { format!("{what} ({reason})") }
}
