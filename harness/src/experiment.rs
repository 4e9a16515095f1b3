//! Runs the trials that the verdicts need, and no others: asks the search what it wants to know, starts one
//! container per different settings, and asks again until every verdict is decided.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Outcome as Seen, Probe};

use crate::engine::{Canary, Engine, Trial};
use crate::host::{Host, Reach};
use crate::plan::Plan;
use crate::record::{Cell, Timing};
use crate::settings::Settings;
use crate::verdict::search::{self, Findings, Step, Subset};
use crate::verdict::{self, Case};
use crate::witness::outside;

/// A scenario that is to be run.
#[derive(Debug)]
pub struct Subject {
    /// The scenario's id.
    pub id: String,
    /// Its trials.
    pub plan: Plan,
}

/// What happens during a run, for whoever shows progress.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A round of trials begins.
    Round {
        /// Its number, from 1.
        number: usize,
        /// How many containers it starts.
        containers: usize,
    },
    /// A container has ended.
    Ended {
        /// Why it proves nothing, if it failed.
        failed: Option<&'a str>,
    },
}

/// What a run found.
#[derive(Debug)]
pub struct Outcome {
    /// The verdicts, scenario by scenario.
    pub cells: Vec<Cell>,
    /// Scenarios that could not be started at all, with the reason.
    pub not_started: BTreeMap<String, String>,
    /// What it took.
    pub timing: Timing,
}

/// More rounds than any search over two dozen mechanisms needs; reached only by a bug.
const MOST_ROUNDS: usize = 500;

