//! Labs for a terminal: lessons, steps, and what came of them. It formats; what is right and wrong `lab` knows.

mod evidence;
mod page;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use termimad::MadSkin;
use termimad::crossterm::style::{Attribute, Color};

use super::terminal::{moved, plain, width, wrapped};
use crate::lab::answer::{self, Answer};
use crate::lab::file::{Forbidden, Hint, Question, Step};
use crate::lab::goal::{self, Judged};
use crate::lab::progress::Progress;
use crate::lab::{Lab, knob};
use crate::record::{Cell, Outcome};

pub use evidence::evidence;
pub use page::page;

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// More columns are hard to read.
const WIDEST: usize = 90;

/// What is said when a lab is done.
pub const FINISHED: &str = "This lab is finished. `whyblocked lab start` begins the next one.\n";

fn columns() -> usize {
    width().min(WIDEST)
}

/// Markdown as a terminal shows it.
pub fn markdown(text: &str) -> String {
    narrow(text, columns())
}

/// The same in so many columns.
fn narrow(text: &str, columns: usize) -> String {
    let mut skin = MadSkin::no_style();
    skin.bold.add_attr(Attribute::Bold);
    skin.italic.add_attr(Attribute::Italic);
    skin.inline_code.set_fg(Color::Cyan);
    skin.code_block.left_margin = 4;
    for header in &mut skin.headers {
        header.add_attr(Attribute::Bold);
    }
    let visible: String =
        joined(text).chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    let mut shown = skin.text(&visible, Some(columns)).to_string();
    while shown.ends_with("\n\n") {
        shown.pop();
    }
    shown
}

/// The lines of a paragraph as one: a terminal has a width of its own.
fn joined(text: &str) -> String {
    let mut whole = String::new();
    let mut open = false;
    for line in text.lines() {
        let begins = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
        let code = begins(&["    "]) && !open;
        let structure = line.trim().is_empty() || code || begins(&["|", "#", "```"]);
        let item =
            begins(&["- ", "* "]) || line.split_once(". ").is_some_and(|(n, _)| n.parse::<u32>().is_ok());
        if open && !structure && !item {
            whole.push(' ');
            whole.push_str(line.trim());
        } else {
            if !whole.is_empty() {
                whole.push('\n');
            }
            whole.push_str(if structure { line } else { line.trim_end() });
        }
        open = !structure;
    }
    whole.push('\n');
    whole
}

/// Every lab, in a line or two each.
pub fn list(labs: &[Lab], state: &dyn Fn(&Lab) -> &'static str) -> String {
    let mut text = String::new();
    let longest = labs.iter().map(|lab| lab.id.len()).max().unwrap_or(0);
    for lab in labs {
        let mark = match state(lab) {
            "done" => format!("{GOOD}✓{GOOD:#}"),
            "begun" => "…".to_owned(),
            _ => " ".to_owned(),
        };
        let needs: Vec<&str> = lab.file.needs.iter().map(|need| need.in_words()).collect();
        let needs = if needs.is_empty() { String::new() } else { format!("; needs {}", needs.join(", ")) };
        let _ = writeln!(
            text,
            "{mark} {:<longest$}  {} {QUIET}({} min{needs}){QUIET:#}",
            plain(&lab.id),
            plain(&lab.file.title),
            lab.file.minutes
        );
    }
    text
}

/// A lab's lesson.
pub fn lesson(lab: &Lab) -> String {
    format!("{}\n", markdown(&lab.lesson))
}

/// A step.
pub fn step(lab: &Lab, number: usize) -> String {
    let this = &lab.file.steps[number];
    let what = match this {
        Step::Predict(_) => "predict",
        Step::Configure(_) => "configure",
        Step::Explain(_) => "explain",
    };
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{HEADING}── {}, step {} of {}: {what}{HEADING:#}",
        plain(&lab.id),
        number + 1,
        lab.file.steps.len()
    );
    text.push_str(&markdown(this.asks()));
    match this {
        Step::Configure(configure) => {
            text.push('\n');
            for goal in &configure.goals {
                text.push_str(&moved(
                    &format!("• {}: {}", goal.probe, goal::in_words(goal)),
                    columns(),
                    2,
                    2,
                ));
            }
            for probe in &configure.must_still_work {
                text.push_str(&moved(&format!("• {probe}: has to work still"), columns(), 2, 2));
            }
            for forbidden in &configure.forbidden {
                text.push_str(&moved(&format!("• without {}", knob::in_words(forbidden)), columns(), 2, 2));
            }
        }
        Step::Predict(_) | Step::Explain(_) => {}
    }
    text
}

/// What to do about a step.
pub fn what_to_type(step: &Step, scenario: &str) -> String {
    let words = match step {
        Step::Configure(_) => format!(
            "Edit {}, then: whyblocked lab check (or, in a second terminal, once: whyblocked lab watch)",
            plain(scenario)
        ),
        Step::Predict(_) | Step::Explain(_) => "Next: whyblocked lab check".to_owned(),
    };
    format!("\n{QUIET}{}{QUIET:#}", wrapped(&words, columns(), 0))
}

/// What there is to choose from.
pub fn choices(question: &Question) -> String {
    let mut text = String::from("\n");
    for (place, choice) in answer::choices(question).into_iter().enumerate() {
        let _ = writeln!(text, "  {HEADING}{}{HEADING:#}  {}", answer::letter(place), choice.in_words());
    }
    text
}

/// That nothing could be seen here, and where it could.
pub fn not_here(lab: &Lab, why: &str) -> String {
    let mut text = wrapped(&format!("This cannot be shown here: {}.", plain(why)), columns(), 2);
    let _ = match lab.machine() {
        Some(machine) => writeln!(text, "In the lab machine it can: whyblocked lab check --in {machine}"),
        None => writeln!(text, "If nothing can be done about that: whyblocked lab check --skip"),
    };
    text
}

