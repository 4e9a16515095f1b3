//! `lab watch`: the step is checked whenever the learner's files are saved, and one key does what comes next.

use std::ffi::OsString;
use std::fs::DirEntry;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use termimad::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use termimad::crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::check::{self, Checked};
use super::course;
use super::{At, How, step_of};
use crate::commands::interruption::Interruption;
use crate::commands::{Exit, Failure, print};
use crate::lab::answer;
use crate::lab::file::Step;
use crate::lab::folder::Folder;
use crate::report::lab as report;

/// How often the files are looked at; a save is seen no later.
const OFTEN: Duration = Duration::from_millis(40);

/// What a learner wants.
enum Wish {
    Check,
    Answer(String),
    Hint,
    Lesson,
    End,
}

pub(super) fn watch(at: &At, how: &How) -> Result<Exit, Failure> {
    let screen = Screen { terminal: std::io::stdin().is_terminal() && std::io::stdout().is_terminal() };
    let mut folder = Folder::open(at.dir.as_deref())?;
    let mut wish = Wish::Check;
    // What the step before came to stays in sight.
    let mut below = false;
    loop {
        folder = Folder::open(Some(folder.dir()))?;
        let Some((lab, step)) = step_of(&folder)? else {
            screen.show(report::FINISHED, below)?;
            if !screen.terminal {
                return Ok(Exit::Expected);
            }
            screen.keys("Enter next lab · q end")?;
            match screen.listen(folder.dir(), &state(folder.dir()), 0)? {
                Wish::Check => match course::begin(&mut folder, None)? {
                    Some((lab, _)) => {
                        screen.show(&report::lesson(&lab), false)?;
                        below = true;
                        continue;
                    }
                    None => return print(course::ALL_DONE).map(|()| Exit::Expected),
                },
                _ => return Ok(Exit::Expected),
            }
        };
        let this = &lab.file.steps[step];
        let choices = match this {
            Step::Predict(question) | Step::Explain(question) => answer::choices(question).len(),
            Step::Configure(_) => 0,
        };
        // What is saved while a check runs is not what it checks.
        let before = state(&folder.of(&lab));
        let mut done = false;
        let body = match &wish {
            Wish::End => return Ok(Exit::Expected),
            Wish::Hint => course::next_hint(&mut folder)?,
            Wish::Lesson => report::lesson(&lab),
            Wish::Check => said_of(check::checked(&mut folder, &lab, step, None, how), &mut done)?,
            Wish::Answer(answer) => {
                said_of(check::checked(&mut folder, &lab, step, Some(answer), how), &mut done)?
            }
        };
        let heading = match (this, &wish) {
            (Step::Configure(_), Wish::Check | Wish::Hint) => format!("{}\n", report::step(&lab, step)),
            _ => String::new(),
        };
        screen.show(&format!("{heading}{body}"), below)?;
        below = done;
        wish = if done {
            Wish::Check
        } else {
            screen.keys(&match choices {
                0 => "save scenario.yaml, or Enter, to check · h hint · l lesson · q end".to_owned(),
                _ => format!("a–{} answer · l lesson · Enter question · q end", answer::letter(choices - 1)),
            })?;
            screen.listen(&folder.of(&lab), &before, choices)?
        };
    }
}

/// What a check came to; an error in a file is no end of watching.
fn said_of(checked: Result<Checked, Failure>, done: &mut bool) -> Result<String, Failure> {
    match checked {
        Ok(checked) => {
            *done = checked.exit == Exit::Expected;
            Ok(checked.text)
        }
        Err(failure) if failure.signal().is_none() => Ok(format!("{}\n", failure.message())),
        Err(failure) => Err(failure),
    }
}

/// Where it is shown.
struct Screen {
    /// Whether there is somebody who sees it, and has keys.
    terminal: bool,
}

impl Screen {
    /// On a terminal in place of what was there, unless it is to stand below; elsewhere always below.
    fn show(&self, text: &str, below: bool) -> Result<(), Failure> {
        let clear = if self.terminal && !below { "\x1b[2J\x1b[3J\x1b[H" } else { "" };
        print(&format!("{clear}{text}"))
    }

    fn keys(&self, keys: &str) -> Result<(), Failure> {
        if self.terminal { print(&format!("\n{keys}\n")) } else { Ok(()) }
    }

    /// Waits for a key, or until a file of the lab is not as it was `before`.
    fn listen(&self, dir: &Path, before: &Files, choices: usize) -> Result<Wish, Failure> {
        let interruption = (!self.terminal).then(Interruption::listen);
        let _raw = self.terminal.then(Raw::new).transpose()?;
        loop {
            if let Some(interruption) = &interruption {
                std::thread::sleep(OFTEN);
                if let ControlFlow::Break(signal) = interruption.flow() {
                    return Err(Failure::interrupted(signal));
                }
            } else if event::poll(OFTEN).map_err(Failure::failed)?
                && let Event::Key(key) = event::read().map_err(Failure::failed)?
                && key.kind == KeyEventKind::Press
                && let Some(wish) = meant(key.code, key.modifiers, choices)
            {
                return Ok(wish);
            }
            if state(dir) != *before {
                return Ok(Wish::Check);
            }
        }
    }
}

fn meant(code: KeyCode, modifiers: KeyModifiers, choices: usize) -> Option<Wish> {
    match code {
        KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::End),
        // A choice's letter comes before everything else that the letter does.
        KeyCode::Char(letter) if (0..choices).any(|place| answer::letter(place) == letter) => {
            Some(Wish::Answer(letter.to_string()))
        }
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::End),
        KeyCode::Char('h') => Some(Wish::Hint),
        KeyCode::Char('l') => Some(Wish::Lesson),
        KeyCode::Enter | KeyCode::Char(' ' | 'n') => Some(Wish::Check),
        _ => None,
    }
}

/// When each file of a folder was written, and how long it is.
type Files = Vec<(OsString, Option<SystemTime>, u64)>;

/// The scenario, and the filters in a folder beside it.
fn state(dir: &Path) -> Files {
    let mut files = Files::new();
    for entry in entries(dir) {
        let path = entry.path();
        let inner = if path.is_dir() { entries(&path) } else { vec![entry] };
        files.extend(inner.into_iter().filter_map(|entry| {
            let is = |extension: &str| entry.path().extension().is_some_and(|found| found == extension);
            let meta = entry.metadata().ok().filter(|_| is("yaml") || is("json"))?;
            Some((entry.path().into_os_string(), meta.modified().ok(), meta.len()))
        }));
    }
    files.sort();
    files
}

fn entries(dir: &Path) -> Vec<DirEntry> {
    std::fs::read_dir(dir).into_iter().flatten().flatten().collect()
}

/// The terminal gives every key at once, until this is dropped.
struct Raw;

impl Raw {
    fn new() -> Result<Self, Failure> {
        enable_raw_mode().map_err(Failure::failed)?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Where that fails there is nobody left to tell.
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_is_seen_in_the_lab_and_in_the_folder_of_its_filters() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("seccomp")).unwrap();
        let mut before = state(dir.path());
        for name in ["scenario.yaml", "seccomp/profile.json"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
            let now = state(dir.path());
            assert_ne!(now, before, "{name}");
            before = now;
        }
        // An editor's own files are nothing to check for.
        std::fs::write(dir.path().join(".scenario.yaml.swp"), "x").unwrap();
        assert_eq!(state(dir.path()), before);
    }
}
