//! Witnesses: evidence that does not come from the probe itself. Each says what it saw and where it could not
//! look; none of them decides alone.
//!
//! - [`trace`]: the kernel's own trace of the guarded call;
//! - [`filter`]: the filters that are really installed, evaluated for the call;
//! - [`dye`]: the same filter with an errno that nothing else returns;
//! - [`audit`]: what the kernel wrote down about refusals;
//! - [`outside`]: the container and the laboratory's files seen from the host.

pub mod audit;
pub mod dye;
pub mod filter;
pub mod outside;
pub mod trace;
mod watch;

use whyblocked_agent::Probe;
use whyblocked_agent::wire::Observation;

pub use self::watch::{Observer, Watched, Witnesses};
use crate::mechanism::Mechanism;
use crate::record::Evidence;
use crate::settings::Settings;

/// What a witness has to say about one probe in one trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Which witness: `trace`, `filter`, `dye`, `audit` or `outside`.
    pub method: &'static str,
    /// Who answered, if it saw that.
    pub named: Option<Named>,
    /// Whose answer it certainly was not.
    pub excludes: Vec<Mechanism>,
    /// Whether it saw the attempt get through (or not); `None` if it can't tell.
    pub through: Option<bool>,
    /// What it says, in a few words.
    pub says: String,
    /// What that rests on.
    pub detail: String,
}

impl Finding {
    /// For the record.
    pub fn evidence(&self) -> Evidence {
        Evidence { method: self.method.to_owned(), says: self.says.clone(), detail: self.detail.clone() }
    }
}

/// The mechanism whose check was seen to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The mechanisms whose knobs can make that check say no, its own first: a user other than root has no
    /// effective capability either, so it is the capability check that answers and the user that is turned.
    pub knobs: Vec<Mechanism>,
}

impl Named {
    /// A mechanism that nothing but its own knob turns.
    pub fn only(mechanism: Mechanism) -> Self {
        Self { mechanism, knobs: vec![mechanism] }
    }

    /// A mechanism's check, with every knob that can make it say no.
    pub fn check(mechanism: Mechanism) -> Self {
        use Mechanism::{
            Capabilities, MaskedPath, Ownership, ReadOnlyMount, ResourceLimit, UserNamespace, Yama,
        };
        match mechanism {
            // Root is past mode bits by a capability, and that counts for ids that the user namespace maps.
            Ownership => Self::of(mechanism, &[Capabilities, UserNamespace]),
            // So are whoever may trace everybody and whoever may raise a limit on processes.
            Yama | ResourceLimit => Self::of(mechanism, &[Capabilities, Ownership, UserNamespace]),
            // What covers a masked directory is read-only.
            ReadOnlyMount => Self::of(mechanism, &[MaskedPath]),
            other => Self::only(other),
        }
    }

    /// A mechanism whose check answers for others' knobs too.
    pub fn of(mechanism: Mechanism, others: &[Mechanism]) -> Self {
        Self { mechanism, knobs: std::iter::once(mechanism).chain(others.iter().copied()).collect() }
    }

    /// Whether two witnesses may both be right.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.mechanism == other.mechanism
            || self.knobs.contains(&other.mechanism) && other.knobs.contains(&self.mechanism)
    }
}

/// An observation and everything that independent methods can say about it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The probe.
    pub probe: &'a Probe,
    /// How the container was set up.
    pub settings: &'a Settings,
    /// What the probe saw.
    pub seen: &'a Observation,
    /// What was seen of its container.
    pub watched: &'a Watched,
    /// What the probe saw in another container, whose filter answers with an errno of its own.
    pub dyed: Option<&'a Observation>,
}

/// What all witnesses say. Those that saw the answer come first; what the container looks like from outside only
/// counts where none did.
pub fn findings(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(filter::saw(scene));
    findings.extend(scene.watched.trace(scene));
    findings.extend(dye::saw(scene));
    findings.extend(audit::saw(scene));
    findings.extend(outside::canary::saw(scene.probe.id, scene.seen, &scene.watched.canaries));
    if findings.iter().all(|finding| finding.named.is_none()) {
        findings.extend(outside::saw(scene));
    }
    findings
}
