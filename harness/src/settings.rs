//! How a container is set up, as it was meant: every default filled in, every name resolved, every setting
//! that this host cannot give already taken away.
//!
//! Two trials with equal settings are the same trial. What was written in a scenario file is
//! [`crate::scenario::file`]; only this travels on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use whyblocked_agent::layout;

use crate::capability::CapabilitySet;
use crate::remap::Prepared;
use crate::seccomp::Policy;

/// A container's settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Who the process is, inside.
    pub identity: Identity,
    /// The bounding set, and for user 0 also the permitted and effective ones.
    pub capabilities: CapabilitySet,
    /// The system-call filter, resolved for the scenario's own capabilities and frozen; `None` is "unconfined".
    pub seccomp: Option<Arc<Policy>>,
    /// A user namespace of the container's own; `None` is the host's.
    pub user_namespace: Option<UserNamespace>,
    /// `no_new_privs`.
    pub no_new_privileges: bool,
    /// The other namespaces.
    pub namespaces: Namespaces,
    /// Whether the root file system is mounted read-only.
    pub read_only_root: bool,
    /// Whether sysfs and the control groups are mounted read-only, as they are unless privileged.
    pub read_only_kernel_mounts: bool,
    /// Directories and files of the host, mounted into the container.
    pub binds: Vec<Bind>,
    /// The binds of another container that was there before, with categories of its own: what is left of it is what it
    /// relabelled.
    pub earlier: Vec<Bind>,
    /// File systems in memory, mounted into the container.
    pub tmpfs: Vec<Tmpfs>,
    /// Paths that are covered by something empty.
    pub masked_paths: Vec<String>,
    /// Paths that are mounted over themselves, read-only.
    pub read_only_paths: Vec<String>,
    /// Devices.
    pub devices: Devices,
    /// Limits.
    pub limits: Limits,
    /// Kernel parameters that are set in the container's own namespaces, by their dotted names.
    pub sysctls: BTreeMap<String, String>,
    /// The process's SELinux label; `None` is the harness's own.
    pub selinux: Option<String>,
    /// The process's AppArmor profile; `None` is the harness's own.
    pub apparmor: Option<String>,
    /// A Docker daemon of its own; `None` is the one that is there. The built-in engine has none.
    pub daemon: Option<Arc<DaemonSettings>>,
}

/// How a Docker daemon of a scenario's own is started.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DaemonSettings {
    /// Its `daemon.json`.
    pub config: String,
    /// What is added to its copy of the host's /etc.
    pub etc: Vec<Prepared>,
}

impl Settings {
    /// The laboratory's directories as the container sees them; not those that a directory of the host covers.
    pub fn laboratory(&self) -> Vec<String> {
        let all_below = |place: &str| layout::LABORATORY.map(|name| format!("{place}/{name}")).to_vec();
        let mut directories = if self.namespaces.mount { Vec::new() } else { all_below(layout::HOST) };
        for bind in &self.binds {
            match &bind.source {
                BindSource::Lab(below) if below.as_os_str().is_empty() => {
                    directories.extend(all_below(&bind.target));
                }
                BindSource::Lab(_) => directories.push(bind.target.clone()),
                BindSource::Host(_) => {}
            }
        }
        let covers = |bind: &Bind, directory: &str| {
            let rest = directory.strip_prefix(bind.target.trim_end_matches('/'));
            matches!(bind.source, BindSource::Host(_))
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        directories.retain(|directory| !self.binds.iter().any(|bind| covers(bind, directory)));
        directories
    }

    /// Has the kernel write down what the filter refuses.
    pub fn log_filter(&mut self) {
        if let Some(filter) = &mut self.seccomp {
            Arc::make_mut(filter).log = true;
        }
    }

    /// Drops the kernel parameters of namespaces that are the host's: they are not the container's to set.
    pub fn drop_host_sysctls(&mut self) {
        let Namespaces { network, ipc, .. } = self.namespaces;
        self.sysctls.retain(|name, _| if name.starts_with("net.") { network } else { ipc });
    }
}

impl DaemonSettings {
    /// The same daemon without `userns-remap`; `None` if nothing else is said, so that any daemon will do.
    pub fn without_remapping(&self) -> Option<Self> {
        let mut config: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&self.config).unwrap_or_default();
        config.remove("userns-remap");
        let text = || serde_json::to_string_pretty(&config).expect("it was read from text");
        (!config.is_empty()).then(|| Self { config: text(), etc: Vec::new() })
    }
}

/// User and groups, numbers inside the container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl Identity {
    /// User and group 0, no other groups.
    pub fn root() -> Self {
        Self::default()
    }
}

/// Which host ids a user namespace's ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserNamespace {
    /// 0 and up are this range: what `userns-remap` does.
    Remap(IdRange),
    /// 0 is the calling user; 1 and up are the user's subordinate ids, if any.
    Caller {
        /// The caller's user id.
        uid: u32,
        /// The caller's group id.
        gid: u32,
        /// What 1 and up are.
        more: Option<IdRange>,
    },
}

impl UserNamespace {
    /// The container's ids in words.
    pub fn describe(&self) -> String {
        let span = |range: &IdRange| format!("{}–{}", range.first, range.first + (range.size - 1));
        match self {
            Self::Remap(range) => format!("0–{} are {} on the host", range.size - 1, span(range)),
            Self::Caller { uid, more: None, .. } => format!("0 is {uid} on the host"),
            Self::Caller { uid, more: Some(range), .. } => {
                format!("0 is {uid} on the host, 1–{} are {}", range.size, span(range))
            }
        }
    }

