//! sysfs, which shows and sets the host's hardware and kernel; there is one for all containers. Reading is tried
//! where masks lie by default, and writing only as far as the open call.

use syscalls::Sysno;

use crate::found::{self, SECURITYFS, SELINUXFS, SYSFS};
use crate::probe::{Aim, Attempt, Effect, Probe};
use crate::wire::Request;

/// Opens a directory for reading.
const LIST: i32 = libc::O_RDONLY | libc::O_DIRECTORY;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "sys-list-firmware",
        title: "List the firmware's tables",
        tries: "open(\"/sys/firmware\", O_DIRECTORY); a mask over it reads as absent",
        gains: "the machine's ACPI tables, its memory map and its EFI variables: maker, model and serial numbers",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/sys/firmware")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a directory is opened and closed again",
        sources: &[
            "https://github.com/moby/moby/blob/v28.2.0/oci/defaults.go",
            "https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md",
        ],
        run: |_| found::try_open_real(c"/sys/firmware", LIST, SYSFS),
    },
    Probe {
        id: "sys-list-powercap",
        title: "List the power meters",
        tries: "open(\"/sys/devices/virtual/powercap\", O_DIRECTORY); a mask over it reads as absent. Only bare metal with the driver has it",
        gains: "the processor's energy use, fine enough to guess at keys that others compute with",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/sys/devices/virtual/powercap")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a directory is opened and closed again",
        sources: &[
            "https://github.com/moby/moby/security/advisories/GHSA-jq35-85cj-fj4p",
            "https://nvd.nist.gov/vuln/detail/CVE-2020-8694",
        ],
        run: |_| found::try_open_real(c"/sys/devices/virtual/powercap", LIST, SYSFS),
    },
    Probe {
        id: "sys-list-thermal-throttle",
        title: "List a processor's thermal counters",
        tries: "open(\"/sys/devices/system/cpu/cpu0/thermal_throttle\", O_DIRECTORY); a mask over it reads as absent. Only Intel processors on bare metal have it",
        gains: "a clock of the processor's heat: a channel between containers and a sign of what others compute",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/sys/devices/system/cpu/cpu0/thermal_throttle")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a directory is opened and closed again",
        sources: &[
            "https://github.com/moby/moby/pull/49560",
            "https://github.com/kubernetes/kubernetes/pull/131018",
        ],
        run: |_| found::try_open_real(c"/sys/devices/system/cpu/cpu0/thermal_throttle", LIST, SYSFS),
    },
    Probe {
        id: "sys-open-uevent-helper",
        title: "Open the host's device-event helper",
        tries: "open(\"/sys/kernel/uevent_helper\", O_WRONLY). Only kernels with CONFIG_UEVENT_HELPER have it",
        gains: "a program of one's choice, run as root on the host at the next device event",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/sys/kernel/uevent_helper")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "nothing is written",
        sources: &[
            "https://man7.org/linux/man-pages/man5/sysfs.5.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/ksysfs.c",
        ],
        run: |_| found::try_open_real(c"/sys/kernel/uevent_helper", libc::O_WRONLY, SYSFS),
    },
    Probe {
        id: "sys-list-security",
        title: "List the security modules' files",
        tries: "open(\"/sys/kernel/security\", O_DIRECTORY) or open(\"/sys/fs/selinux\", O_DIRECTORY); an empty place where nothing is mounted reads as absent",
        gains: "which security modules guard the host, and their policies' interfaces",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/sys/kernel/security"), Aim::Path("/sys/fs/selinux")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a directory is opened and closed again",
        sources: &[
            "https://docs.kernel.org/admin-guide/LSM/index.html",
            "https://github.com/moby/moby/blob/v28.2.0/oci/defaults.go",
        ],
        run: list_security,
    },
];

fn list_security(_: &Request) -> Attempt {
    let places = [(c"/sys/kernel/security", SECURITYFS), (c"/sys/fs/selinux", SELINUXFS)];
    found::any_real(places.into_iter().map(|(path, magic)| found::try_open_real(path, LIST, magic)))
}
