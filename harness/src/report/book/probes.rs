//! A page for each probe, and the list of them: what is tried, what it would gain, why it harms nobody, and what
//! came of it in every scenario.

use std::fmt::Write as _;

use whyblocked_agent::{Effect, Need, Probe};

use super::Page;
use super::grid::{Counts, Grade, Grid, family};
use super::markdown::{code, codes, escape, facts, link, sources};
use super::verdicts::{Head, table};
use crate::observation::errno_name;
use crate::record::ProbeEntry;
use crate::report::reached::never_reached;

pub(super) fn pages(grid: &Grid<'_>) -> Vec<Page> {
    let mut pages = vec![Page::new("probes.md", list(grid))];
    for place in 0..grid.probes.len() {
        pages.push(Page::new(format!("probes/{}.md", grid.probes[place].slug), page(grid, place)));
    }
    pages
}

fn list(grid: &Grid<'_>) -> String {
    let mut text = String::from(
        "# Probes\n\nThe attempts, each harmless, each at something that a container should perhaps not do. In brackets: in how \
         many scenarios it got through.\n\n",
    );
    let never = never_reached(grid.record);
    for (id, probes) in grid.families() {
        let (title, about) = family(id);
        let _ = writeln!(text, "## {}\n\n{}\n", escape(title), escape(about));
        for place in probes {
            let probe = &grid.probes[place];
            let counts = Counts::of(grid.of_probe(place).map(|(_, cell)| cell));
            let name = link(&format!("probes/{}.md", probe.slug), &escape(&probe.entry.id));
            let _ = writeln!(
                text,
                "- {name}: {} ({} of {}{})",
                escape(&probe.entry.title),
                counts.number(Grade::Through),
                counts.all(),
                if never.iter().any(|entry| entry.id == probe.entry.id) {
                    "; its guard was never reached"
                } else {
                    ""
                }
            );
        }
        text.push('\n');
    }
    text
}

fn page(grid: &Grid<'_>, place: usize) -> String {
    let probe = &grid.probes[place];
    let mut text = format!("# {}\n\n", escape(&probe.entry.title));
    let _ = writeln!(text, "{}\n", code(&probe.entry.id));
    match probe.known {
        Some(known) => text.push_str(&description(known)),
        None => text.push_str(&unknown(probe.entry)),
    }
    if never_reached(grid.record).iter().any(|never| never.id == probe.entry.id) {
        text.push_str(
            "\n**Its guard was never reached in this run**, not even with everything open: here it proves nothing about any \
             scenario. The verdicts below say why.\n",
        );
    }
    text.push_str("\n## Verdicts\n\n");
    let rows = grid.of_probe(place).map(|(scenario, cell)| {
        let scenario = &grid.scenarios[scenario];
        let head = Head {
            anchor: format!("s-{}", scenario.slug),
            html: link(
                &format!("../scenarios/{}.md#p-{}", scenario.slug, probe.slug),
                &escape(&scenario.entry.id),
            ),
            below: escape(&scenario.entry.title),
        };
        (head, cell)
    });
    text.push_str(&table("Scenario", rows));
    text
}

/// What the catalogue says of a probe.
pub(super) fn description(probe: &Probe) -> String {
    let mut text = format!("**What it tries:** {}.\n\n", escape(probe.tries));
    let _ = writeln!(text, "**What an attacker would gain:** {}.\n", escape(probe.gains));
    text.push_str(&facts(&[
        ("Calls", codes(probe.calls.iter().map(syscalls::Sysno::name))),
        ("It got through if", passed(probe)),
        ("It was refused if", refused(probe)),
        ("Capabilities", any_of(probe.capabilities)),
        (
            "Finds prepared",
            probe.needs.iter().map(|need| need_in_words(*need)).collect::<Vec<_>>().join("; "),
        ),
        ("Effect", format!("{}: {}", effect(probe.effect), escape(probe.harmless_because))),
    ]));
    text.push('\n');
    text.push_str(&sources(probe.sources));
    text
}

/// What a record says of a probe that this version's catalogue does not have.
fn unknown(entry: &ProbeEntry) -> String {
    let mut text = String::from(
        "The catalogue of this version does not have this probe; this is what the record says of it.\n\n",
    );
    text.push_str(&facts(&[("Calls", codes(&entry.calls)), ("Effect", effect(entry.effect).to_owned())]));
    text
}

fn passed(probe: &Probe) -> String {
    if probe.proof.is_empty() {
        return "it works".to_owned();
    }
    let errnos = codes(probe.proof.iter().map(|errno| errno_name(*errno)));
    format!("it works, or fails with {errnos}, which comes only after every permission check")
}

fn refused(probe: &Probe) -> String {
    let own = probe.refusal.iter().map(|errno| errno_name(*errno));
    codes(["EPERM", "EACCES", "EROFS"].map(str::to_owned).into_iter().chain(own))
}

fn any_of(capabilities: &[&str]) -> String {
    match capabilities {
        [] => "none is asked for".to_owned(),
        [one] => format!("{} is asked for", code(one)),
        several => format!("one of {} is asked for", codes(several)),
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Harmless => "none, even when it gets through",
        Effect::Undone => "undone in the next line",
        Effect::Disposable => "changes its host, so it runs in the disposable machine only",
    }
}

fn need_in_words(need: Need) -> &'static str {
    match need {
        Need::ForeignFiles => "files of another user",
        Need::Neighbour => "a process of another user in the same container",
        Need::SetuidRoot => "a set-user-id program of root",
        Need::FileCapability => "a program with a file capability",
        Need::Text => "a line of text that may be executed",
        Need::MountedText => "a line of text on each tmpfs that the scenario mounts",
        Need::MountedSetuidRoot => "a set-user-id program of root on each tmpfs that the scenario mounts",
        Need::DummyModule => "the running kernel's dummy module, uncompressed",
        Need::LoadedDummy => "the dummy module, loaded",
        Need::Victim => "a process outside the container",
        Need::Listener => "sockets that listen outside the container",
    }
}
