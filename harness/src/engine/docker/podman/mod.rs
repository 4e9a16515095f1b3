//! Podman: the same settings, given to a service of the run's own. What Docker's API can say to it goes the way of the
//! Docker engine; a container is made by Podman's own API, which says all of it.

mod check;
mod configuration;
mod error;
mod libpod;
mod limits;
mod observe;
pub mod remains;
mod service;
mod spec;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use whyblocked_agent::wire::Request;

pub use self::error::PodmanError;

use self::libpod::Libpod;
use self::observe::Words;
use self::service::{Place, Service};
use self::spec::Base;
use super::connect::Daemon;
use super::container::Container;
use super::image::{Images, Recipe};
use super::mapping::Given;
use super::surroundings::Surroundings;
use super::{Lab, Outside, RunDir, converse, furnish, output, write};
use crate::capability::Capability;
use crate::engine::{About, Engine, EngineError, Job, Trial};
use crate::host::Reach;
use crate::scenario::defaults::Defaults;
use crate::seccomp::write_json::Dialect;
use crate::settings::Settings;

/// The repository of our images. Without the host's name Docker's API and Podman's own would each take another one.
const REPOSITORY: &str = "localhost/whyblocked-agent";

/// A Podman service, and what this run's containers share.
#[derive(Debug)]
pub struct Podman {
    connection: Connection,
    images: Images,
    defaults: Defaults,
    base: Base,
    surroundings: Surroundings,
    privileged: bool,
    counter: AtomicU64,
    outside: Outside,
    // Dropped last: everything above may lie in it.
    home: Home,
}

/// A service that answers.
#[derive(Debug)]
struct Connection {
    /// For what Docker's API says.
    daemon: Daemon,
    /// For the rest.
    libpod: Libpod,
    about: Words,
}

impl Connection {
    fn open(socket: &Path, origin: &str) -> Result<Self, EngineError> {
        let libpod = Libpod { socket: socket.to_owned() };
        let mut about = Words::ask(&libpod)?;
        // A container's root directory is where it really is.
        about.storage = std::fs::canonicalize(&about.storage)
            .map_or_else(|_| about.storage.clone(), |path| path.display().to_string());
        Ok(Self { daemon: Daemon::at(socket, origin)?, libpod, about })
    }
}

/// The run's directory, with the service that has everything in it; without one, the service is somebody else's.
#[derive(Debug)]
struct Home {
    service: Option<Service>,
    dir: RunDir,
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.service.take().is_some() {
            // What cannot be removed now, `clean` finds.
            let _ = remains::remove(self.dir.path());
        }
    }
}

impl Podman {
    /// Starts a service of the run's own, or connects to the one that `CONTAINER_HOST` names, and looks at what it does
    /// to a container that asks for nothing.
    ///
    /// A service of the run's own ends with the thread that calls this.
    pub fn start(reach: &Reach) -> Result<Self, EngineError> {
        let dir = RunDir::create()?;
        match std::env::var("CONTAINER_HOST").ok().filter(|address| !address.is_empty()) {
            Some(address) => Self::of_somebody(&address, dir, reach),
            None => Self::of_its_own(dir, reach),
        }
    }

    fn of_its_own(dir: RunDir, reach: &Reach) -> Result<Self, EngineError> {
        let mut configuration = configuration::read(reach.privileged)?;
        configuration::keep_apart(&mut configuration);
        let place = Place::make(dir.path(), reach.privileged, reach.many_ids).map_err(|source| {
            EngineError::Outside { doing: format!("making a directory in {}", dir.path().display()), source }
        })?;
        let socket = place.socket();
        let service = Some(Service::start(&place, &configuration)?);
        let mut home = Home { service, dir };
        let (connection, images) = (Connection::open(&socket, "podman")?, Images::of_repository(REPOSITORY));
        let defaults = observed(&connection, &images, home.dir.name(), reach)?;
        // Once more, so that a container gets what its request says and nothing beside.
        let all: Vec<String> = reach.bounding_set.iter().map(|one| one.name().to_owned()).collect();
        configuration::without_defaults(&mut configuration, &all);
        drop((connection, home.service.take()));
        home.service = Some(Service::start(&place, &configuration)?);
        let base = Base {
            capabilities: reach.bounding_set,
            masked_paths: defaults.masked_paths.clone(),
            read_only_paths: defaults.read_only_paths.clone(),
            limits: limits::of_service(&socket),
            group: reach.privileged.then(|| format!("/{}", home.dir.name())),
        };
        Self::with(Connection::open(&socket, "podman")?, images, defaults, base, home, reach)
    }

    fn of_somebody(address: &str, dir: RunDir, reach: &Reach) -> Result<Self, EngineError> {
        let Some(path) = address.strip_prefix("unix://") else {
            return Err(PodmanError::Elsewhere { address: address.to_owned() }.into());
        };
        let connection = Connection::open(Path::new(path), "from CONTAINER_HOST")?;
        if connection.about.rootless == reach.privileged {
            let how = |rootless| if rootless { "without root" } else { "as root" };
            let (theirs, ours) = (how(connection.about.rootless), how(!reach.privileged));
            return Err(PodmanError::OtherUser { address: address.to_owned(), theirs, ours }.into());
        }
        let images = Images::of_repository(REPOSITORY);
        let defaults = observed(&connection, &images, dir.name(), reach)?;
        let base = Base {
            capabilities: defaults.capabilities,
            masked_paths: defaults.masked_paths.clone(),
            read_only_paths: defaults.read_only_paths.clone(),
            limits: limits::of_service(Path::new(path)),
            group: None,
        };
        Self::with(connection, images, defaults, base, Home { service: None, dir }, reach)
    }

