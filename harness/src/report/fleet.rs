//! What was found about a fleet: for a terminal, and for programs.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::terminal::{moved, plain, wrapped};
use crate::fleet::{Fleet, Split, Step};
use crate::mechanism::Mechanism;
use crate::record::Outcome;
use crate::side_by_side::Differs;

const HEADING: Style = Style::new().bold();
const WEAKER: Style = AnsiColor::Red.on_default().bold();

/// More lines nobody reads; the book has them all.
const MOST: usize = 12;

/// The summary.
pub fn text(fleet: &Fleet, width: usize) -> String {
    let width = width.min(100);
    let mut text = wrapped(&counts(fleet), width, 2);
    let weaker: Vec<usize> =
        (1..fleet.groups.len()).filter(|group| fleet.groups[*group].steps(Step::Weaker) > 0).collect();
    if !weaker.is_empty() {
        let _ = writeln!(text, "{HEADING}Weaker than the largest group{HEADING:#}");
    }
    for place in weaker.iter().take(MOST) {
        let group = &fleet.groups[*place];
        let hosts: Vec<&str> = fleet.names(*place).take(MOST).collect();
        let more = group.hosts.len() - hosts.len();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let _ = writeln!(text, "  {WEAKER}{} weaker{WEAKER:#}", group.steps(Step::Weaker));
        text.push_str(&moved(&plain(&format!("{}{more}", hosts.join(", "))), width, 4, 2));
    }
    if weaker.len() > MOST {
        let _ = writeln!(text, "  and {} more groups", weaker.len() - MOST);
    }
    text
}

/// How many there are of everything, in a sentence.
fn counts(fleet: &Fleet) -> String {
    let differing = differing(fleet).count();
    let broken = match fleet.unreadable.len() {
        0 => String::new(),
        1 => "; 1 file could not be read".to_owned(),
        files => format!("; {files} files could not be read"),
    };
    let cut_short = match fleet.hosts.iter().filter(|host| host.record.cut_short.is_some()).count() {
        0 => String::new(),
        records => format!("; {records} of the records were cut short"),
    };
    format!(
        "{} hosts in {} groups with the very same verdicts, {} of them in the largest; they differ in outcome or mechanism on \
         {differing} of {} attempts{cut_short}{broken}.",
        fleet.hosts.len(),
        fleet.groups.len(),
        fleet.groups.first().map_or(0, |group| group.hosts.len()),
        fleet.splits.len()
    )
}

fn differing(fleet: &Fleet) -> impl Iterator<Item = &Split> {
    fleet.splits.iter().filter(|split| split.differs(&fleet.answers) == Differs::Answer)
}

/// All of it, for programs.
#[derive(Debug, Serialize)]
pub struct Findings<'a> {
    hosts: Vec<Host<'a>>,
    groups: Vec<Group<'a>>,
    differing: Vec<Difference<'a>>,
    unreadable: Vec<File<'a>>,
}

#[derive(Debug, Serialize)]
struct Host<'a> {
    name: &'a str,
    /// Its group's place in the list.
    group: usize,
    engine: String,
    place: &'a str,
    kernel: &'a str,
    started: u64,
    cut_short: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Group<'a> {
    hosts: Vec<&'a str>,
    /// Held against the first group: how many verdicts are what.
    weaker: usize,
    stronger: usize,
    other_mechanism: usize,
    undecided: usize,
    behind: usize,
    same: usize,
    new: usize,
    gone: usize,
}

#[derive(Debug, Serialize)]
struct Difference<'a> {
    scenario: &'a str,
    probe: &'a str,
    answers: Vec<Answer<'a>>,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    outcome: Outcome,
    blocked_by: Option<Mechanism>,
    depth: Option<u32>,
    layers: &'a [Mechanism],
    hosts: usize,
    /// By their places in the list.
    groups: &'a [usize],
}

#[derive(Debug, Serialize)]
struct File<'a> {
    file: &'a str,
    why: &'a str,
}

impl<'a> Findings<'a> {
    /// Of this fleet.
    pub fn of(fleet: &'a Fleet) -> Self {
        let host = |host: &'a crate::fleet::Host| Host {
            name: &host.name,
            group: host.group,
            engine: format!("{} {}", host.record.engine.name, host.record.engine.version),
            place: &host.record.engine.place,
            kernel: &host.record.host.kernel,
            started: host.record.started,
            cut_short: host.record.cut_short.as_deref(),
        };
        let group = |(place, group): (usize, &'a crate::fleet::Group)| Group {
            hosts: fleet.names(place).collect(),
            weaker: group.steps(Step::Weaker),
            stronger: group.steps(Step::Stronger),
            other_mechanism: group.steps(Step::Another),
            undecided: group.steps(Step::Undecided),
            behind: group.steps(Step::Behind),
            same: group.steps(Step::Same),
            new: group.only[0],
            gone: group.only[1],
        };
        Self {
            hosts: fleet.hosts.iter().map(host).collect(),
            groups: fleet.groups.iter().enumerate().map(group).collect(),
            differing: differing(fleet).map(|split| difference(fleet, split)).collect(),
            unreadable: fleet.unreadable.iter().map(|one| File { file: &one.file, why: &one.why }).collect(),
        }
    }
}

fn difference<'a>(fleet: &'a Fleet, split: &'a Split) -> Difference<'a> {
    let answer = |given: &'a crate::fleet::Given| {
        let cell = &fleet.answers[given.answer];
        Answer {
            outcome: cell.outcome,
            blocked_by: cell.blocked_by,
            depth: cell.depth,
            layers: &cell.layers,
            hosts: given.hosts,
            groups: &given.groups,
        }
    };
    Difference {
        scenario: &fleet.scenarios[split.scenario].id,
        probe: &fleet.probes[split.probe].id,
        answers: split.given.iter().map(answer).collect(),
    }
}
