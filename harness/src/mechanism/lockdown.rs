//! Kernel lockdown: what even root may not do to the running kernel. It is the host's: no container setting
//! turns it, so that it only ever explains why nothing could be tested.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Lockdown,
    title: "Kernel lockdown",
    about: "The kernel refuses root itself whatever would change or read the running kernel: unsigned modules, kexec, raw I/O, kcore: EPERM.",
    checks: &["lockdown_is_locked_down", "security_locked_down"],
    keys: &[],
    open_with: "boot the host without lockdown",
    sources: &["https://man7.org/linux/man-pages/man7/kernel_lockdown.7.html"],
    relax: None,
    state: |_| String::new(),
};
