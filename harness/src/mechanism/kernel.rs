//! What this kernel was built without. Nothing refuses here, so that no setting turns it.

use super::{Check, Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Kernel,
    title: "The kernel itself",
    about: "This kernel was built without the feature, or has dropped it: ENOSYS, ENODEV. Nothing was refused, there is nothing to ask.",
    checks: &[
        Check { function: "sys_ni_syscall", asks: "stands in for every call that was not built in" },
        Check { function: "get_fs_type", asks: "whether there is a file system of this name" },
        Check { function: "__sock_create", asks: "whether there is a socket family of this number" },
    ],
    errnos: &["ENOSYS", "ENODEV", "ENOENT", "EAFNOSUPPORT"],
    trace: "The call is entered, no capability fails, and it ends with -38: that raw_syscalls:sys_enter fires tells it from a filter that answers ENOSYS. The other errnos come from inside the call, and show nothing else either. That it is the kernel and not the container shows when everything is turned off and the answer stays: then the attempt is not testable here. Nothing is audited.",
    keys: &[],
    open_with: "another kernel",
    sources: &[
        "https://man7.org/linux/man-pages/man2/syscalls.2.html",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/sys_ni.c",
    ],
    relax: None,
    state: |_| String::new(),
};
