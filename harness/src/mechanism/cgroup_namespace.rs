//! The cgroup namespace: which control group looks like the root of all. The limits that control groups set
//! are `resource_limit` and `device_cgroup`.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::CgroupNamespace,
    title: "Cgroup namespace",
    about: "The container sees its own control group as the root of all control groups, so the host's path to it, and the groups beside it, have no name inside.",
    checks: &[
        Check {
            function: "cgroup_path_ns",
            asks: "which path of a group is shown: the one below the namespace's root",
        },
        Check {
            function: "cgroup_do_get_tree",
            asks: "which group is the root of a hierarchy that is mounted",
        },
        Check {
            function: "cgroup_procs_write_permission",
            asks: "with the mount option nsdelegate: whether both groups of a move lie below the namespace's root",
        },
        Check {
            function: "cgroup_file_write",
            asks: "with nsdelegate: whether this file of the namespace's root may be written from inside",
        },
    ],
    errnos: &["ENOENT", "EPERM"],
    trace: "A group that is not there ends with -2, as any missing file does; a write that nsdelegate refuses ends with -1 although no capability fails. No event names the namespace, and nothing is audited. From outside, /proc/PID/ns/cgroup is another namespace than the host's, and /proc/PID/cgroup shows the whole path where the container sees only a slash.",
    keys: &[
        Key {
            key: "cgroup",
            turns: "host puts the container into the host's cgroup namespace, private into one of its own; where nothing is said the built-in engine gives it its own, and so does Docker with version 2 control groups, but not with version 1",
        },
        Key {
            key: "daemon: default-cgroupns-mode",
            turns: "what Docker takes where the service says nothing; the built-in engine has no daemon, and reports such a scenario as not run",
        },
    ],
    open_with: "cgroup: host",
    sources: &[
        "https://man7.org/linux/man-pages/man7/cgroup_namespaces.7.html",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/cgroup/cgroup.c",
        "https://github.com/moby/moby/blob/v26.1.5/daemon/daemon_unix.go",
    ],
    relax: Some(|settings, _| settings.namespaces.cgroup = false),
    state: |_| "own".to_owned(),
};
