//! From scenarios and probes to a record: what `run` and `explain` have in common.

use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};

use whyblocked_agent::Probe;

use super::engines::Chosen;
use super::interruption::Interruption;
use super::progress::Progress;
use super::selection::Selection;
use super::{Failure, exit::Exit};
use crate::experiment::{self, Ended, Subject};
use crate::host::{Host, Reach};
use crate::mechanism::Mechanism;
use crate::plan::Plan;
use crate::record::{FORMAT, Posture, ProbeEntry, Record, ScenarioEntry};
use crate::scenario::{Context, Resolution, Scenario};
use crate::settings::Settings;
use crate::witness::Witnesses;

/// How a session differs from the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Many verdicts, with progress shown.
    Survey,
    /// One verdict, as closely looked at as can be: what the filter refuses is written down by the kernel too. In a
    /// survey that would be hundreds of lines in the host's log.
    Explanation,
}

/// Runs what was chosen. Everything that can be wrong with the files is found before anything is started.
pub(super) fn record(selection: &Selection, purpose: Purpose) -> Result<Record, Failure> {
    compared(&selection.scenarios()?, &[], selection, purpose).map(|(record, _)| record)
}

/// The same for these scenarios; and of `others`, which are not in the record, what gets through.
pub(super) fn compared(
    scenarios: &[Scenario],
    others: &[&Scenario],
    selection: &Selection,
    purpose: Purpose,
) -> Result<(Record, Vec<Ended>), Failure> {
    let probes = selection.probes()?;
    let mut host = Host::read();
    let mut reach = Reach::of(&host);
    let chosen = Chosen::find(selection.engine)?;
    reach.bounding_set = reach.bounding_set.and(chosen.capabilities());
    host.versions.extend(chosen.version());
    let context = Context {
        host: &host,
        reach: &reach,
        default_profile: selection.seccomp_default.unwrap_or_else(|| chosen.default_profile()),
        docker: chosen.is_docker(),
    };
    let mut entries = Vec::new();
    let mut subjects = Vec::new();
    for scenario in scenarios {
        let (mut entry, mut subject) = prepare(scenario, &context)?;
        entry.not_run = entry
            .not_run
            .or_else(|| subject.as_ref().and_then(|subject| chosen.cannot(&subject.plan.settings)));
        if entry.not_run.is_some() {
            subject = None;
        }
        entries.push(entry);
        subjects.extend(subject.map(|mut subject| {
            if purpose == Purpose::Explanation {
                subject.plan.settings.log_filter();
            }
            subject
        }));
    }
    let others = others
        .iter()
        .map(|other| {
            let settings = other.resolve(&context)?.settings();
            Ok(settings.and_then(|settings| chosen.cannot(&settings).map_or(Ok(settings), Err)))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let interruption = Interruption::listen();
    let (engine, run) = chosen.start(&reach)?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let progress = Progress::new(purpose == Purpose::Survey, subjects.len(), probes.len());
    let witnesses = Witnesses::set_up(&run);
    let tell = |event: experiment::Event<'_>| {
        progress.tell(event);
        interruption.flow()
    };
    let outcome = experiment::run(engine.as_ref(), &subjects, &probes, &host, &reach, &witnesses, &tell);
    let outcome = match outcome {
        ControlFlow::Continue(outcome) => Ok(outcome),
        ControlFlow::Break(signal) => Err(Failure::interrupted(signal)),
    };
    let wanted = others.iter().flatten().filter(|_| outcome.as_ref().is_ok_and(|one| !one.cells.is_empty()));
    let settings: Vec<Settings> = wanted.cloned().collect();
    let ended = match experiment::compare(engine.as_ref(), &settings, &probes, &tell) {
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
        engine: engine.about(),
        witness: witnesses.took_part(),
        scenarios: entries,
        probes: probes.iter().map(|probe| describe(probe)).collect(),
        cells: outcome.cells,
        tried: None,
        timing: outcome.timing,
        host,
    };
    Ok((record, others.collect()))
}

/// Where there is nothing to compare with, nothing is run to be compared.
fn nothing() -> Ended {
    Err("the configuration itself was not run".to_owned())
}

/// How a run that made this record ends.
pub(super) fn exit(record: &Record) -> Exit {
    if !record.cells.is_empty() {
        Exit::Expected
    } else if record
        .scenarios
        .iter()
        .any(|s| s.not_run.as_ref().is_some_and(|why| why.contains("could not be started")))
    {
        Exit::Failed
    } else {
        Exit::NothingRun
    }
}

fn prepare(scenario: &Scenario, context: &Context<'_>) -> Result<(ScenarioEntry, Option<Subject>), Failure> {
    let mut entry = ScenarioEntry {
        id: scenario.id.clone(),
        title: scenario.file.title.clone(),
        teaches: scenario.file.teaches.clone(),
        settings: scenario.settings.clone(),
        posture: Vec::new(),
        notes: scenario.notes.clone(),
        not_run: None,
    };
    match scenario.resolve(context)? {
        Resolution::NotRun(reason) => {
            entry.not_run = Some(reason);
            Ok((entry, None))
        }
        Resolution::Run(resolved) => {
            let plan = Plan::new(resolved.settings, context.reach);
            entry.notes.extend(resolved.notes);
            entry.posture = posture(&plan, context.reach);
            Ok((entry, Some(Subject { id: scenario.id.clone(), plan })))
        }
    }
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
