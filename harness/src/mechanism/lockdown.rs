//! Kernel lockdown: what even root may not do to the running kernel. It is the host's: no container setting
//! turns it, so that it only ever explains why nothing could be tested.

use super::{Check, Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Lockdown,
    title: "Kernel lockdown",
    about: "The kernel refuses root itself whatever would change or read the running kernel: unsigned modules, kexec, raw I/O, kcore: EPERM.",
    checks: &[
        Check {
            function: "security_locked_down",
            asks: "whether any module forbids this use of the running kernel; asked beside the capability",
        },
        Check {
            function: "lockdown_is_locked_down",
            asks: "whether the lockdown level, integrity or confidentiality, covers this use",
        },
    ],
    errnos: &["EPERM"],
    trace: "No capability fails, and the call ends with -1. A kretprobe shows lockdown_is_locked_down=-1, and the kernel log has a line: Lockdown: PROGRAM: WHAT is restricted; see man kernel_lockdown.7. There is no audit record. At the level confidentiality tracefs and kprobes are locked themselves, and only the kernel log is left.",
    keys: &[],
    open_with: "boot the host without lockdown",
    sources: &[
        "https://man7.org/linux/man-pages/man7/kernel_lockdown.7.html",
        "https://elixir.bootlin.com/linux/v6.12/source/security/lockdown/lockdown.c",
    ],
    relax: None,
    state: |_| String::new(),
};
