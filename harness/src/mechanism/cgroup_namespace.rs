//! The cgroup namespace: which control group looks like the root of all. The limits that control groups set
//! are `resource_limit` and `device_cgroup`.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::CgroupNamespace,
    title: "Cgroup namespace",
    about: "The container sees its own control group as the root of all control groups, so the host's path to it, and the groups beside it, have no name inside.",
    checks: &["cgroup_path_ns"],
    keys: &["cgroup"],
    open_with: "cgroup: host",
    sources: &["https://man7.org/linux/man-pages/man7/cgroup_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.cgroup = false),
    state: |_| "own".to_owned(),
};
