//! Control-group rules, resource limits and kernel parameters.

use super::{Entry, Mechanism};

pub(super) const DEVICE_CGROUP: Entry = Entry {
    id: Mechanism::DeviceCgroup,
    title: "Device cgroup",
    about: "A list of device numbers that the container may open, read, write or make nodes of. It looks at the number, not the name, so a node made inside is refused as well: EPERM.",
    checks: &["devcgroup_check_permission", "__cgroup_bpf_check_dev_permission"],
    keys: &["devices", "device_cgroup_rules", "privileged"],
    open_with: "device_cgroup_rules: [\"c 1:11 r\"]   # or devices: [ … ]",
    sources: &[
        "https://docs.kernel.org/admin-guide/cgroup-v1/devices.html",
        "https://docs.kernel.org/admin-guide/cgroup-v2.html#device-controller",
    ],
    relax: Some(|settings, _| settings.devices.allowed = None),
    state: |settings| {
        let rules = settings.devices.allowed.as_ref().map_or(0, Vec::len);
        format!("{rules} rules")
    },
};

pub(super) const RESOURCE_LIMIT: Entry = Entry {
    id: Mechanism::ResourceLimit,
    title: "Resource limits",
    about: "Control groups bound the number of processes (EAGAIN) and the memory (the process is killed); setrlimit bounds open files (EMFILE), locked memory (ENOMEM, EPERM) and more.",
    checks: &["pids_can_fork", "try_charge_memcg", "alloc_fd"],
    keys: &["pids_limit", "mem_limit", "ulimits"],
    open_with: "pids_limit: -1, no mem_limit, higher ulimits",
    sources: &[
        "https://docs.kernel.org/admin-guide/cgroup-v2.html",
        "https://man7.org/linux/man-pages/man2/getrlimit.2.html",
    ],
    relax: Some(|settings, _| settings.limits = crate::settings::Limits::default()),
    state: |settings| {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(settings.limits.pids.map(|n| format!("{n} processes")));
        parts.extend(settings.limits.memory.map(|n| format!("{} MiB", n >> 20)));
        parts.extend(settings.limits.ulimits.iter().map(|u| format!("{} {}", u.name, u.soft)));
        parts.join(", ")
    },
};

pub(super) const SYSCTL: Entry = Entry {
    id: Mechanism::Sysctl,
    title: "Kernel parameter",
    about: "A sysctl makes the kernel ask for more than it otherwise would: from which port on no capability is needed, who may use perf or unprivileged bpf. Only those of the container's own namespaces can be set for one container.",
    checks: &["inet_port_requires_bind_service", "perf_allow_cpu", "kptr_restrict_value"],
    keys: &["sysctls"],
    open_with: "sysctls: {net.ipv4.ip_unprivileged_port_start: 0}",
    sources: &[
        "https://docs.kernel.org/admin-guide/sysctl/index.html",
        "https://docs.docker.com/reference/compose-file/services/#sysctls",
    ],
    relax: Some(|settings, _| settings.sysctls = crate::scenario::defaults::sysctls(settings)),
    state: |settings| {
        let set: Vec<String> =
            settings.sysctls.iter().map(|(name, value)| format!("{name}={value}")).collect();
        set.join(", ")
    },
};
