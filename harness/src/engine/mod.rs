//! Engines start containers. An engine is given settings and the probes to run, and returns what the probes
//! saw; it neither chooses trials nor draws conclusions.

pub mod docker;
pub mod embedded;
mod fixtures;
mod host_root;
mod lab;
mod output;
mod outside;
mod processes;
mod relabel;
pub mod run_dir;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Need, catalogue};

use crate::settings::{DeviceRule, Settings};

/// Time limit of one probe, which the agent keeps. The processor of a lab machine may be emulated, and its host busy.
fn probe_limit() -> Duration {
    Duration::from_secs(if crate::disposable::is_here() { 5 } else { 1 })
}

/// Starts containers.
pub trait Engine: Sync {
    /// Which engine this is, for the record.
    fn about(&self) -> About;

    /// How many containers it can usefully run at once.
    fn parallel(&self) -> usize;

    /// Why it can start no container with these settings any more, after one has failed.
    fn gone(&self, settings: &Settings) -> Option<String> {
        let _ = settings;
        None
    }

    /// Starts a container, runs the job's probes in it in their order, and removes it again.
    fn run(&self, job: &Job<'_>) -> Result<Trial, EngineError>;
}

/// What is to be done in a container of its own.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// How the container is set up.
    pub settings: &'a Settings,
    /// The probes' ids.
    pub probes: &'a [&'static str],
    /// Who looks at the container from outside, if anybody does.
    pub watch: Option<&'a dyn Watch>,
}

impl<'a> Job<'a> {
    /// A job that nobody watches.
    pub fn unwatched(settings: &'a Settings, probes: &'a [&'static str]) -> Self {
        Self { settings, probes, watch: None }
    }

    /// What has to be there for its probes; the same may come more than once.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let probes = self.probes.iter().filter_map(|id| catalogue::find(id));
        probes.flat_map(|probe| probe.needs).copied().collect()
    }
}

/// Looks at a container from outside, at the two moments at which it holds still.
pub trait Watch: Sync {
    /// A number that no other watched container of this run has; marks in the kernel's trace carry it.
    fn number(&self) -> u64;

    /// The container is set up completely, its process is about to execute its first instruction, and nothing
    /// was tried yet.
    fn standing(&self, container: &Standing<'_>);

    /// The container's process could not be held still: it runs all the same, unseen.
    fn unseen(&self, why: &str);

    /// The container's process has ended; its control groups are still there.
    fn ended(&self, container: &Standing<'_>);
}

/// A container that holds still.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its process, by the number that it has for the harness.
    pub pid: i32,
    /// Its control groups' directories.
    pub groups: &'a [PathBuf],
    /// Whether another program than the harness has started the process: what follows the harness's children does
    /// not follow it by itself.
    pub foreign: bool,
}

/// Which engine started the containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// `embedded`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it ran: `here`.
    pub place: String,
}

/// What was seen in one container.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// One observation per probe that answered.
    pub observations: Vec<Observation>,
    /// Files that the probes left in the laboratory directory, seen from outside.
    pub canaries: Vec<Canary>,
    /// From the first system call for the container to its end.
    pub took: Duration,
}

/// A file that a probe left in a directory of the laboratory host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The id of the probe that left it.
    pub probe: String,
    /// Its path below the laboratory directory: `etc/whyblocked-canary-…`.
    pub path: String,
    /// Its owner on the host.
    pub uid: u32,
    /// Its group on the host.
    pub gid: u32,
}

/// A container that could not be started or did not end.
#[derive(Debug, Error)]
pub enum EngineError {
    /// A step in the container-to-be failed.
    #[error("the container's set-up failed at '{step}': {}{}", std::io::Error::from_raw_os_error(*errno), advice(step, *errno))]
    Step {
        /// Which step.
        step: String,
        /// Its errno.
        errno: i32,
    },
    /// Something the harness does outside the container failed.
    #[error("{doing}: {source}")]
    Outside {
        /// What it did.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The filter does not fit into the kernel.
    #[error(transparent)]
    Filter(#[from] crate::seccomp::TooLong),
    /// The Docker daemon cannot be used, or refused something.
    #[error(transparent)]
    Docker(#[from] docker::DockerError),
    /// Podman cannot be used, or refused something.
    #[error(transparent)]
    Podman(#[from] docker::podman::PodmanError),
    /// The container ran into the harness's own time limit.
    #[error("the container did not end within {} s and was killed", limit.as_secs())]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// What came out of the container is not what an agent says.
    #[error("the container said something that is not an observation: {text}")]
    Gibberish {
        /// The beginning of what it said, escaped.
        text: String,
    },
}

/// What to do about the failures that come from where the harness itself was started.
fn advice(step: &str, errno: i32) -> &'static str {
    match (step, errno) {
        ("keep mounts private" | "pivot_root", libc::EINVAL) => {
            "; this is a chroot whose root is no mount: bind it over itself, or use a container"
        }
        (_, libc::EPERM) if step.starts_with("mount proc") => {
            "; this host is a container itself, and its /proc is partly covered: give the harness one that is not"
        }
        _ => "",
    }
}

impl EngineError {
    /// The last OS error as [`EngineError::Outside`].
    pub(crate) fn last(doing: impl Into<String>) -> Self {
        Self::Outside { doing: doing.into(), source: std::io::Error::last_os_error() }
    }
}

/// The device cgroup's rule for a node of this host; `None` if it is no device.
pub fn device_rule_of(path: &str, access: &str) -> Option<DeviceRule> {
    let status = nix::sys::stat::stat(path).ok()?;
    let kind = match status.st_mode & libc::S_IFMT {
        libc::S_IFCHR => 'c',
        libc::S_IFBLK => 'b',
        _ => return None,
    };
    Some(DeviceRule {
        kind,
        major: Some(libc::major(status.st_rdev)),
        minor: Some(libc::minor(status.st_rdev)),
        access: access.to_owned(),
    })
}

/// A runner that answers from a script: for tests of everything behind the engine, without root.
#[derive(Debug, Default)]
pub struct Scripted<F> {
    /// What each probe sees under the given settings.
    pub answer: F,
}

impl<F> Engine for Scripted<F>
where
    F: Fn(&Settings, &str) -> Observation + Sync,
{
    fn about(&self) -> About {
        About { name: "scripted".to_owned(), version: "1".to_owned(), place: "here".to_owned() }
    }

    fn parallel(&self) -> usize {
        1
    }

    fn run(&self, job: &Job<'_>) -> Result<Trial, EngineError> {
        let observations = job.probes.iter().map(|probe| (self.answer)(job.settings, probe)).collect();
        Ok(Trial { observations, ..Trial::default() })
    }
}
