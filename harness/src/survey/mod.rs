//! From scenarios and probes to a record: what every command that runs something, and every test case, has in common.
//! It prints nothing and listens to no signal: whoever asks is told what happens, and may end it.

mod engines;
mod prepared;

use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};

use thiserror::Error;
use whyblocked_agent::Probe;

use self::engines::Chosen;
pub use self::engines::EngineChoice;
use self::prepared::{describe, introduced, prepare};
use crate::engine::EngineError;
use crate::experiment::{self, Ended};
use crate::host::{Host, Reach};
use crate::record::{FORMAT, LeftOut, Record};
use crate::scenario::defaults::DefaultFilter;
use crate::scenario::{Context, Scenario, ScenarioError};
use crate::seccomp::DefaultProfile;
use crate::settings::Settings;
use crate::witness::Witnesses;

/// What is to be run, and with what.
#[derive(Debug)]
pub struct Survey<'a> {
    /// The scenarios, in the order of the record.
    pub scenarios: &'a [Scenario],
    /// Others, which are not in the record: only what gets through in them is wanted.
    pub others: &'a [&'a Scenario],
    /// The probes that can be run here.
    pub probes: &'a [&'static Probe],
    /// Those that cannot, with the reason.
    pub left_out: Vec<LeftOut>,
    /// What starts the containers.
    pub engine: EngineChoice,
    /// Whose default filter a container gets, if not the engine's own.
    pub seccomp_default: Option<DefaultProfile>,
    /// Whether the kernel is to write down what the filter refuses. For many verdicts that would be hundreds of lines in the
    /// host's log.
    pub log_filter: bool,
}

/// A survey that cannot be made.
#[derive(Debug, Error)]
pub enum SurveyError {
    /// A scenario makes no sense.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The engine cannot do its work.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine cannot be used here at all.
    #[error("{0}")]
    NoEngine(#[source] EngineError),
}

/// Why a probe that changes its host is not run.
pub const ELSEWHERE: &str = "runs in the disposable machine only, because it changes its host";

/// The probes that can be run here, and those that cannot, with the reason.
pub fn runnable(probes: Vec<&'static Probe>, reach: &Reach) -> (Vec<&'static Probe>, Vec<LeftOut>) {
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        probes.into_iter().partition(|probe| probe.may_run(reach.disposable));
    let left_out = elsewhere
        .into_iter()
        .map(|probe| LeftOut { probe: probe.id.to_owned(), reason: ELSEWHERE.to_owned() });
    (here, left_out.collect())
}

/// What happens during a survey.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Something that whoever waits may want to know.
    Notice(&'a str),
    /// The engine has been shown a scenario.
    Introduced,
    /// So much is run now.
    Begins {
        /// How many scenarios.
        scenarios: usize,
        /// How many probes.
        probes: usize,
    },
    /// The experiment goes on.
    Experiment(experiment::Event<'a>),
}

/// What a survey found: the record, and for each of the others what got through in it.
pub type Found = (Record, Vec<Ended>);

/// Makes a survey of this host, unless `tell` breaks it off. Everything that can be wrong with the scenarios is found before
/// anything is started.
pub fn run<B: Send>(
    survey: &Survey<'_>,
    mut host: Host,
    mut reach: Reach,
    tell: &(dyn Fn(Event<'_>) -> ControlFlow<B> + Sync),
) -> Result<ControlFlow<B, Found>, SurveyError> {
    let notice = |text: &str| {
        let _ = tell(Event::Notice(text));
    };
    let chosen = Chosen::new(survey.engine, &reach, &notice).map_err(SurveyError::NoEngine)?;
    reach.bounding_set = reach.bounding_set.and(chosen.capabilities());
    host.versions.extend(chosen.version());
    let mut defaults = chosen.defaults(&reach);
    if let Some(profile) = survey.seccomp_default {
        defaults.filter = DefaultFilter::Docker(profile);
    }
    let context = Context { host: &host, reach: &reach, defaults: &defaults, docker: chosen.is_docker() };
    let prepared = survey
        .scenarios
        .iter()
        .map(|scenario| Ok((scenario, prepare(scenario, &context)?)))
        .collect::<Result<Vec<_>, SurveyError>>()?;
    let mut entries = Vec::new();
    let mut subjects = Vec::new();
    for (scenario, (mut entry, settings)) in prepared {
        if let Some(settings) = settings {
            subjects.extend(introduced(scenario, settings, &mut entry, &chosen, &reach)?);
        }
        entries.push(entry);
        if let ControlFlow::Break(end) = tell(Event::Introduced) {
            return Ok(ControlFlow::Break(end));
        }
    }
    if survey.log_filter {
        for subject in &mut subjects {
            subject.plan.settings.log_filter();
        }
    }
    let others = survey
        .others
        .iter()
        .map(|other| Ok(other.resolve(&context)?.settings()))
        .collect::<Result<Vec<_>, ScenarioError>>()?;
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if let ControlFlow::Break(end) =
        tell(Event::Begins { scenarios: subjects.len(), probes: survey.probes.len() })
    {
        return Ok(ControlFlow::Break(end));
    }
    let witnesses = Witnesses::set_up(chosen.run_name());
    let on = |event: experiment::Event<'_>| tell(Event::Experiment(event));
    let outcome =
        match experiment::run(chosen.engine(), &subjects, survey.probes, &host, &reach, &witnesses, &on) {
            ControlFlow::Continue(outcome) => outcome,
            ControlFlow::Break(end) => return Ok(ControlFlow::Break(end)),
        };
    // Where there is nothing to compare with, nothing is run to be compared.
    let wanted = others.iter().flatten().filter(|_| !outcome.cells.is_empty());
    let settings: Vec<Settings> = wanted.cloned().collect();
    let mut ended = match experiment::compare(chosen.engine(), &settings, survey.probes, &on) {
        ControlFlow::Continue(ended) => ended.into_iter(),
        ControlFlow::Break(end) => return Ok(ControlFlow::Break(end)),
    };
    let nothing = || Err("the configuration itself was not run".to_owned());
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
        probes: survey.probes.iter().map(|probe| describe(probe)).collect(),
        left_out: survey.left_out.clone(),
        cells: outcome.cells,
        cut_short: outcome.cut_short,
        tried: None,
        timing: outcome.timing,
        host,
    };
    Ok(ControlFlow::Continue((record, others.collect())))
}
