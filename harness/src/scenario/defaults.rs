//! What an engine does to a container that asks for nothing. Docker's own are written down here; another engine hands
//! over its own, as it finds them.
//!
//! Docker's are from moby `oci/defaults.go` and `daemon/oci_linux.go` at v26.1.5, and runc's `libcontainer/specconv`.

use std::collections::BTreeMap;

use crate::capability::CapabilitySet;
use crate::seccomp::{DefaultProfile, Policy, Situation, docker_json};
use crate::settings::{DeviceRule, Limits, Settings};

/// A kernel parameter whose value is a range of groups, in ids of the network namespace's owner.
const PING_GROUPS: &str = "net.ipv4.ping_group_range";

/// What a container gets that asks for nothing.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Its capabilities.
    pub capabilities: CapabilitySet,
    /// Its filter.
    pub filter: DefaultFilter,
    /// Paths that are covered by something empty.
    pub masked_paths: Vec<String>,
    /// Paths that are mounted over themselves, read-only.
    pub read_only_paths: Vec<String>,
    /// What it may do with devices.
    pub device_rules: Vec<DeviceRule>,
    /// Its limits.
    pub limits: Limits,
    /// Kernel parameters that are set in a network namespace of its own.
    pub sysctls: BTreeMap<String, String>,
    /// The `AppArmor` profile that it runs under, where the kernel has `AppArmor`.
    pub apparmor: Option<String>,
    /// Whether it has a control-group namespace of its own.
    pub own_cgroup_namespace: bool,
    /// Whether it has an SELinux label of containers', where the kernel has SELinux.
    pub labels: bool,
    /// Whether a user other than root would have the capabilities that `cap_add` names as effective ones.
    pub added_are_effective: bool,
    /// Where this host gives less than the engine wants: for every scenario.
    pub notes: Vec<String>,
}

/// A default filter, not yet resolved for a scenario's capabilities.
#[derive(Clone, Debug)]
pub enum DefaultFilter {
    /// One that this program brings.
    Docker(DefaultProfile),
    /// One in Docker's JSON form.
    Json {
        /// How to call it.
        name: String,
        /// The profile.
        text: String,
    },
}

impl DefaultFilter {
    /// The filter that a container gets in `situation`.
    pub fn resolve(&self, situation: &Situation) -> Result<Policy, String> {
        match self {
            Self::Docker(profile) => Ok(profile.resolve(situation)),
            Self::Json { name, text } => docker_json::parse(name, text, situation),
        }
    }
}

impl Defaults {
    /// Docker's, with this filter; and without its profile, which not every host has.
    pub fn docker(profile: DefaultProfile) -> Self {
        Self {
            capabilities: CapabilitySet::DOCKER_DEFAULT,
            filter: DefaultFilter::Docker(profile),
            masked_paths: MASKED_PATHS.map(str::to_owned).to_vec(),
            read_only_paths: READ_ONLY_PATHS.map(str::to_owned).to_vec(),
            device_rules: docker_device_rules(),
            limits: Limits::default(),
            sysctls: SYSCTLS.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            apparmor: None,
            own_cgroup_namespace: true,
            labels: false,
            added_are_effective: false,
            notes: Vec::new(),
        }
    }

    /// The kernel parameters for a container with these settings.
    pub fn sysctls(&self, settings: &Settings) -> BTreeMap<String, String> {
        if !settings.namespaces.network {
            return BTreeMap::new();
        }
        let mut sysctls = self.sysctls.clone();
        if let Some(namespace) = &settings.user_namespace {
            // The group range is in ids of the namespace, which may not have them all.
            let last =
                |range: &str| range.split_whitespace().last().and_then(|last| last.parse::<u32>().ok());
            sysctls.retain(|name, range| {
                name != PING_GROUPS || last(range).is_some_and(|last| last < namespace.size())
            });
        }
        sysctls
    }
}

/// Covered by something empty.
pub const MASKED_PATHS: [&str; 11] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

/// Mounted over themselves, read-only.
pub const READ_ONLY_PATHS: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What runc and crun let a container do with devices whatever they are told, in the notation of the device cgroup: make
/// any node, use the harmless ones (runc `libcontainer/specconv`, crun `src/libcrun/cgroup-resources.c`).
pub const RUNTIME_DEVICE_RULES: [&str; 10] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];

/// What Docker allows beside that: the console.
const DOCKER_DEVICE_RULE: &str = "c 5:1 rwm";

fn docker_device_rules() -> Vec<DeviceRule> {
    device_rules(&[&RUNTIME_DEVICE_RULES[..], &[DOCKER_DEVICE_RULE]].concat())
}

/// Kernel parameters that Docker sets.
const SYSCTLS: [(&str, &str); 2] =
    [("net.ipv4.ip_unprivileged_port_start", "0"), (PING_GROUPS, "0 2147483647")];

/// Device rules, parsed; what is none is left out.
pub fn device_rules(rules: &[&str]) -> Vec<DeviceRule> {
    rules.iter().filter_map(|rule| super::values::device_rule(rule).ok()).collect()
}

/// Kernel parameters that Docker sets in a network namespace of the container's own.
pub fn sysctls(settings: &Settings) -> BTreeMap<String, String> {
    Defaults::docker(DefaultProfile::default()).sysctls(settings)
}
