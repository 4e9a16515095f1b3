//! What Docker does to a container that asks for nothing: paths, devices, kernel parameters.
//!
//! From moby `oci/defaults.go` and `daemon/oci_linux.go` at v26.1.5, and runc's `libcontainer/specconv`.

use std::collections::BTreeMap;

use crate::settings::{DeviceRule, Settings};

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

/// What every container may do with devices, in the notation of the device cgroup: make any node, use the
/// harmless ones.
pub const DEVICE_RULES: [&str; 11] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];

/// The default device rules, parsed.
pub fn device_rules() -> Vec<DeviceRule> {
    DEVICE_RULES.iter().filter_map(|rule| super::values::device_rule(rule).ok()).collect()
}

/// Kernel parameters that Docker sets in a network namespace of the container's own.
pub fn sysctls(settings: &Settings) -> BTreeMap<String, String> {
    let mut sysctls = BTreeMap::new();
    if settings.namespaces.network {
        sysctls.insert("net.ipv4.ip_unprivileged_port_start".to_owned(), "0".to_owned());
        // The group range is in ids of the namespace, and a remapped one does not have them all.
        if settings.user_namespace.is_none() {
            sysctls.insert("net.ipv4.ping_group_range".to_owned(), "0 2147483647".to_owned());
        }
    }
    sysctls
}
