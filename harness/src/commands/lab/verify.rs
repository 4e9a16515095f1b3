//! `lab verify`: what a lab promises is tried. That every step can be answered, that the beginning fails in the lesson's words,
//! that the solution passes, that hints work, and that the short cut is one and is refused.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use super::How;
use super::attempt::{self, Came};
use crate::commands::{Exit, Failure, print};
use crate::lab::answer;
use crate::lab::file::{Configure, Hint, Question, Step};
use crate::lab::goal::Judged;
use crate::lab::knob;
use crate::lab::{self, Lab, LabError, SCENARIO};

/// A staged hint: what to think of, where to look, what to write.
const HINTS: usize = 3;

/// What came of a lab.
enum Verified {
    /// All as promised.
    Fine,
    /// What is not.
    Not(Vec<String>),
    /// It cannot be tried here.
    NotHere(String),
}

pub(super) fn verify(names: &[String], how: &How) -> Result<Exit, Failure> {
    let labs = if names.is_empty() {
        lab::all()?
    } else {
        names.iter().map(|name| lab::find(name)).collect::<Result<_, LabError>>()?
    };
    let (mut wrong, mut fine) = (0, 0);
    for lab in &labs {
        let begun = Instant::now();
        let mut text = String::new();
        match of(lab, how)? {
            Verified::Fine => {
                fine += 1;
                let seconds = begun.elapsed().as_secs_f64();
                let _ = writeln!(text, "✓ {} ({} steps, {seconds:.1} s)", lab.id, lab.file.steps.len());
            }
            Verified::NotHere(why) => {
                let _ = writeln!(text, "- {}: not verified here: {why}", lab.id);
            }
            Verified::Not(what) => {
                wrong += 1;
                for what in what {
                    let _ = writeln!(text, "✗ {}: {what}", lab.id);
                }
            }
        }
        print(&text)?;
    }
    Ok(match (wrong, fine) {
        (0, 0) => Exit::NothingRun,
        (0, _) => Exit::Expected,
        _ => Exit::Differs,
    })
}

fn of(lab: &Lab, how: &How) -> Result<Verified, Failure> {
    let place = tempfile::Builder::new().prefix("whyblocked-lab-").tempdir().map_err(Failure::failed)?;
    for name in lab.files()? {
        let path = place.path().join(&name);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(Failure::failed)?;
        }
        std::fs::write(path, lab.text(&name)?.as_bytes()).map_err(Failure::failed)?;
    }
    let mut bench = Bench { lab, place, how, wrong: Vec::new() };
    for (number, step) in (1..).zip(&lab.file.steps) {
        let before = bench.wrong.len();
        let not_here = match step {
            Step::Predict(question) | Step::Explain(question) => bench.question(question)?,
            Step::Configure(configure) => bench.configure(configure)?,
        };
        if let Some(why) = not_here {
            return Ok(Verified::NotHere(why));
        }
        for what in &mut bench.wrong[before..] {
            what.insert_str(0, &format!("step {number} ({}): ", step.kind()));
        }
    }
    Ok(if bench.wrong.is_empty() { Verified::Fine } else { Verified::Not(bench.wrong) })
}

/// A lab in a folder of its own, and what is wrong with it so far.
struct Bench<'a> {
    lab: &'a Lab,
    place: TempDir,
    how: &'a How,
    wrong: Vec<String>,
}

