//! Docker Engine: the same settings, given to a daemon over its API. The agent comes as an image of its own, made here;
//! nothing is pulled, and nothing of the user's is touched.

pub mod clean;
mod connect;
mod container;
mod error;
mod furnish;
mod image;
mod mapping;
mod mounts;
pub mod podman;
mod still;
mod surroundings;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use whyblocked_agent::wire::Request;
use whyblocked_agent::{Need, catalogue};

pub use self::connect::Daemon;
pub use self::error::DockerError;

use self::container::{Container, Mark, control_groups};
use self::image::{Images, Recipe};
use self::mapping::Given;
use self::surroundings::Surroundings;
use super::lab::Lab;
use super::outside::Outside;
use super::run_dir::RunDir;
use super::{About, Engine, EngineError, Job, PROBE_LIMIT, Standing, Trial, output};
use crate::host::Reach;
use crate::seccomp::write_json::{Dialect, write};
use crate::settings::Settings;

/// The label on everything that a run makes; its value is the run's name.
pub const LABEL: &str = "whyblocked.run";

/// What a container may take beside its probes' own limits.
const SETUP_LIMIT: Duration = Duration::from_secs(60);

/// A Docker daemon, and what this run's containers share.
#[derive(Debug)]
pub struct Docker {
    daemon: Daemon,
    images: Images,
    surroundings: Surroundings,
    outside: Outside,
    // Dropped last: by it others know that the run lives.
    dir: RunDir,
    counter: AtomicU64,
}

impl Docker {
    /// Prepares what all containers share: a directory of the run's own, the victim and the listening sockets.
    pub fn new(daemon: Daemon, reach: &Reach) -> Result<Self, EngineError> {
        if !reach.privileged {
            return Err(DockerError::NeedsRoot.into());
        }
        let dir = RunDir::create()?;
        Ok(Self {
            daemon,
            images: Images::default(),
            surroundings: Surroundings::read(),
            outside: Outside::start(&dir)?,
            dir,
            counter: AtomicU64::new(0),
        })
    }

    /// Why no container can be started with these settings, whatever the daemon says.
    pub fn cannot(settings: &Settings) -> Option<String> {
        mapping::inexpressible(settings).map(|what| DockerError::Inexpressible { what }.to_string())
    }

    /// A name that no other live run has.
    pub fn run_name(&self) -> &str {
        self.dir.name()
    }

    fn dialect(&self) -> Dialect {
        if self.daemon.drops_the_default_errno() { Dialect::NoDefaultErrno } else { Dialect::Whole }
    }

    fn create(
        &self,
        settings: &Settings,
        number: u64,
        lab: Option<&Lab>,
        argument: &str,
    ) -> Result<Container<'_>, EngineError> {
        let recipe = Recipe::new(settings, &self.surroundings.links);
        // Twice: another run may have ended meanwhile, and removed an image that it had made.
        for _ in 0..2 {
            let image = self.images.of(&self.daemon, &recipe, self.dir.name())?;
            let given = Given {
                image: &image,
                argument,
                lab: lab.map(Lab::path),
                run: self.dir.name(),
                dialect: self.dialect(),
                data: &self.daemon.data,
                empty: &self.dir.mount_point(),
                surroundings: &self.surroundings,
            };
            let name = format!("{}-{number}", self.dir.name());
            if let Some(container) = Container::create(&self.daemon, &name, mapping::body(settings, &given)?)?
            {
                return Ok(container);
            }
            self.images.forget();
        }
        let why = "the daemon has lost the agent's image twice".to_owned();
        Err(DockerError::Refused { doing: "making a container".to_owned(), why }.into())
    }
}

impl Engine for Docker {
    fn about(&self) -> About {
        About {
            name: "docker".to_owned(),
            version: self.daemon.version().to_owned(),
            place: "here".to_owned(),
        }
    }

    fn parallel(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    fn run(&self, job: &Job<'_>) -> Result<Trial, EngineError> {
        let Job { settings, probes, .. } = *job;
        let start = Instant::now();
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let token = format!("{}-{number}", self.dir.name());
        let lab = Lab::create(&self.dir, number, settings)?;
        let request = Request { hold: true, ..self.outside.request(job, &token) };
        let argument = serde_json::to_string(&request).expect("a request is plain data");
        let container = self.create(settings, number, lab.as_ref(), &argument)?;
        let text = converse(&container, job, &|needs, pid| furnish::furnish(settings, needs, pid))?;
        drop(container);
        let mut observations = output::parse(&text, probes)?;
        observations.retain(|seen| !self.says_nothing(settings, &seen.probe));
        let canaries = lab.map(|lab| lab.take_canaries(&token)).unwrap_or_default();
        Ok(Trial { observations, canaries, took: start.elapsed() })
    }
}

impl Docker {
    /// Whether a probe's answer under a dyed filter is no answer, because this daemon drops the dye of its calls.
    fn says_nothing(&self, settings: &Settings, probe: &str) -> bool {
        let Some(policy) = settings.seccomp.as_ref().filter(|policy| policy.dye.is_some()) else {
            return false;
        };
        let undyed = write(policy, self.dialect()).with_another_errno;
        let calls = catalogue::find(probe).map_or(&[][..], |probe| probe.calls);
        calls.iter().any(|call| undyed.iter().any(|name| name == call.name()))
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        self.images.remove(&self.daemon);
    }
}

/// Does what is left to do to a container whose process stands still.
type Furnish<'a> = dyn Fn(&[Need], i32) -> Result<(), EngineError> + 'a;

/// Runs the agent in a container that was made for it; what it said.
fn converse(container: &Container<'_>, job: &Job<'_>, furnish: &Furnish<'_>) -> Result<Vec<u8>, EngineError> {
    let Job { probes, watch, .. } = *job;
    let needs = job.needs();
    let mut agent = container.attach()?;
    container.start()?;
    if agent.listen(SETUP_LIMIT)? == Mark::Ended {
        return Ok(agent.text().to_vec());
    }
    let pid = container.pid()?;
    furnish(&needs, pid)?;
    let neighbour = if needs.contains(&Need::Neighbour) {
        let mut neighbour = container.neighbour()?;
        // It says its number and that it is there; if it has ended, the probes say that there is none.
        neighbour.listen(SETUP_LIMIT)?;
        let pid = String::from_utf8_lossy(neighbour.text()).trim().to_owned();
        Some((neighbour, pid))
    } else {
        None
    };
    let groups = control_groups(pid);
    let standing = Standing { pid, groups: &groups, foreign: true };
    if let Some(watch) = watch
        && let Err(error) = still::while_stopped(pid, || watch.standing(&standing))
    {
        watch.unseen(&format!("a container's process cannot be stopped, to look at it (ptrace): {error}"));
    }
    agent.go(neighbour.as_ref().map_or("", |(_, pid)| pid))?;
    agent.listen(SETUP_LIMIT + PROBE_LIMIT * probes.len() as u32)?;
    if let Some(watch) = watch {
        watch.ended(&standing);
    }
    drop(neighbour);
    Ok(agent.text().to_vec())
}
