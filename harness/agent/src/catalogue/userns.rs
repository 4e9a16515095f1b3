//! What root inside a user namespace is, seen from outside: an ordinary user who holds a range of ids.
//! Who owns a file is seen from outside; what else is tried needs capabilities that a container's root has, and is
//! refused for the namespace alone.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use super::capability::unnamed_file;
use super::file::leave_canary;
use crate::layout;
use crate::probe::{Aim, Attempt, Effect, Probe};
use crate::sys::{self, CWD, cstring, ptr};
use crate::wire::Request;

/// A user id that exists on the host, as every number does, and that no usual mapping contains.
const UNMAPPED_ID: u32 = 4_000_000_000;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "userns-file-owner-on-host",
        title: "Make a file in a directory that the host shares",
        tries: "open(\"/host/shared/whyblocked-canary-TOKEN\", O_CREAT | O_EXCL | O_WRONLY) and writes TOKEN into it, in a directory of the host that everybody may write. The file is left there: the harness looks from outside whose it is on the host, which is what a user namespace changes, and removes it",
        gains: "without a user namespace, a file of the host's root in a directory that others read; with one, a file of nobody's",
        calls: &[Sysno::openat, Sysno::write],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/host/shared")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "a new file with a name that nothing reads, in a directory that the harness made for the run; O_EXCL spares whatever is there; the harness removes it",
        sources: &[
            "https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
            "https://docs.docker.com/engine/security/userns-remap/",
        ],
        run: file_owner_on_host,
    },
    Probe {
        id: "userns-chown-unmapped",
        title: "Give a file to a user outside the mapping",
        tries: "fchown of a file of its own to user 4000000000",
        gains: "files in the name of any user of the host; inside a user namespace the number means nobody",
        calls: &[Sysno::fchown],
        proof: &[],
        // The id is not in the user namespace's map; asked before any capability.
        refusal: &[libc::EINVAL],
        capabilities: &["CAP_CHOWN"],
        aims: &[Aim::Id(UNMAPPED_ID)],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the file is empty, on the container's own tmpfs, has no name, and goes away when it is closed",
        sources: &[
            "https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/open.c",
        ],
        run: chown_unmapped,
    },
    Probe {
        id: "userns-mknod",
        title: "Make a device node on its own tmpfs",
        tries: "mknodat of a node like /dev/null in the scratch directory; the capability has to be held in the initial user namespace",
        gains: "a door to any device whose number is known, if the device cgroup lets it be opened",
        calls: &[Sysno::mknodat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_MKNOD"],
        aims: &[Aim::Device(1, 3, "m")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "a second /dev/null, never opened and removed in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mknod.2.html",
            "https://docs.docker.com/engine/security/userns-remap/",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namei.c",
        ],
        run: mknod,
    },
];

fn file_owner_on_host(request: &Request) -> Attempt {
    leave_canary("shared", "userns-file-owner-on-host", request)
}

fn chown_unmapped(_: &Request) -> Attempt {
    let file = unnamed_file()?;
    sys::call(Sysno::fchown, &[file.as_raw_fd() as usize, UNMAPPED_ID as usize, usize::MAX]).answer()
}

fn mknod(request: &Request) -> Attempt {
    let path = cstring(&format!("{}/{}{}-node", layout::SCRATCH, layout::CANARY, request.token));
    let null = libc::makedev(1, 3) as usize;
    let made = sys::call(Sysno::mknodat, &[CWD, ptr(&path), (libc::S_IFCHR | 0o600) as usize, null]);
    if made.worked() {
        sys::call(Sysno::unlinkat, &[CWD, ptr(&path), 0]).or_broken("remove the node")?;
    }
    made.answer()
}
