//! The record: a whole run as one JSON file. Every output is made from records, never from the engine.

mod read;
mod tried;

use std::collections::BTreeMap;

pub use read::{RecordError, parse, read, write};
pub(crate) use read::{bytes, check_format};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use tried::{Change, Tried};
use whyblocked_agent::Effect;

use crate::engine::About;
use crate::host::Host;
use crate::mechanism::Mechanism;

/// The value of [`Record::format`].
pub const FORMAT: &str = "whyblocked/1";

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// `whyblocked/1`.
    pub format: String,
    /// When the run began, seconds since 1970 (UTC).
    pub started: u64,
    /// The host.
    pub host: Host,
    /// What started the containers.
    pub engine: About,
    /// Which independent methods took part.
    pub witness: Witness,
    /// The scenarios, in the order of the reports.
    pub scenarios: Vec<ScenarioEntry>,
    /// The probes, in the order of the reports.
    pub probes: Vec<ProbeEntry>,
    /// Probes that were asked for and cannot be run on this host, whatever the scenario.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// One verdict per scenario that was run and probe.
    pub cells: Vec<Cell>,
    /// The configuration that was tried, if the run was one of `try`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// What it took.
    pub timing: Timing,
    /// Why the run ended before every verdict was reached, if it did. What it knows is as good as any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
}

/// Which independent methods took part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witness {
    /// `tracepoint`, `kprobe` or `none`.
    pub trace: String,
    /// Whether installed filters were read.
    pub filter: bool,
    /// Whether audit records were read.
    pub audit: bool,
    /// Why the others did not.
    pub reason: String,
}

/// A scenario of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioEntry {
    /// Its id.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What there is to learn from it.
    pub teaches: String,
    /// The Compose service and daemon settings, as they were written.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// The mechanisms that were on, and how they stood.
    pub posture: Vec<Posture>,
    /// Where this host gave something else than was written.
    pub notes: Vec<String>,
    /// Why it was not run here, if it was not.
    pub not_run: Option<String>,
    /// What the engine itself said to the scenario's own words, if it refused them: a result, not a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A mechanism that was on in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Posture {
    /// Which.
    pub mechanism: Mechanism,
    /// How it stood.
    pub state: String,
}

/// A probe of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeEntry {
    /// Its id.
    pub id: String,
    /// The first word of its id.
    pub family: String,
    /// Its heading.
    pub title: String,
    /// The guarded system calls.
    pub calls: Vec<String>,
    /// What it changes when it succeeds.
    #[schemars(with = "String")]
    pub effect: Effect,
}

/// A probe that was not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Its id.
    pub probe: String,
    /// Why.
    pub reason: String,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The scenario's id.
    pub scenario: String,
    /// The probe's id.
    pub probe: String,
    /// What follows.
    pub outcome: Outcome,
    /// The call that answered in the scenario itself.
    pub call: Option<String>,
    /// Its errno's name, if it failed.
    pub errno: Option<String>,
    /// The mechanism whose check answered in the scenario itself.
    pub blocked_by: Option<Mechanism>,
    /// Every mechanism that is enough alone, in the kernel's order.
    pub layers: Vec<Mechanism>,
    /// The minimal sets whose relaxation opens it.
    pub opens: Vec<Vec<Mechanism>>,
    /// The size of the smallest of them: how many mistakes it takes.
    pub depth: Option<u32>,
    /// What was seen, method by method.
    pub evidence: Vec<Evidence>,
    /// How well it is proved; absent where nothing was decided.
    pub proof: Option<Proof>,
    /// Why no independent method confirms it, or what disagrees; absent where it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<String>,
    /// Why it could not be tested, or what broke: a mechanism's id, `set-up` or `engine`.
    pub reason: Option<String>,
    /// The same in words, and anything else a reader should know.
    pub note: Option<String>,
    /// Answers that contradict each other's order: more mechanisms let through what fewer stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
}

/// What follows for one probe in one scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The attempt got through.
    Allowed,
    /// Something in the scenario stopped it.
    Blocked,
    /// It is stopped here whatever the scenario.
    Untestable,
    /// The experiment itself failed.
    Broken,
}

impl Outcome {
    /// How many mechanisms have to fail, with this depth; none where there is no answer.
    pub fn strength(self, depth: Option<u32>) -> Option<u32> {
        match self {
            Self::Allowed => Some(0),
            Self::Blocked => Some(depth.unwrap_or(1).max(1)),
            Self::Untestable | Self::Broken => None,
        }
    }
}

/// What one method saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// `experiment`, `outside`, `filter`, `dye`, `trace` or `audit`.
    pub method: String,
    /// What it says.
    pub says: String,
    /// What that rests on.
    pub detail: String,
}

/// How well a verdict is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// The experiment and at least one independent method agree.
    Confirmed,
    /// One method only.
    Single,
    /// They disagree.
    Conflict,
}

/// A contradiction of "more mechanisms, less let through".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// Stopped with exactly these on.
    pub stopped_with: Vec<Mechanism>,
    /// Let through with these on as well.
    pub let_through_with_more: Vec<Mechanism>,
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Wall-clock time, in seconds.
    pub seconds: f64,
    /// Different settings that were tried.
    pub trials: u64,
    /// Containers that were started: a setting may be tried again with further probes.
    pub containers: u64,
    /// Observations that were made.
    pub observations: u64,
}

impl Record {
    /// The verdict for a scenario and a probe.
    pub fn cell(&self, scenario: &str, probe: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.scenario == scenario && cell.probe == probe)
    }

    /// How many verdicts have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cells.iter().filter(|cell| cell.outcome == outcome).count()
    }

    /// The JSON Schema of this format.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}
