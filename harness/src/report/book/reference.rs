//! The reference pages of the project's own book, made from the catalogue, the scenario files and the list of
//! mechanisms: the same words as in every report. Pure: a test compares them with what is committed.

mod manual;

use std::fmt::Write as _;

use whyblocked_agent::catalogue::{self, FAMILIES, Family};

use super::conformance::{self, Links};
use super::markdown::{code, codes, columns, escape, link};
use super::{Page, mechanisms, probes, scenarios};
use crate::claims::{self, Test};
use crate::conformance::Comparison;
use crate::documented::calls;
use crate::mechanism::{self, Entry, Mechanism};
use crate::scenario::Facility;
use crate::scenario::{self, ScenarioError};

/// Stands at the top of every page.
pub(super) const MADE: &str = "<!-- Made by `WHYBLOCKED_BLESS=1 cargo test -p whyblocked-tests --test book`; changes here are lost. -->\n\n";

/// Stands at the top of what was observed.
const OBSERVED: &str = "<!-- Made by `WHYBLOCKED_BLESS=1 cargo test -p whyblocked-tests --test conformance`, as root and with \
Docker; changes here are lost. -->\n\n";

/// What a run of all scenarios with two engines has shown: a part of the page about conformance. Unlike the other
/// pages it cannot be made again from the sources alone: it holds a date and versions.
pub fn conformance(comparison: &Comparison<'_>) -> Page {
    let text = format!("{OBSERVED}{}", conformance::body(comparison, &Chapters));
    Page::new("conformance-observed.md", text)
}

/// The project's own book, seen from its root.
struct Chapters;

impl Links for Chapters {
    fn scenario(&self, id: &str) -> String {
        let known = scenario::select(&[]).is_ok_and(|all| all.iter().any(|scenario| scenario.id == id));
        if known { link(&format!("reference/scenarios.md#{id}"), &escape(id)) } else { code(id) }
    }

    fn probe(&self, id: &str) -> String {
        match catalogue::find(id) {
            Some(probe) => link(&format!("reference/probes/{}.md#{id}", probe.family()), &escape(id)),
            None => code(id),
        }
    }

    fn mechanism(&self, mechanism: Mechanism) -> String {
        let id = mechanism.id();
        link(&format!("reference/mechanisms/{id}.md"), &id)
    }
}

/// The pages, with paths relative to the book's `src`.
pub fn pages() -> Result<Vec<Page>, ScenarioError> {
    let mut pages = vec![Page::new("reference/probes.md", probe_list())];
    for family in FAMILIES {
        pages.push(Page::new(format!("reference/probes/{}.md", family.id), probe_family(family)));
    }
    pages.push(Page::new("reference/scenarios.md", scenario_list()?));
    pages.push(Page::new("reference/mechanisms.md", mechanism_list()));
    for entry in mechanism::ALL {
        pages.push(Page::new(format!("reference/mechanisms/{}.md", entry.id), mechanism_page(entry)));
    }
    pages.push(Page::new("reference/claims.md", claim_list()));
    pages.push(Page::new("reference/documented.md", manual::page()));
    Ok(pages)
}

fn probe_list() -> String {
    let mut text = format!("{MADE}# Probes\n\nEvery attempt of the catalogue, by what it is aimed at.\n\n");
    for family in FAMILIES {
        let count = family.probes.iter().map(|probes| probes.len()).sum::<usize>();
        let name = link(&format!("probes/{}.md", family.id), &escape(family.title));
        let _ = writeln!(text, "- {name} ({count}): {}", escape(family.about));
    }
    text
}

fn probe_family(family: &Family) -> String {
    let mut text = format!("{MADE}# {}\n\n{}\n", escape(family.title), escape(family.about));
    for probe in family.probes.iter().copied().flatten() {
        let _ = write!(
            text,
            "\n## {} {{#{}}}\n\n{}\n\n{}",
            escape(probe.title),
            probe.id,
            code(probe.id),
            probes::description(probe)
        );
    }
    text
}

