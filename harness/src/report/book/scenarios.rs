//! A page for each scenario, and the list of them: what it teaches, how it is set up, and every verdict in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::grid::{Counts, Grade, Grid, Scenario, family};
use super::markdown::{block, code, escape, link};
use super::verdicts::{Head, link_to, table};
use super::{Page, yaml};

pub(super) fn pages(grid: &Grid<'_>) -> Vec<Page> {
    let mut pages = vec![Page::new("scenarios.md", list(grid))];
    for place in 0..grid.scenarios.len() {
        let path = format!("scenarios/{}.md", grid.scenarios[place].slug);
        pages.push(Page::new(path, page(grid, place)));
    }
    pages
}

fn list(grid: &Grid<'_>) -> String {
    let mut text =
        String::from("# Scenarios\n\nHow the containers were set up, in the words of Compose.\n\n");
    for scenario in &grid.scenarios {
        let name = link(&format!("scenarios/{}.md", scenario.slug), &escape(&scenario.entry.id));
        let not_run = match (scenario.was_run(), &scenario.entry.refused) {
            (true, _) => "",
            (false, Some(_)) => " (refused)",
            (false, None) => " (not run here)",
        };
        let _ = writeln!(
            text,
            "- **{name}**{not_run}: {}. *{}*",
            escape(&scenario.entry.title),
            escape(&scenario.entry.teaches)
        );
    }
    text
}

fn page(grid: &Grid<'_>, place: usize) -> String {
    let scenario = &grid.scenarios[place];
    let entry = scenario.entry;
    let mut text = format!("# {}\n\n", escape(&entry.title));
    text.push_str(&description(&entry.id, &entry.teaches, &entry.settings));
    if let Some(said) = &entry.refused {
        let engine = escape(&grid.record.engine.name);
        let _ =
            writeln!(text, "**Refused:** {engine} starts no such container. It says: “{}”\n", escape(said));
    } else if let Some(reason) = &entry.not_run {
        let _ = writeln!(text, "**Not run here:** {}.\n", escape(reason));
    }
    for note in &entry.notes {
        let _ = writeln!(text, "**Note:** {}.\n", escape(note));
    }
    changes(&mut text, grid, &entry.id);
    posture(&mut text, scenario);
    verdicts(&mut text, grid, place);
    text
}

/// What a scenario is, whether or not it was run.
pub(super) fn description(id: &str, teaches: &str, settings: &BTreeMap<String, serde_json::Value>) -> String {
    let mut text = format!("{}: {}.\n\n", code(id), escape(teaches));
    if settings.is_empty() {
        text.push_str("It asks for nothing: everything is Docker's default.\n\n");
    } else {
        text.push_str(&block(&yaml::mapping(settings.iter(), 0), "yaml"));
        text.push('\n');
    }
    text
}

/// What `try` has tried on it, if it is somebody's own configuration.
fn changes(text: &mut String, grid: &Grid<'_>, id: &str) {
    let Some(tried) = grid.record.tried.as_ref().filter(|tried| tried.scenario == id) else { return };
    let useful: Vec<_> = tried.changes.iter().filter(|change| !change.closes.is_empty()).collect();
    if useful.is_empty() {
        return;
    }
    text.push_str(
        "## Single changes\n\nEach was tried by itself: what got through without it, and is stopped with it.\n\n\
         <div class=\"wide\"><table><thead><tr><th>Change</th><th>What it does</th><th>Closes</th><th>Opens</th></tr>\
         </thead><tbody>\n",
    );
    for change in useful {
        let _ = writeln!(
            text,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}: {}</td><td>{}</td></tr>",
            escape(&change.how),
            escape(&change.does),
            change.closes.len(),
            escape(&change.closes.join(", ")),
            escape(&change.opens.join(", ")),
        );
    }
    text.push_str("</tbody></table></div>\n\n");
}

fn posture(text: &mut String, scenario: &Scenario<'_>) {
    if scenario.entry.posture.is_empty() {
        return;
    }
    text.push_str(
        "## What stands in the way\n\n<div class=\"wide\"><table class=\"posture\"><thead><tr><th>Mechanism</th>\
         <th>How it stands</th><th>What turns it off</th></tr></thead><tbody>\n",
    );
    for posture in &scenario.entry.posture {
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            link_to(posture.mechanism, "../"),
            escape(&posture.state),
            escape(posture.mechanism.entry().open_with),
        );
    }
    text.push_str("</tbody></table></div>\n\n");
}

fn verdicts(text: &mut String, grid: &Grid<'_>, place: usize) {
    let counts = Counts::of(grid.of_scenario(place).map(|(_, cell)| cell));
    if counts.all() == 0 {
        return;
    }
    let _ = writeln!(
        text,
        "## Verdicts\n\n{} got through, {} blocked ({} of them by one mechanism alone), {} not testable here, {} broken.\n",
        counts.number(Grade::Through),
        counts.blocked(),
        counts.number(Grade::One),
        counts.number(Grade::Untestable),
        counts.number(Grade::Broken)
    );
    for (id, probes) in grid.families() {
        let (title, about) = family(id);
        let _ = writeln!(text, "### {}\n\n{}\n", escape(title), escape(about));
        let rows = probes.into_iter().filter_map(|probe| {
            let cell = grid.cell(place, probe)?;
            let probe = &grid.probes[probe];
            let head = Head {
                anchor: format!("p-{}", probe.slug),
                html: link(&format!("../probes/{}.md", probe.slug), &escape(&probe.entry.id)),
                below: escape(&probe.entry.title),
            };
            Some((head, cell))
        });
        text.push_str(&table("Probe", rows));
        text.push('\n');
    }
}
