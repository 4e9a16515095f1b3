//! Limits of control groups and of `setrlimit`. The device cgroup is not among them: it is `device_cgroup`.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::ResourceLimit,
    title: "Resource limits",
    about: "Control groups bound the number of processes (EAGAIN) and the memory (the process is killed); setrlimit bounds open files (EMFILE), locked memory (ENOMEM, EPERM) and more.",
    checks: &["pids_can_fork", "try_charge_memcg", "alloc_fd"],
    keys: &["pids_limit", "mem_limit", "ulimits"],
    open_with: "pids_limit: -1, no mem_limit, higher ulimits",
    sources: &[
        "https://docs.kernel.org/admin-guide/cgroup-v2.html",
        "https://man7.org/linux/man-pages/man2/getrlimit.2.html",
    ],
    relax: Some(|settings, _| settings.limits = crate::settings::Limits::default()),
    state: |settings| {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(settings.limits.pids.map(|n| format!("{n} processes")));
        parts.extend(settings.limits.memory.map(|n| format!("{} MiB", n >> 20)));
        parts.extend(settings.limits.ulimits.iter().map(|u| format!("{} {}", u.name, u.soft)));
        parts.join(", ")
    },
};
