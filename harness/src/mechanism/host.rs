//! Mechanisms of the host as a whole: no container setting turns them, so they are never relaxed; they
//! appear as the reason why an attempt could not be tested.

use super::{Entry, Mechanism};

const NOT_THE_CONTAINERS: fn(&crate::settings::Settings) -> String = |_| String::new();

pub(super) const LANDLOCK: Entry = Entry {
    id: Mechanism::Landlock,
    title: "Landlock",
    about: "A program restricts itself and its children to the directories it names. Containers started under it inherit the restriction: EACCES, and EPERM for mount calls.",
    checks: &["hook_file_open", "hook_path_mkdir", "hook_sb_mount"],
    keys: &[],
    open_with: "start the container from a program that is not restricted",
    sources: &["https://docs.kernel.org/userspace-api/landlock.html"],
    relax: None,
    state: NOT_THE_CONTAINERS,
};

pub(super) const YAMA: Entry = Entry {
    id: Mechanism::Yama,
    title: "Yama",
    about: "kernel.yama.ptrace_scope narrows who may look into whose memory: from 1 on only a parent into its descendants, unless CAP_SYS_PTRACE: EPERM.",
    checks: &["yama_ptrace_access_check"],
    keys: &[],
    open_with: "sysctl kernel.yama.ptrace_scope=0 on the host",
    sources: &["https://docs.kernel.org/admin-guide/LSM/Yama.html"],
    relax: None,
    state: NOT_THE_CONTAINERS,
};

pub(super) const LOCKDOWN: Entry = Entry {
    id: Mechanism::Lockdown,
    title: "Kernel lockdown",
    about: "The kernel refuses root itself whatever would change or read the running kernel: unsigned modules, kexec, raw I/O, kcore: EPERM.",
    checks: &["lockdown_is_locked_down", "security_locked_down"],
    keys: &[],
    open_with: "boot the host without lockdown",
    sources: &["https://man7.org/linux/man-pages/man7/kernel_lockdown.7.html"],
    relax: None,
    state: NOT_THE_CONTAINERS,
};

pub(super) const KERNEL: Entry = Entry {
    id: Mechanism::Kernel,
    title: "The kernel itself",
    about: "This kernel was built without the feature, or has dropped it: ENOSYS, ENODEV. Nothing was refused, there is nothing to ask.",
    checks: &["sys_ni_syscall"],
    keys: &[],
    open_with: "another kernel",
    sources: &["https://man7.org/linux/man-pages/man2/syscalls.2.html"],
    relax: None,
    state: NOT_THE_CONTAINERS,
};
