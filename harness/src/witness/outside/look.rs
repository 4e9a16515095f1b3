//! Looking at a container that holds still: its namespaces, ids and devices, and the paths that probes aim at, on the
//! host and below the container's own root.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use whyblocked_agent::Aim;
use whyblocked_agent::mountinfo::{self, Mount};

use super::node::{Node, below};
use crate::capability::CapabilitySet;
use crate::engine::Standing;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The process's namespaces by their names, beside the harness's own.
    pub namespaces: BTreeMap<&'static str, Namespace>,
    /// Which ids of the host the container's ids are.
    pub uid_map: Vec<Mapping>,
    /// The process's user and groups, by their ids on the host.
    pub user: Option<u32>,
    /// See above.
    pub groups: Vec<u32>,
    /// Its effective capabilities.
    pub effective: Option<CapabilitySet>,
    /// Whether `no_new_privs` is set.
    pub no_new_privileges: bool,
    /// Whether there are disks in /dev.
    pub disks: Option<Disks>,
    /// The paths that probes aim at.
    pub paths: BTreeMap<&'static str, PathLook>,
    /// File systems in memory that are mounted outside /dev, /proc and /sys: where, and with which options.
    pub in_memory: Vec<Mount>,
    /// The lines of its version 1 device list.
    pub devices: Option<Vec<String>>,
}

/// A namespace's number in the container and on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// The container's.
    pub container: u64,
    /// The harness's.
    pub host: u64,
}

/// How many block devices are in /dev.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disks {
    /// In the container.
    pub inside: usize,
    /// On the host.
    pub host: usize,
}

/// A line of `uid_map`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First id inside.
    pub inside: u32,
    /// First id outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// A path on the host and in the container.
#[derive(Clone, Debug)]
pub struct PathLook {
    /// What it is on the host, if it is there.
    pub host: Option<Node>,
    /// What it is in the container, or the errno.
    pub inside: Result<Node, i32>,
}

/// What the container's control groups counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Processes that the pids controller refused.
    pub forks_refused: u64,
    /// Processes that were killed because the memory was used up.
    pub killed_for_memory: u64,
}

const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

impl Look {
    /// Looks at a container; what cannot be seen is left out.
    pub(in crate::witness) fn at(container: &Standing<'_>, aims: &BTreeSet<Aim>) -> Self {
        let proc = format!("/proc/{}", container.pid);
        let inode = |path: String| fs::metadata(path).ok().map(|link| link.ino());
        let namespaces = NAMESPACES.iter().filter_map(|name| {
            let container = inode(format!("{proc}/ns/{name}"))?;
            let host = inode(format!("/proc/self/ns/{name}"))?;
            Some((*name, Namespace { container, host }))
        });
        let paths = aims.iter().filter_map(|aim| match aim {
            Aim::Path(path) => Some(*path),
            _ => None,
        });
        let status = fs::read_to_string(format!("{proc}/status")).unwrap_or_default();
        let effective = |name: &str| status_numbers(&status, name).nth(1);
        let disks = || {
            Some(Disks { inside: block_devices(&format!("{proc}/root/dev"))?, host: block_devices("/dev")? })
        };
        Self {
            namespaces: namespaces.collect(),
            uid_map: mappings(&fs::read_to_string(format!("{proc}/uid_map")).unwrap_or_default()),
            user: effective("Uid:"),
            groups: effective("Gid:").into_iter().chain(status_numbers(&status, "Groups:")).collect(),
            disks: aims.contains(&Aim::Disk).then(disks).flatten(),
            effective: capabilities(&status),
            no_new_privileges: status.lines().any(|line| line.trim_end() == "NoNewPrivs:\t1"),
            paths: look_at_paths(&format!("{proc}/root"), paths),
            in_memory: in_memory(&fs::read_to_string(format!("{proc}/mountinfo")).unwrap_or_default()),
            devices: container.groups.iter().find_map(|group| device_list(group)),
        }
    }

    /// Whether the node's mode bits let the process read it, or write to it.
    pub(super) fn mode_bits_let(&self, node: &Node, write: bool) -> Option<bool> {
        let shift = match self.user? {
            user if user == node.uid => 6,
            _ if self.groups.contains(&node.gid) => 3,
            _ => 0,
        };
        Some(node.mode >> shift & if write { 2 } else { 4 } != 0)
    }

    /// Whether the owner of a node has an id in the container.
    pub(super) fn maps(&self, node: &Node) -> bool {
        self.uid_map
            .iter()
            .any(|map| (map.outside..map.outside.saturating_add(map.count)).contains(&node.uid))
    }
}

/// The mounts of type tmpfs in the text of `/proc/PID/mountinfo`.
fn in_memory(mounts: &str) -> Vec<Mount> {
    let of_the_kernel = |point: &str| ["/dev", "/proc", "/sys"].iter().any(|top| point.starts_with(top));
    let ours = |mount: &Mount| mount.kind == "tmpfs" && !of_the_kernel(&mount.point);
    mountinfo::parse(mounts).filter(ours).collect()
}

/// The numbers of a line of `/proc/PID/status`.
fn status_numbers<'a>(status: &'a str, name: &str) -> impl Iterator<Item = u32> + 'a {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
    line.split_ascii_whitespace().filter_map(|number| number.parse().ok())
}

fn capabilities(status: &str) -> Option<CapabilitySet> {
    let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(bits.trim(), 16).ok().map(CapabilitySet::from_bits)
}

