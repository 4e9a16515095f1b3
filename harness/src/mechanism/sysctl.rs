//! Kernel parameters that make the kernel ask for more. Only those of a container's own namespaces can be
//! turned for one container.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
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
