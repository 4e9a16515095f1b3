//! What the harness asks of the agent (one argument, JSON) and what the agent answers (one JSON line a probe).

use serde::{Deserialize, Serialize};

use crate::probe::Outcome;

/// What the harness asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Ids of the probes to run, in this order.
    pub probes: Vec<String>,
    /// Tells this container's canaries from those of others.
    pub token: String,
    /// Time limit of one probe, in milliseconds.
    pub limit_ms: u64,
    /// The process id, in the harness's pid namespace, of the harness's own victim process.
    pub victim: Option<i32>,
    /// A TCP port on 127.0.0.1, in the harness's network namespace, that the harness listens on.
    pub loopback_port: Option<u16>,
    /// The whole name of the abstract Unix socket that the harness listens on.
    pub abstract_socket: Option<String>,
    /// The inode numbers of the harness's own namespaces, by their `/proc/self/ns` names.
    pub host_namespaces: Vec<(String, u64)>,
    /// The laboratory's directories that are in sight: `/host/etc`. Other directories of the host are the user's own:
    /// no probe leaves anything there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub laboratory: Vec<String>,
    /// If the harness watches this container: the trial's number, which marks in the kernel's trace carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<u64>,
    /// The errno that the container's filter answers with in place of its own: whoever sees it was answered by the
    /// filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dye: Option<i32>,
    /// Whether this is the disposable machine: nowhere else does the agent run probes that change their host.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disposable: bool,
    /// Whether the agent stands still before its first probe and after its last: see [`crate::hold`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

/// What one probe saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The probe's id.
    pub probe: String,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// The guarded call that answered; empty if none could be made.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub call: String,
    /// The call's number on the container's architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// The call's arguments as the kernel got them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<[u64; 6]>,
    /// The door, where it is not the architecture's own: `i386` for `int 0x80`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// What the call itself returned, where that is not the errno: see [`crate::sys::Made::returned`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<i64>,
    /// The errno, 0 if the call succeeded or none was made.
    pub errno: i32,
    /// What else there is to say: the target that was absent, the set-up step that failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How long the attempt took, its set-up included, in microseconds.
    pub micros: u64,
}
