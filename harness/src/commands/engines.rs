//! From `--engine` to an engine that is ready.

use super::Failure;
use super::selection::EngineChoice;
use crate::capability::CapabilitySet;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::docker::podman::Podman;
use crate::engine::docker::{Daemon, Docker};
use crate::engine::embedded::Embedded;
use crate::host::{Reach, Version};
use crate::scenario::defaults::Defaults;
use crate::seccomp::DefaultProfile;
use crate::settings::Settings;

/// An engine that can be used; no container is started yet.
pub(super) enum Chosen {
    /// Built in.
    Embedded,
    /// A daemon that answers.
    Docker(Box<Daemon>),
    /// A Podman service that answers: the run's own, or one that was named.
    Podman(Box<Podman>),
}

impl Chosen {
    /// Finds it.
    pub(super) fn find(choice: EngineChoice, reach: &Reach) -> Result<Self, Failure> {
        match choice {
            EngineChoice::Auto | EngineChoice::Embedded => Ok(Self::Embedded),
            EngineChoice::Docker => Ok(Self::Docker(Box::new(Daemon::connect().map_err(EngineError::from)?))),
            EngineChoice::Podman => Ok(Self::Podman(Box::new(Podman::start(reach)?))),
        }
    }

    /// What its containers get that ask for nothing.
    pub(super) fn defaults(&self) -> Defaults {
        match self {
            Self::Embedded => Defaults::docker(DefaultProfile::default()),
            Self::Docker(daemon) => Defaults::docker(daemon.default_profile()),
            Self::Podman(podman) => podman.defaults().clone(),
        }
    }

    /// The capabilities that it can give.
    pub(super) fn capabilities(&self) -> CapabilitySet {
        match self {
            Self::Embedded | Self::Podman(_) => CapabilitySet::ALL,
            Self::Docker(daemon) => daemon.capabilities(),
        }
    }

    /// Whether it is a Docker daemon.
    pub(super) fn is_docker(&self) -> bool {
        matches!(self, Self::Docker(_))
    }

    /// For the record, where it is another program than this.
    pub(super) fn version(&self) -> Option<Version> {
        match self {
            Self::Embedded => None,
            Self::Docker(daemon) => {
                Some(Version { name: "docker".to_owned(), version: daemon.version().to_owned() })
            }
            Self::Podman(podman) => {
                Some(Version { name: "podman".to_owned(), version: podman.version().to_owned() })
            }
        }
    }

    /// Why it cannot start a scenario, if that is known before it is tried.
    pub(super) fn cannot(&self, settings: &Settings) -> Option<String> {
        match self {
            Self::Embedded => None,
            Self::Docker(_) => Docker::cannot(settings),
            Self::Podman(podman) => podman.cannot(settings),
        }
    }

    /// The engine and the run's name: no other live run has it, and what the run leaves is called so.
    pub(super) fn start(self, reach: &Reach) -> Result<(Box<dyn Engine>, String), Failure> {
        match self {
            Self::Embedded => {
                let engine = Embedded::new(reach)?;
                let run = engine.run_name().to_owned();
                Ok((Box::new(engine), run))
            }
            Self::Docker(daemon) => {
                let engine = Docker::new(*daemon, reach)?;
                let run = engine.run_name().to_owned();
                Ok((Box::new(engine), run))
            }
            Self::Podman(engine) => {
                let run = engine.run_name().to_owned();
                Ok((engine, run))
            }
        }
    }
}
