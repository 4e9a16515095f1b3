//! Paths and operations, whatever the user: what Docker's AppArmor profile refuses by name. Where
//! AppArmor is not active the same attempts meet only what is left, and are worth the comparison.

use std::os::unix::fs::MetadataExt;

use syscalls::Sysno;

use crate::layout;
use crate::probe::{Aim, Attempt, Effect, Probe};
use crate::sys::{self, CWD, cstring, ptr};
use crate::wire::Request;

/// A file of procfs that belongs to the host's root and not to a process: the kernel lets nobody change
/// the mode of a process's own (`proc_setattr`), so that /proc/1/cgroup would prove nothing.
const PROC_FILE: &str = "/proc/uptime";

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "apparmor-chmod-proc",
        title: "Change the mode of a file in /proc",
        tries: "fchmodat of /proc/uptime, to the mode that it has; AppArmor is asked before the file's owner",
        gains: "files of procfs opened up to users that should not read or write them",
        calls: &[Sysno::fchmodat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_FOWNER"],
        aims: &[Aim::Path("/proc/uptime")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the mode stays what it was",
        sources: &[
            "https://docs.docker.com/engine/security/apparmor/",
            "https://github.com/moby/moby/blob/v26.1.5/profiles/apparmor/template.go",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/generic.c",
        ],
        run: chmod_proc,
    },
    Probe {
        id: "apparmor-mount-in-userns",
        title: "Mount in a user namespace of its own",
        tries: "unshare(CLONE_NEWUSER | CLONE_NEWNS), and mount of a tmpfs there, which the new namespace's root may do",
        gains: "mounts that uncover what a mask hides, and the kernel's file system code, for any user",
        calls: &[Sysno::unshare, Sysno::mount],
        proof: &[],
        // The sysctl user.max_user_namespaces, or a limit of nesting.
        refusal: &[libc::ENOSPC, libc::EUSERS],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "both namespaces are the probe's own and end with it; in a new user namespace no mount spreads back",
        sources: &[
            "https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
            "https://man7.org/linux/man-pages/man7/mount_namespaces.7.html",
            "https://docs.docker.com/engine/security/apparmor/",
        ],
        run: mount_in_userns,
    },
];

fn chmod_proc(_: &Request) -> Attempt {
    let mode = std::fs::metadata(PROC_FILE).map_or(0o444, |file| file.mode() & 0o7777);
    sys::call(Sysno::fchmodat, &[CWD, ptr(&cstring(PROC_FILE)), mode as usize]).answer()
}

fn mount_in_userns(_: &Request) -> Attempt {
    let namespaces = (libc::CLONE_NEWUSER | libc::CLONE_NEWNS) as usize;
    if let Err(answer) = sys::call(Sysno::unshare, &[namespaces]).or_answer() {
        return Ok(answer);
    }
    let (target, kind) = (cstring(layout::SCRATCH), ptr(c"tmpfs"));
    sys::call(Sysno::mount, &[kind, ptr(&target), kind, 0, 0]).answer()
}
