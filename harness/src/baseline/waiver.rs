//! Waivers: differences that somebody has accepted, for a reason and for a while.

use globset::GlobMatcher;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::compare::Difference;
use crate::scenario::glob;

/// A waiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// What it is called.
    pub id: String,
    /// Scenarios: an id or a glob.
    pub scenario: String,
    /// Attempts: an id or a glob.
    pub probe: String,
    /// Why that is accepted.
    #[serde(deserialize_with = "something")]
    pub reason: String,
    /// The last day on which it counts.
    pub until: Date,
}

/// The day on which waivers count or not: everywhere the same one.
pub fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}

/// What became of a waiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Used {
    /// It covers so many differences.
    Covers(usize),
    /// There is nothing any more that it would cover.
    NotNeeded,
    /// Its last day is over, and it would cover so many differences.
    Expired(usize),
}

impl Waiver {
    /// Whether it is about a difference, whatever day it is.
    pub fn is_about(&self) -> impl Fn(&Difference) -> bool + use<> {
        let [scenario, probe] = [&self.scenario, &self.probe].map(|pattern| glob(pattern).ok());
        move |difference| {
            let fits =
                |glob: &Option<GlobMatcher>, id: &str| glob.as_ref().is_some_and(|glob| glob.is_match(id));
            fits(&scenario, &difference.scenario) && fits(&probe, &difference.probe)
        }
    }

    /// Whether it counts on a day.
    pub fn counts_on(&self, day: Date) -> bool {
        day <= self.until
    }
}

fn something<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("a waiver needs a reason: why is the difference accepted?"));
    }
    Ok(text)
}