fn scenario_list() -> Result<String, ScenarioError> {
    let mut text = format!(
        "{MADE}# Scenarios\n\nThe files in `scenarios/`, in the order of the reports. [Writing a scenario](../writing-a-scenario.md) \
         says what the keys mean.\n"
    );
    for scenario in scenario::select(&[])? {
        let file = &scenario.file;
        let _ = write!(
            text,
            "\n## {} {{#{}}}\n\n{}",
            escape(&file.title),
            scenario.id,
            scenarios::description(&scenario.id, &file.teaches, &scenario.settings)
        );
        if !file.needs.is_empty() {
            let needs = file.needs.iter().map(|facility| Facility::in_words(*facility));
            let _ = writeln!(text, "Needs: {}.", needs.collect::<Vec<_>>().join(", "));
        }
    }
    Ok(text)
}

/// What is claimed and what would be seen; whether it holds only records can say.
fn claim_list() -> String {
    let mut text = format!(
        "{MADE}# Claims\n\nWhat is said of container security, and what a record would have to show. Whether it holds is not here: \
         [every report](../notes.md) holds the claims against its own records.\n"
    );
    for claim in claims::all() {
        let _ = write!(
            text,
            "\n## {}. {} {{#claim-{}}}\n\n{}\n\n",
            claim.number,
            escape(claim.title),
            claim.number,
            escape(claim.says)
        );
        if claim.list {
            let rows = calls::rows(&[]);
            let names = rows.iter().map(|row| row.listed.call);
            let _ = writeln!(
                text,
                "The calls: {}. [The manual](documented.md) has them row by row.\n",
                codes(names)
            );
        } else {
            text.push_str(&tests(claim.predicts, "If it were so"));
        }
        for instead in claim.instead.iter().filter(|instead| !instead.shown_by.is_empty()) {
            let _ = writeln!(text, "If it does not hold: {}\n", escape(instead.says));
            text.push_str(&tests(instead.shown_by, "Said only if this is seen"));
        }
        if let Some(beyond) = claim.beyond {
            let _ = writeln!(text, "Beyond what is looked at: {}.", escape(beyond));
        }
    }
    text
}

fn tests(tests: &[Test], head: &str) -> String {
    let rows = tests.iter().map(|test| {
        let probe = test.look.probe().map_or_else(String::new, |probe| format!(" / {}", Beside.probe(probe)));
        [
            escape(test.what),
            format!("{}{probe}", Beside.scenario(test.scenario)),
            escape(&test.look.to_string()),
            escape(test.at.in_words()),
        ]
    });
    format!("{}\n", columns([head, "In", "Expected", "Seen on"], rows))
}

/// The project's own book, seen from the folder of the reference pages.
struct Beside;

impl Links for Beside {
    fn scenario(&self, id: &str) -> String {
        Chapters.scenario(id).replacen("\"reference/", "\"", 1)
    }

    fn probe(&self, id: &str) -> String {
        Chapters.probe(id).replacen("\"reference/", "\"", 1)
    }

    fn mechanism(&self, mechanism: Mechanism) -> String {
        Chapters.mechanism(mechanism).replacen("\"reference/", "\"", 1)
    }
}

fn mechanism_list() -> String {
    let rows = mechanism::ALL.iter().map(|entry| {
        let id = entry.id.id();
        [
            link(&format!("mechanisms/{id}.md"), &id),
            escape(entry.in_a_line()),
            mechanisms::knob(entry).to_owned(),
            mechanisms::errnos(entry),
        ]
    });
    format!(
        "{MADE}# Mechanisms\n\nWhat can say no, in the order in which the kernel usually asks. Where there is a knob, a setting of \
         the container turns it; the others are the host's. Each page says where in the kernel the question is asked, how the \
         kernel's own witnesses name it, and how each key of a Compose service turns it.\n\n{}",
        columns(["Mechanism", "What it is", "Knob", "Errnos"], rows)
    )
}

fn mechanism_page(entry: &Entry) -> String {
    format!("{MADE}{}{}", mechanisms::summary(entry), mechanisms::details(entry))
}
