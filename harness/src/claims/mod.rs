//! What is often said of container security, as claims that a record bears out or contradicts: the "notes" page of every
//! book. Pure: a claim is data, and whether it holds follows from the records that are given and from nothing else.
//!
//! The claims are those of the notes from which this project began, in words of its own. Some are wrong, or half right:
//! they stand here as they were said, and the page says what was seen instead.

mod judge;
mod table;

use std::fmt;

pub(crate) use self::judge::observe;
pub use self::judge::{Found, Judged, Observed, Said, judge};
pub use self::table::all;
pub(crate) use self::table::{look, probe};
use crate::mechanism::Mechanism;

/// Something that is said.
#[derive(Debug)]
pub struct Claim {
    /// Its number.
    pub number: u32,
    /// A few words, for tables.
    pub title: &'static str,
    /// What is claimed: one or more sentences.
    pub says: &'static str,
    /// What would be seen if it were so. All of it has to be.
    pub predicts: &'static [Test],
    /// Whether it is about the manual's list of calls, whose rows are looked at one by one: see [`crate::documented::calls`].
    pub list: bool,
    /// What is so instead, each with what has to be seen for it; said only if the claim does not hold.
    pub instead: &'static [Instead],
    /// What of it no record can decide, and why.
    pub beyond: Option<&'static str>,
}

/// A place in a record, and what is expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// What it is about, in words: `root writes to the mounted directory`.
    pub what: &'static str,
    /// The scenario.
    pub scenario: &'static str,
    /// What is looked at in it, and how it should be.
    pub look: Look,
    /// Where it can be seen at all.
    pub at: Where,
}

/// What is looked at in a scenario, and how it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A probe's verdict.
    Probe(&'static str, Expect),
    /// A probe got through, and a witness of this name says something that contains these words.
    Witness(&'static str, &'static str, &'static str),
    /// A mechanism was on, and how it stood contains these words.
    Stood(Mechanism, &'static str),
    /// A mechanism was off.
    Off(Mechanism),
    /// A note of the scenario contains these words.
    Note(&'static str),
    /// The engine refused the container, in words that contain these.
    Refused(&'static str),
    /// The engine started the container.
    Started,
}

impl Look {
    /// The probe that it is about, if it is about one.
    pub fn probe(&self) -> Option<&'static str> {
        match self {
            Self::Probe(probe, _) | Self::Witness(probe, ..) => Some(probe),
            _ => None,
        }
    }
}

/// What a verdict should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It got through.
    Through,
    /// It was blocked, whoever said no.
    Blocked,
    /// It was blocked, and this mechanism's check answered.
    By(Mechanism),
    /// It was blocked, and this mechanism would have been enough alone.
    Layer(Mechanism),
}

/// Where something can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// Anywhere.
    Anywhere,
    /// Where the run had root: without it every container lives in a user namespace.
    Root,
    /// Where SELinux is enforcing.
    Selinux,
    /// Where SELinux is enforcing and Docker starts the containers: labels of volumes are its doing.
    SelinuxDocker,
    /// Where Docker starts the containers.
    Docker,
    /// In the disposable machine, where what is tried may take effect.
    Disposable,
}

/// What is so instead of a claim that does not hold.
#[derive(Debug)]
pub struct Instead {
    /// In words: one or more sentences.
    pub says: &'static str,
    /// What has to be seen.
    pub shown_by: &'static [Test],
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Something contradicts it.
    DoesNotHold,
    /// Everything that it predicts was seen, and nothing contradicts it.
    Holds,
    /// Nothing contradicts it, and some of it was seen.
    InPart,
    /// Nothing of it could be seen in these records.
    NotObservable,
}

impl Verdict {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 4] = [Self::DoesNotHold, Self::Holds, Self::InPart, Self::NotObservable];

    /// A word for programs.
    pub fn id(self) -> &'static str {
        match self {
            Self::DoesNotHold => "does-not-hold",
            Self::Holds => "holds",
            Self::InPart => "holds-in-part",
            Self::NotObservable => "not-observable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::DoesNotHold => "does not hold",
            Self::Holds => "holds",
            Self::InPart => "holds as far as it could be seen",
            Self::NotObservable => "not observable in these records",
        })
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Through => formatter.write_str("gets through"),
            Self::Blocked => formatter.write_str("is blocked"),
            Self::By(mechanism) => write!(formatter, "is blocked by {mechanism}"),
            Self::Layer(mechanism) => {
                write!(formatter, "is blocked, with {mechanism} among what would be enough alone")
            }
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probe(_, expect) => expect.fmt(formatter),
            Self::Witness(_, _, words) => write!(formatter, "gets through, and a witness says “{words}”"),
            Self::Stood(mechanism, words) => write!(formatter, "{mechanism} is on: “… {words} …”"),
            Self::Off(mechanism) => write!(formatter, "{mechanism} is off"),
            Self::Note(words) => write!(formatter, "a note says “… {words} …”"),
            Self::Refused("") => formatter.write_str("the engine refuses the container"),
            Self::Refused(words) => write!(formatter, "the engine refuses the container: “… {words} …”"),
            Self::Started => formatter.write_str("the engine starts the container"),
        }
    }
}

impl Where {
    /// Where to look, for somebody whose records do not show it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Anywhere => "any machine",
            Self::Root => "any machine, as root",
            Self::Selinux => "a machine with SELinux enforcing: --in vagrant:selinux",
            Self::SelinuxDocker => {
                "Docker on a machine with SELinux enforcing: --in vagrant:selinux --engine docker"
            }
            Self::Docker => "a machine with Docker: --engine docker",
            Self::Disposable => "the disposable machine: --in vagrant",
        }
    }
}

#[cfg(test)]
mod tests;
