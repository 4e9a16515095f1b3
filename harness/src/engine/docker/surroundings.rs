//! What of the host is put into a container whose settings ask for the host's own: read once, so that the mapping
//! itself looks at nothing.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use whyblocked_agent::mountinfo;

use crate::engine::device_rule_of;
use crate::engine::host_root::HostRoot;
use crate::settings::DeviceRule;

/// The host's directories, devices and mounts.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// Directories in the root directory, but for those that a container has of its own.
    pub(super) directories: Vec<String>,
    /// Symbolic links in it: name, target.
    pub(super) links: Vec<(String, String)>,
    /// Nodes below /dev, as `--privileged` would take them.
    pub(super) devices: Vec<(String, DeviceRule)>,
    /// What is mounted at and below /sys, outermost first.
    pub(super) sys: Vec<String>,
    /// Those of them that only their owner may enter.
    pub(super) closed: Vec<String>,
    /// Whether message queues are mounted where they usually are.
    pub(super) queues: bool,
}

/// Files that Docker mounts into every container's /etc, and would make on the host if it were the host's.
const DOCKERS_FILES: [&str; 3] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

impl Surroundings {
    /// Looks around.
    pub(super) fn read() -> Self {
        let HostRoot { mut directories, links } = HostRoot::read().unwrap_or_default();
        if !DOCKERS_FILES.iter().all(|file| Path::new(file).exists()) {
            directories.retain(|path| path != "/etc");
        }
        let mut found = Self { directories, links, ..Self::default() };
        devices(Path::new("/dev"), &mut found.devices);
        found.queues = Path::new("/dev/mqueue").is_dir();
        found.sys = mounted_at_or_below("/sys", &crate::host::read_trimmed("/proc/self/mountinfo"));
        found.closed = found.sys.iter().filter(|path| only_its_owners(path)).cloned().collect();
        found
    }
}

fn only_its_owners(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o005 != 0o005)
}

fn devices(dir: &Path, found: &mut Vec<(String, DeviceRule)>) {
    let mut entries: Vec<_> = fs::read_dir(dir).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            // Docker makes these itself.
            if !["pts", "shm", "fd", "mqueue"].iter().any(|own| name == *own) {
                devices(&path, found);
            }
        } else if (kind.is_char_device() || kind.is_block_device()) && name != "console" {
            let path = path.display().to_string();
            found.extend(device_rule_of(&path, "rwm").map(|rule| (path, rule)));
        }
    }
}

/// Mount points of a `mountinfo`, each once.
fn mounted_at_or_below(dir: &str, text: &str) -> Vec<String> {
    let mounts = mountinfo::parse(text).filter(|mount| mountinfo::at_or_below(&mount.point, dir));
    let mut points: Vec<String> = mounts.map(|mount| mount.point).collect();
    points.sort();
    points.dedup();
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_taken_once_and_outermost_first() {
        let text = "\
24 29 0:22 / /sys/fs/cgroup/pids rw - cgroup cgroup rw
23 29 0:21 / /sys rw,nosuid - sysfs sysfs rw
25 29 0:23 / /system rw - tmpfs tmpfs rw
26 23 0:24 / /sys/fs/cgroup rw - tmpfs tmpfs rw
27 23 0:24 / /sys rw - tmpfs tmpfs rw";
        assert_eq!(mounted_at_or_below("/sys", text), ["/sys", "/sys/fs/cgroup", "/sys/fs/cgroup/pids"]);
    }
}
