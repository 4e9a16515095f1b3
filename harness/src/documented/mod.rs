//! What Docker's manual says of its defaults, as expectations, and what the shipped profiles and the records show of each:
//! where the manual and what was seen part, its words are stale. Pure: the manual's tables are data, and what was seen
//! comes from records and from nothing else.
//!
//! The manual is Docker's: what another engine does by itself contradicts nothing in it.

pub mod calls;
pub mod capabilities;
mod list;
pub mod remap;
mod stale;

pub use self::calls::{Answer, CallRow};
pub use self::capabilities::CapabilityRow;
pub use self::list::{Blocked, Listed};
pub use self::remap::{Limitation, LimitationRow};
pub(crate) use self::stale::in_words;
pub use self::stale::{On, Stale};
use crate::claims::Said;
use crate::conformance::cells::{Cells, state};
use crate::mechanism::Mechanism;
use crate::record::Record;
use crate::seccomp::DefaultProfile;

/// The scenario that has nothing but the defaults.
pub const SCENARIO: &str = "docker-default";

/// A page of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its heading.
    pub title: &'static str,
    /// Where it is read.
    pub url: &'static str,
    /// The very version of it that the expectations are of.
    pub version: &'static str,
}

/// The pages of which the expectations are.
pub const SOURCES: [Source; 3] = [list::SOURCE, capabilities::SOURCE, remap::SOURCE];

/// Everything that the manual says, and what was seen of it.
#[derive(Debug)]
pub struct Documented<'a> {
    /// For each record, whose default filter its containers got, if it is one that is shipped.
    pub profiles: Vec<Option<DefaultProfile>>,
    /// The calls that are blocked by default.
    pub calls: Vec<CallRow<'a>>,
    /// The capabilities that are kept by default, and those that are not.
    pub capabilities: Vec<CapabilityRow<'a>>,
    /// What does not work with userns-remap.
    pub limitations: Vec<LimitationRow<'a>>,
}

impl<'a> Documented<'a> {
    /// Holds the manual against records.
    pub fn of(records: &[&'a Record]) -> Self {
        let cells: Vec<(&Record, Cells<'a>)> =
            records.iter().map(|record| (*record, Cells::of(record))).collect();
        Self {
            profiles: cells.iter().map(|(_, cells)| profile(cells)).collect(),
            calls: calls::rows(records),
            capabilities: capabilities::rows(&cells),
            limitations: remap::rows(&cells),
        }
    }
}

/// Whose default filter the containers of a record got, as the scenario that asks for nothing shows it.
fn profile(cells: &Cells<'_>) -> Option<DefaultProfile> {
    let name = state(cells.posture(SCENARIO), Mechanism::Seccomp)?;
    calls::PROFILES.into_iter().find(|profile| profile.name() == name)
}

/// Why the manual says nothing of a record's containers.
fn elsewhere(record: &Record) -> Option<String> {
    let engine = &record.engine.name;
    (engine == "podman").then(|| format!("the engine is {engine}, and the manual is Docker's"))
}

/// What several say together: no, if one of them does.
fn together(said: impl IntoIterator<Item = Said>) -> Said {
    said.into_iter().fold(Said::Unseen, |all, one| match (all, one) {
        (Said::No, _) | (_, Said::No) => Said::No,
        (Said::Yes, _) | (_, Said::Yes) => Said::Yes,
        _ => Said::Unseen,
    })
}

#[cfg(test)]
mod tests;
