//! The page of a comparison: what differs without a known reason first, then what is explained, what differs only
//! behind, what cannot be compared, and the counts. In a report, and in the project's own book.

use std::fmt::Write as _;

use super::markdown::{addresses, codes, columns, escape, facts, link};
use super::verdicts::class;
use super::{answer, date};
use crate::conformance::{Answer, Comparison, Pair, Place, Tally};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Record};
use crate::report::conformance::{counts, name, reason, times, warnings};
use crate::report::many;
use crate::report::terminal::{share, shared_notes};

/// Where a page's words lead to: HTML, escaped.
pub(super) trait Links {
    /// A scenario by its id.
    fn scenario(&self, id: &str) -> String;
    /// A probe by its id.
    fn probe(&self, id: &str) -> String;
    /// A mechanism by its id.
    fn mechanism(&self, mechanism: Mechanism) -> String;
}

/// The report's page about all its comparisons.
pub(super) fn page(comparisons: &[Comparison<'_>], links: &dyn Links) -> String {
    let mut text = String::from(
        "# Conformance\n\nThe same scenarios and the same probes with another engine, cell by cell. Two cells agree if the outcome \
         is the same and the same mechanism said no.\n\n",
    );
    for comparison in comparisons {
        let [one, other] = comparison.sides.map(|record| escape(&name(record)));
        let _ = writeln!(text, "## {one} and {other}\n");
        text.push_str(&body(comparison, links));
    }
    text
}

/// One comparison, without its heading.
pub(super) fn body(comparison: &Comparison<'_>, links: &dyn Links) -> String {
    let mut text = String::new();
    for warning in warnings(comparison) {
        let _ = writeln!(
            text,
            "<div class=\"conflicts\"><b>Not only the engines differ:</b> {}.</div>\n",
            escape(&warning)
        );
    }
    let _ = writeln!(text, "**{}.**\n", escape(&counts(comparison)));
    text.push_str("### Not explained\n\n");
    match comparison.unexplained() {
        [] => text.push_str("Nothing: every difference has a known reason.\n\n"),
        pairs => text.push_str(&table(comparison, pairs, links)),
    }
    explained(&mut text, comparison, links);
    behind(&mut text, comparison, links);
    incomparable(&mut text, comparison, links);
    postures(&mut text, comparison, links);
    tallies(&mut text, comparison, links);
    sides(&mut text, comparison);
    text
}

fn explained(text: &mut String, comparison: &Comparison<'_>, links: &dyn Links) {
    text.push_str("### Explained\n\n");
    let explained = Comparison::explained(&comparison.differing);
    if explained.is_empty() {
        text.push_str("Nothing.\n\n");
    }
    for (known, pairs) in explained {
        let _ = writeln!(text, "{}: {}.\n", many(pairs.len(), "verdict"), escape(known.why));
        let _ = writeln!(text, "{}", addresses(known.sources));
        text.push_str(&table(comparison, &pairs, links));
    }
}

fn behind(text: &mut String, comparison: &Comparison<'_>, links: &dyn Links) {
    if comparison.behind.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "### The same answer, and something else behind it\n\nThe same mechanism said no, so that these count as agreeing; the \
         layers, what opens it, or the errno differ.\n"
    );
    let unexplained: Vec<Pair<'_>> =
        comparison.behind.iter().filter(|pair| pair.known.is_none()).copied().collect();
    if !unexplained.is_empty() {
        let _ = writeln!(text, "Not explained:\n");
        text.push_str(&table(comparison, &unexplained, links));
    }
    for (known, pairs) in Comparison::explained(&comparison.behind) {
        let _ = writeln!(text, "{}: {}.\n", many(pairs.len(), "verdict"), escape(known.why));
        let _ = writeln!(text, "{}", addresses(known.sources));
        text.push_str(&table(comparison, &pairs, links));
    }
}

fn incomparable(text: &mut String, comparison: &Comparison<'_>, links: &dyn Links) {
    let names = comparison.sides.map(name);
    text.push_str("### What cannot be compared\n\n");
    if comparison.incomparable.is_empty() {
        text.push_str("Nothing.\n");
    }
    for (why, places) in &comparison.incomparable {
        let probes = times(places.iter().map(|place| place.probe));
        let of: Vec<String> = if probes.len() <= FEW {
            probes.iter().map(|(id, times)| format!("{} ({times})", links.probe(id))).collect()
        } else {
            let scenarios = times(places.iter().map(|place| place.scenario));
            scenarios.iter().map(|(id, times)| format!("{} ({times})", links.scenario(id))).collect()
        };
        let reason = escape(&reason(why, &names));
        let _ = writeln!(text, "- {}: {}: {reason}", many(places.len(), "verdict"), of.join(", "));
    }
    text.push('\n');
}

/// So many probes are named; of more than these, the scenarios.
const FEW: usize = 30;