    fn with(
        connection: Connection,
        images: Images,
        defaults: Defaults,
        base: Base,
        home: Home,
        reach: &Reach,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            connection,
            images,
            defaults,
            base,
            surroundings: Surroundings::read(),
            privileged: reach.privileged,
            counter: AtomicU64::new(0),
            outside: Outside::start(&home.dir)?,
            home,
        })
    }

    /// What a container gets that asks for nothing.
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.connection.about.version
    }

    /// Why no container can be started with these settings.
    pub fn cannot(&self, settings: &Settings) -> Option<String> {
        spec::inexpressible(settings, &self.base).map(|what| PodmanError::Inexpressible { what }.to_string())
    }

    /// A name that no other live run has.
    pub fn run_name(&self) -> &str {
        self.home.dir.name()
    }

    fn create(
        &self,
        settings: &Settings,
        name: &str,
        lab: Option<&Lab>,
        argument: &str,
    ) -> Result<Container<'_>, EngineError> {
        let Connection { daemon, libpod, about } = &self.connection;
        let dir = &self.home.dir;
        let recipe = Recipe::new(settings, &self.surroundings.links);
        let image = self.images.of(daemon, &recipe, dir.name())?;
        let given = Given {
            argument,
            lab: lab.map(Lab::places),
            run: dir.name(),
            dialect: Dialect::Whole,
            hidden: Path::new(&about.storage),
            empty: &dir.mount_point(),
            surroundings: &self.surroundings,
        };
        // It reads a filter from a file, when it makes the container.
        let filter =
            settings.seccomp.as_ref().map(|policy| (dir.path().join(format!("{name}.json")), policy));
        if let Some((path, policy)) = &filter {
            let mut profile = write(policy, Dialect::Whole).profile;
            if let Some(profile) = profile.as_object_mut() {
                // "seccomp flags are not yet supported by runc", says runc 1.1.5 for Podman, and starts nothing.
                profile.remove("flags");
            }
            let text = profile.to_string();
            let doing = || format!("writing {}", path.display());
            std::fs::write(path, text).map_err(|source| EngineError::Outside { doing: doing(), source })?;
        }
        let path = filter.as_ref().map(|(path, _)| path.as_path());
        let body = spec::body(name, &image, settings, &given, &self.base, path)?;
        let made = libpod.post("making a container", "/containers/create", Some(&body));
        if let Some(path) = path {
            let _ = std::fs::remove_file(path);
        }
        let id = made?["Id"].as_str().unwrap_or(name).to_owned();
        Ok(Container::made(daemon, id))
    }
}

/// The service's defaults.
fn observed(
    connection: &Connection,
    images: &Images,
    run: &str,
    reach: &Reach,
) -> Result<Defaults, EngineError> {
    let image = images.of(&connection.daemon, &Recipe::plain(), run)?;
    let may_raise = reach.privileged && reach.bounding_set.has(Capability::SYS_RESOURCE);
    let Connection { libpod, about, .. } = connection;
    let inherited = limits::of_service(&libpod.socket);
    Ok(observe::defaults(libpod, about, &image, run, &inherited, may_raise)?)
}

impl Engine for Podman {
    fn about(&self) -> About {
        About { name: "podman".to_owned(), version: self.version().to_owned(), place: "here".to_owned() }
    }

    fn parallel(&self) -> usize {
        // Twice the processors: a container waits for its runtime. Measured on two: 31 containers one after another 9.0 s,
        // two at once 5.9 to 6.8, three 5.8, four 5.2.
        2 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    fn run(&self, job: &Job<'_>) -> Result<Trial, EngineError> {
        let Job { settings, probes, .. } = *job;
        let start = Instant::now();
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let token = self.home.dir.token(number);
        let lab = Lab::create(&self.home.dir, number, settings, false)?;
        let request = Request { hold: true, ..self.outside.request(job, &token) };
        let argument = serde_json::to_string(&request).expect("a request is plain data");
        let container = self.create(settings, &token, lab.as_ref(), &argument)?;
        let text = converse(&container, job, &|needs, pid| {
            check::check(settings, pid)?;
            if self.privileged {
                return furnish::furnish(settings, needs, pid);
            }
            furnish::put_files(settings, needs, pid);
            Ok(())
        })?;
        drop(container);
        let observations = output::parse(&text, probes)?;
        let canaries = lab.map(|lab| lab.canaries()).unwrap_or_default();
        Ok(Trial { observations, canaries, took: start.elapsed() })
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // What is in the run's own storage goes with it.
        if self.home.service.is_none() {
            self.images.remove(&self.connection.daemon);
        }
    }
}
