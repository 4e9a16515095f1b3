//! From scenarios and probes to a record: what `run` and `explain` have in common.

use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};

use whyblocked_agent::Probe;

use super::engines::Chosen;
use super::interruption::Interruption;
use super::progress::Progress;
use super::selection::Selection;
use super::{Failure, exit::Exit};
use crate::experiment::{self, Subject};
use crate::host::{Host, Reach};
use crate::mechanism::Mechanism;
use crate::plan::Plan;
use crate::record::{FORMAT, Posture, ProbeEntry, Record, ScenarioEntry};
use crate::scenario::defaults::DefaultFilter;
use crate::scenario::{Context, Resolution, Scenario};
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
    let scenarios = selection.scenarios()?;
    let probes = selection.probes()?;
    let mut host = Host::read();
    let mut reach = Reach::of(&host);
    let interruption = Interruption::listen();
    let chosen = Chosen::find(selection.engine, &reach)?;
    reach.bounding_set = reach.bounding_set.and(chosen.capabilities());
    host.versions.extend(chosen.version());
    let mut defaults = chosen.defaults();
    if let Some(profile) = selection.seccomp_default {
        defaults.filter = DefaultFilter::Docker(profile);
    }
    let context = Context { host: &host, reach: &reach, defaults: &defaults, docker: chosen.is_docker() };
    let mut entries = Vec::new();
    let mut subjects = Vec::new();
    for scenario in &scenarios {
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
    let (engine, run) = chosen.start(&reach)?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let progress = Progress::new(purpose == Purpose::Survey, subjects.len(), probes.len());
    let witnesses = Witnesses::set_up(&run);
    let tell = |event: experiment::Event<'_>| {
        progress.tell(event);
        interruption.flow()
    };
    let outcome = experiment::run(engine.as_ref(), &subjects, &probes, &host, &reach, &witnesses, &tell);
    progress.done();
    let outcome = match outcome {
        ControlFlow::Continue(outcome) => outcome,
        ControlFlow::Break(signal) => return Err(Failure::interrupted(signal)),
    };
    for entry in &mut entries {
        if let Some(reason) = outcome.not_started.get(&entry.id) {
            entry.not_run = Some(format!("it could not be started: {reason}"));
        }
    }
    Ok(Record {
        format: FORMAT.to_owned(),
        started,
        engine: engine.about(),
        witness: witnesses.took_part(),
        scenarios: entries,
        probes: probes.iter().map(|probe| describe(probe)).collect(),
        cells: outcome.cells,
        timing: outcome.timing,
        host,
    })
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
        notes: Vec::new(),
        not_run: None,
    };
    match scenario.resolve(context)? {
        Resolution::NotRun(reason) => {
            entry.not_run = Some(reason);
            Ok((entry, None))
        }
        Resolution::Run(resolved) => {
            let plan = Plan::new(resolved.settings, context.reach);
            entry.notes = resolved.notes;
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