/// Runs every subject against every probe.
pub fn run(
    engine: &dyn Engine,
    subjects: &[Subject],
    probes: &[&'static Probe],
    host: &Host,
    reach: &Reach,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Outcome {
    let start = Instant::now();
    let mut laboratory = Laboratory::default();
    let mut pairs: Vec<Pair> = subjects
        .iter()
        .enumerate()
        .flat_map(|(subject, _)| probes.iter().map(move |probe| Pair::new(subject, probe)))
        .collect();
    for number in 1..=MOST_ROUNDS {
        let wanted = laboratory.wanted(subjects, &mut pairs, reach);
        if wanted.is_empty() {
            break;
        }
        tell(Event::Round { number, containers: wanted.len() });
        laboratory.run(engine, &wanted, tell);
    }
    let mut not_started = BTreeMap::new();
    for (number, subject) in subjects.iter().enumerate() {
        let trial = laboratory.trial_of(number, subject, Subset::full(subject.plan.mechanisms.len()), reach);
        if let Some(reason) = &laboratory.trials[trial].failure {
            not_started.insert(subject.id.clone(), reason.clone());
        }
    }
    let decided = pairs.iter().filter(|pair| !not_started.contains_key(&subjects[pair.subject].id));
    let cells = decided.map(|pair| laboratory.verdict(&subjects[pair.subject], pair, host, reach)).collect();
    Outcome {
        cells,
        not_started,
        timing: Timing {
            seconds: (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            trials: laboratory.trials.len() as u64,
            containers: laboratory.containers,
            observations: laboratory.trials.iter().map(|trial| trial.seen.len() as u64).sum(),
        },
    }
}

/// A probe in a scenario, and what has been asked about it.
struct Pair {
    subject: usize,
    probe: &'static Probe,
    asked: BTreeMap<Subset, usize>,
    findings: Option<Findings>,
}

impl Pair {
    fn new(subject: usize, probe: &'static Probe) -> Self {
        Self { subject, probe, asked: BTreeMap::new(), findings: None }
    }
}

/// Settings that were or will be tried, and what was seen under them.
struct Tried {
    settings: Settings,
    seen: HashMap<&'static str, Observation>,
    canaries: Vec<Canary>,
    failure: Option<String>,
}

#[derive(Default)]
struct Laboratory {
    trials: Vec<Tried>,
    by_settings: HashMap<Settings, usize>,
    by_subset: HashMap<(usize, Subset), usize>,
    containers: u64,
}

impl Laboratory {
    /// Which of the trials has a subject's settings with exactly `on` left on; a new one if none has.
    fn trial_of(&mut self, number: usize, subject: &Subject, on: Subset, reach: &Reach) -> usize {
        if let Some(trial) = self.by_subset.get(&(number, on)) {
            return *trial;
        }
        let settings = subject.plan.trial(on, reach);
        let next = self.trials.len();
        let trial = *self.by_settings.entry(settings.clone()).or_insert(next);
        if trial == next {
            self.trials.push(Tried { settings, seen: HashMap::new(), canaries: Vec::new(), failure: None });
        }
        self.by_subset.insert((number, on), trial);
        trial
    }

    /// Asks the search for every pair that is not decided; the probes that each trial is wanted for.
    fn wanted(
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
                let known =
                    pair.asked.iter().map(|(on, trial)| (*on, self.answer(*trial, pair.probe.id))).collect();
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
                            let tried = &self.trials[trial];
                            let known = tried.failure.is_some() || tried.seen.contains_key(pair.probe.id);
                            if !known {
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

    fn answer(&self, trial: usize, probe: &str) -> search::Seen {
        match self.trials[trial].seen.get(probe).map(|seen| seen.outcome) {
            Some(Seen::Reached) => search::Seen::Through,
            Some(Seen::Denied | Seen::Absent) => search::Seen::Stopped,
            Some(Seen::Broken) | None => search::Seen::Broken,
        }
    }

    /// Starts the containers, several at once.
    fn run(
        &mut self,
        engine: &dyn Engine,
        wanted: &[(usize, Vec<&'static Probe>)],
        tell: &(dyn Fn(Event<'_>) + Sync),
    ) {
        self.containers += wanted.len() as u64;
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::with_capacity(wanted.len()));
        let trials = &self.trials;
        std::thread::scope(|scope| {
            for _ in 0..engine.parallel().clamp(1, wanted.len()) {
                scope.spawn(|| {
                    while let Some((trial, probes)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let ids: Vec<&'static str> = probes.iter().map(|probe| probe.id).collect();
                        let result =
                            engine.run(&trials[*trial].settings, &ids).map_err(|error| error.to_string());
                        tell(Event::Ended { failed: result.as_ref().err().map(String::as_str) });
                        done.lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .push((*trial, ids, result));
                    }
                });
            }
        });
        for (trial, ids, result) in done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            self.trials[trial].take(&ids, result);
        }
    }

    fn verdict(&self, subject: &Subject, pair: &Pair, host: &Host, reach: &Reach) -> Cell {
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
                tried.failure.clone().or_else(|| Some(verdict::answer(tried.seen.get(pair.probe.id)?)))
            }),
            _ => None,
        };
        let canaries = pair.asked.get(&full).map_or(&[][..], |trial| &self.trials[*trial].canaries);
        verdict::verdict(&Case {
            scenario: &subject.id,
            probe: pair.probe,
            plan: &subject.plan,
            findings,
            full: seen(full),
            control: seen(Subset::EMPTY),
            failure,
            witnessed: outside::saw(pair.probe.id, seen(full), canaries),
            host,
            reach,
        })
    }
}

impl Tried {
    fn take(&mut self, asked: &[&'static str], result: Result<Trial, String>) {
        match result {
            Ok(trial) => {
                for seen in trial.observations {
                    if let Some(id) = asked.iter().find(|id| **id == seen.probe) {
                        self.seen.insert(id, seen);
                    }
                }
                self.canaries.extend(trial.canaries);
                if asked.iter().any(|id| !self.seen.contains_key(id)) {
                    self.failure = Some("the agent ended before it had run every probe".to_owned());
                }
            }
            Err(reason) => self.failure = Some(reason),
        }
    }
}
