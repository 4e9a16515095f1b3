//! The PID namespace: which processes have a number in the container. What may be done to those that have
//! one is for other mechanisms to say.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::PidNamespace,
    title: "PID namespace",
    about: "Processes outside the container have no number inside it. A signal to their host number finds nobody: ESRCH.",
    checks: &[
        Check {
            function: "find_vpid",
            asks: "which process has this number in the caller's PID namespace: kill",
        },
        Check {
            function: "find_task_by_vpid",
            asks: "the same for calls on one task: ptrace, prlimit, capget, process_vm_readv",
        },
        Check {
            function: "proc_pid_lookup",
            asks: "which process has this number in the namespace that a /proc was mounted for",
        },
    ],
    errnos: &["ESRCH", "ENOENT"],
    trace: "The call is entered, no capability fails, and it ends with -3, or -2 below /proc: nobody was found, so that no permission was asked for. No event names the namespace, and nothing is audited. From outside, /proc/PID/ns/pid is another namespace than the host's, and the target's NSpid line has no number for it.",
    keys: &[Key {
        key: "pid",
        turns: "host puts the container into the host's PID namespace, where every process of the host has a number; under userns-remap Docker refuses it unless userns_mode is host, the built-in engine does not",
    }],
    open_with: "pid: host",
    sources: &[
        "https://man7.org/linux/man-pages/man7/pid_namespaces.7.html",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/pid.c",
    ],
    relax: Some(|settings, _| settings.namespaces.pid = false),
    state: |_| "own".to_owned(),
};
