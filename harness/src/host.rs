//! What this host has, and how far this run can reach on it. Read once, at the start.

use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capability::{Capability, CapabilitySet};
use crate::settings::IdRange;

/// What a run can do on its host. Mechanisms that it cannot turn off have no knob in this run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the host")]
pub struct Reach {
    /// Whether containers can be started outside a user namespace: decided by `CAP_SYS_ADMIN`, not by user id.
    pub privileged: bool,
    /// The capabilities that a container can have at most.
    pub bounding_set: CapabilitySet,
    /// Whether several ids can be mapped into a user namespace: always with privilege, else by
    /// `newuidmap(1)` and `/etc/subuid`.
    pub many_ids: bool,
    /// Whether control groups can be made, for device rules and limits.
    pub control_groups: bool,
    /// Whether SELinux is active.
    pub selinux: bool,
    /// Whether `AppArmor` is active.
    pub apparmor: bool,
    /// Whether this is the disposable machine, in which probes may change the host; see [`crate::disposable`].
    pub disposable: bool,
}

/// Facts about the host, for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub arch: String,
    /// `PRETTY_NAME` of os-release.
    pub system: String,
    /// Active Linux security modules; empty if the kernel does not say.
    pub lsm: Vec<String>,
    /// `enforcing`, `permissive` or `absent`.
    pub selinux: String,
    /// `active` or `absent`.
    pub apparmor: String,
    /// Whether the kernel can load modules: `loadable`, `disabled` or `absent`.
    pub modules: String,
    /// `none`, `integrity`, `confidentiality` or `absent`.
    pub lockdown: String,
    /// `v1`, `v2`, `hybrid` or `absent`.
    pub cgroup: String,
    /// `root` if this run could start containers outside a user namespace, else `user`.
    pub privilege: String,
    /// Whether this was the disposable machine: there probes may change the host, and `${LAB}` is the real `/`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disposable: bool,
    /// Capabilities that a container can have at most.
    #[schemars(with = "Vec<String>")]
    pub bounding_set: CapabilitySet,
    /// Versions of the programs that took part.
    pub versions: Vec<Version>,
}

/// A program and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// The program.
    pub name: String,
    /// What it says of itself.
    pub version: String,
}

impl Host {
    /// Reads the facts.
    pub fn read() -> Self {
        let uname = nix::sys::utsname::uname().ok();
        let text = |part: Option<&std::ffi::OsStr>| {
            part.map_or_else(String::new, |p| p.to_string_lossy().into_owned())
        };
        Self {
            kernel: text(uname.as_ref().map(nix::sys::utsname::UtsName::release)),
            arch: text(uname.as_ref().map(nix::sys::utsname::UtsName::machine)),
            system: system_name(&read_trimmed("/etc/os-release")),
            lsm: active_lsms(),
            selinux: match read_trimmed(crate::selinux::ENFORCE).as_str() {
                "1" => "enforcing",
                "0" => "permissive",
                _ => "absent",
            }
            .to_owned(),
            apparmor: if read_trimmed("/sys/module/apparmor/parameters/enabled") == "Y" {
                "active"
            } else {
                "absent"
            }
            .to_owned(),
            modules: modules().to_owned(),
            lockdown: lockdown(&read_trimmed("/sys/kernel/security/lockdown")),
            cgroup: cgroup(&read_trimmed("/proc/self/mounts")).to_owned(),
            privilege: if privileged() { "root" } else { "user" }.to_owned(),
            disposable: crate::disposable::is_here(),
            bounding_set: bounding_set(),
            versions: vec![Version {
                name: "whyblocked".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            }],
        }
    }
}

impl Reach {
    /// How far this run can reach on `host`.
    pub fn of(host: &Host) -> Self {
        let privileged = host.privilege == "root";
        Self {
            privileged,
            // Inside a user namespace of its own a container holds every capability; they count only there.
            bounding_set: if privileged { host.bounding_set } else { CapabilitySet::ALL },
            many_ids: privileged || subordinate_ids_of_caller().is_some(),
            control_groups: privileged && crate::engine::embedded::cgroup::writable(),
            selinux: host.selinux != "absent",
            apparmor: host.apparmor == "active",
            disposable: host.disposable,
        }
    }
}

/// The calling user's subordinate ids, if there are some and `newuidmap` is installed to use them.
pub fn subordinate_ids_of_caller() -> Option<IdRange> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok()??.name;
    in_path("newuidmap").then_some(())?;
    in_path("newgidmap").then_some(())?;
    subordinate_ids(&fs::read_to_string("/etc/subuid").ok()?, &user)
}

/// The first range that a `subuid(5)` file gives to `user`.
pub fn subordinate_ids(file: &str, user: &str) -> Option<IdRange> {
    file.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        (fields.next()? == user).then_some(())?;
        let first = fields.next()?.parse().ok()?;
        let size = fields.next()?.parse().ok()?;
        (size > 0).then_some(IdRange { first, size })
    })
}

