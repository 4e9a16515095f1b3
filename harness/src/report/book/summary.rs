//! The first page: what was run, what was found, what to look at first. A person understands it in a minute, so
//! it counts and links and explains nothing at length.

use std::fmt::Write as _;

use super::date;
use super::grid::{Counts, Grade, Grid, family};
use super::markdown::{code, escape, link};
use super::verdicts::{class_of, legend, link_to, words};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Proof};
use crate::report::proofs::Proofs;
use crate::report::terminal::{share, shared_notes};

pub(super) fn page(grid: &Grid<'_>, title: &str) -> String {
    let counts = Counts::of(grid.all().map(|(_, _, cell)| cell));
    let mut text = format!("# {title}\n\n");
    if let Some(why) = &grid.record.cut_short {
        let _ =
            writeln!(text, "**This run was cut short:** {}. What was known by then is here.\n", escape(why));
    }
    about(&mut text, grid);
    conflicts(&mut text, grid);
    numbers(&mut text, &counts, grid.up);
    proved(&mut text, grid);
    if counts.all() > 0 {
        scenarios(&mut text, grid);
        who_said_no(&mut text, &counts);
        gets_through(&mut text, grid);
    }
    refused(&mut text, grid);
    not_run(&mut text, grid);
    notes(&mut text, grid, &counts);
    text
}

fn about(text: &mut String, grid: &Grid<'_>) {
    let record = grid.record;
    text.push_str(
        "A container tries something and is refused: which mechanism said no, and what would have to fail for it to \
         get through? Each attempt was made in each scenario, and again with known mechanisms turned off.\n\n",
    );
    let _ = writeln!(
        text,
        "**{}** attempts in **{}** scenarios, on {}, on {} (Linux {}, {}): {} containers of the {} engine {}, {} \
         observations, {:.1} seconds.\n",
        grid.probes.len(),
        grid.run().count(),
        date::utc(record.started),
        escape(&record.host.system),
        escape(&record.host.kernel),
        escape(&record.host.arch),
        record.timing.containers,
        escape(&record.engine.name),
        escape(&record.engine.version),
        record.timing.observations,
        record.timing.seconds,
    );
}

fn conflicts(text: &mut String, grid: &Grid<'_>) {
    let conflicting = |cell: &Cell| cell.proof == Some(Proof::Conflict);
    let mut items = grid
        .all()
        .filter(|(_, _, cell)| conflicting(cell))
        .map(|at| {
            let why = at.2.unconfirmed.as_deref().unwrap_or("no reason given");
            format!("<li>{}: {}</li>", place(grid, at), escape(why))
        })
        .peekable();
    if items.peek().is_none() {
        return;
    }
    text.push_str("<div class=\"conflicts\"><b>Conflict: the methods disagree.</b> Look at these before anything else.<ul>");
    text.extend(items);
    text.push_str("</ul></div>\n\n");
}

/// A verdict by its scenario and probe, linked to where it is told in full.
fn place(grid: &Grid<'_>, (scenario, probe, _): (usize, usize, &Cell)) -> String {
    let (scenario, probe) = (&grid.scenarios[scenario], &grid.probes[probe]);
    let name = format!("{} / {}", escape(&scenario.entry.id), escape(&probe.entry.id));
    link(&format!("scenarios/{}.md#p-{}", scenario.slug, probe.slug), &name)
}

fn numbers(text: &mut String, counts: &Counts, up: &str) {
    text.push_str("<div class=\"numbers\">");
    let broken = counts.number(Grade::Broken);
    for (class, number, what) in [
        ("more", counts.blocked(), "blocked"),
        ("through", counts.number(Grade::Through), "got through"),
        ("untestable", counts.number(Grade::Untestable), "not testable here"),
        (if broken > 0 { "broken" } else { "untestable" }, broken, "broken"),
    ] {
        let _ = write!(text, "<div class=\"{class}\"><b>{number}</b>{what}</div>");
    }
    text.push_str("</div>\n\n");
    let _ = writeln!(
        text,
        "{} verdicts, all in the [matrix](matrix.md). Of those that are blocked, {} hang by one mechanism: one \
         mistake, and the attempt gets through. [How to read this book]({}reading.md) explains the words.\n",
        counts.all(),
        counts.number(Grade::One),
        up,
    );
}

