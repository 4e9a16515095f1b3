//! A container whose attempts are asked about: its settings, and the experiment, made once.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use anstream::adapter::strip_str;
use thiserror::Error;
use whyblocked_agent::catalogue;

use super::promise::Promise;
use super::{Checked, Expect};
use crate::host::{Host, Reach};
use crate::record::{Outcome, Record};
use crate::report::explain;
use crate::scenario::{self, Facility, Scenario, ScenarioError, most_like, nearest};
use crate::seccomp::DefaultProfile;
use crate::survey::{self, EngineChoice, Event, Survey, SurveyError};
use crate::tryout::{self, TryError};

/// A container that no case can be about.
#[derive(Debug, Error)]
pub enum CaseError {
    /// The scenario makes no sense, or there is none.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Somebody's own configuration makes no sense.
    #[error(transparent)]
    Own(#[from] TryError),
}

/// A container, as its settings are written. It is run when the first case asks, with every probe.
#[derive(Debug)]
pub struct Container {
    scenario: Scenario,
    engine: EngineChoice,
    seccomp_default: Option<DefaultProfile>,
    found: OnceLock<Result<Record, NotFound>>,
}

/// Why there is no record.
#[derive(Debug)]
enum NotFound {
    /// This machine cannot start such containers.
    NoEngine(String),
    /// It failed.
    Failed(String),
}

impl Container {
    /// A scenario that is built in.
    ///
    /// ```
    /// use whyblocked::cases::Container;
    ///
    /// assert!(Container::built_in("docker-default").is_ok());
    /// let error = Container::built_in("docker-defualt").unwrap_err();
    /// assert!(error.to_string().contains("did you mean 'docker-default'?"));
    /// ```
    pub fn built_in(id: &str) -> Result<Self, CaseError> {
        Self::of_patterns(&[id.to_owned()])
    }

    /// A scenario file.
    pub fn scenario_file(path: impl AsRef<Path>) -> Result<Self, CaseError> {
        let path = path.as_ref();
        // With a directory before it, a name is never taken for a built-in scenario.
        let path = if path.components().count() == 1 { Path::new(".").join(path) } else { path.to_owned() };
        Self::of_patterns(&[path.to_string_lossy().into_owned()])
    }

    /// A service of a Compose file; its only one, if none is named. As in `whyblocked try`, directories that the service mounts
    /// from the host are stood in for.
    ///
    /// ```
    /// use whyblocked::cases::{Container, Expect};
    /// use whyblocked::mechanism::Mechanism::Seccomp;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let file = dir.path().join("compose.yaml");
    /// # std::fs::write(&file, "services: {web: {image: nginx, cap_drop: [ALL], read_only: true}}")?;
    /// // services: {web: {image: nginx, cap_drop: [ALL], read_only: true}}
    /// let web = Container::compose(&file, Some("web"))?;
    /// web.check("time-settimeofday", &Expect::blocked_by([Seccomp]).at_least(2)).assert();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compose(path: impl AsRef<Path>, service: Option<&str>) -> Result<Self, CaseError> {
        Ok(Self::of(tryout::service(path.as_ref(), service, &Reach::of(&Host::read()))?))
    }

    /// What a `docker run` or `podman run` line starts, word by word. It is not started: neither its image nor its command play a
    /// part.
    pub fn line(words: &[&str]) -> Result<Self, CaseError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let reach = Reach::of(&Host::read());
        let look = tryout::ThisHost { selinux: reach.selinux, apparmor: reach.apparmor };
        let here = std::env::current_dir().unwrap_or_default();
        let written = tryout::docker_run::parse(&words, &here)?;
        Ok(Self::of(tryout::adapt(written, &look)?.scenario()?))
    }

    fn of_patterns(patterns: &[String]) -> Result<Self, CaseError> {
        let mut found = scenario::select(patterns)?;
        match (found.pop(), found.pop()) {
            (Some(only), None) => Ok(Self::of(only)),
            _ => Err(ScenarioError::Unknown { pattern: patterns.join(" "), near: None }.into()),
        }
    }

    fn of(scenario: Scenario) -> Self {
        Self { scenario, engine: EngineChoice::Auto, seccomp_default: None, found: OnceLock::new() }
    }

    /// The same with another engine than the built-in one.
    #[must_use]
    pub fn with_engine(self, engine: EngineChoice) -> Self {
        Self { engine, ..self }
    }

    /// The same with the default system-call filter of a version of Docker.
    #[must_use]
    pub fn with_seccomp_default(self, profile: DefaultProfile) -> Self {
        Self { seccomp_default: Some(profile), ..self }
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.scenario.id
    }

    /// Whether an attempt in it ends as expected.
    pub fn check(&self, probe: &str, expect: &Expect) -> Checked {
        self.check_for(&Promise::here(), probe, expect)
    }

    pub(super) fn check_for(&self, promise: &Promise, probe: &str, expect: &Expect) -> Checked {
        if catalogue::find(probe).is_none() {
            let near = most_like(probe, catalogue::all().map(|probe| probe.id));
            return Checked::Failed(format!("there is no probe '{probe}'{}", nearest(near.as_deref())));
        }
        let needs: Vec<&str> = self.scenario.file.needs.iter().map(|facility| facility.id()).collect();
        let record = match self.found.get_or_init(|| self.find()) {
            Ok(record) => record,
            Err(NotFound::NoEngine(why)) => {
                let engine = match self.engine {
                    EngineChoice::Docker => Facility::Docker.id(),
                    EngineChoice::Podman => "podman",
                    EngineChoice::Auto | EngineChoice::Embedded => "user",
                };
                return promise.lacking(&[engine], why.clone());
            }
            Err(NotFound::Failed(why)) => return Checked::Failed(why.clone()),
        };
        judge(record, self.name(), probe, expect, &needs, promise)
    }

    /// Its experiment; one at a time in a process.
    fn find(&self) -> Result<Record, NotFound> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let (host, scenarios) = (Host::read(), std::slice::from_ref(&self.scenario));
        survey(scenarios, host, self.engine, self.seccomp_default).map_err(|error| match error {
            SurveyError::NoEngine(error) => NotFound::NoEngine(error.to_string()),
            error => NotFound::Failed(error.to_string()),
        })
    }
}

