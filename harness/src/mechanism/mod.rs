//! The mechanisms that can say no: their ids in the kernel's order, and for each one a knob, a description, its
//! checks, its trace, and how Compose's keys turn it. Each has a file; the books' pages are made from them.
//!
//! Whether a mechanism is *on* in some settings is not a list of its own: it is on if turning its knob
//! changes them.

mod apparmor;
mod capabilities;
mod cgroup_namespace;
mod device_cgroup;
mod ipc_namespace;
mod kernel;
mod landlock;
mod lockdown;
mod masked_path;
mod mount_namespace;
mod network_namespace;
mod no_new_privileges;
mod ownership;
mod pid_namespace;
mod read_only_mount;
mod resource_limit;
mod seccomp;
mod selinux;
mod sysctl;
mod user_namespace;
mod uts_namespace;
mod yama;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Reach;
use crate::settings::Settings;

/// One thing that can say no. The order is the one in which the kernel usually asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// The target is in no directory that the container sees.
    MountNamespace,
    /// The target process has no number here.
    PidNamespace,
    /// The target socket or device is in another network.
    NetworkNamespace,
    /// The target is in another IPC namespace.
    IpcNamespace,
    /// The name belongs to another UTS namespace.
    UtsNamespace,
    /// The path belongs to another cgroup namespace.
    CgroupNamespace,
    /// The system-call filter.
    Seccomp,
    /// User, group and mode bits.
    Ownership,
    /// A capability that the process lacks.
    Capabilities,
    /// A capability that the process holds, but not where it counts.
    UserNamespace,
    /// A read-only mount.
    ReadOnlyMount,
    /// A path that is covered by something empty.
    MaskedPath,
    /// The device cgroup.
    DeviceCgroup,
    /// A cgroup limit or `setrlimit` limit.
    ResourceLimit,
    /// `no_new_privs`.
    NoNewPrivileges,
    /// SELinux.
    Selinux,
    /// `AppArmor`.
    Apparmor,
    /// Landlock.
    Landlock,
    /// Yama.
    Yama,
    /// Kernel lockdown.
    Lockdown,
    /// A kernel parameter.
    Sysctl,
    /// This kernel has no such feature.
    Kernel,
}

/// A mechanism's description and its knob.
#[derive(Debug)]
pub struct Entry {
    /// Which mechanism.
    pub id: Mechanism,
    /// A heading.
    pub title: &'static str,
    /// Two or three sentences: what it is and how it says no.
    pub about: &'static str,
    /// Where in the kernel the question is asked.
    pub checks: &'static [Check],
    /// With which errnos it usually answers; none where something is just not there.
    pub errnos: &'static [&'static str],
    /// How the kernel's own witnesses name it, and where it cannot be seen: two to four sentences.
    pub trace: &'static str,
    /// The settings that turn it.
    pub keys: &'static [Key],
    /// The change to a Compose service that opens it, in Compose's own words.
    pub open_with: &'static str,
    /// Where this can be read up.
    pub sources: &'static [&'static str],
    /// Turns the mechanism off as far as `Reach` lets this run; `None` if no container setting turns it.
    pub relax: Option<fn(&mut Settings, &Reach)>,
    /// How the mechanism stands in these settings, in a few words; only called where it is on.
    pub state: fn(&Settings) -> String,
}

/// A place in the kernel where the question is asked.
#[derive(Debug)]
pub struct Check {
    /// The function, by its name in the kernel's source.
    pub function: &'static str,
    /// What it asks, as a fragment.
    pub asks: &'static str,
}

/// A setting that turns a mechanism.
#[derive(Debug)]
pub struct Key {
    /// A Compose service's key, after it the part of its value that matters; or `daemon: ` and a key of
    /// `daemon.json`.
    pub key: &'static str,
    /// How it turns the mechanism, as a fragment; also where Docker and the built-in engine differ.
    pub turns: &'static str,
}

impl Entry {
    /// What it is, in one line: the first sentence of what is said about it.
    pub fn in_a_line(&self) -> &'static str {
        let end = self.about.find(". ").map_or(self.about.len(), |end| end + 1);
        &self.about[..end]
    }
}

/// Every mechanism, in the kernel's order.
pub const ALL: [&Entry; 22] = [
    &mount_namespace::ENTRY,
    &pid_namespace::ENTRY,
    &network_namespace::ENTRY,
    &ipc_namespace::ENTRY,
    &uts_namespace::ENTRY,
    &cgroup_namespace::ENTRY,
    &seccomp::ENTRY,
    &ownership::ENTRY,
    &capabilities::ENTRY,
    &user_namespace::ENTRY,
    &read_only_mount::ENTRY,
    &masked_path::ENTRY,
    &device_cgroup::ENTRY,
    &resource_limit::ENTRY,
    &no_new_privileges::ENTRY,
    &selinux::ENTRY,
    &apparmor::ENTRY,
    &landlock::ENTRY,
    &yama::ENTRY,
    &lockdown::ENTRY,
    &sysctl::ENTRY,
    &kernel::ENTRY,
];

impl Mechanism {
    /// The mechanism's description and knob.
    pub fn entry(self) -> &'static Entry {
        ALL[self as usize]
    }

    /// The id as it is written in records and on the command line: `read-only-mount`.
    pub fn id(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Turns this mechanism off in `settings`, as far as `reach` lets this run.
    pub fn relax(self, settings: &mut Settings, reach: &Reach) {
        if let Some(relax) = self.entry().relax {
            relax(settings, reach);
            settings.drop_host_sysctls();
        }
    }

    /// The mechanisms that are on in `settings` and that this run can turn off, in the kernel's order.
    pub fn on_in(settings: &Settings, reach: &Reach) -> Vec<Self> {
        let on = |mechanism: &Self| {
            let mut relaxed = settings.clone();
            mechanism.relax(&mut relaxed, reach);
            relaxed != *settings
        };
        ALL.iter().map(|entry| entry.id).filter(on).collect()
    }

    /// `settings` with all of `mechanisms` turned off.
    pub fn relaxed(
        settings: &Settings,
        mechanisms: impl IntoIterator<Item = Self>,
        reach: &Reach,
    ) -> Settings {
        let mut relaxed = settings.clone();
        for mechanism in mechanisms {
            mechanism.relax(&mut relaxed, reach);
        }
        relaxed
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_stands_at_its_own_place_in_the_kernels_order() {
        for (place, entry) in ALL.iter().enumerate() {
            assert_eq!(entry.id as usize, place, "{:?}", entry.id);
            assert_eq!(entry.id.entry().title, entry.title);
        }
    }
}
