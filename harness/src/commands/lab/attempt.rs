//! One attempt at a step: what has to be run for it is run, and held against what the step asks for.

use std::path::Path;

use super::How;
use crate::commands::Failure;
use crate::commands::selection::{Place, Selection};
use crate::commands::session::{self, Purpose};
use crate::host::{Host, Reach};
use crate::lab::answer::{self, Answer};
use crate::lab::file::{Configure, Forbidden, Question, Subject};
use crate::lab::goal::{self, Judged};
use crate::lab::{Lab, OWN, SCENARIO, knob};
use crate::record::{Cell, Record};
use crate::scenario;
use crate::survey::EngineChoice;

/// What came of a question.
#[derive(Debug)]
pub(super) struct Answered {
    /// The run.
    pub(super) record: Record,
    /// The verdict in it.
    pub(super) cell: Cell,
    /// The answer that it gives; none, if nothing could be decided here.
    pub(super) answer: Option<Answer>,
}

/// What came of a scenario.
#[derive(Debug)]
pub(super) enum Came<'a> {
    /// It turns a knob that has to stay. Nothing was run.
    Refused(&'a Forbidden),
    /// The goals, one by one.
    Judged(Vec<Judged>),
    /// It could not be run here.
    NotHere(String),
}

/// Asks a run; or why it cannot be asked here.
pub(super) fn ask(
    lab: &Lab,
    question: &Question,
    dir: &Path,
    how: &How,
) -> Result<Result<Answered, String>, Failure> {
    if let Some(why) = lacks(lab, how) {
        return Ok(Err(why));
    }
    let record = observe(dir, question.subject(), &[&question.probe], how)?;
    if let Some(why) = not_here(&record) {
        return Ok(Err(why));
    }
    let Some(cell) = record.cells.first().cloned() else {
        return Ok(Err(left_out(&record)));
    };
    let answer = answer::given(question, &cell);
    Ok(Ok(Answered { record, cell, answer }))
}

/// Holds the scenario in `dir` against the goals.
pub(super) fn judge<'a>(
    lab: &Lab,
    configure: &'a Configure,
    dir: &Path,
    how: &How,
) -> Result<Came<'a>, Failure> {
    if let Some(why) = lacks(lab, how) {
        return Ok(Came::NotHere(why));
    }
    let own = scenario::select(&[path(dir, SCENARIO)])?;
    let starter = lab.starter()?;
    let settings = own.first().map_or(&starter.settings, |own| &own.settings);
    if let Some(forbidden) = knob::turned(&configure.forbidden, &starter.settings, settings) {
        return Ok(Came::Refused(forbidden));
    }
    goals(configure, dir, how)
}

/// The same, whatever knobs are turned.
pub(super) fn goals<'a>(configure: &Configure, dir: &Path, how: &How) -> Result<Came<'a>, Failure> {
    let mut probes: Vec<&str> = configure.goals.iter().map(|goal| goal.probe.as_str()).collect();
    probes.extend(configure.must_still_work.iter().map(String::as_str));
    let record = observe(dir, Subject::Own, &probes, how)?;
    if let Some(why) = not_here(&record) {
        return Ok(Came::NotHere(why));
    }
    Ok(Came::Judged(goal::judge(configure, &record, OWN)))
}

/// What the lab needs and this host lacks. A machine of the laboratory says so itself.
fn lacks(lab: &Lab, how: &How) -> Option<String> {
    if how.place != Place::Here {
        return None;
    }
    let host = Host::read();
    let reach = Reach::of(&host);
    // Whether there is a daemon, the run finds out.
    let docker = how.engine == EngineChoice::Docker;
    lab.file.needs.iter().find_map(|need| need.missing(&host, &reach, docker))
}

/// Runs these attempts in a scenario: a built-in one, or a file in `dir`; the learner's own if not given.
fn observe(dir: &Path, subject: Subject<'_>, probes: &[&str], how: &How) -> Result<Record, Failure> {
    let scenario = match subject {
        Subject::Own => path(dir, SCENARIO),
        Subject::File(name) => path(dir, name),
        Subject::BuiltIn(id) => id.to_owned(),
    };
    let selection = Selection {
        scenarios: vec![scenario],
        compose: None,
        service: None,
        probes: probes.iter().map(|probe| (*probe).to_owned()).collect(),
        engine: how.engine,
        place: how.place,
        seccomp_default: None,
        prepare_host: false,
    };
    session::record(&selection, Purpose::Lesson)
}

/// A file's path as `--scenario` takes it for one.
fn path(dir: &Path, name: &str) -> String {
    dir.join(name.trim_start_matches("./")).display().to_string()
}

fn not_here(record: &Record) -> Option<String> {
    record.scenarios.iter().find_map(|scenario| scenario.not_run.clone())
}

fn left_out(record: &Record) -> String {
    let why = record.left_out.first().map(|left_out| format!("{} {}", left_out.probe, left_out.reason));
    why.unwrap_or_else(|| "the run was cut short".to_owned())
}
