//! The trials: which settings were tried, what was seen under them, and running those that are wanted.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Outcome as Seen, Probe};

use super::compare::Ended;
use super::{Event, Pair, Subject, Tell};
use crate::engine::{Engine, Job, Trial, Watch};
use crate::host::{Host, Reach};
use crate::observation;
use crate::record::{Cell, Timing};
use crate::settings::Settings;
use crate::verdict::search::{self, Findings, Step, Subset};
use crate::verdict::{self, Case};
use crate::witness::{self, Scene, Watched, Witnesses};

/// Settings that were or will be tried, and what was seen under them.
struct Tried {
    settings: Settings,
    seen: HashMap<&'static str, Observation>,
    watched: Watched,
    /// The trial that differs in the errno of its filter only.
    dyed: Option<usize>,
    failure: Option<String>,
}

impl Tried {
    fn new(settings: Settings) -> Self {
        Self { settings, seen: HashMap::new(), watched: Watched::default(), dyed: None, failure: None }
    }
}

/// A trial, the probes that it is wanted for, and what came of it.
type Done = (usize, Vec<&'static str>, Result<(Trial, Option<Watched>), String>);

/// The trials of a run, each run once for every probe that is wanted for it.
#[derive(Default)]
pub(super) struct Laboratory {
    trials: Vec<Tried>,
    by_settings: HashMap<Settings, usize>,
    by_subset: HashMap<(usize, Subset), usize>,
    containers: u64,
    /// Why the engine can start no more containers, if it cannot.
    gone: Option<String>,
}

impl Laboratory {
    /// Why the engine can start no more containers, if it cannot: what is not known by now stays unknown.
    pub(super) fn gone(&self) -> Option<&str> {
        self.gone.as_deref()
    }

    /// Whether something was seen in a trial.
    pub(super) fn was_run(&self, trial: usize) -> bool {
        !self.trials[trial].seen.is_empty()
    }

    /// Why a trial could not be run, if it could not.
    pub(super) fn failure(&self, trial: usize) -> Option<&str> {
        self.trials[trial].failure.as_deref()
    }

    /// What the trials took, but for the time.
    pub(super) fn timing(&self) -> Timing {
        Timing {
            seconds: 0.0,
            trials: self.trials.len() as u64,
            containers: self.containers,
            observations: self.trials.iter().map(|trial| trial.seen.len() as u64).sum(),
        }
    }

    /// Which of the trials has a subject's settings with exactly `on` left on; a new one if none has.
    pub(super) fn trial_of(&mut self, number: usize, subject: &Subject, on: Subset, reach: &Reach) -> usize {
        if let Some(trial) = self.by_subset.get(&(number, on)) {
            return *trial;
        }
        let trial = self.trial_with(subject.plan.trial(on, reach));
        self.by_subset.insert((number, on), trial);
        trial
    }

    /// Which of the trials has these settings; a new one if none has.
    pub(super) fn trial_with(&mut self, settings: Settings) -> usize {
        let next = self.trials.len();
        let trial = *self.by_settings.entry(settings.clone()).or_insert(next);
        if trial == next {
            self.trials.push(Tried::new(settings));
        }
        trial
    }

    /// How each attempt ended in a trial; or why that proves nothing.
    pub(super) fn ended(&self, trial: usize) -> Ended {
        let tried = &self.trials[trial];
        match &tried.failure {
            Some(reason) => Err(reason.clone()),
            None => Ok(tried.seen.iter().map(|(probe, seen)| (*probe, seen.outcome)).collect()),
        }
    }

    /// Asks the search for every pair that is not decided; the probes that each trial is wanted for.
    pub(super) fn wanted(
        &mut self,
        subjects: &[Subject],
        pairs: &mut [Pair],
        reach: &Reach,
    ) -> Vec<(usize, Vec<&'static Probe>)> {
        let mut wanted: BTreeMap<usize, Vec<&'static Probe>> = BTreeMap::new();
        let mut listed: HashSet<(usize, &'static str)> = HashSet::new();
        for pair in pairs.iter_mut().filter(|pair| pair.findings.is_none()) {
            let subject = &subjects[pair.subject];
            loop {
                // A run that is cut short has asked for what it does not know.
                let known = pair.asked.iter().filter(|(_, trial)| self.knows(**trial, pair.probe.id));
                let known = known.map(|(on, trial)| (*on, self.answer(*trial, pair.probe.id))).collect();
                match search::next(subject.plan.mechanisms.len(), &known) {
                    Step::Done(findings) => {
                        pair.findings = Some(findings);
                        break;
                    }
                    Step::Ask(sets) => {
                        let mut new = false;
                        for on in sets {
                            let trial = self.trial_of(pair.subject, subject, on, reach);
                            pair.asked.insert(on, trial);
                            if !self.knows(trial, pair.probe.id) {
                                new = true;
                                if listed.insert((trial, pair.probe.id)) {
                                    wanted.entry(trial).or_default().push(pair.probe);
                                }
                            }
                        }
                        // Another scenario has asked the same already: go on at once.
                        if new {
                            break;
                        }
                    }
                }
            }
        }
        wanted.into_iter().collect()
    }

    /// Whether a trial has answered for a probe, or can answer nothing.
    fn knows(&self, trial: usize, probe: &str) -> bool {
        let tried = &self.trials[trial];
        tried.failure.is_some() || tried.seen.contains_key(probe)
    }

    fn answer(&self, trial: usize, probe: &str) -> search::Seen {
        match self.trials[trial].seen.get(probe).map(|seen| seen.outcome) {
            Some(Seen::Reached) => search::Seen::Through,
            Some(Seen::Denied | Seen::Absent) => search::Seen::Stopped,
            Some(Seen::Broken) | None => search::Seen::Broken,
        }
    }

    /// The trial in which everything is as the scenario has it.
    pub(super) fn scenario_itself(&mut self, number: usize, subject: &Subject, reach: &Reach) -> usize {
        self.trial_of(number, subject, Subset::full(subject.plan.mechanisms.len()), reach)
    }

    /// Runs the scenarios themselves, every probe in each, with somebody looking on.
    pub(super) fn watch<B: Send>(
        &mut self,
        engine: &dyn Engine,
        scenarios: &[usize],
        probes: &[&'static Probe],
        witnesses: &Witnesses,
        tell: &Tell<'_, B>,
    ) -> ControlFlow<B> {
        let different: BTreeSet<usize> = scenarios.iter().copied().collect();
        let wanted: Vec<_> = different.into_iter().map(|trial| (trial, probes.to_vec())).collect();
        self.run(engine, &wanted, Some(witnesses), tell)
    }

    /// For every scenario with a filter: the same with a dyed errno, and the attempts that did not get through.
    pub(super) fn dyed(
        &mut self,
        scenarios: &[usize],
        probes: &[&'static Probe],
    ) -> Vec<(usize, Vec<&'static Probe>)> {
        let mut wanted = Vec::new();
        for trial in scenarios.iter().copied() {
            let tried = &self.trials[trial];
            let Some(filter) = tried.settings.seccomp.as_ref().filter(|_| tried.dyed.is_none()) else {
                continue;
            };
            let stopped = |probe: &&&Probe| {
                tried
                    .seen
                    .get(probe.id)
                    .is_some_and(|seen| matches!(seen.outcome, Seen::Denied | Seen::Absent))
            };
            let probes: Vec<&'static Probe> = probes.iter().filter(stopped).copied().collect();
            let settings = Settings { seccomp: Some(filter.dyed().into()), ..tried.settings.clone() };
            let dyed = self.trials.len();
            self.trials.push(Tried::new(settings));
            self.trials[trial].dyed = Some(dyed);
            if !probes.is_empty() {
                wanted.push((dyed, probes));
            }
        }
        wanted
    }

    /// Starts the containers, several at once, until there are no more or `tell` breaks it off.
    pub(super) fn run<B: Send>(
        &mut self,
        engine: &dyn Engine,
        wanted: &[(usize, Vec<&'static Probe>)],
        witnesses: Option<&Witnesses>,
        tell: &Tell<'_, B>,
    ) -> ControlFlow<B> {
        self.containers += wanted.len() as u64;
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<Done>> = Mutex::new(Vec::with_capacity(wanted.len()));
        let broken_off: Mutex<Option<B>> = Mutex::new(None);
        let gone: Mutex<Option<String>> = Mutex::new(None);
        let go_on = || {
            broken_off.lock().unwrap_or_else(PoisonError::into_inner).is_none()
                && gone.lock().unwrap_or_else(PoisonError::into_inner).is_none()
        };
        let trials = &self.trials;
        std::thread::scope(|scope| {
            for _ in 0..engine.parallel().clamp(1, wanted.len().max(1)) {
                scope.spawn(|| {
                    while go_on()
                        && let Some((trial, probes)) = wanted.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let ids: Vec<&'static str> = probes.iter().map(|probe| probe.id).collect();
                        let settings = &trials[*trial].settings;
                        let mut result = run_one(engine, settings, &ids, witnesses);
                        // One that breaks off may have said something before.
                        let whole = |(trial, _): &(Trial, _)| trial.observations.len() == ids.len();
                        if !result.as_ref().is_ok_and(whole)
                            && let Some(why) = engine.gone(settings)
                        {
                            result = Err(why.clone());
                            *gone.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                        }
                        let failed = result.as_ref().err().map(String::as_str);
                        if let ControlFlow::Break(why) = tell(Event::Ended { failed }) {
                            *broken_off.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                        }
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((*trial, ids, result));
                    }
                });
            }
        });
        self.gone = gone.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (trial, ids, result) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // That the engine has gone says nothing about a trial.
            if result.is_ok() || self.gone.is_none() {
                self.trials[trial].take(&ids, result);
            }
        }
        broken_off
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }

    pub(super) fn verdict(&self, subject: &Subject, pair: &Pair, host: &Host, reach: &Reach) -> Cell {
        let full = Subset::full(subject.plan.mechanisms.len());
        let seen = |on: Subset| {
            let trial = &self.trials[*pair.asked.get(&on)?];
            trial.seen.get(pair.probe.id)
        };
        let unfinished = Findings::Broken(full);
        let findings = pair.findings.as_ref().unwrap_or(&unfinished);
        let failure = match findings {
            Findings::Broken(on) => pair.asked.get(on).and_then(|trial| {
                let tried = &self.trials[*trial];
                tried.failure.clone().or_else(|| Some(observation::answer(tried.seen.get(pair.probe.id)?)))
            }),
            _ => None,
        };
        let scenario = pair.asked.get(&full).map(|trial| &self.trials[*trial]);
        let findings_of = |tried: &Tried| {
            let dyed = tried.dyed.and_then(|dyed| self.trials[dyed].seen.get(pair.probe.id));
            let scene = Scene {
                probe: pair.probe,
                settings: &tried.settings,
                seen: tried.seen.get(pair.probe.id)?,
                watched: &tried.watched,
                dyed,
            };
            Some(witness::findings(&scene))
        };
        verdict::verdict(&Case {
            scenario: &subject.id,
            probe: pair.probe,
            plan: &subject.plan,
            findings,
            full: seen(full),
            control: seen(Subset::EMPTY),
            failure,
            witnessed: scenario.and_then(findings_of).unwrap_or_default(),
            host,
            reach,
        })
    }
}

/// Runs a container, in its turn if its probes change the machine, with somebody looking on if there are witnesses.
fn run_one(
    engine: &dyn Engine,
    settings: &Settings,
    probes: &[&'static str],
    witnesses: Option<&Witnesses>,
) -> Result<(Trial, Option<Watched>), String> {
    let _turn = crate::disposable::turn(probes)?;
    let observer = witnesses.and_then(|witnesses| witnesses.observer(probes));
    let watch = observer.as_ref().map(|observer| observer as &dyn Watch);
    let mut trial = engine.run(&Job { settings, probes, watch }).map_err(|error| error.to_string())?;
    let canaries = std::mem::take(&mut trial.canaries);
    Ok((trial, observer.map(|observer| observer.finish(canaries))))
}

impl Tried {
    fn take(&mut self, asked: &[&'static str], result: Result<(Trial, Option<Watched>), String>) {
        match result {
            Ok((trial, watched)) => {
                for seen in trial.observations {
                    if let Some(id) = asked.iter().find(|id| **id == seen.probe) {
                        self.seen.insert(id, seen);
                    }
                }
                if let Some(watched) = watched {
                    self.watched = watched;
                }
                if asked.iter().any(|id| !self.seen.contains_key(id)) {
                    self.failure = Some("the agent ended before it had run every probe".to_owned());
                }
            }
            Err(reason) => self.failure = Some(reason),
        }
    }
}
