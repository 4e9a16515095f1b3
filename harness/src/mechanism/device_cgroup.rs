//! The device cgroup: which device numbers may be used. Whether there is a node to open is for the mount
//! namespace to say.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::DeviceCgroup,
    title: "Device cgroup",
    about: "A list of device numbers that the container may open, read, write or make nodes of. It looks at the number, not the name, so a node made inside is refused as well: EPERM.",
    checks: &[
        Check {
            function: "devcgroup_check_permission",
            asks: "whether the process's control group may use this device number so: read, write, make a node",
        },
        Check {
            function: "__cgroup_bpf_check_dev_permission",
            asks: "version 2: what the BPF program says that the runtime attached to the group",
        },
        Check {
            function: "devcgroup_legacy_check_permission",
            asks: "version 1: whether the group's list has an entry for it",
        },
    ],
    errnos: &["EPERM"],
    trace: "The call is entered, no capability fails, and it ends with -1. Kretprobes show __cgroup_bpf_check_dev_permission=-1 below devcgroup_check_permission below inode_permission. Without kretprobes a refusal leaves no event of its own: EPERM without a failing capability points here, and proves nothing. Nothing is audited; from outside, version 1 shows the list in devices.list, version 2 only that a program is attached.",
    keys: &[
        Key {
            key: "devices",
            turns: "puts the node into the container and its number on the list, with the access that is written, or rwm",
        },
        Key {
            key: "device_cgroup_rules",
            turns: "puts an entry on the list and makes no node; where a run cannot make control groups there is no list at all, and a note says so",
        },
        Key { key: "privileged", turns: "allows every number, and puts all of the host's nodes into /dev" },
    ],
    open_with: "device_cgroup_rules: [\"c 1:11 r\"]   # or devices: [ … ]",
    sources: &[
        "https://docs.kernel.org/admin-guide/cgroup-v1/devices.html",
        "https://docs.kernel.org/admin-guide/cgroup-v2.html#device-controller",
        "https://elixir.bootlin.com/linux/v6.12/source/security/device_cgroup.c",
    ],
    relax: Some(|settings, _| settings.devices.allowed = None),
    state: |settings| {
        let rules = settings.devices.allowed.as_ref().map_or(0, Vec::len);
        format!("{rules} rules")
    },
};
