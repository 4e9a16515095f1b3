//! Baselines: what was observed and agreed on, in a file that people review, and what became of it since. Pure but for reading
//! and writing that file; it starts nothing.

mod compare;
mod error;
mod file;
#[cfg(test)]
mod tests;
mod waiver;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::embedded;
use crate::host::Host;
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record};

pub use compare::{Class, Compared, Difference, Scope, compare};
pub use error::BaselineError;
pub use file::{key, parse, read, read_text, text, write};
pub use waiver::{Used, Waiver, today};

/// The value of [`Baseline::format`].
pub const FORMAT: &str = "whyblocked-baseline/1";

/// A baseline: for each kind of host what was observed there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// `whyblocked-baseline/1`.
    pub format: String,
    /// Differences that somebody has accepted for a while.
    #[serde(default, rename = "waiver", skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// Kinds of host, by the names that somebody gave them.
    #[serde(default, rename = "host")]
    pub hosts: BTreeMap<String, Kind>,
    /// For each kind of host, scenario and attempt, what was observed.
    #[serde(default)]
    pub cells: BTreeMap<String, BTreeMap<String, BTreeMap<String, Expected>>>,
}

/// A kind of host: what has to be the same for its verdicts to be comparable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// What started the containers.
    pub engine: String,
    /// `root`, or `user`.
    pub privilege: String,
    /// `enforcing`, `permissive` or `absent`.
    pub selinux: String,
    /// `active` or `absent`.
    pub apparmor: String,
    /// `loadable`, `disabled` or `absent`.
    pub modules: String,
}

impl Kind {
    /// That of a record.
    pub fn of(record: &Record) -> Self {
        Self::with(&record.engine.name, &record.host)
    }

    /// This machine's, with the built-in engine.
    pub fn here() -> Self {
        Self::with(embedded::NAME, &Host::read())
    }

    fn with(engine: &str, host: &Host) -> Self {
        Self {
            engine: engine.to_owned(),
            privilege: host.privilege.clone(),
            selinux: host.selinux.clone(),
            apparmor: host.apparmor.clone(),
            modules: host.modules.clone(),
        }
    }

    /// In words, for messages.
    pub fn in_words(&self) -> String {
        let Self { engine, privilege, selinux, apparmor, modules } = self;
        format!(
            "engine {engine}, privilege {privilege}, selinux {selinux}, apparmor {apparmor}, modules {modules}"
        )
    }
}

/// What was observed of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Whether it got through.
    pub outcome: Outcome,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Mechanism>,
    /// How many mistakes it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// What is enough alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Mechanism>,
}

impl Expected {
    /// What a verdict says.
    pub fn of(cell: &Cell) -> Self {
        let blocked = cell.outcome == Outcome::Blocked;
        Self {
            outcome: cell.outcome,
            by: cell.blocked_by.filter(|_| blocked),
            depth: cell.depth.filter(|_| blocked),
            layers: if blocked { cell.layers.clone() } else { Vec::new() },
        }
    }

    /// How many mechanisms have to fail; none where there is no answer.
    fn strength(&self) -> Option<u32> {
        self.outcome.strength(self.depth)
    }

    /// In words.
    pub fn in_words(&self) -> String {
        match self.outcome {
            Outcome::Allowed => "gets through".to_owned(),
            Outcome::Untestable => "cannot be tested".to_owned(),
            Outcome::Broken => "the experiment failed".to_owned(),
            Outcome::Blocked => {
                let by = self.by.map_or_else(String::new, |by| format!(" by {by}"));
                let depth = self.depth.map_or_else(String::new, |depth| format!(", {depth} deep"));
                let layers = match &self.layers[..] {
                    [] => String::new(),
                    layers => format!(" ({})", crate::verdict::list(layers)),
                };
                format!("blocked{by}{depth}{layers}")
            }
        }
    }
}

impl Baseline {
    /// One that holds nothing yet.
    pub fn new() -> Self {
        Self { format: FORMAT.to_owned(), ..Self::default() }
    }

    /// Takes what a record shows as what `host` is to be from now on. Verdicts of an experiment that failed are left out.
    pub fn take(&mut self, host: &str, record: &Record) {
        self.hosts.insert(host.to_owned(), Kind::of(record));
        let mut cells: BTreeMap<String, BTreeMap<String, Expected>> = BTreeMap::new();
        for cell in record.cells.iter().filter(|cell| cell.outcome != Outcome::Broken) {
            cells.entry(cell.scenario.clone()).or_default().insert(cell.probe.clone(), Expected::of(cell));
        }
        self.cells.insert(host.to_owned(), cells);
    }

    /// The kind of host that a record is of: the one that is named, or the only one that fits.
    pub fn host_of(&self, record: &Record, named: Option<&str>) -> Result<&str, BaselineError> {
        self.host_fitting(&Kind::of(record), named)
    }

    /// The host of a name.
    pub fn host_named(&self, name: &str) -> Result<&str, BaselineError> {
        self.hosts
            .get_key_value(name)
            .map(|(name, _)| name.as_str())
            .ok_or_else(|| BaselineError::UnknownHost { name: name.to_owned(), known: self.known() })
    }

    /// The host of a kind: the one that is named, or the only one that fits.
    pub fn host_fitting(&self, kind: &Kind, named: Option<&str>) -> Result<&str, BaselineError> {
        if let Some(name) = named {
            let name = self.host_named(name)?;
            let (is, was) = (kind.in_words(), self.hosts[name].in_words());
            return if self.hosts[name] == *kind {
                Ok(name)
            } else {
                Err(BaselineError::OtherHost { name: name.to_owned(), is, was })
            };
        }
        let mut fit = self.hosts.iter().filter(|(_, other)| *other == kind).map(|(name, _)| name.as_str());
        match (fit.next(), fit.next()) {
            (Some(name), None) => Ok(name),
            (None, _) => Err(BaselineError::NoHost { is: kind.in_words(), known: self.known() }),
            (Some(one), Some(other)) => {
                Err(BaselineError::TwoHosts { one: one.to_owned(), other: other.to_owned() })
            }
        }
    }

    fn known(&self) -> String {
        self.hosts.keys().cloned().collect::<Vec<_>>().join(", ")
    }
}
