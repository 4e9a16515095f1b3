//! The steps that mount the kernel's own file systems: procfs, sysfs and the control groups.

use std::fs;

use super::plan::{NO_SUID_DEV_EXEC, Planner};
use super::step;

impl Planner<'_> {
    pub(super) fn kernel_file_systems(&mut self) {
        let namespaces = self.settings.namespaces;
        // A process list that is not the user namespace's own cannot be mounted in it.
        if namespaces.pid || !self.in_user_namespace() {
            self.mount("proc", "proc", NO_SUID_DEV_EXEC, "");
        } else {
            self.bind_host("/proc", "proc", false);
            self.restrict("proc", step::NO_SUID_DEV_EXEC, false);
        }
        let read_only = self.settings.read_only_kernel_mounts;
        // Nor a network's sysfs.
        if namespaces.mount && (namespaces.network || !self.in_user_namespace()) {
            self.mount("sysfs", "sys", NO_SUID_DEV_EXEC | if read_only { libc::MS_RDONLY } else { 0 }, "");
            self.control_groups();
        } else {
            self.bind_host("/sys", "sys", false);
            if read_only {
                self.restrict("sys", step::READ_ONLY, true);
            }
        }
    }

    /// The hierarchies that this process is in; with a namespace of its own, as they look from its own groups.
    fn control_groups(&mut self) {
        let Ok(own) = fs::read_to_string("/proc/self/cgroup") else { return };
        let version_1: Vec<&str> = own.lines().filter(|line| !line.starts_with("0::")).collect();
        if version_1.is_empty() {
            if let Some(line) = own.lines().next() {
                self.hierarchy("cgroup2", "", "sys/fs/cgroup", "", line.trim_start_matches("0::"));
            }
            return;
        }
        self.mount("tmpfs", "sys/fs/cgroup", NO_SUID_DEV_EXEC, "mode=755");
        for line in version_1 {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
            let name = controllers.strip_prefix("name=").unwrap_or(controllers);
            let target = format!("sys/fs/cgroup/{name}");
            self.directory(&target);
            self.hierarchy("cgroup", name, &target, controllers, &format!("{name}{path}"));
        }
    }

    /// One hierarchy: mounted anew, or without a namespace of its own the container's part of the host's mount.
    fn hierarchy(&mut self, kind: &str, name: &str, target: &str, options: &str, harness: &str) {
        // Docker leaves the control groups writable in a user namespace, where the ids protect them.
        let read_only = self.settings.read_only_kernel_mounts && !self.in_user_namespace();
        if self.settings.namespaces.cgroup {
            let flags = NO_SUID_DEV_EXEC | if read_only { libc::MS_RDONLY } else { 0 };
            return self.mount(kind, target, flags, options);
        }
        let part = self.outside.groups.in_hierarchy(name).map(|group| group.display().to_string());
        let part = part.unwrap_or_else(|| format!("/sys/fs/cgroup/{}", harness.trim_start_matches('/')));
        self.bind_host(&part, target, true);
        let attributes = step::NO_SUID_DEV_EXEC | if read_only { step::READ_ONLY } else { 0 };
        self.restrict(target, attributes, false);
    }
}
