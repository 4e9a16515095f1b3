//! What a process inside a container can see of its own confinement, read from its `/proc` alone. For the test
//! that holds the built-in engine against another runtime.

use std::collections::BTreeMap;
use std::fs;
use std::os::linux::fs::MetadataExt as _;

use serde::{Deserialize, Serialize};

use crate::mountinfo;

/// A process's view of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Umask, ids, groups, capability sets, `no_new_privs` and seccomp mode: fields of `/proc/self/status`.
    pub status: BTreeMap<String, String>,
    /// `/proc/self/uid_map`, words.
    pub uid_map: Vec<String>,
    /// Namespaces by their names and inode numbers.
    pub namespaces: BTreeMap<String, u64>,
    /// Mounts by their targets: file-system type and per-mount options, the last one on each target.
    pub mounts: BTreeMap<String, Mount>,
    /// Soft and hard limits by their names in `/proc/self/limits`.
    pub limits: BTreeMap<String, String>,
    /// Open descriptors by their numbers, and what they are: a path, `pipe`, `socket`, `anon_inode`.
    pub descriptors: BTreeMap<String, String>,
    /// The host name.
    pub hostname: String,
}

/// A line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// `proc`, `tmpfs`, …
    pub kind: String,
    /// The path within the file system that is mounted.
    pub root: String,
    /// `ro`, `nosuid`, … of the mount, sorted.
    pub options: Vec<String>,
}

/// The fields of `/proc/self/status` that tell of confinement.
const STATUS: [&str; 12] = [
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
    "Seccomp_filters",
];

impl Inspection {
    /// Looks.
    pub fn of_self() -> std::io::Result<Self> {
        Ok(Self {
            status: status(&fs::read_to_string("/proc/self/status")?),
            uid_map: fs::read_to_string("/proc/self/uid_map")?
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            namespaces: namespaces(),
            mounts: mounts(&fs::read_to_string("/proc/self/mountinfo")?),
            limits: limits(&fs::read_to_string("/proc/self/limits")?),
            descriptors: descriptors(),
            hostname: fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned(),
        })
    }
}

fn status(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| STATUS.contains(name))
        .map(|(name, value)| (name.to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

fn namespaces() -> BTreeMap<String, u64> {
    ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
        .iter()
        .filter_map(|name| {
            Some(((*name).to_owned(), fs::metadata(format!("/proc/self/ns/{name}")).ok()?.st_ino()))
        })
        .collect()
}

fn descriptors() -> BTreeMap<String, String> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
            // `pipe:[4711]`
            let kind = target.split_once(":[").map_or(target.as_str(), |(kind, _)| kind).to_owned();
            Some((entry.file_name().to_string_lossy().into_owned(), kind))
        })
        // The descriptor through which the others are listed.
        .filter(|(_, kind)| !kind.starts_with("/proc/"))
        .collect()
}

fn mounts(text: &str) -> BTreeMap<String, Mount> {
    mountinfo::parse(text)
        .map(|mount| {
            let mut options: Vec<String> = mount.options.split(',').map(str::to_owned).collect();
            options.sort();
            (mount.point, Mount { kind: mount.kind, root: mount.root, options })
        })
        .collect()
}

fn limits(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let name = line.get(..26)?.trim();
            let values: Vec<&str> = line.get(26..)?.split_whitespace().take(2).collect();
            Some((name.to_owned(), values.join(" ")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mountinfo_line_with_optional_fields() {
        let text = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n";
        let mount =
            Mount { kind: "ext3".into(), root: "/mnt1".into(), options: vec!["noatime".into(), "rw".into()] };
        assert_eq!(mounts(text), BTreeMap::from([("/mnt2".to_owned(), mount)]));
    }

    #[test]
    fn a_limits_line() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max open files            1024                 524288               files     \n";
        assert_eq!(limits(text), BTreeMap::from([("Max open files".to_owned(), "1024 524288".to_owned())]));
    }
}