/// How many blocks a witness confirms, and which it does not.
fn proved(text: &mut String, grid: &Grid<'_>) {
    let proofs = Proofs::of(grid.record);
    let Some(percent) = proofs.percent() else { return };
    let _ = writeln!(
        text,
        "**{}** of {} blocks are confirmed by a witness that is independent of the experiment ({}): the kernel's own \
         trace, the installed filter, its dye, audit records, or the container seen from the host.",
        proofs.confirmed,
        proofs.blocked,
        share(percent)
    );
    if !grid.record.witness.reason.is_empty() {
        let _ = writeln!(text, "Of the witnesses: {}.", escape(&grid.record.witness.reason));
    }
    text.push('\n');
    if proofs.rest.is_empty() {
        return;
    }
    text.push_str("<details><summary>Blocks that rest on the experiment alone, and why</summary><ul>\n");
    for (reason, cells) in &proofs.rest {
        let places: Vec<String> = grid
            .all()
            .filter(|(_, _, cell)| cells.iter().any(|known| std::ptr::eq(*known, *cell)))
            .map(|at| place(grid, at))
            .collect();
        let _ = writeln!(text, "<li>{}: {}</li>", escape(reason), places.join(", "));
    }
    text.push_str("</ul></details>\n\n");
}

fn scenarios(text: &mut String, grid: &Grid<'_>) {
    let _ = write!(
        text,
        "## Scenarios\n\n{}<div class=\"wide\"><table class=\"overview\"><thead><tr><th>Scenario</th>\
         <th>Got through</th><th>Blocked</th><th>of those, by one alone</th><th></th><th>Who says no most</th></tr></thead>\
         <tbody>\n",
        legend()
    );
    for (place, scenario) in grid.run() {
        let counts = Counts::of(grid.of_scenario(place).map(|(_, cell)| cell));
        let said = counts.who_said_no().into_iter().take(3);
        let most: Vec<String> = said
            .map(|(mechanism, times)| format!("<span>{} {times}</span>", link_to(mechanism, "")))
            .collect();
        let _ = writeln!(
            text,
            "<tr><td>{}<small>{}</small></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            link(&format!("scenarios/{}.md", scenario.slug), &escape(&scenario.entry.id)),
            escape(&scenario.entry.title),
            counts.number(Grade::Through),
            counts.blocked(),
            counts.number(Grade::One),
            shares(&counts),
            most.join(", "),
        );
    }
    text.push_str("</tbody></table></div>\n\n");
}

/// A bar, in the colours of the legend. The numbers stand beside it.
fn shares(counts: &Counts) -> String {
    let mut html = String::from("<div class=\"shares\" aria-hidden=\"true\">");
    for grade in Grade::ALL {
        let number = counts.number(grade);
        if number > 0 {
            let _ = write!(html, "<span class=\"{}\" style=\"flex-grow:{number}\"></span>", class_of(grade));
        }
    }
    html.push_str("</div>");
    html
}

fn who_said_no(text: &mut String, counts: &Counts) {
    let said = counts.who_said_no();
    let Some((_, most)) = said.first() else { return };
    text.push_str("## Who said no, and how often\n\n<table class=\"bars\"><tbody>\n");
    for (mechanism, times) in &said {
        let _ = writeln!(
            text,
            "<tr><th scope=\"row\">{}</th><td><span class=\"bar\" style=\"width:{:.1}%\"></span>{times}</td></tr>",
            link_to(*mechanism, ""),
            *times as f64 * 85.0 / *most as f64,
        );
    }
    text.push_str("</tbody></table>\n\n");
}

/// The scenario of which everybody asks first; the first that was run, where it was not.
const FIRST: &str = "docker-default";

