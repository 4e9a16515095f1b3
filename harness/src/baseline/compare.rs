//! A record against a baseline: what became weaker, what stronger, and what else has changed.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::waiver::Used;
use super::{Baseline, BaselineError, Expected};
use crate::record::{Outcome, Record};

/// How a verdict differs from what was agreed on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It gets through and did not, or it takes fewer mistakes.
    Weaker,
    /// It could be tested and cannot any more, or the experiment failed.
    Untestable,
    /// The baseline has it, and the run has not.
    Gone,
    /// As many mistakes, but not the same mechanisms.
    Another,
    /// The run has it, and the baseline has not, or had no answer.
    New,
    /// It takes more mistakes, or got through and does not.
    Stronger,
}

impl Class {
    /// Every class, the worst first.
    pub const ALL: [Self; 6] =
        [Self::Weaker, Self::Untestable, Self::Gone, Self::Another, Self::New, Self::Stronger];

    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Weaker => "weaker",
            Self::Untestable => "became untestable",
            Self::Gone => "gone",
            Self::Another => "answered by another",
            Self::New => "new",
            Self::Stronger => "stronger",
        }
    }

    /// How two verdicts differ, if they do: what was observed before, and what is now.
    pub fn between(was: &Expected, is: &Expected) -> Option<Self> {
        match (was.strength(), is.strength()) {
            (Some(before), Some(now)) if now < before => Some(Self::Weaker),
            (Some(before), Some(now)) if now > before => Some(Self::Stronger),
            (Some(_), Some(_)) => (was != is).then_some(Self::Another),
            (Some(_), None) => Some(Self::Untestable),
            (None, Some(_)) => Some(Self::New),
            (None, None) => {
                let broke = is.outcome == Outcome::Broken && was.outcome != Outcome::Broken;
                broke.then_some(Self::Untestable)
            }
        }
    }
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// The attempt.
    pub probe: String,
    /// Which kind.
    pub class: Class,
    /// What the baseline says, in words; nothing if it is new.
    pub was: Option<String>,
    /// What the run says, or why it says nothing.
    pub is: Option<String>,
    /// The waiver that accepts it.
    pub waived: Option<String>,
}

/// What came of a comparison.
#[derive(Debug)]
pub struct Compared<'a> {
    /// The baseline's kind of host.
    pub host: &'a str,
    /// Verdicts that both have: scenario and attempt, in the order of the baseline.
    pub compared: Vec<(&'a str, &'a str)>,
    /// What differs: the worst first, then in the order of the baseline.
    pub differences: Vec<Difference>,
    /// What became of each waiver, in the order of the file.
    pub waivers: Vec<(&'a str, Used)>,
}

/// How much was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything there is: what the baseline has and the run has not is gone.
    Whole,
    /// What somebody has chosen: about the rest nothing is said.
    Part,
}

impl Compared<'_> {
    /// Differences of these classes that no waiver accepts.
    pub fn failing<'a>(&'a self, classes: &'a [Class]) -> impl Iterator<Item = &'a Difference> {
        self.differences
            .iter()
            .filter(move |difference| classes.contains(&difference.class) && difference.waived.is_none())
    }

    /// Waivers whose last day is over, and that would still be needed.
    pub fn expired(&self) -> impl Iterator<Item = &str> {
        self.waivers.iter().filter(|(_, used)| matches!(used, Used::Expired(_))).map(|(id, _)| *id)
    }
}

/// Holds a record against a baseline, on a day.
pub fn compare<'a>(
    baseline: &'a Baseline,
    record: &Record,
    host: Option<&str>,
    scope: Scope,
    today: Date,
) -> Result<Compared<'a>, BaselineError> {
    let host = baseline.host_of(record, host)?;
    let now: BTreeMap<(&str, &str), Expected> = record
        .cells
        .iter()
        .map(|cell| ((cell.scenario.as_str(), cell.probe.as_str()), Expected::of(cell)))
        .collect();
    let mut differences = Vec::new();
    let mut compared = Vec::new();
    let before = baseline.cells.get(host);
    for (scenario, probes) in before.into_iter().flatten() {
        for (probe, was) in probes {
            let class = match now.get(&(scenario.as_str(), probe.as_str())) {
                Some(is) => {
                    compared.push((scenario.as_str(), probe.as_str()));
                    Class::between(was, is).map(|class| (class, Some(is.in_words())))
                }
                None => gone(record, scenario, probe, scope).map(|why| (Class::Gone, Some(why))),
            };
            if let Some((class, is)) = class {
                let was = Some(was.in_words());
                let (scenario, probe) = (scenario.clone(), probe.clone());
                differences.push(Difference { scenario, probe, class, was, is, waived: None });
            }
        }
    }
    let known = |scenario: &str, probe: &str| {
        before.and_then(|cells| cells.get(scenario)).is_some_and(|probes| probes.contains_key(probe))
    };
    for ((scenario, probe), is) in now.iter().filter(|((scenario, probe), _)| !known(scenario, probe)) {
        differences.push(Difference {
            scenario: (*scenario).to_owned(),
            probe: (*probe).to_owned(),
            class: Class::New,
            was: None,
            is: Some(is.in_words()),
            waived: None,
        });
    }
    let waivers = waive(baseline, &mut differences, today);
    differences.sort_by_key(|difference| difference.class);
    Ok(Compared { host, compared, differences, waivers })
}

/// Why a record has nothing to say where the baseline has; nothing, if nobody has asked it.
fn gone(record: &Record, scenario: &str, probe: &str, scope: Scope) -> Option<String> {
    let entry = record.scenarios.iter().find(|entry| entry.id == scenario);
    let asked = record.probes.iter().any(|entry| entry.id == probe);
    let left_out = record.left_out.iter().find(|left_out| left_out.probe == probe);
    match entry {
        Some(entry) if asked || left_out.is_some() => Some(match (&entry.not_run, left_out) {
            (Some(why), _) => format!("the scenario was not run: {why}"),
            (None, Some(left_out)) => format!("the attempt was not made: {}", left_out.reason),
            (None, None) => record.cut_short.clone().map_or_else(
                || "the run has no verdict".to_owned(),
                |why| format!("the run was cut short: {why}"),
            ),
        }),
        _ if scope == Scope::Part => None,
        Some(_) => Some("there is no such attempt any more".to_owned()),
        None => Some("there is no such scenario any more".to_owned()),
    }
}

/// Marks what waivers accept. Only what is worse than before has to be accepted.
fn waive<'a>(baseline: &'a Baseline, differences: &mut [Difference], today: Date) -> Vec<(&'a str, Used)> {
    let worse =
        |class: Class| matches!(class, Class::Weaker | Class::Untestable | Class::Gone | Class::Another);
    baseline
        .waivers
        .iter()
        .map(|waiver| {
            let is_about = waiver.is_about();
            let mut covered = 0;
            for difference in differences.iter_mut().filter(|difference| worse(difference.class)) {
                if is_about(difference) {
                    covered += 1;
                    if waiver.counts_on(today) {
                        difference.waived.get_or_insert_with(|| waiver.id.clone());
                    }
                }
            }
            let used = match covered {
                0 => Used::NotNeeded,
                covered if waiver.counts_on(today) => Used::Covers(covered),
                covered => Used::Expired(covered),
            };
            (waiver.id.as_str(), used)
        })
        .collect()
}
