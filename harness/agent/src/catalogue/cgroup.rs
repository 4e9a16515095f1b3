//! Control groups. Who writes to its own control group can lift its own limits, and in version 1 run programs on
//! the host; what is tried is to make a group, to open the dangerous files, and to read one's place among the host's.

use std::os::unix::fs::MetadataExt;

use syscalls::Sysno;

use crate::found::{self, PROCFS};
use crate::layout;
use crate::probe::{Aim, Answer, Attempt, Broken, Effect, Probe};
use crate::sys::{self, CWD, ptr};
use crate::wire::Request;

/// Where the file is on a host with version 1: one of these hierarchies is always there.
const RELEASE_AGENTS: &[Aim] = &[
    Aim::Path("/sys/fs/cgroup/systemd/release_agent"),
    Aim::Path("/sys/fs/cgroup/memory/release_agent"),
    Aim::Path("/sys/fs/cgroup/devices/release_agent"),
    Aim::Path("/sys/fs/cgroup/pids/release_agent"),
];

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "cgroup-mkdir",
        title: "Make a control group",
        tries: "mkdir(\"HIERARCHY/whyblocked-canary-TOKEN\"), where HIERARCHY is the mounted version 2 hierarchy or else the first of version 1; removed in the next line",
        gains: "groups of one's own: processes moved out of the container's limits",
        calls: &[Sysno::mkdirat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/sys/fs/cgroup/pids"), Aim::Path("/sys/fs/cgroup")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "an empty group limits nobody, and it is removed in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man7/cgroups.7.html",
            "https://docs.kernel.org/admin-guide/cgroup-v2.html",
        ],
        run: mkdir,
    },
    Probe {
        id: "cgroup-open-release-agent",
        title: "Open the release agent of a control group hierarchy",
        tries: "open(\"HIERARCHY/release_agent\", O_WRONLY) in the version 1 hierarchies that are mounted. Only the root group has the file, and version 2 has none",
        gains: "a program of one's choice, run as root on the host when a group becomes empty",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: RELEASE_AGENTS,
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "nothing is written",
        sources: &[
            "https://man7.org/linux/man-pages/man7/cgroups.7.html",
            "https://nvd.nist.gov/vuln/detail/CVE-2022-0492",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/cgroup/cgroup-v1.c",
        ],
        run: |_| open_in_version_1(None, "release_agent"),
    },
    Probe {
        id: "cgroup-open-devices-allow",
        title: "Open the list of allowed devices",
        tries: "open(\"HIERARCHY/devices.allow\", O_WRONLY) in the version 1 device hierarchy; version 2 has no such file, there a program in the kernel decides",
        gains: "an end to the device control group: every disk of the host",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/sys/fs/cgroup/devices/devices.allow")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "nothing is written",
        sources: &[
            "https://docs.kernel.org/admin-guide/cgroup-v1/devices.html",
            "https://elixir.bootlin.com/linux/v6.12/source/security/device_cgroup.c",
        ],
        run: |_| open_in_version_1(Some("devices"), "devices.allow"),
    },
    Probe {
        id: "cgroup-see-host-path",
        title: "See one's place among the host's control groups",
        tries: "open(\"/proc/self/cgroup\") and reads it: the host's paths show if the control group namespace is the host's, or if a path other than / is in it; a lone / reads as absent",
        gains: "the container's id, its runtime's and its neighbours' names: where to aim on the host",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Namespace("cgroup")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a file about oneself is read",
        sources: &["https://man7.org/linux/man-pages/man7/cgroup_namespaces.7.html"],
        run: see_host_path,
    },
];

fn mkdir(request: &Request) -> Attempt {
    let mounts = found::mounts()?;
    let Some(hierarchy) =
        ["cgroup2", "cgroup"].into_iter().find_map(|kind| mounts.iter().find(|mount| mount.kind == kind))
    else {
        return Ok(Answer::absent("no control group hierarchy is mounted"));
    };
    let path = sys::cstring(&format!("{}/{}{}", hierarchy.point, layout::CANARY, request.token));
    let made = sys::call(Sysno::mkdirat, &[CWD, ptr(&path), 0o755]);
    if made.worked() {
        sys::call(Sysno::unlinkat, &[CWD, ptr(&path), libc::AT_REMOVEDIR as usize])
            .or_broken("remove the control group")?;
    }
    made.answer()
}

/// Opens a file for writing in every version 1 hierarchy that has a controller, or in all.
fn open_in_version_1(controller: Option<&str>, file: &str) -> Attempt {
    let mut hierarchies = found::mounts()?;
    hierarchies.retain(|mount| {
        mount.kind == "cgroup" && controller.is_none_or(|wanted| mount.file_system_has(wanted))
    });
    if hierarchies.is_empty() {
        return Ok(Answer::absent("no such version 1 hierarchy is mounted"));
    }
    let open = |point: &str| sys::open(&sys::cstring(&format!("{point}/{file}")), libc::O_WRONLY, 0);
    found::any_real(hierarchies.iter().map(|mount| sys::closing(open(&mount.point)).answer()))
}

fn see_host_path(request: &Request) -> Attempt {
    let opened = match found::open_real(c"/proc/self/cgroup", libc::O_RDONLY, PROCFS) {
        Ok(opened) => opened,
        Err(attempt) => return attempt,
    };
    let text = std::io::read_to_string(std::fs::File::from(opened.fd))
        .map_err(|_| Broken::at("read /proc/self/cgroup"))?;
    // A path above the namespace's root is shown as /.., which says nothing of the host.
    let shows =
        |line: &str| line.splitn(3, ':').nth(2).is_some_and(|path| path != "/" && !path.starts_with("/.."));
    let own = std::fs::metadata("/proc/self/ns/cgroup").map(|link| link.ino());
    let shared = request
        .host_namespaces
        .iter()
        .any(|(name, inode)| name == "cgroup" && own.as_ref().ok() == Some(inode));
    if shared || text.lines().any(shows) {
        return opened.made.answer();
    }
    Ok(Answer::Hollow { made: opened.made, why: "only the root of a control group namespace".to_owned() })
}
