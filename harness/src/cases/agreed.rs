//! A baseline as test cases: one for each verdict that was agreed on, called after scenario and attempt.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use thiserror::Error;

use super::Checked;
use super::container::survey;
use super::promise::Promise;
use crate::baseline::{self, Baseline, BaselineError, Class, Difference, Expected, Kind, Scope};
use crate::host::Host;
use crate::record::{Outcome, Record};
use crate::scenario::{self, ScenarioError};
use crate::survey::EngineChoice;

/// A baseline that no cases can be made of.
#[derive(Debug, Error)]
pub enum AgreedError {
    /// It cannot be read, or has no kind of host that fits.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// A scenario makes no sense.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

/// What was agreed on for a kind of host, and a run that is made when the first case asks.
///
/// With `libtest-mimic`, each is a test of its own:
///
/// ```no_run
/// use std::sync::Arc;
/// use libtest_mimic::{Arguments, Completion, Trial};
/// use whyblocked::cases::{Agreed, Checked};
///
/// let agreed = Arc::new(Agreed::here("baseline.toml").expect("it fits this machine"));
/// let tests = agreed.cases().into_iter().map(|case| {
///     let agreed = Arc::clone(&agreed);
///     Trial::ignorable_test(case.to_string(), move || match agreed.check(&case) {
///         Checked::Passed => Ok(Completion::Completed),
///         Checked::Ignored(reason) => Ok(Completion::ignored_with(reason)),
///         Checked::Failed(message) => Err(message.into()),
///     })
/// });
/// libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit();
/// ```
pub struct Agreed {
    baseline: Baseline,
    host: String,
    failing: Vec<Class>,
    run: Box<dyn Fn() -> Result<Record, String> + Send + Sync>,
    found: OnceLock<Result<Found, String>>,
}

/// What the run came to.
#[derive(Debug)]
struct Found {
    differences: BTreeMap<Case, Difference>,
    expired: Vec<String>,
    cut_short: bool,
}

/// A case: an attempt in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The scenario's id.
    pub scenario: String,
    /// The probe's id.
    pub probe: String,
}

/// As a test is called: `docker_default::time_settimeofday`.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.scenario.replace('-', "_"), self.probe.replace('-', "_"))
    }
}

impl Agreed {
    /// What a baseline says of this machine, to be held against a run of its scenarios with the built-in engine. Only scenarios
    /// that are built in can be run; others are gone.
    pub fn here(path: impl AsRef<Path>) -> Result<Self, AgreedError> {
        let baseline = baseline::read(path.as_ref())?;
        let host = baseline.host_fitting(&Kind::here(), None)?.to_owned();
        let named = baseline.cells.get(&host).into_iter().flat_map(BTreeMap::keys);
        let named: Vec<String> =
            named.filter(|id| scenario::builtin_ids().any(|known| known == *id)).cloned().collect();
        let scenarios = if named.is_empty() { Vec::new() } else { scenario::select(&named)? };
        let run = move || {
            survey(&scenarios, Host::read(), EngineChoice::Auto, None).map_err(|error| error.to_string())
        };
        Ok(Self::new(baseline, host, Box::new(run)))
    }

    /// What a baseline says of a kind of host, to be held against a record from wherever one comes.
    pub fn elsewhere(
        path: impl AsRef<Path>,
        host: &str,
        record: impl Fn() -> Result<Record, String> + Send + Sync + 'static,
    ) -> Result<Self, AgreedError> {
        let baseline = baseline::read(path.as_ref())?;
        let host = baseline.host_named(host)?.to_owned();
        Ok(Self::new(baseline, host, Box::new(record)))
    }

    fn new(
        baseline: Baseline,
        host: String,
        run: Box<dyn Fn() -> Result<Record, String> + Send + Sync>,
    ) -> Self {
        Self { baseline, host, failing: vec![Class::Weaker], run, found: OnceLock::new() }
    }

    /// The same, with other classes that fail than weaker ones.
    #[must_use]
    pub fn failing_on(self, classes: &[Class]) -> Self {
        Self { failing: classes.to_vec(), ..self }
    }

    /// Every case, in the order of the baseline.
    pub fn cases(&self) -> Vec<Case> {
        let scenarios = self.baseline.cells.get(&self.host).into_iter().flatten();
        let case =
            |scenario: &String, probe: &String| Case { scenario: scenario.clone(), probe: probe.clone() };
        scenarios
            .flat_map(|(scenario, probes)| probes.keys().map(move |probe| case(scenario, probe)))
            .collect()
    }

