//! A survey on the command line: with progress, signals, and a record that is handed over.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use super::inside;
use super::interruption::Interruption;
use super::progress::Progress;
use super::selection::{Place, Selection};
use super::{Exit, Failure, Format, json, print, say};
use crate::experiment::Ended;
use crate::host::{Host, Reach};
use crate::record::{self, Record};
use crate::remap;
use crate::report::{book, terminal};
use crate::scenario::Scenario;
use crate::survey::{self, Event, Survey};

/// How a session differs from the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Many verdicts, with progress shown.
    Survey,
    /// A few verdicts that somebody waits for: they are there at once, or a bar shows how far it is.
    Lesson,
    /// One verdict, as closely looked at as can be: what the filter refuses is written down by the kernel too. In a
    /// survey that would be hundreds of lines in the host's log.
    Explanation,
}

/// Runs what was chosen. Everything that can be wrong with the files is found before anything is started.
pub(super) fn record(selection: &Selection, purpose: Purpose) -> Result<Record, Failure> {
    if let Place::Vagrant(machine) = selection.place {
        return inside::record(machine, selection);
    }
    compared(&selection.scenarios()?, &[], selection, purpose).map(|(record, _)| record)
}

/// The same for these scenarios; and of `others`, which are not in the record, what gets through.
pub(super) fn compared(
    scenarios: &[Scenario],
    others: &[&Scenario],
    selection: &Selection,
    purpose: Purpose,
) -> Result<(Record, Vec<Ended>), Failure> {
    let host = Host::read();
    let reach = Reach::of(&host);
    let (probes, left_out) = selection.probes_here(&reach)?;
    // From here on there are things to put away.
    let interruption = Interruption::listen();
    if selection.prepare_host {
        prepare_host(scenarios, &reach)?;
    }
    let survey = Survey {
        scenarios,
        others,
        probes: &probes,
        left_out,
        engine: selection.engine,
        seccomp_default: selection.seccomp_default,
        log_filter: purpose == Purpose::Explanation,
    };
    let progress = OnceLock::new();
    let tell = |event: Event<'_>| {
        match event {
            Event::Notice(text) => say(text),
            Event::Introduced => {}
            Event::Begins { scenarios, probes } => {
                progress.get_or_init(|| Progress::new(purpose, scenarios, probes));
            }
            Event::Experiment(event) => progress.get().into_iter().for_each(|shown| shown.tell(event)),
        }
        interruption.flow()
    };
    let found = survey::run(&survey, host, reach, &tell);
    progress.get().into_iter().for_each(Progress::done);
    match found? {
        ControlFlow::Continue(found) => Ok(found),
        ControlFlow::Break(signal) => Err(Failure::interrupted(signal)),
    }
}

/// Who gets a record, beside standard output.
pub(super) struct Receivers<'a> {
    /// A file, for the record itself.
    pub(super) file: Option<&'a Path>,
    /// A directory, for its book.
    pub(super) book: Option<&'a Path>,
    /// How it is written to standard output.
    pub(super) format: Format,
}

/// Writes a record wherever it is wanted, and to standard output, for people in the words of `text`.
pub(super) fn hand_over(
    record: &Record,
    to: &Receivers<'_>,
    text: fn(&Record, usize) -> String,
) -> Result<Exit, Failure> {
    if let Some(path) = to.file {
        record::write(record, path)?;
    }
    if let Some(dir) = to.book {
        book::write(record, dir)?;
    }
    print(&match to.format {
        Format::Text => text(record, terminal::width()),
        Format::Json => json(record)?,
    })?;
    exit(record)
}

/// How a run that made this record ends.
pub(super) fn exit(record: &Record) -> Result<Exit, Failure> {
    if let Some(why) = &record.cut_short {
        let count = record.cells.len();
        return Err(Failure::failed(format!("{why}; the run was cut short, with {count} verdicts known")));
    }
    // That a container is refused is an answer.
    Ok(if !record.cells.is_empty() || record.scenarios.iter().any(|scenario| scenario.refused.is_some()) {
        Exit::Expected
    } else if record
        .scenarios
        .iter()
        .any(|s| s.not_run.as_ref().is_some_and(|why| why.contains("could not be started")))
    {
        Exit::Failed
    } else {
        Exit::NothingRun
    })
}

/// Adds to the host what the scenarios' daemons need of it, and says so.
fn prepare_host(scenarios: &[Scenario], reach: &Reach) -> Result<(), Failure> {
    let mut users = Vec::new();
    for scenario in scenarios {
        // Docker makes that one itself.
        users.extend(scenario.remapped_user()?.filter(|user| user != "dockremap"));
    }
    users.sort();
    users.dedup();
    if !users.is_empty() && !reach.privileged {
        return Err(Failure::usage("--prepare-host changes files in /etc; start whyblocked as root"));
    }
    for user in users {
        let done = remap::prepare_host(&user).map_err(|error| {
            Failure::failed(format!("preparing the host for userns-remap: {user}: {error}"))
        })?;
        for step in done {
            say(format_args!("prepared this host: {step}"));
        }
    }
    Ok(())
}
