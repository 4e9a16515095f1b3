//! What `try` adds to a record: a configuration of somebody's own, what of it was not looked at, and which single
//! changes were tried on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A configuration of somebody's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tried {
    /// The scenario that it became.
    pub scenario: String,
    /// Where it was written: `docker run nginx`, `compose.yaml, service web`.
    pub source: String,
    /// What lets everything through, whatever the attempts show.
    pub warnings: Vec<String>,
    /// What was replaced or left out, and why.
    pub notes: Vec<String>,
    /// What may play a part that no attempt tells anything about.
    pub not_looked_at: Vec<String>,
    /// What plays no part.
    pub no_part: Vec<String>,
    /// Attempts that get through with Docker's defaults as well; absent if those could not be started.
    pub defaults: Option<Vec<String>>,
    /// Every single change that was proposed; what closes most comes first.
    pub changes: Vec<Change>,
}

/// A single change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What to write: `--cap-drop=ALL`.
    pub how: String,
    /// What that does.
    pub does: String,
    /// Attempts that got through without it, and are stopped with it.
    pub closes: Vec<String>,
    /// Attempts that were stopped without it, and get through with it.
    pub opens: Vec<String>,
    /// Why it could not be tried, if it could not.
    pub not_tried: Option<String>,
}