/// Whether a program is installed.
pub(crate) fn in_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// A small file's content without surrounding white space; empty if it cannot be read.
pub fn read_trimmed(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// A hexadecimal field of this process's own status.
fn own_status_bits(field: &str) -> u64 {
    status_bits(&fs::read_to_string("/proc/self/status").unwrap_or_default(), field)
}

/// A hexadecimal field of a `/proc/PID/status`; 0 if it is not there.
pub(crate) fn status_bits(status: &str, field: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|value| u64::from_str_radix(value.trim(), 16).ok())
        .unwrap_or(0)
}

fn privileged() -> bool {
    CapabilitySet::from_bits(own_status_bits("CapEff")).has(Capability::SYS_ADMIN)
}

/// What can be given to a container is what this process holds.
fn bounding_set() -> CapabilitySet {
    let bounding = CapabilitySet::from_bits(own_status_bits("CapBnd"));
    if privileged() { bounding.and(CapabilitySet::from_bits(own_status_bits("CapPrm"))) } else { bounding }
}

fn system_name(os_release: &str) -> String {
    os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or_else(|| "unknown".to_owned(), |name| name.trim_matches('"').to_owned())
}

/// From securityfs, or where that is not mounted from `lsm_list_modules(2)` (6.8 and later).
fn active_lsms() -> Vec<String> {
    let listed = read_trimmed("/sys/kernel/security/lsm");
    if !listed.is_empty() {
        return listed.split(',').map(str::to_owned).collect();
    }
    let mut ids = [0u64; 32];
    let mut bytes = size_of_val(&ids) as u32;
    // SAFETY: both pointers refer to live memory of the sizes that are passed.
    let count = unsafe { libc::syscall(SYS_LSM_LIST_MODULES, ids.as_mut_ptr(), &raw mut bytes, 0) };
    ids.iter().take(usize::try_from(count).unwrap_or(0)).map(|id| lsm_name(*id)).collect()
}

/// `lsm_list_modules`, the same number on every architecture.
const SYS_LSM_LIST_MODULES: libc::c_long = 461;

/// `LSM_ID_*`, `linux/lsm.h`.
fn lsm_name(id: u64) -> String {
    match id {
        100 => "capability",
        101 => "selinux",
        102 => "smack",
        103 => "tomoyo",
        104 => "apparmor",
        105 => "yama",
        106 => "loadpin",
        107 => "safesetid",
        108 => "lockdown",
        109 => "bpf",
        110 => "landlock",
        111 => "ima",
        112 => "evm",
        113 => "ipe",
        other => return format!("lsm-{other}"),
    }
    .to_owned()
}

fn modules() -> &'static str {
    if !Path::new("/proc/modules").exists() {
        "absent"
    } else if read_trimmed("/proc/sys/kernel/modules_disabled") == "1" {
        "disabled"
    } else {
        "loadable"
    }
}

/// `none [integrity] confidentiality`: the bracketed word counts.
fn lockdown(file: &str) -> String {
    file.split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("absent", |(word, _)| word)
        .to_owned()
}

fn cgroup(mounts: &str) -> &'static str {
    let has = |kind: &str| mounts.lines().any(|line| line.split(' ').nth(2) == Some(kind));
    match (has("cgroup"), has("cgroup2")) {
        (true, true) => "hybrid",
        (true, false) => "v1",
        (false, true) => "v2",
        (false, false) => "absent",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::as_in_the_notes("vagrant:100000:65536\n", Some(IdRange { first: 100_000, size: 65_536 }))]
    #[case::second_line("root:1:2\nvagrant:5:6", Some(IdRange { first: 5, size: 6 }))]
    #[case::another_user("vagrantx:100000:65536", None)]
    #[case::no_number("vagrant:x:65536", None)]
    #[case::empty_range("vagrant:100000:0", None)]
    #[case::empty("", None)]
    fn subuid_lines(#[case] file: &str, #[case] range: Option<IdRange>) {
        assert_eq!(subordinate_ids(file, "vagrant"), range);
    }

    #[rstest]
    #[case("none [integrity] confidentiality", "integrity")]
    #[case("[none] integrity confidentiality", "none")]
    #[case("", "absent")]
    fn lockdown_words(#[case] file: &str, #[case] word: &str) {
        assert_eq!(lockdown(file), word);
    }

    #[rstest]
    #[case("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0", "v2")]
    #[case("cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0", "v1")]
    #[case("a /x cgroup rw 0 0\nb /y cgroup2 rw 0 0", "hybrid")]
    #[case("proc /proc proc rw 0 0", "absent")]
    fn cgroup_versions(#[case] mounts: &str, #[case] version: &str) {
        assert_eq!(cgroup(mounts), version);
    }
}
