//! The steps that fill a container's root directory: the agent and its fixtures, the host's directories where the
//! mount namespace is relaxed, and `/dev`.

use std::fs;
use std::path::Path;

use whyblocked_agent::{Need, layout};

use super::plan::{NO_SUID_DEV_EXEC, Planner, TEXT, c};
use super::step::Op;
use super::{AGENT, EngineError};

impl Planner<'_> {
    pub(super) fn root_directory(&mut self, needs: &[Need]) -> Result<(), EngineError> {
        for name in ["proc", "sys", "dev", "host"] {
            self.directory(name);
        }
        self.directory(&layout::SCRATCH[1..]);
        self.directory("fixtures");
        self.file(&layout::AGENT[1..], AGENT, 0o755, 0, 0);
        if !self.settings.namespaces.mount {
            self.host_directories()?;
        }
        if needs.contains(&Need::SetuidRoot) {
            self.file(&layout::SETUID_ROOT[1..], AGENT, 0o4755, 0, 0);
        }
        if needs.contains(&Need::Text) {
            self.file(&layout::TEXT[1..], TEXT, 0o755, 0, 0);
        }
        if needs.contains(&Need::FileCapability) {
            self.file(&layout::FILE_CAPABILITY[1..], AGENT, 0o755, 0, 0);
            let op = Op::Attribute {
                path: c(&layout::FILE_CAPABILITY[1..]),
                name: c("security.capability"),
                value: file_capability(layout::FILE_CAPABILITY_GRANTS),
            };
            self.add("give a file its capability", op);
        }
        if needs.contains(&Need::ForeignFiles) && self.has_foreign_id() {
            let foreign = layout::FOREIGN_ID;
            self.file(&layout::FOREIGN_FILE[1..], b"another user's\n", 0o600, foreign, foreign);
            let own = self.settings.identity.uid;
            self.file(&layout::FOREIGN_GROUP_FILE[1..], b"another group's\n", 0o644, own, foreign);
        }
        Ok(())
    }

    /// The host's top-level directories, where the mount namespace is relaxed: as with a volume of `/`.
    fn host_directories(&mut self) -> Result<(), EngineError> {
        let ours = ["proc", "sys", "dev", "host", "fixtures", "lost+found"];
        let entries = fs::read_dir("/")
            .map_err(|source| EngineError::Outside { doing: "listing /".to_owned(), source })?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("/{name}");
            if ours.contains(&name.as_str()) || path == layout::AGENT || path == layout::SCRATCH {
                continue;
            }
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_symlink() {
                let Ok(target) = fs::read_link(&path) else { continue };
                let op = Op::Symlink { target: c(&target.display().to_string()), path: c(&name) };
                self.add(format!("link {path}"), op);
            } else if kind.is_dir() {
                self.directory(&name);
                self.bind_host(&path, &name, false);
            }
        }
        Ok(())
    }

    pub(super) fn devices(&mut self) {
        let settings = self.settings;
        if !settings.namespaces.mount || settings.devices.all_nodes {
            self.bind_host("/dev", "dev", false);
        } else {
            self.mount("tmpfs", "dev", libc::MS_NOSUID, "mode=755,size=65536k");
            for (name, major, minor) in [
                ("null", 1, 3),
                ("zero", 1, 5),
                ("full", 1, 7),
                ("random", 1, 8),
                ("urandom", 1, 9),
                ("tty", 5, 0),
            ] {
                let path = format!("dev/{name}");
                if self.in_user_namespace() {
                    self.file(&path, b"", 0o666, 0, 0);
                    self.bind_host(&format!("/dev/{name}"), &path, false);
                } else {
                    self.add(format!("make {path}"), Op::Node { path: c(&path), major, minor });
                }
            }
            for (target, path) in [
                ("/proc/self/fd", "dev/fd"),
                ("/proc/self/fd/0", "dev/stdin"),
                ("/proc/self/fd/1", "dev/stdout"),
                ("/proc/self/fd/2", "dev/stderr"),
                ("pts/ptmx", "dev/ptmx"),
            ] {
                self.add(format!("link {path}"), Op::Symlink { target: c(target), path: c(path) });
            }
            for name in ["dev/pts", "dev/shm", "dev/mqueue"] {
                self.directory(name);
            }
        }
        if settings.namespaces.mount {
            let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
            let group = if self.may_set_groups() { ",gid=5" } else { "" };
            self.mount("devpts", "dev/pts", flags, &format!("newinstance,ptmxmode=0666,mode=0620{group}"));
            if settings.namespaces.ipc {
                self.mount("tmpfs", "dev/shm", NO_SUID_DEV_EXEC, "mode=1777,size=65536k");
            } else {
                self.bind_host("/dev/shm", "dev/shm", true);
            }
            let own_queues = settings.namespaces.ipc || !self.in_user_namespace();
            match (settings.devices.all_nodes, own_queues) {
                (true, _) => {}
                (false, false) => self.bind_host("/dev/mqueue", "dev/mqueue", true),
                (false, true) if !Path::new("/proc/sys/fs/mqueue").exists() => {}
                (false, true) => self.mount("mqueue", "dev/mqueue", NO_SUID_DEV_EXEC, ""),
            }
        }
        for (source, target) in settings.devices.nodes.clone() {
            self.file(&target[1..], b"", 0o600, 0, 0);
            self.bind_host(&source, &target[1..], false);
        }
    }
}

/// `struct vfs_cap_data`, revision 2: effective, and one capability permitted.
pub(in crate::engine) fn file_capability(number: u32) -> Vec<u8> {
    let revision_2_effective: u32 = 0x0200_0001;
    let words = [revision_2_effective, 1 << number, 0, 0, 0];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
