//! What a host may lack, and a scenario or a lab may need.

use serde::Deserialize;

use crate::host::{Host, Reach};

/// Something that a host may lack.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Facility {
    /// SELinux is active.
    Selinux,
    /// `AppArmor` is active.
    Apparmor,
    /// The kernel loads modules.
    Modules,
    /// Containers can be started outside a user namespace.
    Root,
    /// A Docker daemon.
    Docker,
}

impl Facility {
    /// As it is written.
    pub fn id(self) -> &'static str {
        match self {
            Self::Selinux => "selinux",
            Self::Apparmor => "apparmor",
            Self::Modules => "modules",
            Self::Root => "root",
            Self::Docker => "docker",
        }
    }

    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Selinux => "SELinux",
            Self::Apparmor => "AppArmor",
            Self::Modules => "a kernel that loads modules",
            Self::Root => "root",
            Self::Docker => "Docker",
        }
    }

    /// Why a run with this reach lacks it on this host; nothing if it is there.
    pub fn missing(self, host: &Host, reach: &Reach, docker: bool) -> Option<String> {
        match self {
            Self::Selinux => (!reach.selinux).then(|| "this kernel runs without SELinux".to_owned()),
            Self::Apparmor => (!reach.apparmor).then(|| "this kernel runs without AppArmor".to_owned()),
            Self::Modules => (host.modules != "loadable")
                .then(|| format!("this kernel's module loading is {}", host.modules)),
            Self::Root => {
                (!reach.privileged).then(|| "this run has no privilege; start it as root".to_owned())
            }
            Self::Docker => (!docker).then(|| "this needs a Docker daemon: --engine docker".to_owned()),
        }
    }
}
