//! What came of the manual: a sentence for people, and all of it for programs.

use serde::Serialize;

use crate::claims::Said;
use crate::documented::calls::PROFILES;
use crate::documented::{Documented as Found, On, SOURCES, in_words};
use crate::seccomp::DefaultProfile;

/// How much of the manual is stale, on which profile and in which record, in a sentence without its full stop.
pub fn counts(found: &Found<'_>, names: &[&str]) -> String {
    let profiles = PROFILES.iter().enumerate().map(|(at, profile)| {
        format!("{} in the profile of {}", found.count(On::Profile(at)), profile.name())
    });
    let records =
        names.iter().enumerate().map(|(at, name)| format!("{} on {name}", found.count(On::Record(at))));
    let all = profiles.chain(records).collect::<Vec<_>>().join(", ");
    format!("{} statements of the manual are stale somewhere: {all}", found.stale().len())
}

/// For programs.
#[derive(Debug, Serialize)]
pub struct Documented {
    sources: Vec<Source>,
    /// Record by record, the default profile of its containers.
    profiles: Vec<Option<&'static str>>,
    stale: Vec<Stale>,
    calls: Vec<Call>,
    capabilities: Vec<Capability>,
    limitations: Vec<Limitation>,
}

#[derive(Debug, Serialize)]
struct Source {
    title: &'static str,
    url: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Stale {
    about: &'static str,
    manual: String,
    source: &'static str,
    instead: Vec<Instead>,
}

#[derive(Debug, Serialize)]
struct Instead {
    /// A profile that is shipped, or nothing.
    profile: Option<&'static str>,
    /// A record, by its place, or nothing.
    record: Option<usize>,
    says: String,
}

#[derive(Debug, Serialize)]
struct Call {
    #[serde(rename = "call")]
    name: &'static str,
    capability: Option<&'static str>,
    profiles: Vec<ByProfile>,
    /// Record by record.
    blocked_as_documented: Vec<Option<bool>>,
    capability_asked_for: Vec<Option<bool>>,
}

#[derive(Debug, Serialize)]
struct ByProfile {
    profile: &'static str,
    answer: String,
    as_documented: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Capability {
    #[serde(rename = "capability")]
    name: &'static str,
    kept_by_default: bool,
    /// Record by record.
    as_documented: Vec<Option<bool>>,
    says: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Limitation {
    id: &'static str,
    manual: &'static str,
    unobserved: Option<&'static str>,
    /// Record by record.
    as_documented: Vec<Option<bool>>,
}

impl Documented {
    /// Of what was found.
    pub fn of(found: &Found<'_>) -> Self {
        let stale = found.stale().into_iter().map(|stale| Stale {
            about: stale.about,
            manual: stale.says,
            source: stale.source.url,
            instead: stale.instead.into_iter().map(|(on, says)| instead(on, says)).collect(),
        });
        let sources =
            SOURCES.map(|source| Source { title: source.title, url: source.url, version: source.version });
        Self {
            sources: sources.into(),
            profiles: found.profiles.iter().map(|profile| profile.map(DefaultProfile::name)).collect(),
            stale: stale.collect(),
            calls: found.calls.iter().map(call).collect(),
            capabilities: found
                .capabilities
                .iter()
                .map(|row| Capability {
                    name: row.name,
                    kept_by_default: row.kept,
                    as_documented: row.seen.iter().map(|seen| known(seen.said)).collect(),
                    says: row.seen.iter().map(|seen| seen.words.clone()).collect(),
                })
                .collect(),
            limitations: found
                .limitations
                .iter()
                .map(|row| Limitation {
                    id: row.limitation.id,
                    manual: row.limitation.says,
                    unobserved: row.limitation.unobserved,
                    as_documented: row.said.iter().copied().map(known).collect(),
                })
                .collect(),
        }
    }
}

fn instead(on: On, says: String) -> Instead {
    match on {
        On::Profile(at) => Instead { profile: Some(PROFILES[at].name()), record: None, says },
        On::Record(at) => Instead { profile: None, record: Some(at), says },
    }
}

fn call(row: &crate::documented::CallRow<'_>) -> Call {
    let profiles = PROFILES.iter().enumerate().map(|(at, profile)| ByProfile {
        profile: profile.name(),
        answer: in_words(row.answers[at]),
        as_documented: known(row.by_profile[at]),
    });
    Call {
        name: row.listed.call,
        capability: row.listed.gate,
        profiles: profiles.collect(),
        blocked_as_documented: row.seen.iter().map(|seen| known(seen.blocked)).collect(),
        capability_asked_for: row.seen.iter().map(|seen| known(seen.gate)).collect(),
    }
}

fn known(said: Said) -> Option<bool> {
    match said {
        Said::Yes => Some(true),
        Said::No => Some(false),
        Said::Unseen => None,
    }
}
