//! Runs the trials that the verdicts need, and no others: asks the search what it wants to know, starts one
//! container per different settings, and asks again until every verdict is decided.

mod compare;
mod laboratory;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use whyblocked_agent::Probe;

pub use self::compare::{Ended, compare};
use self::laboratory::Laboratory;
use crate::engine::Engine;
use crate::host::{Host, Reach};
use crate::plan::Plan;
use crate::record::{Cell, Timing};
use crate::verdict::search::{Findings, Subset};
use crate::witness::Witnesses;

/// A scenario that is to be run.
#[derive(Debug)]
pub struct Subject {
    /// The scenario's id.
    pub id: String,
    /// Its trials.
    pub plan: Plan,
}

/// What happens during a run, for whoever shows progress and may want it to end.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The scenarios themselves are run, one container each, while the witnesses watch.
    Watched {
        /// How many containers that are.
        containers: usize,
    },
    /// A round of trials begins.
    Round {
        /// Its number, from 1.
        number: usize,
        /// How many containers it starts.
        containers: usize,
    },
    /// Other settings are run once, to compare with.
    Compared {
        /// How many containers that are.
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
    /// Why it ended before every verdict was reached, if it did: the engine could start no more containers.
    pub cut_short: Option<String>,
    /// What it took.
    pub timing: Timing,
}

/// Is told what happens, and answers whether to go on. A run that is told not to lets the containers that are alive
/// come to their end, and starts no more.
pub type Tell<'a, B> = dyn Fn(Event<'_>) -> ControlFlow<B> + Sync + 'a;

/// More rounds than any search over two dozen mechanisms needs; reached only by a bug.
const MOST_ROUNDS: usize = 500;

/// Runs every subject against every probe, unless `tell` breaks it off.
pub fn run<B: Send>(
    engine: &dyn Engine,
    subjects: &[Subject],
    probes: &[&'static Probe],
    host: &Host,
    reach: &Reach,
    witnesses: &Witnesses,
    tell: &Tell<'_, B>,
) -> ControlFlow<B, Outcome> {
    let start = Instant::now();
    let mut laboratory = Laboratory::default();
    let scenarios: Vec<usize> = subjects
        .iter()
        .enumerate()
        .map(|(number, subject)| laboratory.scenario_itself(number, subject, reach))
        .collect();
    tell(Event::Watched { containers: scenarios.len() })?;
    witnesses.watching(|| laboratory.watch(engine, &scenarios, probes, witnesses, tell))?;
    let mut dyed = if witnesses.any() { laboratory.dyed(&scenarios, probes) } else { Vec::new() };
    let mut pairs: Vec<Pair> = subjects
        .iter()
        .enumerate()
        .flat_map(|(subject, _)| probes.iter().map(move |probe| Pair::new(subject, probe)))
        .collect();
    for number in 1..=MOST_ROUNDS {
        // Also settles what the last trials have settled.
        let mut wanted = laboratory.wanted(subjects, &mut pairs, reach);
        wanted.append(&mut dyed);
        if wanted.is_empty() || laboratory.gone().is_some() {
            break;
        }
        tell(Event::Round { number, containers: wanted.len() })?;
        laboratory.run(engine, &wanted, None, tell)?;
    }
    let mut not_started = BTreeMap::new();
    for (number, subject) in subjects.iter().enumerate() {
        let trial = laboratory.scenario_itself(number, subject, reach);
        if let Some(reason) = laboratory.failure(trial) {
            not_started.insert(subject.id.clone(), reason.to_owned());
        } else if let Some(reason) = laboratory.gone().filter(|_| !laboratory.was_run(trial)) {
            not_started.insert(subject.id.clone(), reason.to_owned());
        }
    }
    // A run that is cut short knows what it knows.
    let known = |pair: &&Pair| pair.findings.is_some() || laboratory.gone().is_none();
    let decided =
        pairs.iter().filter(known).filter(|pair| !not_started.contains_key(&subjects[pair.subject].id));
    let cells = decided.map(|pair| laboratory.verdict(&subjects[pair.subject], pair, host, reach)).collect();
    ControlFlow::Continue(Outcome {
        cells,
        not_started,
        cut_short: laboratory.gone().map(str::to_owned),
        timing: Timing {
            seconds: (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
            ..laboratory.timing()
        },
    })
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