/// Nothing in the directory is followed: the names in it are the container's.
fn block_devices(dir: &str) -> Option<usize> {
    let entries = fs::read_dir(dir).ok()?;
    let is_block = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_block_device());
    Some(entries.flatten().filter(is_block).count())
}

fn look_at_paths(root: &str, paths: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, PathLook> {
    let open =
        |path: &str| OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path);
    let (Ok(container), Ok(host)) = (open(root), open("/")) else { return BTreeMap::new() };
    paths
        .map(|path| (path, PathLook { host: below(&host, path).ok(), inside: below(&container, path) }))
        .collect()
}

fn device_list(group: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(group.join("devices.list")).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

fn mappings(text: &str) -> Vec<Mapping> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().map(|field| field.parse::<u32>().ok());
            let mut next = || fields.next().flatten();
            Some(Mapping { inside: next()?, outside: next()?, count: next()? })
        })
        .collect()
}

/// The host's id for an id of the container.
pub(super) fn host_id(map: &[Mapping], id: u32) -> Option<u32> {
    map.iter().find_map(|line| {
        let offset = id.checked_sub(line.inside).filter(|offset| *offset < line.count)?;
        line.outside.checked_add(offset)
    })
}

/// `0–65535 are 100000–165535`.
pub(super) fn words(map: &[Mapping]) -> String {
    let last = |first: u32, count: u32| u64::from(first) + u64::from(count).saturating_sub(1);
    let lines: Vec<String> = map
        .iter()
        .map(|line| {
            let Mapping { inside, outside, count } = *line;
            format!("{inside}–{} are {outside}–{}", last(inside, count), last(outside, count))
        })
        .collect();
    lines.join(", ")
}

impl Counts {
    /// Reads them.
    pub(in crate::witness) fn read(container: &Standing<'_>) -> Self {
        let sum = |file: &str, field: &str| -> u64 {
            let texts = container.groups.iter().filter_map(|group| fs::read_to_string(group.join(file)).ok());
            texts.filter_map(|text| counter(&text, field)).sum()
        };
        Self {
            forks_refused: sum("pids.events", "max"),
            // Version 2, and version 1.
            killed_for_memory: sum("memory.events", "oom_kill") + sum("memory.oom_control", "oom_kill"),
        }
    }
}

/// The number beside a name in a file of lines `NAME NUMBER`.
fn counter(text: &str, field: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const REMAP: &str = "         0     100000      65536\n";
    const TWO: &str = "0 1000 1\n1 100000 65536\n";

    #[rstest]
    #[case(REMAP, 0, Some(100_000))]
    #[case(REMAP, 65_535, Some(165_535))]
    #[case(REMAP, 65_536, None)]
    #[case(TWO, 0, Some(1000))]
    #[case(TWO, 4242, Some(104_241))]
    #[case("0 0 4294967295\n", 4_000_000_000, Some(4_000_000_000))]
    #[case("garbage\n", 0, None)]
    fn ids_on_the_host(#[case] map: &str, #[case] id: u32, #[case] host: Option<u32>) {
        assert_eq!(host_id(&mappings(map), id), host);
    }

    #[test]
    fn maps_in_words() {
        assert_eq!(words(&mappings(TWO)), "0–0 are 1000–1000, 1–65536 are 100000–165535");
    }

    #[rstest]
    #[case::the_owner(1000, 0o600, true, true)]
    #[case::the_group(1001, 0o640, false, true)]
    #[case::the_group_may_not_write(1001, 0o640, true, false)]
    #[case::others(2000, 0o604, false, true)]
    #[case::the_owners_bits_count_for_him_alone(1000, 0o077, false, false)]
    fn mode_bits(#[case] user: u32, #[case] mode: u32, #[case] write: bool, #[case] lets: bool) {
        let look =
            Look { user: Some(user), groups: vec![if user == 1001 { 50 } else { 60 }], ..Look::default() };
        let node = Node {
            mode: libc::S_IFREG | mode,
            uid: 1000,
            gid: 50,
            device: 0,
            read_only: false,
            file_system: 0,
        };
        assert_eq!(look.mode_bits_let(&node, write), Some(lets));
    }

    #[test]
    fn file_systems_in_memory_are_found_among_the_mounts() {
        let text = "36 35 0:9 / /tmp rw,noexec shared:1 - tmpfs tmpfs rw\n1 2 0:3 / /dev rw - tmpfs tmpfs rw\n\
                    5 6 8:1 / / rw - ext4 /dev/sda rw\nbroken\n";
        let found = in_memory(text).into_iter().map(|mount| (mount.point, mount.options));
        assert_eq!(found.collect::<Vec<_>>(), [("/tmp".to_owned(), "rw,noexec".to_owned())]);
    }

    #[test]
    fn lines_of_a_status_file() {
        let text = "Name:\tx\nUid:\t1 2 3 4\nGroups:\t7 8 \n";
        assert_eq!(status_numbers(text, "Uid:").nth(1), Some(2));
        assert_eq!(status_numbers(text, "Groups:").collect::<Vec<_>>(), [7, 8]);
        assert_eq!(status_numbers(text, "Gid:").next(), None);
    }

    #[rstest]
    #[case("max 3\n", "max", Some(3))]
    #[case("low 0\noom_kill 2\noom_kill_all 9\n", "oom_kill", Some(2))]
    #[case("", "max", None)]
    fn counters(#[case] text: &str, #[case] field: &str, #[case] number: Option<u64>) {
        assert_eq!(counter(text, field), number);
    }
}