    /// Whether a case still is what was agreed on.
    pub fn check(&self, case: &Case) -> Checked {
        let Some(expected) = self.expected(case) else {
            return Checked::Failed(format!("the baseline has no {} / {}", case.scenario, case.probe));
        };
        let found = match self.found() {
            Ok(found) => found,
            Err(why) => return Checked::Failed(why.to_owned()),
        };
        let Some(difference) = found.differences.get(case) else {
            return match expected.outcome {
                Outcome::Untestable => {
                    Checked::Ignored("it cannot be tested on this kind of host, as agreed".to_owned())
                }
                _ => Checked::Passed,
            };
        };
        let said = |words: &Option<String>| words.clone().unwrap_or_else(|| "nothing".to_owned());
        let (class, was, is) = (difference.class, said(&difference.was), said(&difference.is));
        let message = format!(
            "{} / {}: {}: was {was}, is {is}; look closer with `whyblocked explain {} {}`",
            case.scenario,
            case.probe,
            class.in_words(),
            case.scenario,
            case.probe
        );
        match (&difference.waived, class) {
            (Some(id), _) => Checked::Ignored(format!("waived by {id}: {message}")),
            (None, class) if self.failing.contains(&class) => Checked::Failed(message),
            // A run that was cut short is no reason to ignore what it has not reached.
            (None, Class::Gone) if found.cut_short => Checked::Failed(message),
            (None, Class::Untestable | Class::Gone) => Promise::here().lacking(&[], message),
            (None, _) => Checked::Passed,
        }
    }

    /// Whether no waiver is still needed whose last day is over.
    pub fn check_waivers(&self) -> Checked {
        match self.found() {
            Err(why) => Checked::Failed(why.to_owned()),
            Ok(found) if found.expired.is_empty() => Checked::Passed,
            Ok(found) => Checked::Failed(format!("expired: {}", found.expired.join(", "))),
        }
    }

    fn expected(&self, case: &Case) -> Option<&Expected> {
        self.baseline.cells.get(&self.host)?.get(&case.scenario)?.get(&case.probe)
    }

    fn found(&self) -> Result<&Found, &str> {
        let find = || {
            let record = (self.run)()?;
            let compared =
                baseline::compare(&self.baseline, &record, Some(&self.host), Scope::Whole, baseline::today())
                    .map_err(|error| error.to_string())?;
            let place = |difference: &Difference| Case {
                scenario: difference.scenario.clone(),
                probe: difference.probe.clone(),
            };
            let expired = compared.expired().map(str::to_owned).collect();
            let differences =
                compared.differences.into_iter().map(|difference| (place(&difference), difference)).collect();
            Ok(Found { differences, expired, cut_short: record.cut_short.is_some() })
        };
        self.found.get_or_init(find).as_ref().map_err(String::as_str)
    }
}

impl fmt::Debug for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agreed")
            .field("host", &self.host)
            .field("failing", &self.failing)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::Mechanism::{self, Seccomp};
    use crate::testing;

    fn record(cells: &[(&str, Outcome, &[Mechanism])]) -> Record {
        let record = testing::record().with_scenario("docker-default", &[]);
        cells
            .iter()
            .fold(record, |record, (probe, outcome, layers)| record.with_cell(probe, *outcome, layers))
    }

    /// What was agreed on is that all three are blocked; and a run of another day.
    fn agreed(now: Record) -> Agreed {
        let (blocked, mut baseline) = (Outcome::Blocked, Baseline::new());
        let probes = ["time-settimeofday", "key-add", "module-init"];
        baseline.take("here", &record(&probes.map(|probe| (probe, blocked, &[Seccomp][..]))));
        Agreed::new(baseline, "here".to_owned(), Box::new(move || Ok(now.clone())))
    }

    fn came(agreed: &Agreed) -> Vec<(String, char)> {
        let letter = |case| match agreed.check(case) {
            Checked::Passed => '.',
            Checked::Ignored(_) => 'i',
            Checked::Failed(_) => 'F',
        };
        agreed.cases().iter().map(|case| (case.to_string(), letter(case))).collect()
    }

    #[test]
    fn a_case_is_called_after_scenario_and_attempt_and_fails_when_it_is_weaker() {
        let now = record(&[
            ("time-settimeofday", Outcome::Blocked, &[Seccomp]),
            ("key-add", Outcome::Allowed, &[]),
            ("module-init", Outcome::Untestable, &[]),
        ]);
        let expected = [
            ("docker_default::key_add", 'F'),
            ("docker_default::module_init", 'i'),
            ("docker_default::time_settimeofday", '.'),
        ];
        assert_eq!(came(&agreed(now)), expected.map(|(name, letter)| (name.to_owned(), letter)));
    }

    #[test]
    fn what_a_run_that_was_cut_short_has_not_reached_fails() {
        let mut now = record(&[("time-settimeofday", Outcome::Blocked, &[Seccomp])]);
        let letters =
            |now: &Record| came(&agreed(now.clone())).iter().map(|(_, letter)| *letter).collect::<String>();
        assert_eq!(letters(&now), "ii.");
        now.cut_short = Some("the daemon died".to_owned());
        assert_eq!(letters(&now), "FF.");
    }

    #[test]
    fn a_run_that_fails_fails_every_case() {
        let mut agreed = agreed(record(&[]));
        agreed.run = Box::new(|| Err("there is no engine".to_owned()));
        assert!(came(&agreed).iter().all(|(_, letter)| *letter == 'F'));
        assert_eq!(agreed.check_waivers(), Checked::Failed("there is no engine".to_owned()));
    }
}
