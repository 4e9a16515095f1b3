//! A scenario file as it was written: Compose's keys and value forms, nothing resolved, nothing defaulted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Facility;

/// A scenario file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// A heading.
    pub title: String,
    /// What there is to learn from it.
    pub teaches: String,
    /// The container, as a Compose service.
    #[serde(default)]
    pub service: Service,
    /// `daemon.json` keys of a Docker daemon of its own.
    #[serde(default)]
    pub daemon: BTreeMap<String, serde_json::Value>,
    /// Another container that was there before.
    #[serde(default)]
    pub earlier: Earlier,
    /// What the host must have.
    #[serde(default)]
    pub needs: Vec<Facility>,
}

/// Another container that was there before, and has ended: what its volumes' options did to the host is still so.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Earlier {
    /// As those of a service.
    pub volumes: Vec<Volume>,
}

/// The security-relevant keys of a Compose service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// `UID[:GID]`; names need an image and are refused.
    pub user: Option<String>,
    /// Supplementary group ids.
    pub group_add: Vec<String>,
    /// Capabilities beyond the default.
    pub cap_add: Vec<String>,
    /// Capabilities taken from the default.
    pub cap_drop: Vec<String>,
    /// `seccomp=`, `label=`, `apparmor=`, `no-new-privileges`, `systempaths=`.
    pub security_opt: Vec<String>,
    /// Everything at once.
    pub privileged: bool,
    /// Read-only root directory.
    pub read_only: bool,
    /// `host`: no user namespace although the daemon remaps.
    pub userns_mode: Option<String>,
    /// `host`.
    pub pid: Option<String>,
    /// `host`, `private`, `shareable`.
    pub ipc: Option<String>,
    /// `host`.
    pub uts: Option<String>,
    /// `host`, `none`, `bridge`.
    pub network_mode: Option<String>,
    /// `host`, `private`.
    pub cgroup: Option<String>,
    /// `HOST[:CONTAINER[:rwm]]`.
    pub devices: Vec<String>,
    /// `c 1:3 rwm`.
    pub device_cgroup_rules: Vec<String>,
    /// `SOURCE:TARGET[:OPTIONS]` or the long form.
    pub volumes: Vec<Volume>,
    /// `TARGET[:OPTIONS]`, one or several.
    pub tmpfs: OneOrMany,
    /// Limits by name.
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Number of processes; -1 is unlimited.
    pub pids_limit: Option<i64>,
    /// Bytes, or with a unit: `64m`.
    pub mem_limit: Option<String>,
    /// A map, or a list of `name=value`.
    pub sysctls: Pairs,
}

/// A volume in Compose's short or long form.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a volume is written SOURCE:TARGET[:ro], or as a mapping with type, source and target"
)]
pub enum Volume {
    /// `SOURCE:TARGET[:OPTIONS]`.
    Short(String),
    /// The mapping.
    Long(LongVolume),
}

/// Compose's long form of a volume.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongVolume {
    /// `bind` or `tmpfs`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The host's path.
    pub source: Option<String>,
    /// The path inside.
    pub target: String,
    /// Whether it is read-only.
    #[serde(default)]
    pub read_only: bool,
    /// Options of a bind.
    pub bind: Option<BindOptions>,
}

/// Options of a bind in the long form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindOptions {
    /// `z` or `Z`.
    pub selinux: Option<String>,
}

/// A value, or a list of values.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// All of them.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// A `setrlimit` limit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged, expecting = "a limit is a number, or a mapping with soft and hard")]
pub enum Ulimit {
    /// Soft and hard.
    Both(u64),
    /// Each.
    Each {
        /// What counts.
        soft: u64,
        /// Up to what the process may raise it.
        hard: u64,
    },
}

/// A map, or a list of `name=value`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a mapping, or a list of name=value")]
pub enum Pairs {
    /// The map.
    Map(BTreeMap<String, String>),
    /// The list.
    List(Vec<String>),
}

impl Default for Pairs {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Ulimit {
    /// Both limits.
    pub fn soft_and_hard(self) -> (u64, u64) {
        match self {
            Self::Both(both) => (both, both),
            Self::Each { soft, hard } => (soft, hard),
        }
    }
}

impl Service {
    /// Its file systems in memory, `TARGET[:OPTIONS]`, in either of the places where Compose has them.
    pub fn in_memory(&self) -> impl Iterator<Item = &str> {
        let long = self.volumes.iter().filter_map(|volume| match volume {
            Volume::Long(long) if long.kind == "tmpfs" => Some(long.target.as_str()),
            _ => None,
        });
        self.tmpfs.as_slice().iter().map(String::as_str).chain(long)
    }
}

impl Pairs {
    /// All of them, or which entry of a list is none.
    pub fn pairs(&self) -> Result<Vec<(&str, &str)>, String> {
        match self {
            Self::Map(map) => Ok(map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()),
            Self::List(list) => list
                .iter()
                .map(|entry| entry.split_once('=').ok_or_else(|| format!("'{entry}' is not name=value")))
                .collect(),
        }
    }
}
