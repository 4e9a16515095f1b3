//! One verdict, told the way a good teacher would: the attempt, what happened, each mechanism in the kernel's
//! order with what the experiment showed for it, and what would open it, in Compose's words.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use whyblocked_agent::catalogue;

use super::evidence::{by_method, parts};
use super::terminal::{moved, plain, wrapped};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Posture, Proof, Record, ScenarioEntry};
use crate::verdict::list;

const HEADING: Style = Style::new().bold();
const STOPS: Style = AnsiColor::Green.on_default();
const OPEN: Style = AnsiColor::Red.on_default();
const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// Columns to wrap sentences at.
const WIDTH: usize = 78;

/// The explanation of every verdict of the record for this scenario and probe; `None` if there is none.
pub fn text(record: &Record, scenario: &str, probe: &str) -> Option<String> {
    let entry = record.scenarios.iter().find(|entry| entry.id == scenario)?;
    let mut text = String::new();
    if let Some(reason) = &entry.not_run {
        paragraph(&mut text, &format!("{scenario} was not run here: {reason}."));
        return Some(text);
    }
    let cell = record.cell(scenario, probe)?;
    if cell.proof == Some(Proof::Conflict) {
        let why = plain(cell.unconfirmed.as_deref().unwrap_or("see the evidence"));
        paragraph(&mut text, &format!("CONFLICT: the methods disagree: {why}."));
    }
    heading(&mut text, &format!("{scenario} / {probe}"));
    attempt(&mut text, probe);
    happened(&mut text, cell, entry);
    match cell.outcome {
        Outcome::Blocked => {
            mechanisms(&mut text, cell, entry);
            opening(&mut text, cell);
        }
        Outcome::Allowed => got_through(&mut text, entry),
        Outcome::Untestable | Outcome::Broken => {}
    }
    contradictions(&mut text, cell);
    evidence(&mut text, cell);
    proof(&mut text, cell, record);
    Some(text)
}

fn attempt(text: &mut String, id: &str) {
    let Some(probe) = catalogue::find(id) else { return };
    paragraph(text, &format!("What is tried: {}.", probe.tries));
    paragraph(text, &format!("What it would gain: {}.", probe.gains));
    paragraph(text, &format!("Why it harms nobody: {}.", probe.harmless_because));
    if !probe.capabilities.is_empty() {
        paragraph(text, &format!("The kernel asks for {}.", probe.capabilities.join(" or ")));
    }
    text.push('\n');
}

fn happened(text: &mut String, cell: &Cell, scenario: &ScenarioEntry) {
    heading(text, "What happened");
    let call = cell.call.as_deref().unwrap_or("no call could be made");
    let errno = cell.errno.as_deref().map_or_else(String::new, |errno| format!(" → {errno}"));
    let note = cell.note.as_deref().map_or_else(String::new, |note| format!(" ({note})"));
    let ended = match cell.outcome {
        Outcome::Allowed => "It got through.".to_owned(),
        Outcome::Blocked => match cell.blocked_by {
            Some(by) => format!("Blocked. The answer came from {by}. {}{}", by.entry().about, knob(cell, by)),
            None => "Blocked.".to_owned(),
        },
        Outcome::Untestable => {
            let reason = cell.reason.as_deref().unwrap_or("unknown");
            return paragraph(
                text,
                &format!(
                    "It cannot be tested here; the reason is '{reason}': {}",
                    plain(cell.note.as_deref().unwrap_or(""))
                ),
            );
        }
        Outcome::Broken => "The experiment itself failed; this proves nothing.".to_owned(),
    };
    paragraph(text, &format!("{}{}{}", plain(call), errno, plain(&note)));
    paragraph(text, &ended);
    for note in &scenario.notes {
        paragraph(text, &format!("Note: {}.", plain(note)));
    }
    text.push('\n');
}

/// The check that says no and the setting that opens it can be two mechanisms.
fn knob(cell: &Cell, by: Mechanism) -> String {
    if cell.layers.is_empty() || cell.layers.contains(&by) {
        return String::new();
    }
    format!(" That is the check; the setting that makes it say no here is that of {}.", list(&cell.layers))
}

