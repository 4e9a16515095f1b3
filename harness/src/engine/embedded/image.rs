//! The steps that fill a container's root directory: the agent and its fixtures, the host's directories where the
//! mount namespace is relaxed, and `/dev`.

use std::path::Path;

use whyblocked_agent::{Need, layout};

use super::EngineError;
use super::plan::{NO_SUID_DEV_EXEC, Planner, c};
use super::step::Op;
use crate::engine::fixtures::{self, AGENT, CAPABILITY_ATTRIBUTE, Fixture, file_capability};
use crate::engine::host_root::HostRoot;

/// The nodes of every container's `/dev`: name, major and minor number.
const NODES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

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
        if self.settings.selinux.is_some() && needs.contains(&Need::Neighbour) {
            self.file(&layout::NEIGHBOUR[1..], AGENT, 0o755, 0, 0);
        }
        for fixture in fixtures::in_root_directory(self.settings.identity.uid) {
            if needs.contains(&fixture.need) && (fixture.need != Need::ForeignFiles || self.has_foreign_id())
            {
                self.fixture(&fixture);
            }
        }
        Ok(())
    }

    /// The host's top-level directories, where the mount namespace is relaxed: as with a volume of `/`.
    fn host_directories(&mut self) -> Result<(), EngineError> {
        let host = HostRoot::read()
            .map_err(|source| EngineError::Outside { doing: "listing /".to_owned(), source })?;
        for path in host.directories {
            self.directory(&path[1..]);
            self.bind_host(&path, &path[1..], false);
        }
        for (name, target) in host.links {
            self.add(format!("link /{name}"), Op::Symlink { target: c(&target), path: c(&name) });
        }
        Ok(())
    }

    fn fixture(&mut self, fixture: &Fixture) {
        let (path, (uid, gid)) = (&fixture.path[1..], fixture.owner);
        self.file(path, fixture.content, fixture.mode, uid, gid);
        if let Some(number) = fixture.capability {
            let op = Op::Attribute {
                path: c(path),
                name: c(CAPABILITY_ATTRIBUTE),
                value: file_capability(number),
            };
            self.add("give a file its capability", op);
        }
    }

    pub(super) fn devices(&mut self) {
        let settings = self.settings;
        if !settings.namespaces.mount || settings.devices.all_nodes {
            self.bind_host("/dev", "dev", false);
        } else {
            self.mount("tmpfs", "dev", libc::MS_NOSUID, "mode=755,size=65536k");
            for (name, major, minor) in NODES {
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
        for (source, target) in &settings.devices.nodes {
            let name = target.strip_prefix("/dev/");
            // There the host's own nodes are, by their own names; another name would be made on the host itself.
            if name.is_some() && settings.devices.all_nodes {
                continue;
            }
            if !NODES.iter().any(|(known, ..)| Some(*known) == name) {
                self.parents(&target[1..]);
                self.file(&target[1..], b"", 0o600, 0, 0);
            }
            self.bind_host(source, &target[1..], false);
        }
    }
}
