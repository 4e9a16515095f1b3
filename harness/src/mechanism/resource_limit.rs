//! Limits of control groups and of `setrlimit`. The device cgroup is not among them: it is `device_cgroup`.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::ResourceLimit,
    title: "Resource limits",
    about: "Control groups bound the number of processes (EAGAIN) and the memory (the process is killed); setrlimit bounds open files (EMFILE), locked memory (ENOMEM, EPERM) and more.",
    checks: &[
        Check {
            function: "pids_can_fork",
            asks: "whether the control group, and each above it, may have one more task",
        },
        Check {
            function: "try_charge_memcg",
            asks: "whether the control group may have this memory; if not, what can be freed or who is killed",
        },
        Check { function: "alloc_fd", asks: "whether the next descriptor is below RLIMIT_NOFILE" },
        Check {
            function: "can_do_mlock",
            asks: "whether the process may lock memory at all: RLIMIT_MEMLOCK is not 0, or it has CAP_IPC_LOCK",
        },
    ],
    errnos: &["EAGAIN", "EMFILE", "ENOMEM", "EPERM"],
    trace: "The call is entered and ends with the limit's errno; a limit that a capability lifts asks for it first (CAP_IPC_LOCK 14, CAP_SYS_RESOURCE 24), so that a failing capability:cap_capable may stand before it. From outside, the control group counts: max in pids.events, oom_kill in memory.events, and the kernel log has a line for a group's first refused fork. A process without memory is told nothing: oom:mark_victim names it, and SIGKILL ends it. Limits of setrlimit leave no event, /proc/PID/limits shows them; none of these is audited.",
    keys: &[
        Key {
            key: "pids_limit",
            turns: "N lets the container have N tasks, threads counted; 0 and -1 are no limit; left out with a note where a run cannot make control groups",
        },
        Key {
            key: "mem_limit",
            turns: "bounds the memory of the control group; Docker adds as much swap again, the built-in engine none with version 2; left out with a note where a run cannot make control groups",
        },
        Key {
            key: "ulimits",
            turns: "sets soft and hard limits of setrlimit by Compose's names: nofile, nproc, memlock and the others",
        },
        Key {
            key: "daemon: default-ulimits",
            turns: "limits for services that set none; the built-in engine has no daemon, and reports such a scenario as not run",
        },
    ],
    open_with: "pids_limit: -1, no mem_limit, higher ulimits",
    sources: &[
        "https://docs.kernel.org/admin-guide/cgroup-v2.html",
        "https://man7.org/linux/man-pages/man2/getrlimit.2.html",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/cgroup/pids.c",
        "https://elixir.bootlin.com/linux/v6.12/source/mm/memcontrol.c",
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
