//! The same host on several days: a chart for each scenario, and what changed from one record to the next.

mod chart;

use std::fmt::Write as _;

use self::chart::Chart;
use super::markdown::{Slugs, escape, link};
use super::verdicts::class;
use super::{Contents, Page, date};
use crate::fleet::history::{Changed, Series};
use crate::fleet::{Fleet, Step};
use crate::record::{Cell, Outcome};

/// Where words about a record lead to: pages by their way from the root.
pub(super) trait Leads {
    /// A scenario.
    fn scenario(&self, id: &str) -> Option<String>;
    /// A verdict of a host.
    fn verdict(&self, host: usize, scenario: &str, probe: &str) -> Option<String>;
    /// A host.
    fn host(&self, host: usize) -> Option<String>;
}

/// The page.
pub(super) const PAGE: &str = "history.md";

/// So many changes between two records are listed.
const MOST: usize = 200;

/// So many hosts have pages.
const MOST_HOSTS: usize = 150;

/// The pages: one where there is one host with a history, otherwise one for each, and one that lists them.
pub(super) fn pages(fleet: &Fleet, all: &[Series], leads: &dyn Leads, contents: &mut Contents) -> Vec<Page> {
    if all.is_empty() {
        return Vec::new();
    }
    contents.chapter(0, "History", PAGE);
    if let [only] = all {
        return vec![Page::new(PAGE, page(fleet, only, leads, ""))];
    }
    let mut slugs = Slugs::default();
    let mut list = format!("# History\n\n{INTRODUCTION}\n\n");
    let mut pages = Vec::new();
    // Those that became weaker first, the others by name.
    let weaker = |series: &&Series| {
        series.changes(fleet).iter().flatten().filter(|change| change.step == Step::Weaker).count()
    };
    let mut all: Vec<&Series> = all.iter().collect();
    all.sort_by_cached_key(|series| std::cmp::Reverse(weaker(series)));
    for series in all.iter().take(MOST_HOSTS) {
        let slug = slugs.take(name(series));
        let path = format!("history/{slug}.md");
        contents.chapter(1, name(series), &path);
        let heading = escape(name(series));
        let _ = writeln!(
            list,
            "## {heading}\n\n{}\n\n{}\n",
            about(fleet, series),
            link(&path, "What changed, and when")
        );
        list.push_str(&Chart::of(fleet, series, None).html(&format!("{slug}-all")));
        list.push('\n');
        pages.push(Page::new(path, page(fleet, series, leads, "../")));
    }
    if all.len() > MOST_HOSTS {
        let _ = writeln!(list, "And {} more hosts.", all.len() - MOST_HOSTS);
    }
    pages.insert(0, Page::new(PAGE, list));
    pages
}

const INTRODUCTION: &str = "The same host on several days. No record says which host it is of: these are of the same kind (engine, place, privilege, architecture, \
     SELinux, AppArmor), and their files are called the same but for the date or the folder, or are few enough to be taken for one.";

fn name(series: &Series) -> &str {
    if series.name.is_empty() { &series.kind } else { &series.name }
}

/// How many records, from when to when, and what became weaker on the way.
fn about(fleet: &Fleet, series: &Series) -> String {
    let started = |host: Option<&usize>| date::utc(host.map_or(0, |host| fleet.hosts[*host].record.started));
    let changes = series.changes(fleet);
    let of = |step| changes.iter().flatten().filter(|change| change.step == step).count();
    let weaker = of(Step::Weaker);
    format!(
        "{} records, from {} to {}: {weaker} {} became weaker, {} stronger, {} answered by another mechanism.",
        series.points.len(),
        started(series.points.first()),
        started(series.points.last()),
        if weaker == 1 { "verdict" } else { "verdicts" },
        of(Step::Stronger),
        of(Step::Another)
    )
}

