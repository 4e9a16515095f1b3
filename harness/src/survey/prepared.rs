//! What is done with a scenario before it is run: resolved for this host, shown to the engine, and described for the record.

use whyblocked_agent::Probe;

use super::SurveyError;
use super::engines::Chosen;
use crate::engine::docker::Introduced;
use crate::experiment::Subject;
use crate::host::Reach;
use crate::mechanism::Mechanism;
use crate::plan::Plan;
use crate::record::{Posture, ProbeEntry, ScenarioEntry};
use crate::scenario::{Context, Resolution, Scenario, ScenarioError};
use crate::settings::Settings;

/// What the record says of a scenario, and its settings on this host; none, if the host lacks what it needs.
pub(super) fn prepare(
    scenario: &Scenario,
    context: &Context<'_>,
) -> Result<(ScenarioEntry, Option<Settings>), ScenarioError> {
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

/// What is to be run of a scenario, once the engine has been shown its own words; nothing, if the engine cannot or will not.
pub(super) fn introduced(
    scenario: &Scenario,
    settings: Settings,
    entry: &mut ScenarioEntry,
    chosen: &Chosen,
    reach: &Reach,
) -> Result<Option<Subject>, SurveyError> {
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

/// A probe, for the record.
pub(super) fn describe(probe: &Probe) -> ProbeEntry {
    ProbeEntry {
        id: probe.id.to_owned(),
        family: probe.family().to_owned(),
        title: probe.title.to_owned(),
        calls: probe.calls.iter().map(|call| call.name().to_owned()).collect(),
        effect: probe.effect,
    }
}
