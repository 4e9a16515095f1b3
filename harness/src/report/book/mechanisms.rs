//! A page for each mechanism, and the list of them: how it says no, where in this run it answered or would have,
//! and what is known of it apart from any run. That part is the project's own book's page too.

use std::fmt::Write as _;

use super::Page;
use super::grid::Grid;
use super::markdown::{addresses, code, codes, columns, escape, facts, link};
use crate::mechanism::{ALL, Entry};

/// Where in a run one mechanism played a part: scenario and probe, scenario by scenario.
#[derive(Clone, Debug, Default)]
struct Places {
    /// It answered.
    answered: Vec<(usize, usize)>,
    /// Another answered, and it would have been enough alone.
    behind: Vec<(usize, usize)>,
}

pub(super) fn pages(grid: &Grid<'_>) -> Vec<Page> {
    let mut places = vec![Places::default(); ALL.len()];
    for (scenario, probe, cell) in grid.all() {
        if let Some(mechanism) = cell.blocked_by {
            places[mechanism as usize].answered.push((scenario, probe));
        }
        for layer in cell.layers.iter().filter(|layer| cell.blocked_by != Some(**layer)) {
            places[*layer as usize].behind.push((scenario, probe));
        }
    }
    let mut pages = vec![Page::new("mechanisms.md", list(&places))];
    for (entry, places) in ALL.iter().zip(&places) {
        let mut text = summary(entry);
        let _ = writeln!(text, "\n## Where it answered\n\n{}", told(grid, &places.answered));
        let _ = writeln!(
            text,
            "## Where it stood behind another\n\nSomething else answered first; this one would have been enough alone.\n\n{}",
            told(grid, &places.behind)
        );
        text.push_str(&details(entry));
        pages.push(Page::new(format!("mechanisms/{}.md", entry.id), text));
    }
    pages
}

fn list(places: &[Places]) -> String {
    let mut text = String::from(
        "# Mechanisms\n\nWhat can say no, in the order in which the kernel usually asks.\n\n<table class=\"overview\"><thead><tr>\
         <th>Mechanism</th><th>Answered</th><th>Stood behind another</th></tr></thead><tbody>\n",
    );
    for (entry, places) in ALL.iter().zip(places) {
        let id = entry.id.id();
        let _ = writeln!(
            text,
            "<tr><td>{}<small>{}</small></td><td>{}</td><td>{}</td></tr>",
            link(&format!("mechanisms/{id}.md"), &id),
            escape(entry.title),
            places.answered.len(),
            places.behind.len(),
        );
    }
    text.push_str("</tbody></table>\n");
    text
}

/// The top of a mechanism's page: what it is, and what there is to know of it in a line.
pub(super) fn summary(entry: &Entry) -> String {
    let mut text = format!("# {}\n\n{}\n\n", escape(entry.title), code(&entry.id.id()));
    let _ = writeln!(text, "{}\n", escape(entry.about));
    text.push_str(&facts(&[
        ("Errnos", errnos(entry)),
        ("Has a knob", knob(entry).to_owned()),
        ("What opens it", code(entry.open_with)),
    ]));
    text
}

/// The rest of the page: its checks, its trace, its keys, its sources.
pub(super) fn details(entry: &Entry) -> String {
    let checks = entry.checks.iter().map(|check| [code(check.function), escape(check.asks)]);
    let checks = columns(["Function", "What it asks"], checks);
    let keys = if entry.keys.is_empty() {
        "No key of a Compose service turns it: it is the host's.\n".to_owned()
    } else {
        let keys = entry.keys.iter().map(|key| [code(key.key), escape(key.turns)]);
        columns(["Key", "How it turns it"], keys)
    };
    format!(
        "\n## Where the kernel asks\n\n{checks}\n## How the kernel's own witnesses name it\n\n{}\n\n\
         ## What turns it\n\n{keys}\n## Sources\n\n{}",
        escape(entry.trace),
        addresses(entry.sources)
    )
}

/// The errnos with which it answers.
pub(super) fn errnos(entry: &Entry) -> String {
    if entry.errnos.is_empty() { "none".to_owned() } else { codes(entry.errnos) }
}

/// Whether a container's settings turn it.
pub(super) fn knob(entry: &Entry) -> &'static str {
    if entry.relax.is_some() { "yes" } else { "no" }
}

/// Verdicts, a line for each scenario.
fn told(grid: &Grid<'_>, places: &[(usize, usize)]) -> String {
    if places.is_empty() {
        return "Nowhere in this run.\n".to_owned();
    }
    let mut text = format!("{} times.\n\n", places.len());
    for of_one in places.chunk_by(|a, b| a.0 == b.0) {
        let scenario = &grid.scenarios[of_one[0].0];
        let probes: Vec<String> = of_one
            .iter()
            .map(|(_, probe)| {
                let probe = &grid.probes[*probe];
                link(&format!("../scenarios/{}.md#p-{}", scenario.slug, probe.slug), &escape(&probe.entry.id))
            })
            .collect();
        let name = link(&format!("../scenarios/{}.md", scenario.slug), &escape(&scenario.entry.id));
        let _ = writeln!(text, "- **{name}** ({}): {}", probes.len(), probes.join(", "));
    }
    text
}
