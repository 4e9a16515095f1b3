//! Yama: who may look into whose memory. It is the host's: no container setting turns it, so that it only
//! ever explains why nothing could be tested.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Yama,
    title: "Yama",
    about: "kernel.yama.ptrace_scope narrows who may look into whose memory: from 1 on only a parent into its descendants, unless CAP_SYS_PTRACE: EPERM.",
    checks: &["yama_ptrace_access_check"],
    keys: &[],
    open_with: "sysctl kernel.yama.ptrace_scope=0 on the host",
    sources: &["https://docs.kernel.org/admin-guide/LSM/Yama.html"],
    relax: None,
    state: |_| String::new(),
};
