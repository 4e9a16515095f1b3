//! Yama: who may look into whose memory. It is the host's: no container setting turns it, so that it only
//! ever explains why nothing could be tested.

use super::{Check, Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Yama,
    title: "Yama",
    about: "kernel.yama.ptrace_scope narrows who may look into whose memory: from 1 on only a parent into its descendants, unless CAP_SYS_PTRACE: EPERM.",
    checks: &[
        Check {
            function: "yama_ptrace_access_check",
            asks: "whether the target is a descendant, or has named the caller by PR_SET_PTRACER; if not, whether the caller has CAP_SYS_PTRACE",
        },
        Check {
            function: "yama_ptrace_traceme",
            asks: "whether a process may ask to be traced; only from ptrace_scope 2 on",
        },
    ],
    errnos: &["EPERM"],
    trace: "A kretprobe shows yama_ptrace_access_check=-1. Before it capability:cap_capable has ret -1 for CAP_SYS_PTRACE (19), up to ptrace_scope 2, and without kretprobes that looks like a missing capability alone: it is one, but only the parameter makes the kernel ask. The kernel log has a line: ptrace attach of … was attempted by …. There is no audit record.",
    keys: &[],
    open_with: "sysctl kernel.yama.ptrace_scope=0 on the host",
    sources: &[
        "https://docs.kernel.org/admin-guide/LSM/Yama.html",
        "https://elixir.bootlin.com/linux/v6.12/source/security/yama/yama_lsm.c",
    ],
    relax: None,
    state: |_| String::new(),
};
