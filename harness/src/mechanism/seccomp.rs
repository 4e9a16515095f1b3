//! seccomp: a filter program that answers before the system call begins. How profiles become programs is in
//! `crate::seccomp`.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Seccomp,
    title: "seccomp",
    about: "A filter program that the runtime installs sees the number and the arguments of every system call before the kernel does. What it does not allow never starts: the errno is the filter's, EPERM in Docker's default profile, ENOSYS for calls that the profile does not know.",
    checks: &[
        Check {
            function: "__seccomp_filter",
            asks: "what is to be done with this call: run it, fail it with an errno, kill, ask a supervisor",
        },
        Check {
            function: "seccomp_run_filters",
            asks: "what each installed program says of number and arguments; the strictest answer counts",
        },
    ],
    errnos: &["EPERM", "ENOSYS"],
    trace: "raw_syscalls:sys_exit fires without raw_syscalls:sys_enter: the filter answers before the call begins. PTRACE_SYSEMU and syscall user dispatch look the same, so the filter that is really installed, or a profile whose errno nobody else has, must confirm it. Audit has a record of type 1326, without the errno, only if the filter was installed with SECCOMP_FILTER_FLAG_LOG. What would have said no behind the filter is not seen at all.",
    keys: &[
        Key {
            key: "security_opt: seccomp=",
            turns: "unconfined installs no filter; a file replaces the default profile; builtin is the default profile by name",
        },
        Key {
            key: "privileged",
            turns: "installs no filter unless security_opt names one; Docker 25 and earlier install none even then",
        },
        Key {
            key: "cap_add",
            turns: "turns the default profile too, because its rules depend on the capabilities: SYS_TIME also opens the calls that set the clock; in the experiment the filter stays as the scenario resolved it",
        },
        Key {
            key: "cap_drop",
            turns: "likewise: what the default profile allows for a capability is refused without it",
        },
        Key {
            key: "daemon: seccomp-profile",
            turns: "replaces the default profile of all containers; the built-in engine has no daemon, and reports such a scenario as not run",
        },
    ],
    open_with: "security_opt: [\"seccomp=unconfined\"]   # or a profile of your own that allows this one call",
    sources: &[
        "https://man7.org/linux/man-pages/man2/seccomp.2.html",
        "https://docs.docker.com/engine/security/seccomp/",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/seccomp.c",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/entry/common.c",
        "https://github.com/moby/moby/pull/47500",
    ],
    relax: Some(|settings, _| settings.seccomp = None),
    state: |settings| settings.seccomp.as_ref().map_or_else(String::new, |policy| policy.name.clone()),
};
