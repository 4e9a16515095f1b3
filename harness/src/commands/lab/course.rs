//! The course as a learner goes through it, without anything being run: what there is, where they are, hints, solutions.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::{At, step_of};
use crate::commands::{Exit, Failure, Format, json, print};
use crate::lab::file::Step;
use crate::lab::folder::Folder;
use crate::lab::progress::{self, Taken};
use crate::lab::{self, Lab, LabError, SCENARIO};
use crate::report::lab as report;

/// One line of the list.
#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    title: &'a str,
    teaches: &'a str,
    minutes: u32,
    needs: Vec<&'a str>,
    state: &'static str,
}

pub(super) fn list(at: &At, format: Format) -> Result<Exit, Failure> {
    let labs = lab::all()?;
    let folder = opened(at)?;
    let state = |lab: &Lab| state(folder.as_ref(), &lab.id);
    let text = match format {
        Format::Text => report::list(&labs, &state),
        Format::Json => {
            let items: Vec<Item<'_>> = labs
                .iter()
                .map(|lab| Item {
                    id: &lab.id,
                    title: &lab.file.title,
                    teaches: &lab.file.teaches,
                    minutes: lab.file.minutes,
                    needs: lab.file.needs.iter().map(|need| need.id()).collect(),
                    state: state(lab),
                })
                .collect();
            json(&items)?
        }
    };
    print(&text).map(|()| Exit::Expected)
}

/// The folder, if there is one.
fn opened(at: &At) -> Result<Option<Folder>, Failure> {
    match Folder::open(at.dir.as_deref()) {
        Ok(folder) => Ok(Some(folder)),
        Err(LabError::NoFolder { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How far a lab is, in a word.
fn state(folder: Option<&Folder>, id: &str) -> &'static str {
    match folder.and_then(|folder| folder.progress.of(id)) {
        None => "",
        Some(Taken { finished: Some(_), .. }) => "done",
        Some(_) => "begun",
    }
}

pub(super) fn start(name: Option<&str>, at: &At, learner: Option<&str>) -> Result<Exit, Failure> {
    let mut folder = Folder::open_or_new(at.dir.as_deref())?;
    if let Some(learner) = learner {
        folder.progress.name = Some(learner.to_owned());
    }
    let Some((lab, again)) = begin(&mut folder, name)? else {
        return print(ALL_DONE).map(|()| Exit::Expected);
    };
    let mut text = lesson(&folder, &lab)?;
    if again {
        text.push_str("It was begun before; what you have written is as you left it. `whyblocked lab reset` begins anew.\n");
    }
    print(&text).map(|()| Exit::Expected)
}

/// What is said when there is no next lab.
pub(super) const ALL_DONE: &str = "Every lab is done.\n";

/// Begins the lab that is named, or the next, and whether it was begun before; nothing, if all are done.
pub(super) fn begin(folder: &mut Folder, name: Option<&str>) -> Result<Option<(Lab, bool)>, Failure> {
    let lab = match name {
        Some(name) => folder.lab(name)?,
        None => match next(folder)? {
            Some(lab) => lab,
            None => return Ok(None),
        },
    };
    let again = folder.begin(&lab, progress::now())?;
    Ok(Some((lab, again)))
}

/// The lab that is under way, if it is not finished; else the first that is not.
fn next(folder: &Folder) -> Result<Option<Lab>, Failure> {
    let done = |id: &str| state(Some(folder), id) == "done";
    if let Some(id) = folder.progress.current.as_deref().filter(|id| !done(id)) {
        return Ok(Some(folder.lab(id)?));
    }
    Ok(lab::all()?.into_iter().find(|lab| !done(&lab.id)))
}

pub(super) fn show(at: &At) -> Result<Exit, Failure> {
    let folder = Folder::open(at.dir.as_deref())?;
    print(&lesson(&folder, &folder.current()?)?).map(|()| Exit::Expected)
}

/// The lesson, and the step that comes next.
fn lesson(folder: &Folder, lab: &Lab) -> Result<String, Failure> {
    let mut text = report::lesson(lab);
    match step_of(folder)? {
        Some((lab, step)) => text.push_str(&step_text(folder, &lab, step)),
        None => text.push_str(report::FINISHED),
    }
    Ok(text)
}

/// A step, and what to do about it.
pub(super) fn step_text(folder: &Folder, lab: &Lab, step: usize) -> String {
    let what = report::what_to_type(&lab.file.steps[step], &shown(&folder.scenario(lab)));
    report::step(lab, step) + &what
}

/// A path, from here if it lies below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

pub(super) fn hint(at: &At) -> Result<Exit, Failure> {
    let mut folder = Folder::open(at.dir.as_deref())?;
    print(&next_hint(&mut folder)?).map(|()| Exit::Expected)
}

/// The next hint; the last again, if all were shown.
pub(super) fn next_hint(folder: &mut Folder) -> Result<String, Failure> {
    let Some((lab, step)) = step_of(folder)? else { return Ok(report::FINISHED.to_owned()) };
    let hints = lab.file.steps[step].hints();
    let taken = folder.progress.begun(&lab, None, progress::now());
    let number = (taken.steps[step].hints as usize).min(hints.len().saturating_sub(1));
    let Some(hint) = hints.get(number) else {
        return Ok("This step has no hints: whatever you answer, the run then shows how it is.\n".to_owned());
    };
    taken.steps[step].hints = number as u32 + 1;
    folder.save()?;
    Ok(report::hint(hint, number + 1, hints.len(), &shown(&folder.of(&lab))))
}

pub(super) fn reset(name: Option<&str>, at: &At) -> Result<Exit, Failure> {
    let mut folder = Folder::open(at.dir.as_deref())?;
    let lab = match name {
        Some(name) => folder.lab(name)?,
        None => folder.current()?,
    };
    let copies = folder.reset(&lab, progress::now())?;
    let mut text = format!("{} is as it was in the beginning.\n", lab.id);
    for copy in copies {
        let _ = writeln!(text, "What you had written is kept in {}", shown(&copy));
    }
    print(&text).map(|()| Exit::Expected)
}

pub(super) fn solution(at: &At) -> Result<Exit, Failure> {
    let mut folder = Folder::open(at.dir.as_deref())?;
    let Some((lab, step)) = step_of(&folder)? else {
        return print(report::FINISHED).map(|()| Exit::Expected);
    };
    let Step::Configure(configure) = &lab.file.steps[step] else {
        let said = "This step has no solution to show: answer as you think, and the run shows how it is.\n";
        return print(said).map(|()| Exit::Expected);
    };
    let text = lab.text(&configure.solution)?;
    let taken = folder.progress.begun(&lab, None, progress::now());
    taken.steps[step].solution_shown = true;
    folder.save()?;
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let into = shown(&folder.of(&lab).join(SCENARIO));
    print(&format!("# A solution; yours is in {into}, and was not changed.\n{text}{end}"))
        .map(|()| Exit::Expected)
}

pub(super) fn status(at: &At, format: Format) -> Result<Exit, Failure> {
    let folder = Folder::open(at.dir.as_deref())?;
    let text = match format {
        Format::Json => json(&folder.progress)?,
        Format::Text => report::status(&lab::all()?, &folder.progress),
    };
    print(&text).map(|()| Exit::Expected)
}
