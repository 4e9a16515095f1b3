//! Powers over processes: ids, capabilities, priorities, limits. Each is tried on the probe's own process.

use syscalls::Sysno;

use crate::layout;
use crate::probe::{Aim, Attempt, Effect, Probe};
use crate::sys::{self, addr, addr_mut};
use crate::wire::Request;

/// `CAP_CHOWN`, `linux/capability.h`.
const CAP_CHOWN: usize = 0;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "capability-setuid",
        title: "Become another user",
        tries: "setresuid to the foreign user",
        gains: "the files and processes of any user",
        calls: &[Sysno::setresuid],
        proof: &[],
        // The user namespace does not know the foreign user.
        refusal: &[libc::EINVAL],
        capabilities: &["CAP_SETUID"],
        aims: &[Aim::Id(layout::FOREIGN_ID)],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only the probe's own process changes, and it ends right after",
        sources: &["https://man7.org/linux/man-pages/man2/setresuid.2.html"],
        run: setuid,
    },
    Probe {
        id: "capability-setgid",
        title: "Join another group",
        tries: "setgroups with the foreign group alone",
        gains: "the files of any group: disk devices, logs, a container runtime's socket",
        calls: &[Sysno::setgroups],
        proof: &[],
        // The user namespace does not know the foreign group.
        refusal: &[libc::EINVAL],
        capabilities: &["CAP_SETGID"],
        aims: &[Aim::Id(layout::FOREIGN_ID)],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only the probe's own process changes, and it ends right after",
        sources: &[
            "https://man7.org/linux/man-pages/man2/getgroups.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/groups.c",
        ],
        run: setgid,
    },
    Probe {
        id: "capability-setpcap",
        title: "Change the bounding set",
        tries: "prctl(PR_CAPBSET_DROP, CAP_CHOWN)",
        gains: "programs that run with fewer capabilities than they expect and check for; the same capability allows to pass on any of the bounding set",
        calls: &[Sysno::prctl],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SETPCAP"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only the probe's own process loses something, and it ends right after",
        sources: &[
            "https://man7.org/linux/man-pages/man7/capabilities.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/security/commoncap.c",
        ],
        run: setpcap,
    },
    Probe {
        id: "capability-sys-nice",
        title: "Raise its own priority",
        tries: "setpriority(PRIO_PROCESS, 0, -20)",
        gains: "more than its share of the processors, and with real-time scheduling all of one",
        calls: &[Sysno::setpriority],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_NICE"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only the probe's own process changes, and it ends right after",
        sources: &["https://man7.org/linux/man-pages/man2/setpriority.2.html"],
        run: sys_nice,
    },
    Probe {
        id: "capability-sys-resource",
        title: "Raise a hard limit",
        tries: "prlimit64(RLIMIT_CORE): the hard limit down to 0, and then up to 1 byte",
        gains: "what resource limits, quotas and reserved disk space were to keep from it",
        calls: &[Sysno::prlimit64, Sysno::prlimit64],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_RESOURCE"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only the probe's own process changes, and it ends right after",
        sources: &["https://man7.org/linux/man-pages/man2/getrlimit.2.html"],
        run: sys_resource,
    },
    Probe {
        id: "capability-ipc-lock",
        title: "Lock memory beyond its limit",
        tries: "mlock of one page, after lowering its own RLIMIT_MEMLOCK to 0",
        gains: "memory that the host cannot swap out, as much as there is",
        calls: &[Sysno::mlock],
        proof: &[],
        refusal: &[libc::ENOMEM],
        capabilities: &["CAP_IPC_LOCK"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "one page that is in use anyway, unlocked in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mlock.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/mm/mlock.c",
        ],
        run: ipc_lock,
    },
];

fn setuid(_: &Request) -> Attempt {
    let id = layout::FOREIGN_ID as usize;
    sys::call(Sysno::setresuid, &[id, id, id]).answer()
}

fn setgid(_: &Request) -> Attempt {
    let groups = [layout::FOREIGN_ID];
    sys::call(Sysno::setgroups, &[groups.len(), addr(&groups)]).answer()
}

fn setpcap(_: &Request) -> Attempt {
    sys::call(Sysno::prctl, &[libc::PR_CAPBSET_DROP as usize, CAP_CHOWN, 0, 0, 0]).answer()
}

fn sys_nice(_: &Request) -> Attempt {
    // Lower than any value that the agent may have been started with.
    sys::call(Sysno::setpriority, &[libc::PRIO_PROCESS as usize, 0, -20_isize as usize]).answer()
}

fn sys_resource(_: &Request) -> Attempt {
    let set = |limit: u64| {
        let wanted = libc::rlimit64 { rlim_cur: 0, rlim_max: limit };
        sys::call(Sysno::prlimit64, &[0, libc::RLIMIT_CORE as usize, addr(&wanted), 0])
    };
    match set(0).or_answer() {
        Ok(_) => set(1).answer(),
        Err(answer) => Ok(answer),
    }
}

fn ipc_lock(_: &Request) -> Attempt {
    let resource = libc::RLIMIT_MEMLOCK as usize;
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    sys::call(Sysno::prlimit64, &[0, resource, 0, addr_mut(&mut limit)]).or_broken("read the limit")?;
    limit.rlim_cur = 0;
    sys::call(Sysno::prlimit64, &[0, resource, addr(&limit), 0]).or_broken("lower the limit")?;
    let byte = 0u8;
    let made = sys::call(Sysno::mlock, &[addr(&byte), 1]);
    if made.worked() {
        sys::call(Sysno::munlock, &[addr(&byte), 1]).or_broken("unlock the page")?;
    }
    made.answer()
}
