//! Kernel parameters that make the kernel ask for more. Only those of a container's own namespaces can be
//! turned for one container.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Sysctl,
    title: "Kernel parameter",
    about: "A sysctl makes the kernel ask for more than it otherwise would: from which port on no capability is needed, who may use perf or unprivileged bpf. Only those of the container's own namespaces can be set for one container.",
    checks: &[
        Check {
            function: "inet_port_requires_bind_service",
            asks: "whether the port is below net.ipv4.ip_unprivileged_port_start; if so, CAP_NET_BIND_SERVICE is asked for",
        },
        Check {
            function: "perf_allow_cpu",
            asks: "whether kernel.perf_event_paranoid is above 0; if so, CAP_PERFMON or CAP_SYS_ADMIN is asked for",
        },
        Check {
            function: "kallsyms_show_value",
            asks: "whether kernel.kptr_restrict lets addresses of the kernel be shown; if not, they read as zeros",
        },
        Check {
            function: "inc_ucount",
            asks: "whether the user may have one more namespace of this kind: user.max_user_namespaces and its like",
        },
    ],
    errnos: &["EACCES", "EPERM", "ENOSPC"],
    trace: "A parameter refuses nothing by itself: mostly it makes the kernel ask for a capability, and the event is a failing capability:cap_capable like any other, CAP_NET_BIND_SERVICE (10) at bind, CAP_PERFMON (38) and CAP_SYS_ADMIN (21) at perf_event_open. That the parameter is the reason shows only when it is turned. Addresses that read as zeros and namespaces that are used up (-28) leave no event. Nothing is audited; from outside, the values are read below /proc/sys, in the container's own namespaces.",
    keys: &[
        Key {
            key: "sysctls",
            turns: "sets parameters of the container's own namespaces: net.*, fs.mqueue.* and those of System V IPC; any other is an error",
        },
        Key {
            key: "network_mode",
            turns: "host: the net.* parameters are the host's, and the built-in engine leaves out those that sysctls has, where Docker does not start; otherwise Docker's own apply: ip_unprivileged_port_start is 0, and outside a user namespace ping_group_range holds every group",
        },
        Key {
            key: "ipc",
            turns: "host: the parameters of System V IPC and fs.mqueue.* are the host's, and the built-in engine leaves them out",
        },
    ],
    open_with: "sysctls: {net.ipv4.ip_unprivileged_port_start: 0}",
    sources: &[
        "https://docs.kernel.org/admin-guide/sysctl/index.html",
        "https://docs.docker.com/reference/compose-file/services/#sysctls",
        "https://elixir.bootlin.com/linux/v6.12/source/include/net/ip.h",
        "https://elixir.bootlin.com/linux/v6.12/source/include/linux/perf_event.h",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/ksyms_common.c",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/ucount.c",
    ],
    relax: Some(|settings, _| settings.sysctls = crate::scenario::defaults::sysctls(settings)),
    state: |settings| {
        let set: Vec<String> =
            settings.sysctls.iter().map(|(name, value)| format!("{name}={value}")).collect();
        set.join(", ")
    },
};
