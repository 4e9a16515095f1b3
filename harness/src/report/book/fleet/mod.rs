//! The book of a fleet: where hosts differ, and which. Its pages are told by groups of hosts, so that they do not grow with the
//! number of records; it must not show evidence, which nobody has kept: that is in a book of the one record.

mod groups;
mod hosts;
mod index;
mod matrix;
mod scenarios;
mod words;

use std::collections::HashMap;

use super::history::{self, Leads};
use super::markdown::{Slugs, escape, link};
use super::{Contents, Page, READING};
use crate::fleet::history::series;
use crate::fleet::{Fleet, Split, Unreadable};

/// A fleet and the names of its pages.
#[derive(Debug)]
struct Shelf<'a> {
    fleet: &'a Fleet,
    /// The names of the scenarios' pages, and the anchors of the probes on them.
    scenarios: Vec<String>,
    probes: Vec<String>,
    families: Vec<Family<'a>>,
    /// Where in the fleet's list the verdicts about a scenario and a probe are.
    places: HashMap<(usize, usize), usize>,
    /// Where scenarios and probes are, by their ids.
    ids: [HashMap<&'a str, usize>; 2],
}

/// Probes that have a page of the matrix for themselves.
#[derive(Debug)]
struct Family<'a> {
    id: &'a str,
    slug: String,
    probes: std::ops::Range<usize>,
}

/// So many groups, the weakest, have a page; of the rest the table says how much differs. mdBook takes longer for a page than
/// it takes to read a record.
const MOST_GROUPS: usize = 150;

/// The sources of the pages, `SUMMARY.md` first.
pub(super) fn pages(fleet: &Fleet) -> Vec<Page> {
    let shelf = Shelf::new(fleet);
    let history = series(fleet);
    let mut contents = Contents::default();
    let mut pages = vec![
        Page::new("SUMMARY.md", String::new()),
        Page::new("reading.md", READING.to_owned()),
        Page::new("index.md", index::page(&shelf, &history)),
        Page::new("hosts.md", hosts::page(&shelf)),
    ];
    contents.front("The fleet", "index.md");
    contents.front("How to read this book", "reading.md");
    contents.chapter(0, "The hosts", "hosts.md");
    pages.extend(groups::pages(&shelf, &mut contents));
    pages.extend(matrix::pages(&shelf, &mut contents));
    pages.extend(scenarios::pages(&shelf, &mut contents));
    pages.extend(history::pages(fleet, &history, &shelf, &mut contents));
    pages[0].text = contents.text();
    pages
}

impl<'a> Shelf<'a> {
    fn new(fleet: &'a Fleet) -> Self {
        let mut slugs = Slugs::default();
        let scenarios = fleet.scenarios.iter().map(|entry| slugs.take(&entry.id)).collect();
        let mut slugs = Slugs::default();
        let probes = fleet.probes.iter().map(|entry| slugs.take(&entry.id)).collect();
        let mut slugs = Slugs::default();
        let mut families: Vec<Family<'_>> = Vec::new();
        for (place, probe) in fleet.probes.iter().enumerate() {
            match families.last_mut() {
                Some(last) if last.id == probe.family => last.probes.end = place + 1,
                _ => families.push(Family {
                    id: &probe.family,
                    slug: slugs.take(&probe.family),
                    probes: place..place + 1,
                }),
            }
        }
        let ids = [
            fleet.scenarios.iter().zip(0..).map(|(entry, place)| (entry.id.as_str(), place)).collect(),
            fleet.probes.iter().zip(0..).map(|(entry, place)| (entry.id.as_str(), place)).collect(),
        ];
        let place = |(place, split): (usize, &Split)| ((split.scenario, split.probe), place);
        let places = fleet.splits.iter().enumerate().map(place).collect();
        Self { fleet, scenarios, probes, families, places, ids }
    }

    /// Where a scenario and a probe are.
    fn place(&self, scenario: &str, probe: &str) -> Option<(usize, usize)> {
        Some((*self.ids[0].get(scenario)?, *self.ids[1].get(probe)?))
    }

    fn split(&self, scenario: usize, probe: usize) -> Option<&'a Split> {
        self.places.get(&(scenario, probe)).map(|place| &self.fleet.splits[*place])
    }

    /// A scenario by its id, linked to its page.
    fn scenario(&self, scenario: usize, up: &str) -> String {
        let page = format!("{up}scenarios/{}.md", self.scenarios[scenario]);
        link(&page, &escape(&self.fleet.scenarios[scenario].id))
    }

    /// A probe by its id, linked to where a scenario's page tells of it.
    fn probe(&self, scenario: usize, probe: usize, up: &str) -> String {
        let page = format!("{up}scenarios/{}.md#p-{}", self.scenarios[scenario], self.probes[probe]);
        link(&page, &escape(&self.fleet.probes[probe].id))
    }
}

/// Words that lead to a group's page, if it has one.
fn to_group(group: usize, html: &str, up: &str) -> String {
    if group < MOST_GROUPS { link(&format!("{up}groups/{}.md", group + 1), html) } else { html.to_owned() }
}

impl Leads for Shelf<'_> {
    fn scenario(&self, id: &str) -> Option<String> {
        Some(format!("scenarios/{}.md", self.scenarios[*self.ids[0].get(id)?]))
    }

    fn verdict(&self, _host: usize, scenario: &str, probe: &str) -> Option<String> {
        let (scenario, probe) = self.place(scenario, probe)?;
        Some(format!("scenarios/{}.md#p-{}", self.scenarios[scenario], self.probes[probe]))
    }

    fn host(&self, host: usize) -> Option<String> {
        let group = self.fleet.hosts[host].group;
        (group < MOST_GROUPS).then(|| format!("groups/{}.md", group + 1))
    }
}

/// The files that are no records, before everything else: what they would have said is not in the book.
pub(super) fn unreadable(files: &[Unreadable]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let listed: Vec<String> = files
        .iter()
        .take(MOST_FILES)
        .map(|one| format!("<li>{}: {}</li>", escape(&one.file), escape(&one.why)))
        .collect();
    let more = match files.len().saturating_sub(MOST_FILES) {
        0 => String::new(),
        more => format!("<li>and {more} more</li>"),
    };
    format!(
        "<div class=\"conflicts\"><b>Not in this book: {} that could not be read.</b> Record them again, read them with the \
         program that wrote them, or take them out of the folder.<ul>{}{more}</ul></div>\n\n",
        crate::report::many(files.len(), "file"),
        listed.concat()
    )
}

/// So many are named.
const MOST_FILES: usize = 50;
