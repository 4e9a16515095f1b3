//! The built-in engine: a small container runtime of our own, so that each mechanism has its own switch and a
//! set-up that fails names its step.
//!
//! A container is planned outside as a list of prepared steps ([`plan`]), carried out in the child by raw
//! system calls alone ([`step`]), and watched from outside ([`spawn`]).

pub mod cgroup;
mod device_program;
mod hold;
mod image;
mod kernel_mounts;
mod plan;
mod sink;
mod spawn;
mod step;
mod user;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use whyblocked_agent::Need;
use whyblocked_agent::inspect::Inspection;

use self::cgroup::Cgroups;
use self::spawn::Duties;
use super::fixtures;
use super::lab::Lab;
use super::outside::Outside;
use super::relabel::Relabelled;
use super::run_dir::RunDir;
use super::{About, Engine, EngineError, Job, Trial, Watch, output, probe_limit};
use crate::host::Reach;
use crate::selinux;
use crate::settings::Settings;

/// What the engine is called.
pub const NAME: &str = "embedded";

/// The agent's program, for the test that runs it under another runtime.
pub fn agent() -> &'static [u8] {
    fixtures::AGENT
}

/// The built-in engine.
#[derive(Debug)]
pub struct Embedded {
    reach: Reach,
    unconfined: Option<String>,
    outside: Outside,
    cgroups: Cgroups,
    // Dropped last: everything above may lie in it.
    dir: RunDir,
    counter: AtomicU64,
}

impl Embedded {
    /// Prepares what all containers share: a directory of the run's own, the victim and the listening sockets.
    pub fn new(reach: &Reach) -> Result<Self, EngineError> {
        let dir = RunDir::create()?;
        Ok(Self {
            reach: reach.clone(),
            unconfined: reach.selinux.then(selinux::unconfined).flatten(),
            outside: Outside::start(&dir)?,
            cgroups: Cgroups::new(&dir, reach),
            dir,
            counter: AtomicU64::new(0),
        })
    }
}

impl Embedded {
    /// A name that no other live run has: what this run leaves in the kernel is called so.
    pub fn run_name(&self) -> &str {
        self.dir.name()
    }
}

impl Engine for Embedded {
    fn about(&self) -> About {
        About {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            place: "here".to_owned(),
        }
    }

    fn parallel(&self) -> usize {
        // Twice the processors: a container waits for the kernel, to take its namespaces down for one.
        2 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    fn run(&self, job: &Job<'_>) -> Result<Trial, EngineError> {
        let Job { settings, probes, watch } = *job;
        let start = Instant::now();
        let container = self.container(settings)?;
        let request = self.outside.request(job, &container.token);
        let argument = serde_json::to_string(&request).expect("a request is plain data");
        let limit = probe_limit() * probes.len() as u32;
        let text = self.start(settings, &container, &job.needs(), &argument, Duties { limit, watch })?;
        let observations = output::parse(&text, probes)?;
        let canaries = container.lab.map(|lab| lab.canaries()).unwrap_or_default();
        Ok(Trial { observations, canaries, took: start.elapsed() })
    }
}

/// What a container has to itself.
struct Container {
    token: String,
    lab: Option<Lab>,
    // Before the laboratory goes, what is not its own is as it was.
    _labels: Option<Relabelled>,
}

impl Embedded {
    /// Starts a container whose process only looks at itself.
    pub fn inspect(&self, settings: &Settings) -> Result<Inspection, EngineError> {
        self.look_at_itself(settings, "inspect", None)
    }

    /// Starts a container whose process only tries its own filters: see [`whyblocked_agent::sweep`].
    pub fn sweep(&self, settings: &Settings, watch: Option<&dyn Watch>) -> Result<Vec<i32>, EngineError> {
        self.look_at_itself(settings, "sweep", watch)
    }

    fn look_at_itself<T: serde::de::DeserializeOwned>(
        &self,
        settings: &Settings,
        how: &str,
        watch: Option<&dyn Watch>,
    ) -> Result<T, EngineError> {
        let container = self.container(settings)?;
        let duties = Duties { limit: probe_limit(), watch };
        let text = self.start(settings, &container, &[], how, duties)?;
        let gibberish =
            || EngineError::Gibberish { text: String::from_utf8_lossy(&text).escape_debug().to_string() };
        serde_json::from_slice(&text).map_err(|_| gibberish())
    }

    fn container(&self, settings: &Settings) -> Result<Container, EngineError> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let lab = Lab::create(&self.dir, number, settings, self.reach.disposable)?;
        let places = lab.as_ref().map(Lab::places);
        let labels = Relabelled::for_container(settings, places, self.reach.selinux)?;
        Ok(Container { token: self.dir.token(number), lab, _labels: labels })
    }

    fn start(
        &self,
        settings: &Settings,
        container: &Container,
        needs: &[Need],
        argument: &str,
        duties: Duties<'_>,
    ) -> Result<Vec<u8>, EngineError> {
        let groups = self.cgroups.groups(settings)?;
        let host = plan::Outside {
            reach: &self.reach,
            unconfined: self.unconfined.as_deref(),
            dir: &self.dir,
            lab: container.lab.as_ref(),
            groups: &groups,
        };
        let plan = plan::plan(settings, &host, needs, argument)?;
        spawn::run(&plan, settings, &groups, &self.dir, duties)
    }
}