/// Runs scenarios with every probe that can be run here.
pub(super) fn survey(
    scenarios: &[Scenario],
    host: Host,
    engine: EngineChoice,
    seccomp_default: Option<DefaultProfile>,
) -> Result<Record, SurveyError> {
    let reach = Reach::of(&host);
    let (probes, left_out) = survey::runnable(catalogue::all().collect(), &reach);
    let survey = Survey {
        scenarios,
        others: &[],
        probes: &probes,
        left_out,
        engine,
        seccomp_default,
        log_filter: false,
    };
    let go_on = |_: Event<'_>| ControlFlow::<Infallible>::Continue(());
    let ControlFlow::Continue((record, _)) = survey::run(&survey, host, reach, &go_on)?;
    Ok(record)
}

/// Whether a record's verdict is as expected.
fn judge(
    record: &Record,
    scenario: &str,
    probe: &str,
    expect: &Expect,
    needs: &[&str],
    promise: &Promise,
) -> Checked {
    let place = format!("{scenario} / {probe}");
    let entry = record.scenarios.iter().find(|entry| entry.id == scenario);
    if let Some(why) = entry.and_then(|entry| entry.not_run.as_ref()) {
        return promise.lacking(needs, format!("{place}: the scenario was not run here: {why}"));
    }
    if let Some(left_out) = record.left_out.iter().find(|left_out| left_out.probe == probe) {
        return promise.lacking(&["disposable"], format!("{place}: {}", left_out.reason));
    }
    let Some(cell) = record.cell(scenario, probe) else {
        let why = record.cut_short.as_deref().unwrap_or("the run has none");
        return Checked::Failed(format!("{place}: there is no verdict: {why}"));
    };
    if cell.outcome == Outcome::Untestable {
        let why = cell.note.as_deref().or(cell.reason.as_deref()).unwrap_or("no reason is known");
        return promise.lacking(&[], format!("{place}: it cannot be tested here: {why}"));
    }
    match expect.not_met(cell) {
        None => Checked::Passed,
        Some(but) => {
            let explained = explain::text(record, scenario, probe).unwrap_or_default();
            Checked::Failed(format!(
                "{place}: expected {}, but {but}\n\n{}",
                expect.in_words(),
                strip_str(&explained)
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::mechanism::Mechanism::Seccomp;
    use crate::testing;

    fn judged(record: &Record, expect: &Expect, promise: &str) -> Checked {
        judge(record, "a", "time-settimeofday", expect, &["selinux"], &Promise::of(promise))
    }

    #[rstest]
    #[case::nothing_promised("", false)]
    #[case::promised("selinux", true)]
    fn a_scenario_that_was_not_run_is_ignored(#[case] promise: &str, #[case] fails: bool) {
        let record = testing::record().with_not_run("a", "this kernel runs without SELinux");
        let checked = judged(&record, &Expect::blocked(), promise);
        let said = match &checked {
            Checked::Ignored(said) => (said, false),
            Checked::Failed(said) => (said, true),
            Checked::Passed => panic!("nothing was run"),
        };
        assert_eq!(said.1, fails, "{checked:?}");
        assert!(said.0.contains("this kernel runs without SELinux"), "{checked:?}");
    }

    #[test]
    fn a_failure_brings_the_explanation() {
        let record =
            testing::record().with_scenario("a", &[]).with_cell("time-settimeofday", Outcome::Allowed, &[]);
        let Checked::Failed(said) = judged(&record, &Expect::blocked_by([Seccomp]), "") else {
            panic!("it gets through")
        };
        assert!(
            said.starts_with(
                "a / time-settimeofday: expected to be blocked by seccomp, but it gets through\n"
            ),
            "{said}"
        );
        assert!(said.contains("What is tried: "), "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    }

    #[test]
    fn what_cannot_be_tested_is_no_success_and_no_failure() {
        let record = testing::record().with_scenario("a", &[]).with_cell(
            "time-settimeofday",
            Outcome::Untestable,
            &[],
        );
        assert!(matches!(judged(&record, &Expect::blocked(), "root"), Checked::Ignored(_)));
        assert!(matches!(judged(&record, &Expect::blocked(), "all"), Checked::Failed(_)));
    }

    #[test]
    fn a_probe_that_is_misspelt_is_never_run() {
        let container = Container::built_in("docker-default").expect("it is built in");
        let checked = container.check("time-setimeofday", &Expect::blocked());
        let said = "there is no probe 'time-setimeofday'; did you mean 'time-settimeofday'?";
        assert_eq!(checked, Checked::Failed(said.to_owned()));
    }

    #[test]
    fn one_container_is_one_scenario() {
        assert!(Container::built_in("selinux-*").is_err());
    }
}
