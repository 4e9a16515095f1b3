//! What a translation looks at on this host, and nothing else: what kind of thing lies at a path, which variables are
//! set, which security modules are on. A scripted twin is enough to test the rest.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A character or block device.
    Device,
    /// A socket.
    Socket,
    /// A file, or anything else.
    File,
}

/// What can be looked at.
pub trait Look {
    /// What lies at a path; nothing if it is not there, or cannot be seen.
    fn kind(&self, path: &Path) -> Option<Kind>;
    /// Where a path leads, links followed; nothing if it is not there, or cannot be seen.
    fn real(&self, path: &Path) -> Option<PathBuf>;
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// The user and group of a process.
    fn ids_of(&self, pid: i64) -> Option<(u32, u32)>;
    /// Whether SELinux is active.
    fn selinux(&self) -> bool;
    /// Whether `AppArmor` is active.
    fn apparmor(&self) -> bool;
}

/// The host that this runs on.
#[derive(Clone, Copy, Debug)]
pub struct ThisHost {
    /// Whether SELinux is active.
    pub selinux: bool,
    /// Whether `AppArmor` is active.
    pub apparmor: bool,
}

impl Look for ThisHost {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let kind = std::fs::metadata(path).ok()?.file_type();
        Some(if kind.is_dir() {
            Kind::Directory
        } else if kind.is_char_device() || kind.is_block_device() {
            Kind::Device
        } else if kind.is_socket() {
            Kind::Socket
        } else {
            Kind::File
        })
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        std::fs::canonicalize(path).ok()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn ids_of(&self, pid: i64) -> Option<(u32, u32)> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let first = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some((first("Uid:")?, first("Gid:")?))
    }

    fn selinux(&self) -> bool {
        self.selinux
    }

    fn apparmor(&self) -> bool {
        self.apparmor
    }
}

/// A host with the directories and devices that every host has, and nothing set.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct Scripted;

#[cfg(test)]
impl Look for Scripted {
    fn kind(&self, path: &Path) -> Option<Kind> {
        let path = path.to_str()?;
        match path {
            "/etc/localtime" | "/etc/passwd" => Some(Kind::File),
            "/var/run/docker.sock" => Some(Kind::Socket),
            "/dev/null" | "/dev/fuse" => Some(Kind::Device),
            "/" | "/etc" | "/root" | "/var" | "/dev" | "/home/me" => Some(Kind::Directory),
            _ => None,
        }
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        (path == Path::new("/home/me/link")).then(|| PathBuf::from("/run/docker.sock"))
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "TAG").then(|| "1.27".to_owned())
    }

    fn ids_of(&self, _: i64) -> Option<(u32, u32)> {
        Some((999, 998))
    }

    fn selinux(&self) -> bool {
        false
    }

    fn apparmor(&self) -> bool {
        false
    }
}