fn mechanisms(text: &mut String, cell: &Cell, scenario: &ScenarioEntry) {
    heading(text, "Mechanism by mechanism, in the order in which the kernel asks");
    let partners: Vec<Mechanism> =
        cell.opens.iter().flatten().copied().filter(|mechanism| !cell.layers.contains(mechanism)).collect();
    for posture in &scenario.posture {
        let mechanism = posture.mechanism;
        let (style, says) = if cell.layers.contains(&mechanism) {
            let first = cell.blocked_by == Some(mechanism);
            let answered = if first { ", and answered here" } else { "; behind the one that answered" };
            (STOPS, format!("alone it stops it{answered}{}", state(posture)))
        } else if cell.blocked_by == Some(mechanism) {
            let knobs = list(&cell.layers);
            (STOPS, format!("its check answered here, for what {knobs} has set{}", state(posture)))
        } else if partners.contains(&mechanism) {
            (STOPS, format!("stops it only together with another one{}", state(posture)))
        } else {
            (QUIET, "lets it through".to_owned())
        };
        let _ = writeln!(text, "  {style}{mechanism:<18}{style:#} {says}");
    }
    text.push('\n');
}

fn state(posture: &Posture) -> String {
    if posture.state.is_empty() { String::new() } else { format!(" [{}]", plain(&posture.state)) }
}

fn opening(text: &mut String, cell: &Cell) {
    heading(text, "What would open it");
    match cell.depth {
        Some(1) => paragraph(text, "One mistake is enough:"),
        Some(depth) => paragraph(text, &format!("It takes {depth} mistakes at once:")),
        None => {}
    }
    for open in &cell.opens {
        let _ = writeln!(text, "  relax {}:", list(open));
        for mechanism in open {
            let _ = writeln!(text, "      {OPEN}{}{OPEN:#}", mechanism.entry().open_with);
        }
    }
    if let Some(probe) = catalogue::find(&cell.probe)
        && cell.opens.iter().flatten().any(|mechanism| *mechanism == Mechanism::Capabilities)
        && !probe.capabilities.is_empty()
    {
        let names: Vec<&str> =
            probe.capabilities.iter().map(|name| name.trim_start_matches("CAP_")).collect();
        paragraph(text, &format!("For this attempt: cap_add: [{}].", names.join(" or ")));
    }
    if cell.layers.contains(&Mechanism::Seccomp) && cell.layers.contains(&Mechanism::Capabilities) {
        paragraph(
            text,
            "Docker's own default filter depends on the capabilities: there, adding the capability also opens the filter. The experiment kept the filter as it was, to see each mechanism for itself.",
        );
    }
    text.push('\n');
}

fn got_through(text: &mut String, scenario: &ScenarioEntry) {
    heading(text, "What was on, and did not stop it");
    for posture in &scenario.posture {
        let state =
            if posture.state.is_empty() { String::new() } else { format!(" [{}]", plain(&posture.state)) };
        let _ = writeln!(text, "  {QUIET}{:<18}{QUIET:#}{state}", posture.mechanism);
    }
    text.push('\n');
}

fn contradictions(text: &mut String, cell: &Cell) {
    for violation in cell.violations.iter().take(1) {
        paragraph(
            text,
            &format!(
                "A contradiction, seen for real: with {} on it is stopped, and with {} on it gets through. More mechanisms are not always more protection; a namespace of one's own, for one, gives capabilities in it.",
                list(&violation.stopped_with),
                list(&violation.let_through_with_more)
            ),
        );
        text.push('\n');
    }
}

fn evidence(text: &mut String, cell: &Cell) {
    heading(text, "The evidence");
    for (method, said) in by_method(cell) {
        let _ = writeln!(text, "  {}", plain(method));
        for evidence in said {
            text.push_str(&moved(&plain(&evidence.says), WIDTH, 4, 2));
            for part in parts(evidence) {
                let _ = write!(text, "{QUIET}{}{QUIET:#}", moved(&plain(part), WIDTH, 8, 2));
            }
        }
    }
    text.push('\n');
}

fn proof(text: &mut String, cell: &Cell, record: &Record) {
    let why = || plain(cell.unconfirmed.as_deref().unwrap_or("no reason given"));
    let words = match cell.proof {
        Some(Proof::Confirmed) => "confirmed: the experiment and an independent witness agree.".to_owned(),
        Some(Proof::Single) => format!("single: by experiment alone: {}.", why()),
        Some(Proof::Conflict) => format!("CONFLICT: the methods disagree: {}.", why()),
        None => return,
    };
    paragraph(text, &format!("Proof: {words}"));
    if !record.witness.reason.is_empty() {
        paragraph(text, &format!("Witnesses: {}.", plain(&record.witness.reason)));
    }
    let _ = writeln!(
        text,
        "{QUIET}{} containers, {:.2} s; {} on {}{QUIET:#}",
        record.timing.containers,
        record.timing.seconds,
        plain(&record.engine.name),
        plain(&record.host.kernel)
    );
}

fn heading(text: &mut String, words: &str) {
    let _ = writeln!(text, "{HEADING}{}{HEADING:#}", plain(words));
}

fn paragraph(text: &mut String, words: &str) {
    text.push_str(&wrapped(words, WIDTH, 0));
}