    /// How many ids there are inside.
    pub fn size(&self) -> u32 {
        match self {
            Self::Remap(range) => range.size,
            Self::Caller { more, .. } => 1 + more.map_or(0, |range| range.size),
        }
    }
}

/// Consecutive ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdRange {
    /// The first, as user and as group id.
    pub first: u32,
    /// How many ids there are.
    pub size: u32,
}

/// Which namespaces are the container's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "six independent switches, as in clone(2)")]
pub struct Namespaces {
    /// The file system: own root, or the host's directories.
    pub mount: bool,
    /// Process ids.
    pub pid: bool,
    /// Network.
    pub network: bool,
    /// System V IPC and POSIX message queues.
    pub ipc: bool,
    /// Host and domain name.
    pub uts: bool,
    /// Control-group root.
    pub cgroup: bool,
}

impl Namespaces {
    /// All of them the container's own.
    pub const OWN: Self = Self { mount: true, pid: true, network: true, ipc: true, uts: true, cgroup: true };
}

/// A directory or file of the host, mounted into the container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bind {
    /// What is mounted.
    pub source: BindSource,
    /// Where, inside.
    pub target: String,
    /// Whether it is read-only.
    pub read_only: bool,
    /// Whether and how the host's files are relabelled for SELinux.
    pub relabel: Relabel,
}

/// What a bind mounts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BindSource {
    /// A path below the trial's own laboratory directory, `${LAB}`.
    Lab(PathBuf),
    /// A path of the host.
    Host(PathBuf),
}

/// SELinux relabelling of a bind's source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Relabel {
    /// None.
    #[default]
    No,
    /// `:z`, shared between containers.
    Shared,
    /// `:Z`, for this container only.
    Private,
}

/// A file system in memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tmpfs {
    /// Where, inside.
    pub target: String,
    /// Mount flags (`MS_*`).
    pub flags: u64,
    /// The file system's own options: `size=…,mode=…`.
    pub options: String,
}

/// Devices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Devices {
    /// Whether the host's whole `/dev` is there.
    pub all_nodes: bool,
    /// Further nodes of the host, by path: source, target.
    pub nodes: Vec<(String, String)>,
    /// What the device cgroup allows; `None` is everything.
    pub allowed: Option<Vec<DeviceRule>>,
}

/// An entry of the device cgroup's allow list, in the notation of `devices.allow`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceRule {
    /// `c`, `b` or `a`.
    pub kind: char,
    /// Major number; `None` is `*`.
    pub major: Option<u32>,
    /// Minor number; `None` is `*`.
    pub minor: Option<u32>,
    /// Some of `r`, `w`, `m`.
    pub access: String,
}

/// Limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Number of processes.
    pub pids: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// `setrlimit` limits.
    pub ulimits: Vec<Ulimit>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// A `setrlimit` limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ulimit {
    /// Compose's name: `nofile`.
    pub name: &'static str,
    /// The kernel's number: `RLIMIT_NOFILE`.
    pub resource: u32,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing;

    fn bind(source: BindSource, target: &str) -> Bind {
        Bind { source, target: target.to_owned(), read_only: false, relabel: Relabel::No }
    }

    fn lab(below: &str, target: &str) -> Bind {
        bind(BindSource::Lab(below.into()), target)
    }

    fn host(source: &str, target: &str) -> Bind {
        bind(BindSource::Host(source.into()), target)
    }

    #[rstest]
    #[case::nothing_else("{\"userns-remap\": \"vagrant\"}", None)]
    #[case::something_else("{\"userns-remap\": \"vagrant\", \"icc\": false}", Some("{\n  \"icc\": false\n}"))]
    fn without_remapping(#[case] config: &str, #[case] left: Option<&str>) {
        let daemon = DaemonSettings { config: config.to_owned(), etc: Vec::new() };
        assert_eq!(daemon.without_remapping().map(|daemon| daemon.config).as_deref(), left);
    }

    #[rstest]
    #[case::nothing_mounted(true, vec![], &[])]
    #[case::one(true, vec![lab("etc", "/host/etc")], &["/host/etc"])]
    #[case::all(true, vec![lab("", "/host")], &["/host/etc", "/host/root", "/host/var", "/host/shared"])]
    #[case::without_a_mount_namespace(false, vec![], &["/host/etc", "/host/root", "/host/var", "/host/shared"])]
    #[case::the_hosts_own(true, vec![host("/etc", "/host/etc")], &[])]
    #[case::the_hosts_own_over_it(false, vec![host("/etc", "/host/etc")], &["/host/root", "/host/var", "/host/shared"])]
    #[case::the_hosts_own_over_all(false, vec![host("/srv", "/host/")], &[])]
    #[case::the_hosts_own_beside_it(true, vec![lab("etc", "/host/etc"), host("/etc", "/host/et")], &["/host/etc"])]
    fn only_the_laboratorys_own_directories(
        #[case] mount: bool,
        #[case] binds: Vec<Bind>,
        #[case] directories: &[&str],
    ) {
        let mut settings = testing::settings("docker-default");
        settings.namespaces.mount = mount;
        settings.binds = binds;
        assert_eq!(settings.laboratory(), directories);
    }
}
