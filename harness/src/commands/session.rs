//! From scenarios and probes to a record: what `run` and `explain` have in common.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use whyblocked_agent::Probe;

use super::engines::Chosen;
use super::inside;
use super::interruption::Interruption;
use super::progress::Progress;
use super::selection::{Place, Selection};
use super::{Exit, Failure, Format, json, print};
use crate::engine::docker::Introduced;
use crate::experiment::{self, Ended, Subject};
use crate::host::{Host, Reach};
use crate::mechanism::Mechanism;
use crate::plan::Plan;
use crate::record::{self, FORMAT, Posture, ProbeEntry, Record, ScenarioEntry};
use crate::remap;
use crate::report::{book, terminal};
use crate::scenario::defaults::DefaultFilter;
use crate::scenario::{Context, Resolution, Scenario};
use crate::settings::Settings;
use crate::witness::Witnesses;

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
    let mut host = Host::read();
    let mut reach = Reach::of(&host);
    let (probes, left_out) = selection.probes_here(&reach)?;
    // From here on there are things to put away.
    let interruption = Interruption::listen();
    if selection.prepare_host {
        prepare_host(scenarios, &reach)?;
    }
    let chosen = Chosen::new(selection.engine, &reach)?;
    reach.bounding_set = reach.bounding_set.and(chosen.capabilities());
    host.versions.extend(chosen.version());
    let mut defaults = chosen.defaults(&reach);
    if let Some(profile) = selection.seccomp_default {
        defaults.filter = DefaultFilter::Docker(profile);
    }
    let context = Context { host: &host, reach: &reach, defaults: &defaults, docker: chosen.is_docker() };
    let mut prepared = Vec::new();
    for scenario in scenarios {
        prepared.push((scenario, prepare(scenario, &context)?));
    }
    let mut entries = Vec::new();
    let mut subjects = Vec::new();
    for (scenario, (mut entry, settings)) in prepared {
        if let Some(settings) = settings {
            subjects.extend(introduced(scenario, settings, &mut entry, &chosen, &reach)?);
        }
        entries.push(entry);
        if let ControlFlow::Break(signal) = interruption.flow() {
            return Err(Failure::interrupted(signal));
        }
    }
    if purpose == Purpose::Explanation {
        for subject in &mut subjects {
            subject.plan.settings.log_filter();
        }
    }
    let others = others
        .iter()
        .map(|other| Ok(other.resolve(&context)?.settings()))
        .collect::<Result<Vec<_>, Failure>>()?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let progress = Progress::new(purpose, subjects.len(), probes.len());
    let witnesses = Witnesses::set_up(chosen.run_name());
    let tell = |event: experiment::Event<'_>| {
        progress.tell(event);
        interruption.flow()
    };
    let outcome = experiment::run(chosen.engine(), &subjects, &probes, &host, &reach, &witnesses, &tell);
    let outcome = match outcome {
        ControlFlow::Continue(outcome) => Ok(outcome),
        ControlFlow::Break(signal) => Err(Failure::interrupted(signal)),
    };
    let wanted = others.iter().flatten().filter(|_| outcome.as_ref().is_ok_and(|one| !one.cells.is_empty()));
    let settings: Vec<Settings> = wanted.cloned().collect();
    let ended = match experiment::compare(chosen.engine(), &settings, &probes, &tell) {
        ControlFlow::Continue(ended) => Ok(ended),
        ControlFlow::Break(signal) => Err(Failure::interrupted(signal)),
    };
    progress.done();
    let (outcome, mut ended) = (outcome?, ended?.into_iter());
    let others = others.into_iter().map(|other| other.and_then(|_| ended.next().unwrap_or_else(nothing)));
    for entry in &mut entries {
        if let Some(reason) = outcome.not_started.get(&entry.id) {
            entry.not_run = Some(format!("it could not be started: {reason}"));
        }
    }
    let record = Record {
        format: FORMAT.to_owned(),
        started,
        engine: chosen.engine().about(),
        witness: witnesses.took_part(),
        scenarios: entries,
        probes: probes.iter().map(|probe| describe(probe)).collect(),
        left_out,
        cells: outcome.cells,
        cut_short: outcome.cut_short,
        tried: None,
        timing: outcome.timing,
        host,
    };
    Ok((record, others.collect()))
}

/// What is to be run of a scenario, once the engine has been shown its own words; nothing, if the engine cannot or will not.
fn introduced(
    scenario: &Scenario,
    settings: Settings,
    entry: &mut ScenarioEntry,
    chosen: &Chosen,
    reach: &Reach,
) -> Result<Option<Subject>, Failure> {
    entry.not_run = chosen.cannot(&settings);
    if entry.not_run.is_some() {
        return Ok(None);
    }
    match chosen.introduce(scenario, settings, reach)? {
        Introduced::Refused(said) => {
            entry.not_run = Some(format!("Docker refuses it: {said}"));
            entry.refused = Some(said);
            // They were about a container that there is not.
            entry.notes.clear();
            Ok(None)
        }
        Introduced::Started { settings, notes } => {
            entry.notes.extend(notes);
            let plan = Plan::new(*settings, reach);
            entry.posture = posture(&plan, reach);
            Ok(Some(Subject { id: scenario.id.clone(), plan }))
        }
    }
}

/// Where there is nothing to compare with, nothing is run to be compared.
fn nothing() -> Ended {
    Err("the configuration itself was not run".to_owned())
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

fn prepare(scenario: &Scenario, context: &Context<'_>) -> Result<(ScenarioEntry, Option<Settings>), Failure> {
    let mut entry = ScenarioEntry {
        id: scenario.id.clone(),
        title: scenario.file.title.clone(),
        teaches: scenario.file.teaches.clone(),
        settings: scenario.settings.clone(),
        posture: Vec::new(),
        notes: scenario.notes.clone(),
        not_run: None,
        refused: None,
    };
    match scenario.resolve(context)? {
        Resolution::NotRun(reason) => {
            entry.not_run = Some(reason);
            Ok((entry, None))
        }
        Resolution::Run(resolved) => {
            entry.notes.extend(resolved.notes);
            Ok((entry, Some(resolved.settings)))
        }
    }
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
            anstream::eprintln!("prepared this host: {step}");
        }
    }
    Ok(())
}

fn posture(plan: &Plan, reach: &Reach) -> Vec<Posture> {
    let mut on = plan.mechanisms.clone();
    // On, although this run cannot turn it off.
    if !reach.privileged {
        on.push(Mechanism::UserNamespace);
        on.sort_unstable();
    }
    on.into_iter()
        .map(|mechanism| Posture { mechanism, state: (mechanism.entry().state)(&plan.settings) })
        .collect()
}

fn describe(probe: &Probe) -> ProbeEntry {
    ProbeEntry {
        id: probe.id.to_owned(),
        family: probe.family().to_owned(),
        title: probe.title.to_owned(),
        calls: probe.calls.iter().map(|call| call.name().to_owned()).collect(),
        effect: probe.effect,
    }
}
