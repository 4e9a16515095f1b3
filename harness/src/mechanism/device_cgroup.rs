//! The device cgroup: which device numbers may be used. Whether there is a node to open is for the mount
//! namespace to say.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
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
