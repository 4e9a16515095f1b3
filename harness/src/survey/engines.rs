//! From the choice of an engine to one that is ready.

use super::SurveyError;
use crate::apparmor::{self, DOCKER_DEFAULT};
use crate::capability::CapabilitySet;
use crate::engine::docker::podman::Podman;
use crate::engine::docker::{Daemon, Docker, DockerError, Introduced};
use crate::engine::embedded::Embedded;
use crate::engine::{Engine, EngineError};
use crate::host::{Reach, Version, in_path};
use crate::scenario::Scenario;
use crate::scenario::defaults::Defaults;
use crate::seccomp::DefaultProfile;
use crate::settings::Settings;

/// What starts the containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineChoice {
    /// The best there is; so far that is `embedded`
    #[default]
    Auto,
    /// Built in, needs nothing
    Embedded,
    /// A Docker daemon on this machine: that of `DOCKER_HOST`, or of the current Docker context
    Docker,
    /// Podman on this machine, as root or as yourself: a service of the run's own, or that of `CONTAINER_HOST`
    Podman,
}

/// An engine that is ready.
pub(super) enum Chosen {
    /// Built in.
    Embedded(Box<Embedded>),
    /// Docker daemons.
    Docker(Box<Docker>),
    /// A Podman service: the run's own, or one that was named.
    Podman(Box<Podman>),
}

impl Chosen {
    /// Makes it ready: a Docker daemon of the run's own is started where there is none, and `notice` is told.
    pub(super) fn new(
        choice: EngineChoice,
        reach: &Reach,
        notice: &dyn Fn(&str),
    ) -> Result<Self, EngineError> {
        match choice {
            EngineChoice::Auto | EngineChoice::Embedded => {
                Ok(Self::Embedded(Box::new(Embedded::new(reach)?)))
            }
            EngineChoice::Docker => {
                let daemon = found(reach, notice)?;
                Ok(Self::Docker(Box::new(Docker::new(daemon, reach)?)))
            }
            EngineChoice::Podman => Ok(Self::Podman(Box::new(Podman::start(reach)?))),
        }
    }

    /// The engine.
    pub(super) fn engine(&self) -> &dyn Engine {
        match self {
            Self::Embedded(engine) => engine.as_ref(),
            Self::Docker(engine) => engine.as_ref(),
            Self::Podman(engine) => engine.as_ref(),
        }
    }

    /// No other live run has it, and what the run leaves is called so.
    pub(super) fn run_name(&self) -> &str {
        match self {
            Self::Embedded(engine) => engine.run_name(),
            Self::Docker(engine) => engine.run_name(),
            Self::Podman(engine) => engine.run_name(),
        }
    }

    /// What its containers get that ask for nothing.
    pub(super) fn defaults(&self, reach: &Reach) -> Defaults {
        match self {
            // As other engines that support SELinux do where it is active.
            Self::Embedded(_) => {
                let mut defaults =
                    Defaults { labels: reach.selinux, ..Defaults::docker(DefaultProfile::default()) };
                match apparmor::is_loaded(DOCKER_DEFAULT).filter(|_| reach.apparmor) {
                    Some(true) => defaults.apparmor = Some(DOCKER_DEFAULT.to_owned()),
                    Some(false) => defaults.notes.push(format!("the AppArmor profile {DOCKER_DEFAULT}, which Docker would give, is not loaded here (a Docker daemon loads it when it starts), so the container has none")),
                    None => {}
                }
                defaults
            }
            Self::Docker(engine) => Defaults {
                labels: engine.daemon().labels(),
                apparmor: engine.daemon().confines_by_apparmor().then(|| DOCKER_DEFAULT.to_owned()),
                ..Defaults::docker(engine.daemon().default_profile())
            },
            Self::Podman(engine) => engine.defaults().clone(),
        }
    }

    /// The capabilities that it can give.
    pub(super) fn capabilities(&self) -> CapabilitySet {
        match self {
            Self::Embedded(_) | Self::Podman(_) => CapabilitySet::ALL,
            Self::Docker(engine) => engine.daemon().capabilities(),
        }
    }

    /// Whether it is a Docker daemon.
    pub(super) fn is_docker(&self) -> bool {
        matches!(self, Self::Docker(_))
    }

    /// For the record, where it is another program than this.
    pub(super) fn version(&self) -> Option<Version> {
        match self {
            Self::Embedded(_) => None,
            Self::Docker(engine) => {
                Some(Version { name: "docker".to_owned(), version: engine.daemon().version().to_owned() })
            }
            Self::Podman(engine) => {
                Some(Version { name: "podman".to_owned(), version: engine.version().to_owned() })
            }
        }
    }

    /// Why it cannot start a scenario, if that is known before it is tried.
    pub(super) fn cannot(&self, settings: &Settings) -> Option<String> {
        match self {
            Self::Embedded(_) | Self::Docker(_) => None,
            Self::Podman(engine) => engine.cannot(settings),
        }
    }

    /// What it makes of a scenario's own words.
    pub(super) fn introduce(
        &self,
        scenario: &Scenario,
        settings: Settings,
        reach: &Reach,
    ) -> Result<Introduced, SurveyError> {
        match self {
            Self::Embedded(_) | Self::Podman(_) => {
                Ok(Introduced::Started { settings: Box::new(settings), notes: Vec::new() })
            }
            Self::Docker(engine) => {
                let lacking = scenario.capabilities()?.without(reach.bounding_set);
                Ok(engine.introduce(scenario, &settings, lacking)?)
            }
        }
    }
}

/// The daemon that is there; `None` where one of the run's own can take its place.
fn found(reach: &Reach, notice: &dyn Fn(&str)) -> Result<Option<Daemon>, EngineError> {
    let found =
        if reach.privileged && in_path("dockerd") { Daemon::find() } else { Daemon::connect().map(Some) };
    if let Ok(None) = found {
        notice("no Docker daemon is running here: this run starts one of its own");
    }
    found.map_err(|error: DockerError| EngineError::from(error))
}
