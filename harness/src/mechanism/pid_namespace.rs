//! The PID namespace: which processes have a number in the container. What may be done to those that have
//! one is for other mechanisms to say.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::PidNamespace,
    title: "PID namespace",
    about: "Processes outside the container have no number inside it. A signal to their host number finds nobody: ESRCH.",
    checks: &["find_vpid", "find_task_by_vpid"],
    keys: &["pid"],
    open_with: "pid: host",
    sources: &["https://man7.org/linux/man-pages/man7/pid_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.pid = false),
    state: |_| "own".to_owned(),
};
