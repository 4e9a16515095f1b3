//! A user's own configuration as a scenario: a `docker run` line, a Compose file, a running container. It says what
//! plays no part, what is replaced and what is not looked at; it starts nothing and writes nowhere.
//!
//! ```text
//! docker_run, compose, container ──> Written ──> adapt ──> Tryout ──> changes
//!                                    as it was    what is meant, on    one thing
//!                                    written      a laboratory host    different each
//! ```

mod adapt;
mod changes;
pub mod compose;
pub mod container;
pub mod docker_run;
mod error;
mod host_paths;
mod look;
mod mount;
mod names;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use adapt::adapt;
pub use changes::{Change, Words, changes};
pub use error::TryError;
pub use look::{Kind, Look, ThisHost};

use crate::host::Reach;
use crate::scenario::{Origin, Scenario, ScenarioError};

/// A container's settings as somebody has written them, in the words of a Compose service.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What to call the scenario: letters, digits and dashes.
    pub id: String,
    /// Where it was written, for people: `docker run nginx`, `compose.yaml, service web`.
    pub source: String,
    /// How messages about it begin: `docker run`, `compose.yaml`.
    pub place: String,
    /// Compose's keys. Only those that scenarios have.
    pub keys: BTreeMap<String, Value>,
    /// `daemon.json` keys of the daemon that starts it, where they are known to matter.
    pub daemon: BTreeMap<String, Value>,
    /// What plays no part in what the process may do, by its name.
    pub no_part: Vec<String>,
    /// What may play a part that no attempt tells anything about: its name, and why.
    pub not_looked_at: Vec<String>,
    /// What else a reader should know.
    pub notes: Vec<String>,
    /// What lets everything through, whatever the attempts show.
    pub warnings: Vec<String>,
    /// Where relative paths start.
    pub directory: PathBuf,
    /// Where the files are that it refers to.
    pub origin: Origin,
    /// In whose words changes are proposed.
    pub words: Words,
}

/// A service of somebody's own Compose file as a scenario; the only service, if none is named.
pub fn service(path: &Path, service: Option<&str>, reach: &Reach) -> Result<Scenario, TryError> {
    let look = ThisHost { selinux: reach.selinux, apparmor: reach.apparmor };
    Ok(adapt(compose::read(path, service, &look)?, &look)?.scenario()?)
}

/// A configuration that can be tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Tryout {
    /// What was written, with paths, names and devices that the laboratory has not replaced or left out.
    pub written: Written,
    /// Which of the laboratory's volumes, without options, stand for what.
    stands_for: Vec<(String, String)>,
}

impl Tryout {
    /// Its scenario.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        self.with(&self.written.id, &self.written.keys, self.daemon())
    }

    fn daemon(&self) -> Option<Value> {
        let daemon = &self.written.daemon;
        (!daemon.is_empty()).then(|| Value::Object(daemon.clone().into_iter().collect()))
    }

    /// The scenario with other settings.
    fn with(
        &self,
        id: &str,
        keys: &BTreeMap<String, Value>,
        daemon: Option<Value>,
    ) -> Result<Scenario, ScenarioError> {
        let service = Value::Object(keys.clone().into_iter().collect());
        let mut settings = BTreeMap::from([("service".to_owned(), service)]);
        settings.extend(daemon.map(|daemon| ("daemon".to_owned(), daemon)));
        let Written { source, origin, place, warnings, notes, not_looked_at, .. } = &self.written;
        let mut scenario = Scenario::given(id, source, settings, origin.clone(), place)?;
        scenario.notes = warnings.iter().map(|warning| format!("WARNING: {warning}")).collect();
        scenario.notes.extend(notes.iter().cloned());
        scenario.notes.extend(not_looked_at.iter().map(|what| format!("not looked at: {what}")));
        Ok(scenario)
    }
}
