//! From `--engine` to an engine that is ready.

use super::Failure;
use super::selection::EngineChoice;
use crate::capability::CapabilitySet;
use crate::engine::Engine;
use crate::engine::EngineError;
use crate::engine::docker::{Daemon, Docker};
use crate::engine::embedded::Embedded;
use crate::host::{Reach, Version};
use crate::seccomp::DefaultProfile;
use crate::settings::Settings;

/// An engine that can be used; nothing is started yet.
pub(super) enum Chosen {
    /// Built in.
    Embedded,
    /// A daemon that answers.
    Docker(Box<Daemon>),
}

impl Chosen {
    /// Finds it.
    pub(super) fn find(choice: EngineChoice) -> Result<Self, Failure> {
        match choice {
            EngineChoice::Auto | EngineChoice::Embedded => Ok(Self::Embedded),
            EngineChoice::Docker => Ok(Self::Docker(Box::new(Daemon::connect().map_err(EngineError::from)?))),
        }
    }

    /// Whose default filter its containers get if nothing else is said.
    pub(super) fn default_profile(&self) -> DefaultProfile {
        match self {
            Self::Embedded => DefaultProfile::default(),
            Self::Docker(daemon) => daemon.default_profile(),
        }
    }

    /// The capabilities that it can give.
    pub(super) fn capabilities(&self) -> CapabilitySet {
        match self {
            Self::Embedded => CapabilitySet::ALL,
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
        }
    }

    /// Why it cannot start a scenario, if that is known before it is tried.
    pub(super) fn cannot(&self, settings: &Settings) -> Option<String> {
        match self {
            Self::Embedded => None,
            Self::Docker(_) => Docker::cannot(settings),
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
        }
    }
}
