//! A page for each scenario: who answers what, where hosts differ, and what they say alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::markdown::escape;
use super::super::scenarios::description;
use super::super::{Contents, Page};
use super::Shelf;
use super::words::{answered, members, which};
use crate::fleet::Split;
use crate::report::many;
use crate::side_by_side::Differs;

/// So many answers to one attempt are shown.
const MOST: usize = 12;

pub(super) fn pages(shelf: &Shelf<'_>, contents: &mut Contents) -> Vec<Page> {
    let fleet = shelf.fleet;
    contents.chapter(0, "Scenarios", "scenarios.md");
    let mut of_scenario: Vec<Vec<&Split>> = vec![Vec::new(); fleet.scenarios.len()];
    for split in &fleet.splits {
        of_scenario[split.scenario].push(split);
    }
    let mut list = String::from("# Scenarios\n\n");
    let mut pages = Vec::new();
    for (place, entry) in fleet.scenarios.iter().enumerate() {
        let path = format!("scenarios/{}.md", shelf.scenarios[place]);
        contents.chapter(1, &entry.id, &path);
        let splits = &of_scenario[place];
        let differing = splits.iter().filter(|split| differs(shelf, split) == Differs::Answer).count();
        let _ = writeln!(
            list,
            "- {}: {}. Hosts differ on {differing} of {}",
            shelf.scenario(place, ""),
            escape(&entry.title),
            many(splits.len(), "attempt")
        );
        pages.push(Page::new(path, page(shelf, place, splits)));
    }
    pages.insert(0, Page::new("scenarios.md", list));
    pages
}

fn differs(shelf: &Shelf<'_>, split: &Split) -> Differs {
    split.differs(&shelf.fleet.answers)
}

fn page(shelf: &Shelf<'_>, place: usize, splits: &[&Split]) -> String {
    let entry = &shelf.fleet.scenarios[place];
    let mut text = format!("# {}\n\n", escape(&entry.title));
    text.push_str(&description(&entry.id, &entry.teaches, &entry.settings));
    without(&mut text, shelf, &entry.id);
    for (heading, about, wanted) in [
        ("Where hosts differ", "In outcome, or in the mechanism that said no.", Differs::Answer),
        (
            "The same answer, and something else behind it",
            "The outcome is the same and so is who answered; the layers, what opens it, the errno, or whether the methods agree are not.",
            Differs::Behind,
        ),
        ("The same on all hosts", "All that have a verdict say this.", Differs::No),
    ] {
        let rows: Vec<&&Split> = splits.iter().filter(|split| differs(shelf, split) == wanted).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "## {heading}\n\n{about}\n\n<div class=\"wide table-wrapper\"><table class=\"verdicts compared fleet\"><thead><tr><th>Attempt</th><th>Hosts</th>\
             <th>Answer</th>{}</tr></thead><tbody>",
            if wanted == Differs::No { "" } else { "<th>Which</th>" }
        );
        for split in rows {
            row(&mut text, shelf, split, wanted != Differs::No);
        }
        text.push_str("</tbody></table></div>\n\n");
    }
    text
}

/// One attempt: a row for each answer to it.
fn row(text: &mut String, shelf: &Shelf<'_>, split: &Split, named: bool) {
    let fleet = shelf.fleet;
    let probe = &fleet.probes[split.probe];
    let shown = &split.given[..split.given.len().min(MOST)];
    let rest = &split.given[shown.len()..];
    let rows = shown.len() + usize::from(!rest.is_empty());
    let _ = write!(
        text,
        "<tr id=\"p-{}\"><td rowspan=\"{rows}\">{}<small>{}</small></td>",
        shelf.probes[split.probe],
        escape(&probe.id),
        escape(&probe.title)
    );
    for (number, given) in shown.iter().enumerate() {
        let _ = write!(
            text,
            "{}<td>{}</td>{}",
            if number > 0 { "<tr>" } else { "" },
            given.hosts,
            answered(&fleet.answers[given.answer])
        );
        if named {
            let _ = write!(text, "<td>{}</td>", which(shelf, given, "../"));
        }
        text.push_str("</tr>\n");
    }
    if !rest.is_empty() {
        let hosts: usize = rest.iter().map(|given| given.hosts).sum();
        let _ =
            writeln!(text, "<tr><td>{hosts}</td><td>{}</td><td></td></tr>", many(rest.len(), "other answer"));
    }
}

/// Why hosts have no verdicts here, each reason once.
fn without(text: &mut String, shelf: &Shelf<'_>, id: &str) {
    let fleet = shelf.fleet;
    let mut reasons: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, host) in fleet.hosts.iter().enumerate() {
        let reason = match host.record.scenarios.iter().find(|entry| entry.id == id) {
            None => "the record does not have the scenario".to_owned(),
            Some(entry) => match (&entry.refused, &entry.not_run) {
                (Some(said), _) => format!("refused: {said}"),
                (None, Some(why)) => format!("not run: {why}"),
                (None, None) => continue,
            },
        };
        reasons.entry(reason).or_default().push(place);
    }
    if reasons.is_empty() {
        return;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
    for (reason, hosts) in reasons.iter().take(MOST) {
        let name = match hosts[..] {
            [only] => escape(&fleet.hosts[only].name),
            [first, ..] if *hosts == fleet.groups[fleet.hosts[first].group].hosts => {
                members(shelf, fleet.hosts[first].group)
            }
            _ => many(hosts.len(), "host"),
        };
        let _ = writeln!(text, "- Without verdicts: {name}: {}", escape(reason));
    }
    if reasons.len() > MOST {
        let _ = writeln!(text, "- and {}", many(reasons.len() - MOST, "more reason"));
    }
    text.push('\n');
}
