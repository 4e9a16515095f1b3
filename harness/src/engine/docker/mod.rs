//! Docker Engine: the same settings, given to a daemon over its API. The agent comes as an image of its own, made here;
//! nothing is pulled, and nothing of the user's is touched.

pub mod clean;
mod connect;
mod container;
mod error;
mod furnish;
mod image;
mod introduce;
mod mapping;
mod mounts;
pub mod podman;
mod private;
mod runtime;
mod station;
mod still;
mod surroundings;
mod written;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bollard::models::ContainerCreateBody;
use whyblocked_agent::wire::Request;
use whyblocked_agent::{Need, catalogue};

pub use self::connect::Daemon;
pub use self::error::DockerError;
pub use self::introduce::Introduced;
pub(crate) use self::private::RESERVED;

use self::container::{Container, Mark, control_groups};
use self::image::Recipe;
use self::mapping::Given;
use self::station::{Refused, Station, Stations};
use self::surroundings::Surroundings;
use super::lab::Lab;
use super::outside::Outside;
use super::relabel::Relabelled;
use super::run_dir::RunDir;
use super::{About, Engine, EngineError, Job, Standing, Trial, output, probe_limit};
use crate::host::Reach;
use crate::seccomp::write_json::write;
use crate::selinux;
use crate::settings::Settings;

/// The label on everything that a run makes; its value is the run's name.
pub const LABEL: &str = "whyblocked.run";

/// What a container may take beside its probes' own limits.
const SETUP_LIMIT: Duration = Duration::from_secs(60);

/// Docker daemons, and what this run's containers share.
#[derive(Debug)]
pub struct Docker {
    stations: Stations,
    surroundings: Surroundings,
    outside: Outside,
    // Dropped last: by it others know that the run lives.
    dir: RunDir,
    /// Whether the host may be changed: see [`Reach::disposable`].
    disposable: bool,
    counter: AtomicU64,
}

impl Docker {
    /// Prepares what all containers share: a directory of the run's own, the victim and the listening sockets, and a
    /// daemon of the run's own if there is no other.
    pub fn new(daemon: Option<Daemon>, reach: &Reach) -> Result<Self, EngineError> {
        if !reach.privileged {
            return Err(DockerError::NeedsRoot.into());
        }
        let dir = RunDir::create()?;
        Ok(Self {
            stations: Stations::new(daemon, dir.path(), dir.name())?,
            surroundings: Surroundings::read(),
            outside: Outside::start(&dir)?,
            dir,
            disposable: reach.disposable,
            counter: AtomicU64::new(0),
        })
    }

    /// The daemon for scenarios that do not say what its settings are.
    pub fn daemon(&self) -> &Daemon {
        &self.stations.main().daemon
    }

    /// A name that no other live run has.
    pub fn run_name(&self) -> &str {
        self.dir.name()
    }

    /// The daemon for some settings; it is started if need be.
    fn station(&self, settings: &Settings) -> Result<Result<Arc<Station>, Refused>, EngineError> {
        self.stations.with(settings.daemon.as_ref())
    }

    /// The next container's number in this run.
    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// What is relabelled, by this container or one that was there before, gets its labels back when the value goes.
    fn relabelled_before(
        &self,
        station: &Station,
        settings: &Settings,
        lab: Option<&Lab>,
    ) -> Result<Option<Relabelled>, EngineError> {
        let labels = Relabelled::before(settings, lab.map(Lab::places))?;
        if !settings.earlier.is_empty() {
            let earlier = earlier(settings);
            let container = self.create(station, &earlier, self.number(), lab, "inspect")?;
            let mut agent = container.attach()?;
            container.start()?;
            agent.listen(SETUP_LIMIT)?;
        }
        Ok(labels)
    }