/// Why a verdict decides nothing.
pub fn undecided(cell: &Cell) -> String {
    let note = || cell.note.clone().or_else(|| cell.reason.clone());
    match cell.outcome {
        Outcome::Untestable => {
            note().unwrap_or_else(|| "this host stops it whatever the scenario".to_owned())
        }
        Outcome::Broken => note().unwrap_or_else(|| "the experiment failed".to_owned()),
        Outcome::Allowed => "nobody answered: it gets through here".to_owned(),
        Outcome::Blocked => "nobody can tell here which mechanism answered".to_owned(),
    }
}

/// What was answered, and what the run shows.
pub fn answered(step: &Step, scenario: &str, said: Answer, given: Answer, cell: &Cell) -> String {
    let right = said == given;
    let mut text = String::from("\n");
    let _ = match (right, step) {
        (true, _) => writeln!(text, "{GOOD}✓ Yes: {}.{GOOD:#}", in_words(cell)),
        (false, Step::Predict(_)) => {
            writeln!(text, "{BAD}✗ Not so: {}.{BAD:#}", in_words(cell))
        }
        (false, _) => writeln!(
            text,
            "{BAD}✗ It was not {}.{BAD:#} Look again at the evidence: whose trace is it?",
            said.in_words()
        ),
    };
    if right || matches!(step, Step::Predict(_)) {
        text.push_str(&markdown(step.because()));
        let _ = writeln!(
            text,
            "{QUIET}Layer by layer: whyblocked explain {} {}{QUIET:#}\n",
            plain(scenario),
            cell.probe
        );
    }
    text
}

/// A verdict in a few words.
fn in_words(cell: &Cell) -> String {
    match (cell.outcome, cell.blocked_by) {
        (Outcome::Allowed, _) => "it gets through".to_owned(),
        (_, Some(by)) => {
            let errno =
                cell.errno.as_deref().map_or_else(String::new, |errno| format!(" ({})", plain(errno)));
            format!("{by} stops it{errno}")
        }
        (_, None) => "it is stopped".to_owned(),
    }
}

/// That a forbidden knob was turned.
pub fn refused(forbidden: &Forbidden) -> String {
    let mut text = format!("{BAD}✗ Not with {}.{BAD:#}\n", plain(&knob::in_words(forbidden)));
    text.push_str(&markdown(&forbidden.because));
    text
}

/// The goals, one by one.
pub fn goals(judged: &[Judged]) -> String {
    let mut text = String::new();
    for goal in judged {
        let (style, mark) = if goal.met { (GOOD, '✓') } else { (BAD, '✗') };
        let _ = writeln!(
            text,
            "{style}{mark}{style:#} {HEADING}{}{HEADING:#}: {}",
            plain(&goal.probe),
            plain(&goal.seen)
        );
        if !goal.met {
            text.push_str(&moved(&format!("wanted: {}", plain(&goal.wanted)), columns(), 4, 2));
        }
        if let Some(says) = &goal.says {
            for line in narrow(says, columns().saturating_sub(4)).lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    text
}

/// What there is to say at the end of a step.
pub fn done(step: &Step) -> String {
    format!("\n{GOOD}Done.{GOOD:#}\n{}\n", markdown(step.because()))
}

/// A hint, and the command that goes with it.
pub fn hint(hint: &Hint, number: usize, of: usize, dir: &str) -> String {
    let mut text = format!("{HEADING}Hint {number} of {of}{HEADING:#}\n{}", markdown(&hint.says));
    if let Some(command) = &hint.command {
        let _ = writeln!(text, "    (cd {} && whyblocked {command})", plain(dir));
    }
    text
}

/// How far a learner is.
pub fn status(labs: &[Lab], progress: &Progress) -> String {
    let mut text = String::new();
    let done = progress.labs.iter().filter(|taken| taken.finished.is_some()).count();
    let _ = writeln!(text, "{HEADING}{done} of {} labs done{HEADING:#}", labs.len().max(progress.labs.len()));
    for taken in &progress.labs {
        let steps = taken.steps.iter().filter(|step| step.done.is_some()).count();
        let mark = if taken.finished.is_some() { format!("{GOOD}✓{GOOD:#}") } else { "…".to_owned() };
        let title = labs.iter().find(|lab| lab.id == taken.id).map_or("", |lab| lab.file.title.as_str());
        let here = if progress.current.as_deref() == Some(&taken.id) { ", under way" } else { "" };
        let here = if taken.finished.is_some() { "" } else { here };
        let _ = writeln!(
            text,
            "{mark} {}  {} {QUIET}({steps} of {} steps{here}){QUIET:#}",
            plain(&taken.id),
            plain(title),
            taken.steps.len()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_paragraph("one\ntwo\n\nthree\n", "one two\n\nthree\n")]
    #[case::a_list("say:\n- one\n  more\n- two\n", "say:\n- one more\n- two\n")]
    #[case::numbers("1. one\n2. two\n", "1. one\n2. two\n")]
    #[case::a_table("| a |\n|---|\n| b |\n", "| a |\n|---|\n| b |\n")]
    #[case::code("see:\n\n    ls\n    id\n\nthen\n", "see:\n\n    ls\n    id\n\nthen\n")]
    fn paragraphs_are_one_line(#[case] text: &str, #[case] whole: &str) {
        assert_eq!(joined(text), whole);
    }

    #[test]
    fn what_a_terminal_would_obey_is_no_lesson() {
        assert!(!markdown("a\u{1b}[2Jb").contains('\u{1b}'));
    }
}