impl Bench<'_> {
    fn dir(&self) -> &Path {
        self.place.path()
    }

    /// Why it cannot be tried here, if it cannot.
    fn question(&mut self, question: &Question) -> Result<Option<String>, Failure> {
        match attempt::ask(self.lab, question, self.dir(), self.how)? {
            Err(why) => return Ok(Some(why)),
            Ok(answered) => match answered.answer {
                None => self.wrong.push(format!(
                    "{} decides nothing: {}",
                    question.probe,
                    crate::report::lab::undecided(&answered.cell)
                )),
                Some(answer) if !answer::choices(question).contains(&answer) => {
                    self.wrong
                        .push(format!("the run answers '{}', which is none of the choices", answer.id()));
                }
                Some(_) => {}
            },
        }
        Ok(None)
    }

    fn configure(&mut self, configure: &Configure) -> Result<Option<String>, Failure> {
        self.hints(&configure.hints)?;
        match attempt::judge(self.lab, configure, self.dir(), self.how)? {
            Came::NotHere(why) => return Ok(Some(why)),
            Came::Refused(forbidden) => {
                self.wrong.push(format!("what one begins with is refused for {}", knob::in_words(forbidden)));
            }
            Came::Judged(judged) => self.beginning(&judged),
        }
        if let Some(shortcut) = &configure.shortcut {
            self.put(shortcut)?;
            self.shortcut(configure)?;
        } else {
            self.wrong.push("it has no short cut that is refused".to_owned());
        }
        self.put(&configure.solution)?;
        match attempt::judge(self.lab, configure, self.dir(), self.how)? {
            Came::NotHere(why) => return Ok(Some(why)),
            Came::Refused(forbidden) => {
                self.wrong.push(format!("the solution is refused for {}", knob::in_words(forbidden)));
            }
            Came::Judged(judged) => {
                let unmet = judged.iter().filter(|goal| !goal.met);
                self.wrong.extend(unmet.map(|goal| {
                    format!("the solution: {} should be '{}' and is '{}'", goal.probe, goal.wanted, goal.seen)
                }));
            }
        }
        Ok(None)
    }

    /// The beginning has to fail, for a reason that the lesson has words for.
    fn beginning(&mut self, judged: &[Judged]) {
        let unmet: Vec<&Judged> = judged.iter().filter(|goal| !goal.met).collect();
        if let Some(goal) = unmet.iter().find(|goal| goal.undecided) {
            self.wrong.push(format!("{}: {}", goal.probe, goal.seen));
        } else if unmet.is_empty() {
            self.wrong.push("what one begins with passes already".to_owned());
        } else if unmet.iter().all(|goal| goal.says.is_none()) {
            let seen: Vec<String> =
                unmet.iter().map(|goal| format!("{}: {}", goal.probe, goal.seen)).collect();
            self.wrong
                .push(format!("the beginning fails, and 'wrong' has no words for it: {}", seen.join("; ")));
        }
    }

    /// A short cut reaches the goals, and is refused all the same.
    fn shortcut(&mut self, configure: &Configure) -> Result<(), Failure> {
        if let Came::Judged(judged) = attempt::goals(configure, self.dir(), self.how)? {
            let goals = &judged[..configure.goals.len()];
            for goal in goals.iter().filter(|goal| !goal.met) {
                self.wrong.push(format!(
                    "the short cut is none: {} should be '{}' and is '{}'",
                    goal.probe, goal.wanted, goal.seen
                ));
            }
        }
        if let Came::Judged(judged) = attempt::judge(self.lab, configure, self.dir(), self.how)?
            && judged.iter().all(|goal| goal.met)
        {
            self.wrong.push("the short cut is not refused".to_owned());
        }
        Ok(())
    }

    fn hints(&mut self, hints: &[Hint]) -> Result<(), Failure> {
        if hints.len() != HINTS {
            self.wrong.push(format!("it has {} hints; a learner counts on {HINTS}", hints.len()));
        }
        for command in hints.iter().filter_map(|hint| hint.command.as_deref()) {
            if let Err(why) = self.works(command)? {
                self.wrong.push(format!("the hint's command `whyblocked {command}` {why}"));
            }
        }
        Ok(())
    }

    /// Whether a hint's command does what it is for; that something is blocked or missing is no failure of it.
    fn works(&self, command: &str) -> Result<Result<(), String>, Failure> {
        let Some(words) = shlex::split(command) else {
            return Ok(Err("cannot be split into words".to_owned()));
        };
        let program = std::env::current_exe().map_err(Failure::failed)?;
        let output = Command::new(program)
            .args(words)
            .current_dir(self.dir())
            .stdin(Stdio::null())
            .output()
            .map_err(Failure::failed)?;
        let code = output.status.code();
        let fine =
            [Exit::Expected, Exit::Differs, Exit::NothingRun].map(|exit| Some(exit as i32)).contains(&code);
        let said = String::from_utf8_lossy(&output.stderr).trim().escape_debug().to_string();
        Ok(if fine { Ok(()) } else { Err(format!("ends with {}: {said}", output.status)) })
    }

    /// Makes a file of the lab the scenario.
    fn put(&self, name: &str) -> Result<(), Failure> {
        let text = self.lab.text(name)?;
        std::fs::write(self.dir().join(SCENARIO), text.as_bytes()).map_err(Failure::failed)
    }
}