    /// A container, made from the agent's image.
    fn create<'a>(
        &self,
        station: &'a Station,
        settings: &Settings,
        number: u64,
        lab: Option<&Lab>,
        argument: &str,
    ) -> Result<Container<'a>, EngineError> {
        let given = Given {
            argument,
            lab: lab.map(Lab::places),
            run: self.dir.name(),
            dialect: station.dialect(),
            hidden: &station.hidden,
            empty: &self.dir.mount_point(),
            surroundings: &self.surroundings,
        };
        let body = mapping::body(settings, &given)?;
        self.create_from(station, settings, number, &body)
    }

    /// The same, of another body; the image is put in.
    fn create_from<'a>(
        &self,
        station: &'a Station,
        settings: &Settings,
        number: u64,
        body: &ContainerCreateBody,
    ) -> Result<Container<'a>, EngineError> {
        let recipe = Recipe::new(settings, &self.surroundings.links);
        let name = self.dir.token(number);
        // Twice: another run may have ended meanwhile, and removed an image that it had made.
        for _ in 0..2 {
            let image = station.images.of(&station.daemon, &recipe, self.dir.name())?;
            let body = ContainerCreateBody { image: Some(image), ..body.clone() };
            if let Some(container) = Container::create(&station.daemon, &name, body)? {
                return Ok(container);
            }
            station.images.forget();
        }
        let why = "the daemon has lost the agent's image twice".to_owned();
        Err(DockerError::Refused { doing: "making a container".to_owned(), why }.into())
    }
}

impl Engine for Docker {
    fn about(&self) -> About {
        About {
            name: "docker".to_owned(),
            version: self.daemon().version().to_owned(),
            place: "here".to_owned(),
        }
    }

    /// Half as many again as there are processors. Measured with Docker 20.10.24 on two processors that had other work
    /// too (`cargo bench --bench docker`), containers a second in which every probe runs: 1.6 one at a time, 2.7–3.0 two,
    /// 3.1–3.4 three, and no more with four, six or eight: the daemon does the rest one after another.
    fn parallel(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        processors + processors.div_ceil(2)
    }

    fn gone(&self, settings: &Settings) -> Option<String> {
        let station = self.station(settings).ok()?.ok()?;
        let address = station.daemon.address();
        (!station.daemon.answers())
            .then(|| format!("the Docker daemon at {address} does not answer any more"))
    }

    fn run(&self, job: &Job<'_>) -> Result<Trial, EngineError> {
        let Job { settings, probes, .. } = *job;
        let start = Instant::now();
        let number = self.number();
        let token = self.dir.token(number);
        let lab = Lab::create(&self.dir, number, settings, self.disposable)?;
        let request = Request { hold: true, ..self.outside.request(job, &token) };
        let argument = serde_json::to_string(&request).expect("a request is plain data");
        let station = self.station(settings)?.map_err(|Refused(why)| DockerError::NotStarted { why })?;
        let _labels = self.relabelled_before(&station, settings, lab.as_ref())?;
        let container = self.create(&station, settings, number, lab.as_ref(), &argument)?;
        let text = converse(&container, job, &|needs, pid| furnish::furnish(settings, needs, pid))?;
        drop(container);
        let mut observations = output::parse(&text, probes)?;
        observations.retain(|seen| !says_nothing(settings, &station, &seen.probe));
        let canaries = lab.map(|lab| lab.canaries()).unwrap_or_default();
        Ok(Trial { observations, canaries, took: start.elapsed() })
    }
}

/// The container that was there before: it has nothing but its binds, and categories of its own.
fn earlier(settings: &Settings) -> Settings {
    let label = settings.selinux.as_deref().map(|label| selinux::with_level(label, selinux::ANOTHER_LEVEL));
    let binds = settings.earlier.clone();
    Settings { selinux: label, binds, earlier: Vec::new(), ..settings.clone() }
}

/// Whether a probe's answer under a dyed filter is no answer, because this daemon drops the dye of its calls.
fn says_nothing(settings: &Settings, station: &Station, probe: &str) -> bool {
    let Some(policy) = settings.seccomp.as_ref().filter(|policy| policy.dye.is_some()) else {
        return false;
    };
    let undyed = write(policy, station.dialect()).with_another_errno;
    let calls = catalogue::find(probe).map_or(&[][..], |probe| probe.calls);
    calls.iter().any(|call| undyed.iter().any(|name| name == call.name()))
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
    agent.listen(SETUP_LIMIT + probe_limit() * probes.len() as u32)?;
    if let Some(watch) = watch {
        watch.ended(&standing);
    }
    drop(neighbour);
    Ok(agent.text().to_vec())
}