fn page(fleet: &Fleet, series: &Series, leads: &dyn Leads, up: &str) -> String {
    let mut text = match series.name.as_str() {
        "" => String::from("# History\n\n"),
        name => format!("# History of {}\n\n", escape(name)),
    };
    let _ = writeln!(text, "{INTRODUCTION}\n\nThis is {}. {}\n", escape(&series.kind), about(fleet, series));
    text.push_str(&Chart::of(fleet, series, None).html("all"));
    text.push_str("\n## What changed\n\n");
    for (pair, changes) in series.points.windows(2).zip(series.changes(fleet)) {
        changed(&mut text, fleet, [pair[0], pair[1]], &changes, leads, up);
    }
    text.push_str("## Scenario by scenario\n\n");
    let mut slugs = Slugs::default();
    for (place, entry) in fleet.scenarios.iter().enumerate() {
        let chart = Chart::of(fleet, series, Some(place));
        if chart.is_empty() {
            continue;
        }
        let _ = writeln!(text, "### {}\n", escape(&entry.id));
        text.push_str(&chart.html(&slugs.take(&entry.id)));
        if let Some(page) = leads.scenario(&entry.id) {
            let _ = writeln!(text, "\n{}\n", link(&format!("{up}{page}"), "The scenario and its verdicts"));
        }
    }
    text
}

/// From one record to the next.
fn changed(
    text: &mut String,
    fleet: &Fleet,
    hosts: [usize; 2],
    changes: &[Changed<'_>],
    leads: &dyn Leads,
    up: &str,
) {
    let [before, now] = hosts.map(|host| {
        let name = escape(&fleet.hosts[host].name);
        leads.host(host).map_or_else(|| name.clone(), |page| link(&format!("{up}{page}"), &name))
    });
    let moment = date::utc(fleet.hosts[hosts[1]].record.started);
    let _ = writeln!(text, "### {moment}\n\nFrom {before} to {now}:");
    if changes.is_empty() {
        text.push_str("nothing changed.\n\n");
        return;
    }
    let counts: Vec<String> = Step::DIFFERENT
        .iter()
        .map(|step| (changes.iter().filter(|change| change.step == *step).count(), step.words()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    let _ = writeln!(
        text,
        "{}.\n\n<div class=\"wide table-wrapper\"><table class=\"verdicts compared\"><thead><tr><th>Attempt</th><th></th><th>Before</th><th>Now</th></tr></thead><tbody>",
        counts.join(", ")
    );
    for change in changes.iter().take(MOST) {
        let (scenario, probe) = (&fleet.scenarios[change.scenario].id, &fleet.probes[change.probe].id);
        let lead = |html: String, page: Option<String>| {
            page.map_or_else(|| html.clone(), |page| link(&format!("{up}{page}"), &html))
        };
        let _ = writeln!(
            text,
            "<tr><td>{}<small>in {}</small></td><td>{}</td>{}{}</tr>",
            lead(escape(probe), leads.verdict(hosts[1], scenario, probe)),
            lead(escape(scenario), leads.scenario(scenario)),
            change.step.words(),
            said(change.cells[0]),
            said(change.cells[1])
        );
    }
    text.push_str("</tbody></table></div>\n\n");
    if changes.len() > MOST {
        let _ = writeln!(text, "And {} more.\n", changes.len() - MOST);
    }
}

fn said(cell: &Cell) -> String {
    let words = match (cell.outcome, cell.blocked_by) {
        (Outcome::Allowed, _) => "got through".to_owned(),
        (Outcome::Blocked, Some(by)) => format!("blocked by {by}"),
        (Outcome::Blocked, None) => "blocked".to_owned(),
        (Outcome::Untestable, _) => "not testable".to_owned(),
        (Outcome::Broken, _) => "broken".to_owned(),
    };
    let depth = cell.depth.map_or_else(String::new, |depth| format!("<small>depth {depth}</small>"));
    format!("<td class=\"{}\">{words}{depth}</td>", class(cell))
}
