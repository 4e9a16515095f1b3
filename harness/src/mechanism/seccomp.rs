//! seccomp: a filter program that answers before the system call begins. How profiles become programs is in
//! `crate::seccomp`.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Seccomp,
    title: "seccomp",
    about: "A filter program that the runtime installs sees the number and the arguments of every system call before the kernel does. What it does not allow never starts: the errno is the filter's, EPERM in Docker's default profile, ENOSYS for calls that the profile does not know.",
    checks: &["__seccomp_filter", "seccomp_run_filters"],
    keys: &["security_opt: seccomp=", "privileged"],
    open_with: "security_opt: [\"seccomp=unconfined\"]   # or a profile of your own that allows this one call",
    sources: &[
        "https://man7.org/linux/man-pages/man2/seccomp.2.html",
        "https://docs.docker.com/engine/security/seccomp/",
    ],
    relax: Some(|settings, _| settings.seccomp = None),
    state: |settings| settings.seccomp.as_ref().map_or_else(String::new, |policy| policy.name.clone()),
};
