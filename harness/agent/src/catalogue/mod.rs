//! The probe catalogue, one file per family. The order here is the order of every list and every report.

mod apparmor;
mod boot;
mod capability;
mod cgroup;
mod device;
mod file;
mod identity;
mod ipc;
mod kernel;
mod key;
mod limit;
mod module;
mod mount;
mod namespace;
mod net;
mod proc;
mod process;
mod selinux;
mod socket;
mod sys;
mod time;
mod userns;

use crate::probe::Probe;

/// The families in the order of the reports, each with its probes.
pub const FAMILIES: &[Family] = &[
    Family {
        id: "time",
        title: "Time",
        about: "The clock is the host's: no namespace covers it.",
        probes: &[time::PROBES],
    },
    Family {
        id: "module",
        title: "Kernel modules",
        about: "Code in the kernel ends every isolation.",
        probes: &[module::PROBES],
    },
    Family {
        id: "boot",
        title: "Boot and kernel images",
        about: "Whoever restarts or replaces the kernel owns what runs next.",
        probes: &[boot::PROBES],
    },
    Family {
        id: "mount",
        title: "Mounting",
        about: "Mount calls can uncover what a mask hides and make read-only writable.",
        probes: mount::GROUPS,
    },
    Family {
        id: "file",
        title: "Files",
        about: "A mounted directory of the host is the shortest way out.",
        probes: &[file::PROBES],
    },
    Family {
        id: "device",
        title: "Devices",
        about: "A device node is a door to hardware, whatever directory it lies in.",
        probes: &[device::PROBES],
    },
    Family {
        id: "proc",
        title: "procfs",
        about: "Much of /proc is the host's, not the container's.",
        probes: proc::GROUPS,
    },
    Family {
        id: "sys",
        title: "sysfs",
        about: "/sys shows and sets the host's hardware and kernel.",
        probes: &[sys::PROBES],
    },
    Family {
        id: "cgroup",
        title: "Control groups",
        about: "Who writes to its own control group can lift its own limits, and in version 1 run programs on the host.",
        probes: &[cgroup::PROBES],
    },
    Family {
        id: "namespace",
        title: "Namespaces",
        about: "New namespaces open more of the kernel; old ones lead to the host.",
        probes: &[namespace::PROBES],
    },
    Family {
        id: "process",
        title: "Processes",
        about: "Other processes hold memory, descriptors and secrets.",
        probes: process::GROUPS,
    },
    Family {
        id: "identity",
        title: "Identity",
        about: "Becoming somebody else is the first step of most break-outs.",
        probes: &[identity::PROBES],
    },
    Family {
        id: "capability",
        title: "Capabilities",
        about: "What each part of root's power allows.",
        probes: capability::GROUPS,
    },
    Family {
        id: "userns",
        title: "User namespaces",
        about: "What root inside a user namespace is, seen from outside.",
        probes: &[userns::PROBES],
    },
    Family {
        id: "key",
        title: "Kernel keyrings",
        about: "Keyrings are not namespaced by default.",
        probes: &[key::PROBES],
    },
    Family {
        id: "kernel",
        title: "Kernel interfaces",
        about: "Calls that open rarely used, and so rarely tested, parts of the kernel.",
        probes: kernel::GROUPS,
    },
    Family {
        id: "ipc",
        title: "Inter-process communication",
        about: "Shared memory is shared with whoever shares the namespace.",
        probes: &[ipc::PROBES],
    },
    Family { id: "net", title: "Network", about: "Sockets reach past the file system.", probes: net::GROUPS },
    Family {
        id: "socket",
        title: "Sockets of daemons",
        about: "A container runtime's socket is root on the host.",
        probes: &[socket::PROBES],
    },
    Family {
        id: "limit",
        title: "Resource limits",
        about: "Without limits one container can starve the host.",
        probes: &[limit::PROBES],
    },
    Family {
        id: "selinux",
        title: "SELinux",
        about: "Labels, whatever the user.",
        probes: &[selinux::PROBES],
    },
    Family {
        id: "apparmor",
        title: "AppArmor",
        about: "Paths and operations, whatever the user.",
        probes: &[apparmor::PROBES],
    },
];

/// Probes that share a subject; the id is the first word of theirs.
#[derive(Debug)]
pub struct Family {
    /// The first word of the probes' ids.
    pub id: &'static str,
    /// A heading.
    pub title: &'static str,
    /// One sentence: why this family is worth trying.
    pub about: &'static str,
    /// The probes, in order: a slice for each of the family's files.
    pub probes: &'static [&'static [Probe]],
}

/// Every probe, in order.
pub fn all() -> impl Iterator<Item = &'static Probe> {
    FAMILIES.iter().flat_map(|family| family.probes).copied().flatten()
}

/// The probe with this id.
pub fn find(id: &str) -> Option<&'static Probe> {
    all().find(|probe| probe.id == id)
}
