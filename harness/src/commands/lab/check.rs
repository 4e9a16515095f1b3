//! Checking a step: the learner's answer, or their scenario, against what the run shows; and what that does to their progress.

use std::io::{BufRead, IsTerminal, Write};

use super::attempt::{self, Came};
use super::course::{shown, step_text};
use super::{At, How, step_of};
use crate::commands::{Exit, Failure, print};
use crate::lab::Lab;
use crate::lab::answer;
use crate::lab::file::{Configure, Question, Step, Subject};
use crate::lab::folder::Folder;
use crate::lab::progress::{self, StepTaken};
use crate::report::lab as report;

/// What a check came to: what to say, and how it ends.
pub(super) struct Checked {
    pub(super) text: String,
    pub(super) exit: Exit,
}

pub(super) fn check(answer: Option<&str>, at: &At, how: &How) -> Result<Exit, Failure> {
    let mut folder = Folder::open(at.dir.as_deref())?;
    let Some((lab, step)) = step_of(&folder)? else { return finished(answer) };
    let typed;
    let answer = match (&lab.file.steps[step], answer) {
        (Step::Configure(_), Some(answer)) => {
            return Err(Failure::usage(format!(
                "step {} is no question, so '{}' is no answer to it; it is about {}",
                step + 1,
                answer.escape_debug(),
                shown(&folder.scenario(&lab))
            )));
        }
        (Step::Predict(question) | Step::Explain(question), None) => {
            let shown = asked(&folder, &lab, step, question, how)?;
            if !std::io::stdin().is_terminal() {
                print(&shown)?;
                return Ok(Exit::Differs);
            }
            print(&shown)?;
            typed = read_line()?;
            Some(typed.as_str())
        }
        (_, answer) => answer,
    };
    let checked = checked(&mut folder, &lab, step, answer, how)?;
    print(&checked.text)?;
    if checked.exit == Exit::Expected {
        match step_of(&folder)? {
            Some((lab, step)) => print(&step_text(&folder, &lab, step))?,
            None => print(report::FINISHED)?,
        }
    }
    Ok(checked.exit)
}

fn finished(answer: Option<&str>) -> Result<Exit, Failure> {
    match answer {
        Some(_) => Err(Failure::usage("this lab is finished; `whyblocked lab start` begins the next")),
        None => print(report::FINISHED).map(|()| Exit::Expected),
    }
}

/// A question as it is put; with an `explain`, what was seen comes first.
pub(super) fn asked(
    folder: &Folder,
    lab: &Lab,
    step: usize,
    question: &Question,
    how: &How,
) -> Result<String, Failure> {
    let mut text = report::step(lab, step);
    if matches!(lab.file.steps[step], Step::Explain(_)) {
        match attempt::ask(lab, question, &folder.of(lab), how)? {
            Ok(answered) => text.push_str(&report::evidence(&answered.cell, &answered.record)),
            Err(why) => text.push_str(&report::not_here(lab, &why)),
        }
    }
    text.push_str(&report::choices(question));
    Ok(text)
}

fn read_line() -> Result<String, Failure> {
    let prompt = "Your answer: ";
    // Without it nobody would know that something is waited for; where it cannot be shown, the reading fails too.
    let _ = std::io::stderr().write_all(prompt.as_bytes());
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Failure::failed)?;
    if line.trim().is_empty() {
        return Err(Failure::usage("nothing was answered; the step is as it was"));
    }
    Ok(line)
}

/// Checks a step, and writes down how it went.
pub(super) fn checked(
    folder: &mut Folder,
    lab: &Lab,
    step: usize,
    answer: Option<&str>,
    how: &How,
) -> Result<Checked, Failure> {
    match (&lab.file.steps[step], answer) {
        (Step::Predict(question) | Step::Explain(question), Some(said)) => {
            answered(folder, lab, step, question, said, how)
        }
        (Step::Predict(question) | Step::Explain(question), None) => {
            Ok(Checked { text: asked(folder, lab, step, question, how)?, exit: Exit::Differs })
        }
        (Step::Configure(configure), _) => configured(folder, lab, step, configure, how),
    }
}

