//! Every key of a Compose service and what part it plays in what a process in the container may do. Nothing here reads
//! a file.

use Part::{ApiSocket, Deploy, NoPart, NotLookedAt, Used};

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What part it plays.
    pub part: Part,
}

/// What part a key plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Scenarios have it.
    Used,
    /// None.
    NoPart,
    /// One that no attempt tells anything about: why it may matter, as a fragment.
    NotLookedAt(&'static str),
    /// `deploy`: its limits are used, if the service has no others.
    Deploy,
    /// `use_api_socket`: the daemon's socket, without naming it.
    ApiSocket,
}

const PROCESSOR: &str = "how much of the processor it may take; no attempt uses it up";
const DISKS: &str = "how fast it may use disks; no attempt uses them up";

/// All of them, sorted: those of the Compose specification, and `volume_driver` of its older formats.
pub const KEYS: &[Key] = &[
    Key { name: "annotations", part: NotLookedAt("some runtimes obey annotations") },
    Key { name: "attach", part: NoPart },
    Key { name: "blkio_config", part: NotLookedAt(DISKS) },
    Key { name: "build", part: NoPart },
    Key { name: "cap_add", part: Used },
    Key { name: "cap_drop", part: Used },
    Key { name: "cgroup", part: Used },
    Key { name: "cgroup_parent", part: NotLookedAt("which limits it shares with others") },
    Key { name: "command", part: NoPart },
    Key { name: "configs", part: NotLookedAt("files are mounted") },
    Key { name: "container_name", part: NoPart },
    Key { name: "cpu_count", part: NoPart },
    Key { name: "cpu_percent", part: NoPart },
    Key { name: "cpu_period", part: NotLookedAt(PROCESSOR) },
    Key { name: "cpu_quota", part: NotLookedAt(PROCESSOR) },
    Key { name: "cpu_rt_period", part: NotLookedAt(PROCESSOR) },
    Key { name: "cpu_rt_runtime", part: NotLookedAt(PROCESSOR) },
    Key { name: "cpu_shares", part: NotLookedAt(PROCESSOR) },
    Key { name: "cpus", part: NotLookedAt(PROCESSOR) },
    Key { name: "cpuset", part: NotLookedAt(PROCESSOR) },
    Key { name: "credential_spec", part: NoPart },
    Key { name: "depends_on", part: NoPart },
    Key { name: "deploy", part: Deploy },
    Key { name: "develop", part: NoPart },
    Key { name: "device_cgroup_rules", part: Used },
    Key { name: "devices", part: Used },
    Key { name: "dns", part: NoPart },
    Key { name: "dns_opt", part: NoPart },
    Key { name: "dns_search", part: NoPart },
    Key { name: "domainname", part: NoPart },
    Key { name: "entrypoint", part: NoPart },
    Key { name: "env_file", part: NoPart },
    Key { name: "environment", part: NoPart },
    Key { name: "expose", part: NoPart },
    Key {
        name: "extends",
        part: NotLookedAt("the service that it extends is not read: what that one sets is missing here"),
    },
    Key { name: "external_links", part: NoPart },
    Key { name: "extra_hosts", part: NoPart },
    Key { name: "gpus", part: NotLookedAt("devices and driver files of the graphics card") },
    Key { name: "group_add", part: Used },
    Key { name: "healthcheck", part: NoPart },
    Key { name: "hostname", part: NoPart },
    Key { name: "image", part: NoPart },
    Key { name: "init", part: NoPart },
    Key { name: "ipc", part: Used },
    Key { name: "isolation", part: NoPart },
    Key { name: "label_file", part: NoPart },
    Key { name: "labels", part: NoPart },
    Key { name: "links", part: NoPart },
    Key { name: "logging", part: NoPart },
    Key { name: "mac_address", part: NoPart },
    Key { name: "mem_limit", part: Used },
    Key { name: "mem_reservation", part: NotLookedAt("a limit that counts only when memory is short") },
    Key { name: "mem_swappiness", part: NoPart },
    Key { name: "memswap_limit", part: NotLookedAt("how much it may swap; no attempt uses that up") },
    Key { name: "models", part: NoPart },
    Key { name: "network_mode", part: Used },
    Key { name: "networks", part: NoPart },
    Key { name: "oom_kill_disable", part: NotLookedAt("what happens when its memory runs out") },
    Key { name: "oom_score_adj", part: NotLookedAt("who is killed first when the host runs out of memory") },
    Key { name: "pid", part: Used },
    Key { name: "pids_limit", part: Used },
    Key { name: "platform", part: NoPart },
    Key { name: "ports", part: NoPart },
    Key { name: "post_start", part: NotLookedAt("commands in it, perhaps with more privilege") },
    Key { name: "pre_start", part: NotLookedAt("commands in it, perhaps with more privilege") },
    Key { name: "pre_stop", part: NotLookedAt("commands in it, perhaps with more privilege") },
    Key { name: "privileged", part: Used },
    Key { name: "profiles", part: NoPart },
    Key { name: "provider", part: NotLookedAt("Compose does not start it, another program does") },
    Key { name: "pull_policy", part: NoPart },
    Key { name: "pull_refresh_after", part: NoPart },
    Key { name: "read_only", part: Used },
    Key { name: "restart", part: NoPart },
    Key { name: "runtime", part: NotLookedAt("another runtime may sandbox it, or not") },
    Key { name: "scale", part: NoPart },
    Key { name: "secrets", part: NotLookedAt("files with secrets are mounted") },
    Key { name: "security_opt", part: Used },
    Key { name: "shm_size", part: NotLookedAt("how large /dev/shm is; no attempt fills it") },
    Key { name: "stdin_open", part: NoPart },
    Key { name: "stop_grace_period", part: NoPart },
    Key { name: "stop_signal", part: NoPart },
    Key { name: "storage_opt", part: NotLookedAt("how much disk it may fill") },
    Key { name: "sysctls", part: Used },
    Key { name: "tmpfs", part: Used },
    Key { name: "tty", part: NoPart },
    Key { name: "ulimits", part: Used },
    Key { name: "use_api_socket", part: ApiSocket },
    Key { name: "user", part: Used },
    Key { name: "userns_mode", part: Used },
    Key { name: "uts", part: Used },
    Key { name: "volume_driver", part: NotLookedAt("what mounts its volumes") },
    Key { name: "volumes", part: Used },
    Key { name: "volumes_from", part: NotLookedAt("the volumes of another container") },
    Key { name: "working_dir", part: NoPart },
];

/// The keys of the file itself, beside extensions (`x-…`).
pub const TOP: [&str; 9] =
    ["configs", "include", "models", "name", "networks", "secrets", "services", "version", "volumes"];

/// The key of this name.
pub fn named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_each_key_once() {
        for pair in KEYS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} and {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn what_is_used_is_what_scenarios_have() {
        for key in KEYS {
            let text = format!("title: a\nteaches: b\nservice:\n  {}: null\n", key.name);
            let error = crate::scenario::Scenario::parse("x", &text, crate::scenario::Origin::BuiltIn).err();
            let unknown = error.is_some_and(|error| error.to_string().contains("unknown key"));
            assert_eq!(unknown, key.part != Used, "{}", key.name);
        }
    }
}
