//! Namespaces: what is not in the container's own is not there to be reached.

use super::{Entry, Mechanism};

const OWN: fn(&crate::settings::Settings) -> String = |_| "own".to_owned();

pub(super) const MOUNT: Entry = Entry {
    id: Mechanism::MountNamespace,
    title: "Mount namespace",
    about: "The container sees a root directory of its own and what was mounted into it. A path of the host that was not mounted has no name inside, so there is nothing to ask permission for: ENOENT.",
    checks: &["path_lookupat", "link_path_walk"],
    keys: &["volumes", "devices"],
    open_with: "volumes: [\"/:/host\"]   # the host's own directories",
    sources: &[
        "https://man7.org/linux/man-pages/man7/mount_namespaces.7.html",
        "https://docs.docker.com/reference/compose-file/services/#volumes",
    ],
    relax: Some(|settings, _| settings.namespaces.mount = false),
    state: OWN,
};

pub(super) const PID: Entry = Entry {
    id: Mechanism::PidNamespace,
    title: "PID namespace",
    about: "Processes outside the container have no number inside it. A signal to their host number finds nobody: ESRCH.",
    checks: &["find_vpid", "find_task_by_vpid"],
    keys: &["pid"],
    open_with: "pid: host",
    sources: &["https://man7.org/linux/man-pages/man7/pid_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.pid = false),
    state: OWN,
};

pub(super) const NETWORK: Entry = Entry {
    id: Mechanism::NetworkNamespace,
    title: "Network namespace",
    about: "The container has interfaces, ports and abstract sockets of its own. The host's loopback is another loopback: ECONNREFUSED.",
    checks: &["sock_net", "__inet_lookup_listener", "unix_find_socket_byname"],
    keys: &["network_mode"],
    open_with: "network_mode: host",
    sources: &["https://man7.org/linux/man-pages/man7/network_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.network = false),
    state: OWN,
};

pub(super) const IPC: Entry = Entry {
    id: Mechanism::IpcNamespace,
    title: "IPC namespace",
    about: "System V shared memory, semaphores and queues, and POSIX message queues, are the container's own. The host's have no id inside.",
    checks: &["ipc_obtain_object_check"],
    keys: &["ipc"],
    open_with: "ipc: host",
    sources: &["https://man7.org/linux/man-pages/man7/ipc_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.ipc = false),
    state: OWN,
};

pub(super) const UTS: Entry = Entry {
    id: Mechanism::UtsNamespace,
    title: "UTS namespace",
    about: "The host name that the container reads and sets is its own. It hides the host's name; it refuses nothing by itself.",
    checks: &["utsname"],
    keys: &["uts"],
    open_with: "uts: host",
    sources: &["https://man7.org/linux/man-pages/man7/uts_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.uts = false),
    state: OWN,
};

pub(super) const CGROUP: Entry = Entry {
    id: Mechanism::CgroupNamespace,
    title: "Cgroup namespace",
    about: "The container sees its own control group as the root of all control groups, so the host's path to it, and the groups beside it, have no name inside.",
    checks: &["cgroup_path_ns"],
    keys: &["cgroup"],
    open_with: "cgroup: host",
    sources: &["https://man7.org/linux/man-pages/man7/cgroup_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.cgroup = false),
    state: OWN,
};
