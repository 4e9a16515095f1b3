//! One record of a book: its name, its folder, its pages, and where words about it lead to.

use super::conformance::Links;
use super::grid::Grid;
use super::history::Leads;
use super::markdown::{Slugs, code, escape, link};
use super::{Contents, Page, date, host, matrix, mechanisms, probes, scenarios, summary};
use crate::mechanism::Mechanism;
use crate::side_by_side::Named;

/// A record in a book.
#[derive(Debug)]
pub(super) struct Volume<'a> {
    pub(super) named: &'a Named<'a>,
    /// Its folder, relative to the root: empty, or ends in a slash.
    pub(super) folder: String,
    pub(super) grid: Grid<'a>,
}

/// Gives each record its folder; a record that is alone has the root.
pub(super) fn shelve<'a>(records: &'a [Named<'a>]) -> Vec<Volume<'a>> {
    let mut slugs = Slugs::default();
    let alone = records.len() == 1;
    let shelve = |named: &'a Named<'a>| {
        let mut grid = Grid::new(named.record);
        let mut folder = String::new();
        if !alone {
            folder = format!("records/{}/", slugs.take(&named.name));
            grid.up = "../../";
        }
        Volume { named, folder, grid }
    };
    records.iter().map(shelve).collect()
}

impl Volume<'_> {
    /// The record's own pages; `title` is HTML.
    pub(super) fn pages(&self, title: &str) -> Vec<Page> {
        let grid = &self.grid;
        let mut pages = vec![
            Page::new("index.md", summary::page(grid, title)),
            Page::new("matrix.md", matrix::page(grid)),
            Page::new("host.md", host::page(grid.record)),
        ];
        pages.extend(scenarios::pages(grid));
        pages.extend(probes::pages(grid));
        pages.extend(mechanisms::pages(grid));
        for page in &mut pages {
            page.path.insert_str(0, &self.folder);
        }
        pages
    }

    /// Their chapters; those that stand before all others where the record is alone have to be among them otherwise.
    pub(super) fn chapters(&self, contents: &mut Contents) {
        let at = |path: &str| format!("{}{path}.md", self.folder);
        if !self.folder.is_empty() {
            for (title, path) in [("Summary", "index"), ("Matrix", "matrix"), ("The host", "host")] {
                contents.chapter(0, title, &at(path));
            }
        }
        let grid = &self.grid;
        contents.chapter(0, "Scenarios", &at("scenarios"));
        for scenario in &grid.scenarios {
            contents.chapter(1, &scenario.entry.id, &at(&format!("scenarios/{}", scenario.slug)));
        }
        contents.chapter(0, "Probes", &at("probes"));
        for probe in &grid.probes {
            contents.chapter(1, &probe.entry.id, &at(&format!("probes/{}", probe.slug)));
        }
        contents.chapter(0, "Mechanisms", &at("mechanisms"));
        for entry in crate::mechanism::ALL {
            contents.chapter(1, entry.title, &at(&format!("mechanisms/{}", entry.id)));
        }
    }

    /// Its name, linked to its first page; `up` leads to the root.
    pub(super) fn name(&self, up: &str) -> String {
        link(&format!("{up}{}index.md", self.folder), &escape(&self.named.name))
    }

    /// What is below its name: the host, the engine, the date.
    pub(super) fn about(&self) -> String {
        let record = self.named.record;
        let engine = &record.engine;
        format!(
            "{}, Linux {}; {} {}, {}; {}",
            escape(&record.host.system),
            escape(&record.host.kernel),
            escape(&engine.name),
            escape(&engine.version),
            escape(&engine.place),
            date::utc(record.started)
        )
    }

    /// Where a verdict is told in full, from the root; nothing if the record does not list what it is about.
    pub(super) fn verdict(&self, scenario: &str, probe: &str) -> Option<String> {
        let (Some(scenario), Some(probe)) = self.grid.slugs(scenario, probe) else { return None };
        Some(format!("{}scenarios/{scenario}.md#p-{probe}", self.folder))
    }

    /// A scenario's page, from the root.
    pub(super) fn scenario_page(&self, id: &str) -> Option<String> {
        Some(format!("{}scenarios/{}.md", self.folder, self.grid.slugs(id, "").0?))
    }

    /// A probe's page, from the root.
    pub(super) fn probe_page(&self, id: &str) -> Option<String> {
        Some(format!("{}probes/{}.md", self.folder, self.grid.slugs("", id).1?))
    }
}

/// A scenario by its id, linked to its page in the first record that has it; `up` leads to the root.
pub(super) fn scenario(volumes: &[Volume<'_>], id: &str, up: &str) -> String {
    let page = volumes.iter().find_map(|volume| volume.scenario_page(id));
    page.map_or_else(|| code(id), |page| link(&format!("{up}{page}"), &escape(id)))
}

/// The same of a probe.
pub(super) fn probe(volumes: &[Volume<'_>], id: &str, up: &str) -> String {
    let page = volumes.iter().find_map(|volume| volume.probe_page(id));
    page.map_or_else(|| code(id), |page| link(&format!("{up}{page}"), &escape(id)))
}

impl Links for Volume<'_> {
    fn scenario(&self, id: &str) -> String {
        self.scenario_page(id).map_or_else(|| code(id), |page| link(&page, &escape(id)))
    }

    fn probe(&self, id: &str) -> String {
        self.probe_page(id).map_or_else(|| code(id), |page| link(&page, &escape(id)))
    }

    fn mechanism(&self, mechanism: Mechanism) -> String {
        let id = mechanism.id();
        link(&format!("{}mechanisms/{id}.md", self.folder), &id)
    }
}

/// The records of a book, where words about one of them lead to its own pages.
#[derive(Debug)]
pub(super) struct Shelved<'a>(pub(super) &'a [Volume<'a>]);

impl Leads for Shelved<'_> {
    fn scenario(&self, id: &str) -> Option<String> {
        self.0.iter().find_map(|volume| volume.scenario_page(id))
    }

    fn verdict(&self, host: usize, scenario: &str, probe: &str) -> Option<String> {
        self.0.get(host)?.verdict(scenario, probe)
    }

    fn host(&self, host: usize) -> Option<String> {
        Some(format!("{}index.md", self.0.get(host)?.folder))
    }
}
