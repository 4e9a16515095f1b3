//! The pages that show records side by side: the hosts, what is stronger or weaker, every difference with its reason;
//! and for each scenario all verdicts, with what is the same folded away.

use std::fmt::Write as _;

use super::conformance::said;
use super::grid::family;
use super::markdown::{Slugs, code, escape, link};
use super::volume::{self, Volume};
use super::{Contents, Page, diff};
use crate::conformance::Place;
use crate::record::Cell;
use crate::report::side_by_side::{change_in_words, differences};
use crate::side_by_side::{Change, Differs, Fact, Row, Scenario, SideBySide, Why};

/// The page.
pub(super) const PAGE: &str = "side-by-side.md";

/// So many verdicts of a reason are shown at once; of more the rest is only counted: the scenarios' pages have them.
const MOST: usize = 400;

pub(super) fn pages(volumes: &[Volume<'_>], found: &SideBySide<'_>, contents: &mut Contents) -> Vec<Page> {
    let mut slugs = Slugs::default();
    let slugs: Vec<String> = found.scenarios.iter().map(|scenario| slugs.take(scenario.id)).collect();
    contents.chapter(0, "Side by side", PAGE);
    let mut pages = vec![Page::new(PAGE, page(volumes, found, &slugs))];
    for (scenario, slug) in found.scenarios.iter().zip(&slugs) {
        let path = format!("side-by-side/{slug}.md");
        contents.chapter(1, scenario.id, &path);
        pages.push(Page::new(path, of_scenario(volumes, scenario)));
    }
    pages
}

fn page(volumes: &[Volume<'_>], found: &SideBySide<'_>, slugs: &[String]) -> String {
    let first = escape(&volumes[0].named.name);
    let mut text = format!(
        "# Side by side\n\nEvery record is held against the first that has a verdict at the place, which is mostly {first}. A \
         reason is given where the records themselves say it; what has none comes first.\n\n**{}.**\n\n",
        escape(&differences(found))
    );
    unexplained(&mut text, volumes, found, Differs::Answer);
    text.push_str("## The hosts\n\n");
    facts(&mut text, volumes, &found.facts);
    text.push_str("## What is stronger, and what is weaker\n\n");
    let _ = writeln!(text, "Held against {first}, by how many mechanisms have to fail.\n");
    for change in &found.changes {
        changed(&mut text, volumes, change);
    }
    text.push_str("\n## Differences and their reasons\n\n");
    explained(&mut text, volumes, found, Differs::Answer);
    text.push_str(
        "## The same answer, and something else behind it\n\nThe outcome is the same and so is who answered; the layers, what \
         opens it, or the errno are not.\n\n",
    );
    unexplained(&mut text, volumes, found, Differs::Behind);
    explained(&mut text, volumes, found, Differs::Behind);
    missing(&mut text, volumes, found);
    text.push_str("## All verdicts\n\nScenario by scenario, what is the same too.\n\n");
    for (scenario, slug) in found.scenarios.iter().zip(slugs) {
        let differing = scenario.rows.iter().filter(|row| row.differs == Differs::Answer).count();
        let name = link(&format!("side-by-side/{slug}.md"), &escape(scenario.id));
        let _ = writeln!(text, "- {name}: {differing} of {} differ", scenario.rows.len());
    }
    text
}

/// The head of a table: something, and a column for each record.
fn head(first: &str, volumes: &[Volume<'_>], up: &str) -> String {
    let columns: Vec<String> = volumes.iter().map(|volume| format!("<th>{}</th>", volume.name(up))).collect();
    format!("<thead><tr><th>{first}</th>{}</tr></thead>", columns.concat())
}

fn facts(text: &mut String, volumes: &[Volume<'_>], facts: &[Fact]) {
    let (differing, same): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|fact| fact.differs());
    let table = |facts: &[&Fact], class: &str| {
        let mut html =
            format!("<div class=\"wide\"><table class=\"beside\">{}<tbody>\n", head("", volumes, ""));
        for fact in facts {
            let values: Vec<String> = fact
                .values
                .iter()
                .map(|value| {
                    format!("<td>{}</td>", if value.is_empty() { "–".to_owned() } else { escape(value) })
                })
                .collect();
            let _ = writeln!(html, "<tr{class}><th scope=\"row\">{}</th>{}</tr>", fact.name, values.concat());
        }
        html + "</tbody></table></div>\n"
    };
    if differing.is_empty() {
        text.push_str("They differ in nothing that the records say.\n\n");
    } else {
        let _ = writeln!(text, "{}", table(&differing, " class=\"differs\""));
    }
    if !same.is_empty() {
        let _ = writeln!(
            text,
            "<details><summary>What is the same on all of them ({})</summary>\n{}</details>\n",
            same.len(),
            table(&same, "")
        );
    }
}

fn changed(text: &mut String, volumes: &[Volume<'_>], change: &Change<'_>) {
    let volume = &volumes[change.to];
    let diff = link(&diff::path(volume), "verdict by verdict");
    let _ = writeln!(text, "- **{}**: {} ({diff})", volume.name(""), escape(&change_in_words(change)));
    for (what, places) in
        [("weaker", &change.weaker), ("stronger", &change.stronger), ("another mechanism", &change.other)]
    {
        if places.is_empty() {
            continue;
        }
        let _ = write!(text, "  <details><summary>{what} ({})</summary>", places.len());
        for of_one in places.chunk_by(|one, other| one.scenario == other.scenario) {
            let probes: Vec<String> = of_one
                .iter()
                .map(|place| verdict_link(volume, *place, "").unwrap_or_else(|| code(place.probe)))
                .collect();
            let _ = write!(text, "<p>{}: {}</p>", escape(of_one[0].scenario), probes.join(", "));
        }
        text.push_str("</details>\n");
    }
}

fn verdict_link(volume: &Volume<'_>, place: Place<'_>, up: &str) -> Option<String> {
    let page = volume.verdict(place.scenario, place.probe)?;
    Some(link(&format!("{up}{page}"), &escape(place.probe)))
}

fn unexplained(text: &mut String, volumes: &[Volume<'_>], found: &SideBySide<'_>, differs: Differs) {
    let groups = found.by_reason(differs);
    let rows = groups.iter().find(|(why, _)| why.is_none()).map_or(&[][..], |(_, rows)| rows);
    if rows.is_empty() {
        text.push_str("Every difference has a reason that the records say.\n\n");
        return;
    }
    let _ = writeln!(
        text,
        "<div class=\"conflicts\"><b>Not explained:</b> for {} nothing in the records says why.</div>\n",
        verdicts(rows.len())
    );
    text.push_str(&by_probe(volumes, rows));
}

fn explained(text: &mut String, volumes: &[Volume<'_>], found: &SideBySide<'_>, differs: Differs) {
    let groups = found.by_reason(differs);
    let groups: Vec<(&Why, &Vec<&Row<'_>>)> =
        groups.iter().filter_map(|(why, rows)| Some(((*why)?, rows))).collect();
    if groups.is_empty() {
        text.push_str("None.\n\n");
    }
    for (why, rows) in groups {
        let _ = writeln!(
            text,
            "<details class=\"reason\"><summary><b>{}</b>: {}</summary>\n{}</details>\n",
            verdicts(rows.len()),
            escape(&why.to_string()),
            by_probe(volumes, rows)
        );
    }
}

fn verdicts(count: usize) -> String {
    if count == 1 { "1 verdict".to_owned() } else { format!("{count} verdicts") }
}

/// Rows about the same probe in which all records say the same are one.
fn by_probe(volumes: &[Volume<'_>], rows: &[&Row<'_>]) -> String {
    let mut groups: Vec<(Vec<String>, Vec<&Row<'_>>)> = Vec::new();
    for row in rows {
        let cells: Vec<String> = row.cells.iter().map(|cell| key(*cell)).collect();
        let same = |(known, rows): &&mut (Vec<String>, Vec<&Row<'_>>)| {
            *known == cells && rows[0].place.probe == row.place.probe
        };
        match groups.iter_mut().find(same) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((cells, vec![row])),
        }
    }
    let mut html = format!(
        "<div class=\"wide table-wrapper\"><table class=\"verdicts compared\">{}<tbody>\n",
        head("Attempt", volumes, "")
    );
    for (_, rows) in groups.iter().take(MOST) {
        let scenarios: Vec<String> =
            rows.iter().map(|row| volume::scenario(volumes, row.place.scenario, "")).collect();
        let scenarios = if scenarios.len() > FEW {
            format!(
                "<details><summary>in {} scenarios</summary>{}</details>",
                scenarios.len(),
                scenarios.join(", ")
            )
        } else {
            format!("in {}", scenarios.join(", "))
        };
        let _ = writeln!(
            html,
            "<tr><td>{}<small>{scenarios}</small></td>{}</tr>",
            volume::probe(volumes, rows[0].place.probe, ""),
            cells(volumes, rows[0], "")
        );
    }
    html.push_str("</tbody></table></div>\n\n");
    if groups.len() > MOST {
        let _ = writeln!(html, "And {} more, on the scenarios' pages.\n", groups.len() - MOST);
    }
    html
}

/// So many scenarios are named; more are folded away.
const FEW: usize = 3;

/// What of a verdict is shown in these tables.
fn key(cell: Option<&Cell>) -> String {
    cell.map_or_else(String::new, |cell| {
        format!(
            "{:?} {:?} {:?} {:?} {:?}",
            cell.outcome, cell.blocked_by, cell.errno, cell.layers, cell.opens
        )
    })
}

fn cells(volumes: &[Volume<'_>], row: &Row<'_>, up: &str) -> String {
    let of = |(volume, cell): (&Volume<'_>, Option<&Cell>)| match cell {
        Some(cell) => {
            let page = volume.verdict(row.place.scenario, row.place.probe);
            said(cell, volume, up, page.map(|page| format!("{up}{page}")).as_deref())
        }
        None => "<td>–</td>".to_owned(),
    };
    volumes.iter().zip(row.cells.iter().copied()).map(of).collect()
}

fn missing(text: &mut String, volumes: &[Volume<'_>], found: &SideBySide<'_>) {
    let missing = |scenario: &&Scenario<'_>| scenario.missing.iter().any(Option::is_some);
    if !found.scenarios.iter().any(|scenario| missing(&scenario)) {
        return;
    }
    let _ = writeln!(
        text,
        "## Scenarios that not every record has run\n\n<div class=\"wide\"><table class=\"beside\">{}<tbody>",
        head("Scenario", volumes, "")
    );
    for scenario in found.scenarios.iter().filter(missing) {
        let reasons: Vec<String> = scenario
            .missing
            .iter()
            .map(|reason| format!("<td>{}</td>", reason.as_ref().map_or("run".to_owned(), |why| escape(why))))
            .collect();
        let _ = writeln!(
            text,
            "<tr><th scope=\"row\">{}</th>{}</tr>",
            volume::scenario(volumes, scenario.id, ""),
            reasons.concat()
        );
    }
    text.push_str("</tbody></table></div>\n\n");
}

/// All verdicts of a scenario.
fn of_scenario(volumes: &[Volume<'_>], scenario: &Scenario<'_>) -> String {
    let up = "../";
    let mut text = format!("# {}, side by side\n\n", escape(scenario.id));
    for (volume, reason) in volumes.iter().zip(&scenario.missing) {
        if let Some(reason) = reason {
            let _ = writeln!(text, "- {}: {}", volume.name(up), escape(reason));
        }
    }
    if scenario.rows.is_empty() {
        text.push_str("\nNo two records have verdicts for it.\n");
        return text;
    }
    let (same, differing): (Vec<&Row<'_>>, Vec<&Row<'_>>) =
        scenario.rows.iter().partition(|row| row.differs == Differs::No);
    let _ = writeln!(text, "\n## What differs ({})\n", differing.len());
    if differing.is_empty() {
        text.push_str("Nothing.\n\n");
    } else {
        text.push_str(&in_full(volumes, &differing, up));
    }
    if !same.is_empty() {
        let _ = writeln!(
            text,
            "<details><summary>What is the same ({})</summary>\n{}</details>",
            same.len(),
            in_full(volumes, &same, up)
        );
    }
    text
}

fn in_full(volumes: &[Volume<'_>], rows: &[&Row<'_>], up: &str) -> String {
    let mut html = format!(
        "<div class=\"wide table-wrapper\"><table class=\"verdicts compared\">{}<tbody>\n",
        head("Attempt", volumes, up)
    );
    for row in rows {
        let why: Vec<String> = row
            .why
            .iter()
            .map(|why| why.as_ref().map_or("<b>not explained</b>".to_owned(), |why| escape(&why.to_string())))
            .collect();
        let about = row.place.probe.split('-').next().map_or("", |id| family(id).0);
        let below = if why.is_empty() { escape(about) } else { why.join("<br>") };
        let _ = writeln!(
            html,
            "<tr><td>{}<small>{below}</small></td>{}</tr>",
            volume::probe(volumes, row.place.probe, up),
            cells(volumes, row, up)
        );
    }
    html.push_str("</tbody></table></div>\n\n");
    html
}