fn gets_through(text: &mut String, grid: &Grid<'_>) {
    let Some((place, scenario)) = grid.run().find(|(_, s)| s.entry.id == FIRST).or_else(|| grid.run().next())
    else {
        return;
    };
    let _ = writeln!(text, "## What gets through in {}\n", escape(&scenario.entry.id));
    let _ = writeln!(text, "It teaches {}.\n", escape(&scenario.entry.teaches));
    let mut any = false;
    for (id, probes) in grid.families() {
        let through: Vec<String> = probes
            .into_iter()
            .filter(|probe| grid.cell(place, *probe).is_some_and(|cell| cell.outcome == Outcome::Allowed))
            .map(|probe| {
                let probe = &grid.probes[probe];
                link(&format!("probes/{}.md", probe.slug), &escape(&probe.entry.title))
            })
            .collect();
        if !through.is_empty() {
            any = true;
            let _ = writeln!(text, "- **{}**: {}", escape(family(id).0), through.join(" · "));
        }
    }
    text.push_str(if any { "\n" } else { "Nothing.\n\n" });
}

/// What the engine does not start at all: a result, in its own words.
fn refused(text: &mut String, grid: &Grid<'_>) {
    let mut refused = grid.scenarios.iter().filter_map(|s| Some((s, s.entry.refused.as_ref()?))).peekable();
    if refused.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "## Refused by {}\n", escape(&grid.record.engine.name));
    for (scenario, said) in refused {
        let name = link(&format!("scenarios/{}.md", scenario.slug), &escape(&scenario.entry.id));
        let _ = writeln!(text, "- {name}: “{}”", escape(said));
    }
    text.push('\n');
}

fn not_run(text: &mut String, grid: &Grid<'_>) {
    let others = grid.scenarios.iter().filter(|s| s.entry.refused.is_none());
    let mut not_run = others.filter_map(|s| Some((s, s.entry.not_run.as_ref()?))).peekable();
    if not_run.peek().is_none() {
        return;
    }
    text.push_str("## Not run here\n\n");
    for (scenario, reason) in not_run {
        let name = link(&format!("scenarios/{}.md", scenario.slug), &escape(&scenario.entry.id));
        let _ = writeln!(text, "- {name}: {}", escape(reason));
    }
    text.push('\n');
}

fn notes(text: &mut String, grid: &Grid<'_>, counts: &Counts) {
    let mut items: Vec<String> = shared_notes(grid.record)
        .into_iter()
        .map(|(whose, note)| format!("{}: {}", escape(&whose), escape(note)))
        .collect();
    items.extend(reasons(grid));
    if counts.contradictions > 0 {
        let first = grid.all().find(|(_, _, cell)| !cell.violations.is_empty());
        let example = first.map_or_else(String::new, |at| format!(", for example {}", place(grid, at)));
        items.push(format!(
            "{} verdicts hold a contradiction: more mechanisms let through what fewer stopped{example}",
            counts.contradictions
        ));
    }
    let broken = grid.all().filter(|(_, _, cell)| cell.outcome == Outcome::Broken);
    items.extend(broken.map(|at| format!("{}: {}", place(grid, at), words(at.2))));
    if grid.strays > 0 {
        items.push(format!(
            "{} verdicts are about scenarios or probes that the record does not list; they are not shown",
            grid.strays
        ));
    }
    if items.is_empty() {
        return;
    }
    text.push_str("## Notes\n\n");
    for item in items {
        let _ = writeln!(text, "- {item}");
    }
}

/// Why attempts could not be tested, and how many for each reason.
fn reasons(grid: &Grid<'_>) -> Option<String> {
    let mut reasons: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for (_, _, cell) in grid.all().filter(|(_, _, cell)| cell.outcome == Outcome::Untestable) {
        *reasons.entry(cell.reason.as_deref().unwrap_or("unknown")).or_default() += 1;
    }
    let parts: Vec<String> =
        reasons.into_iter().map(|(reason, times)| format!("{} {times}", known(reason))).collect();
    (!parts.is_empty())
        .then(|| format!("not testable here, by what on the host is the reason: {}", parts.join(", ")))
}

fn known(reason: &str) -> String {
    serde_json::from_value::<Mechanism>(reason.into())
        .map_or_else(|_| code(reason), |mechanism| link_to(mechanism, ""))
}
