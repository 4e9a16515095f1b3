//! What this kernel was built without. Nothing refuses here, so that no setting turns it.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Kernel,
    title: "The kernel itself",
    about: "This kernel was built without the feature, or has dropped it: ENOSYS, ENODEV. Nothing was refused, there is nothing to ask.",
    checks: &["sys_ni_syscall"],
    keys: &[],
    open_with: "another kernel",
    sources: &["https://man7.org/linux/man-pages/man2/syscalls.2.html"],
    relax: None,
    state: |_| String::new(),
};