fn postures(text: &mut String, comparison: &Comparison<'_>, links: &dyn Links) {
    if comparison.postures.is_empty() {
        return;
    }
    text.push_str("### Mechanisms that stood differently\n\n");
    let [one, other] = comparison.sides.map(|record| escape(&name(record)));
    let rows = comparison.postures.iter().map(|posture| {
        let [one, other] = posture.states.map(|state| escape(state.unwrap_or("off")));
        [links.scenario(posture.scenario), links.mechanism(posture.mechanism), one, other]
    });
    let table = columns(["Scenario", "Mechanism", &one, &other], rows);
    let _ = writeln!(text, "{}", scrolling(&table));
}

fn tallies(text: &mut String, comparison: &Comparison<'_>, links: &dyn Links) {
    let row = |what: String, tally: &Tally| {
        let percent = tally.percent().map_or_else(String::new, share);
        let numbers = [tally.comparable, tally.agreeing, tally.explained, tally.unexplained()];
        let [comparable, agree, explained, unexplained] = numbers.map(|number| number.to_string());
        [what, comparable, agree, percent, explained, unexplained]
    };
    let heads = |first| [first, "Comparable", "Agree", "", "Explained", "Not explained"];
    let scenarios = comparison.by_scenario.iter().map(|(id, tally)| row(links.scenario(id), tally));
    let _ = writeln!(text, "### By scenario\n\n{}", scrolling(&columns(heads("Scenario"), scenarios)));
    let answers = comparison.by_answer.iter().map(|(answer, tally)| {
        let what = match answer {
            Answer::Through => "got through".to_owned(),
            Answer::Blocked(Some(mechanism)) => links.mechanism(*mechanism),
            Answer::Blocked(None) => "blocked, by nobody known".to_owned(),
        };
        row(what, tally)
    });
    let _ = writeln!(
        text,
        "### By who answered\n\nA verdict with two different answers counts for both.\n\n{}",
        scrolling(&columns(heads("Answer"), answers))
    );
}

fn sides(text: &mut String, comparison: &Comparison<'_>) {
    text.push_str("### The two sides\n\n");
    for record in comparison.sides {
        text.push_str(&side(record));
        text.push('\n');
        for (whose, note) in shared_notes(record) {
            let _ = writeln!(text, "- {}: {}", escape(&whose), escape(note));
        }
        text.push('\n');
    }
}

fn side(record: &Record) -> String {
    let Record { host, engine, .. } = record;
    let versions = host.versions.iter().map(|v| format!("{} {}", escape(&v.name), escape(&v.version)));
    facts(&[
        (
            "Engine",
            format!("{} {}, {}", escape(&engine.name), escape(&engine.version), escape(&engine.place)),
        ),
        ("Versions", versions.collect::<Vec<_>>().join(", ")),
        ("System", escape(&host.system)),
        ("Kernel", format!("{}, {}", escape(&host.kernel), escape(&host.arch))),
        ("Security modules", codes(&host.lsm)),
        ("Control groups", escape(&host.cgroup)),
        ("Run as", escape(&host.privilege)),
        ("Default filter", escape(&filters(record).join(", "))),
        ("Began", date::utc(record.started)),
        ("Containers", record.timing.containers.to_string()),
    ])
}

/// The names of the filters, each once.
fn filters(record: &Record) -> Vec<&str> {
    let states = record.scenarios.iter().flat_map(|scenario| &scenario.posture);
    let names = states.filter(|posture| posture.mechanism == Mechanism::Seccomp);
    times(names.map(|posture| posture.state.as_str())).into_iter().map(|(name, _)| name).collect()
}

fn table(comparison: &Comparison<'_>, pairs: &[Pair<'_>], links: &dyn Links) -> String {
    let [one, other] = comparison.sides.map(|record| escape(&name(record)));
    let mut html = format!(
        "<div class=\"wide table-wrapper\"><table class=\"verdicts compared\"><thead><tr><th>Verdict about</th><th>{one}</th><th>{other}</th>\
         </tr></thead><tbody>\n"
    );
    for pair in pairs {
        let Place { scenario, probe } = pair.place;
        let [one, other] = pair.cells.map(|cell| said(cell, links, "", None));
        let _ = writeln!(
            html,
            "<tr><td>{} / {}</td>{one}{other}</tr>",
            links.scenario(scenario),
            links.probe(probe)
        );
    }
    html.push_str("</tbody></table></div>\n\n");
    html
}

/// One side's cell of a table: colour, words, and below them what stands behind. The words lead to `page`, and the
/// mechanisms to their pages; `up` leads to the root.
pub(super) fn said(cell: &Cell, links: &dyn Links, up: &str, page: Option<&str>) -> String {
    let mechanism = |mechanism: Mechanism| {
        let html = links.mechanism(mechanism);
        html.replacen("href=\"", &format!("href=\"{up}"), 1)
    };
    let words = answer::words(cell, |by| match page {
        // A link holds no other.
        Some(_) => by.to_string(),
        None => mechanism(by),
    });
    let words = page.map_or_else(|| words.clone(), |page| link(page, &words));
    let parts = answer::behind(cell, mechanism);
    format!("<td class=\"{}\">{words}<br><small>{}</small></td>", class(cell), parts.join("; "))
}

fn scrolling(table: &str) -> String {
    format!("<div class=\"wide table-wrapper\">{table}</div>\n")
}
