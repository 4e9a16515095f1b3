//! The daemons of a run: the one that is there, and one of the run's own for each `daemon.json` that a scenario has.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::connect::Daemon;
use super::error::DockerError;
use super::image::Images;
use super::private::{self, NotStarted, Private};
use crate::engine::EngineError;
use crate::engine::embedded::cgroup;
use crate::seccomp::write_json::Dialect;
use crate::settings::DaemonSettings;

/// A daemon, and what this run has made with it.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) daemon: Daemon,
    pub(super) images: Images,
    /// What a container must not see of it: where it keeps the containers' root directories, or all that it has, if it is
    /// the run's own.
    pub(super) hidden: PathBuf,
    /// The process, if it is the run's own.
    private: Option<Private>,
}

impl Station {
    fn of_others(daemon: Daemon) -> Self {
        let hidden = PathBuf::from(&daemon.data);
        Self { daemon, images: Images::default(), hidden, private: None }
    }

    /// How the daemon reads a filter.
    pub(super) fn dialect(&self) -> Dialect {
        if self.daemon.drops_the_default_errno() { Dialect::NoDefaultErrno } else { Dialect::Whole }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // A daemon of the run's own takes its images with it.
        if self.private.is_none() {
            self.images.remove(&self.daemon);
        }
    }
}

/// A daemon that did not start with its settings: what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// What came of starting one.
type Started = Result<Arc<Station>, Refused>;

/// All of a run's.
#[derive(Debug)]
pub(super) struct Stations {
    main: Arc<Station>,
    own: Mutex<HashMap<Arc<DaemonSettings>, Started>>,
    /// The run's directory.
    dir: PathBuf,
    /// Dropped last: the daemons must have ended.
    groups: Groups,
}

/// The control groups in which daemons of the run's own put their containers, by the run's name.
#[derive(Debug)]
struct Groups(String);

impl Drop for Groups {
    fn drop(&mut self) {
        cgroup::remove_of(&self.0);
    }
}

impl Stations {
    /// `daemon` is the one that is there; where there is none, one of the run's own takes its place.
    pub(super) fn new(daemon: Option<Daemon>, dir: &Path, run: &str) -> Result<Self, EngineError> {
        let main = match daemon {
            Some(daemon) => Station::of_others(daemon),
            None => match start(dir, run, 0, &DaemonSettings { config: "{}".to_owned(), etc: Vec::new() })? {
                Ok(station) => station,
                Err(Refused(why)) => {
                    let doing = "starting a Docker daemon of the run's own".to_owned();
                    return Err(DockerError::Refused { doing, why }.into());
                }
            },
        };
        Ok(Self {
            main: Arc::new(main),
            own: Mutex::default(),
            dir: dir.to_owned(),
            groups: Groups(run.to_owned()),
        })
    }

    /// The one that is there.
    pub(super) fn main(&self) -> &Station {
        &self.main
    }

    /// The one with these settings; it is started if it is not there yet.
    pub(super) fn with(&self, settings: Option<&Arc<DaemonSettings>>) -> Result<Started, EngineError> {
        let Some(settings) = settings else { return Ok(Ok(Arc::clone(&self.main))) };
        // Held meanwhile, so that nobody starts it twice.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = own.get(settings) {
            return Ok(known.clone());
        }
        let started = start(&self.dir, &self.groups.0, own.len() + 1, settings)?.map(Arc::new);
        own.insert(Arc::clone(settings), started.clone());
        Ok(started)
    }
}

fn start(
    dir: &Path,
    run: &str,
    number: usize,
    settings: &DaemonSettings,
) -> Result<Result<Station, Refused>, EngineError> {
    let dir = dir.join(format!("{}{number}", private::PREFIX));
    match Private::start(&dir, run, &settings.config, &settings.etc) {
        Ok((private, daemon)) => {
            Ok(Ok(Station { daemon, images: Images::default(), hidden: dir, private: Some(private) }))
        }
        Err(NotStarted::Refused(why)) => Ok(Err(Refused(why))),
        Err(NotStarted::Failed(error)) => Err(error.into()),
    }
}