/// A question, with the learner's answer.
fn answered(
    folder: &mut Folder,
    lab: &Lab,
    step: usize,
    question: &Question,
    said: &str,
    how: &How,
) -> Result<Checked, Failure> {
    let (this, dir) = (&lab.file.steps[step], folder.of(lab));
    let said = answer::meant(question, said).map_err(Failure::usage)?;
    let found = match attempt::ask(lab, question, &dir, how)? {
        Ok(found) => found,
        Err(why) => return Ok(not_here(lab, &why)),
    };
    let Some(given) = found.answer else { return Ok(not_here(lab, &report::undecided(&found.cell))) };
    let right = said == given;
    // A prediction is done once it was made: the run is what one learns from.
    let done = right || matches!(this, Step::Predict(_));
    write_down(folder, lab, step, done, |taken| {
        taken.answer.get_or_insert_with(|| said.id());
        taken.right.get_or_insert(right);
    })?;
    let scenario = match question.subject() {
        Subject::BuiltIn(id) => id.to_owned(),
        Subject::File(name) => shown(&dir.join(name)),
        Subject::Own => shown(&folder.scenario(lab)),
    };
    Ok(Checked { text: report::answered(this, &scenario, said, given, &found.cell), exit: exit(done) })
}

/// The learner's scenario, as it is now.
fn configured(
    folder: &mut Folder,
    lab: &Lab,
    step: usize,
    configure: &Configure,
    how: &How,
) -> Result<Checked, Failure> {
    let judged = match attempt::judge(lab, configure, &folder.of(lab), how)? {
        Came::NotHere(why) => return Ok(not_here(lab, &why)),
        Came::Refused(forbidden) => {
            write_down(folder, lab, step, false, |_| {})?;
            return Ok(Checked { text: report::refused(forbidden), exit: Exit::Differs });
        }
        Came::Judged(judged) => judged,
    };
    let mut text = report::goals(&judged);
    if let Some(goal) = judged.iter().find(|goal| goal.undecided) {
        let why = not_here(lab, &format!("{}: {}", goal.probe, goal.seen));
        return Ok(Checked { text: text + &why.text, exit: why.exit });
    }
    let done = judged.iter().all(|goal| goal.met);
    write_down(folder, lab, step, done, |_| {})?;
    if done {
        text.push_str(&report::done(&lab.file.steps[step]));
    }
    Ok(Checked { text, exit: exit(done) })
}

fn exit(done: bool) -> Exit {
    if done { Exit::Expected } else { Exit::Differs }
}

fn not_here(lab: &Lab, why: &str) -> Checked {
    Checked { text: report::not_here(lab, why), exit: Exit::NothingRun }
}

/// One more try, in the file of progress as it is by now.
fn write_down(
    folder: &mut Folder,
    lab: &Lab,
    step: usize,
    done: bool,
    more: impl FnOnce(&mut StepTaken),
) -> Result<(), Failure> {
    *folder = Folder::open(Some(folder.dir()))?;
    let now = progress::now();
    let taken = folder.progress.begun(lab, None, now);
    let this = &mut taken.steps[step];
    this.tries += 1;
    more(this);
    if done {
        taken.done(step, now);
    }
    Ok(folder.save()?)
}

/// Passes over a step: where it cannot be shown, or somebody knows it.
pub(super) fn skip(at: &At) -> Result<Exit, Failure> {
    let mut folder = Folder::open(at.dir.as_deref())?;
    let Some((lab, step)) = step_of(&folder)? else { return finished(None) };
    let now = progress::now();
    let taken = folder.progress.begun(&lab, None, now);
    taken.steps[step].skipped = true;
    taken.done(step, now);
    folder.save()?;
    let mut text = format!("Passed over step {}.\n\n", step + 1);
    match step_of(&folder)? {
        Some((lab, step)) => text.push_str(&step_text(&folder, &lab, step)),
        None => text.push_str(report::FINISHED),
    }
    print(&text).map(|()| Exit::Expected)
}
