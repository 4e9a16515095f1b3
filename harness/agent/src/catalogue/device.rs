//! Device nodes: making one, opening it, opening those of the host. A device node is a door to hardware, whatever
//! directory it lies in; the door is watched by mode bits, the mount's `nodev` and the device control group.

use std::ffi::CStr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use syscalls::Sysno;

use crate::found;
use crate::layout;
use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys::{self, CWD, Made, ptr};
use crate::wire::Request;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "device-mknod",
        title: "Make a device node",
        tries: "mknod(\"/scratch/…\", S_IFCHR, 1:3), the null device's numbers, removed in the next line",
        gains: "the first half of a way to any hardware of the host",
        calls: &[Sysno::mknodat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_MKNOD"],
        aims: &[Aim::Device(1, 3, "m")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "another null device in the container's own directory, removed in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mknod.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namei.c",
        ],
        run: mknod,
    },
    Probe {
        id: "device-open-own-node",
        title: "Open a device through a node of one's own",
        tries: "mknod(\"/scratch/…\", S_IFCHR, 1:11), the kernel log's numbers, and open(…, O_WRONLY): the driver asks for no capability then, so that after the node it is the device control group that decides",
        gains: "with the numbers of a disk instead, the host's files, whatever is mounted",
        calls: &[Sysno::mknodat, Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_MKNOD"],
        aims: &[Aim::Device(1, 11, "wm")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "nothing is written to the log; the node is removed in the next line",
        sources: &[
            "https://elixir.bootlin.com/linux/v6.12/source/security/device_cgroup.c",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/printk/printk.c",
            "https://docs.kernel.org/admin-guide/cgroup-v2.html",
        ],
        run: open_own_node,
    },
    Probe {
        id: "device-open-host-disk",
        title: "Open a disk of the host",
        tries: "open(DISK, O_RDONLY | O_NONBLOCK) for the block devices in /dev, loop, RAM, floppy, optical and network ones left out",
        gains: "every file of the host, past its owners and modes",
        calls: &[Sysno::openat],
        proof: &[libc::ENOMEDIUM],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Disk],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the disk is opened for reading and closed again; nothing is read",
        sources: &[
            "https://man7.org/linux/man-pages/man2/open.2.html",
            "https://docs.docker.com/reference/cli/docker/container/run/",
        ],
        run: open_host_disk,
    },
];

fn mknod(request: &Request) -> Attempt {
    with_node(request, libc::makedev(1, 3), |_| None)
}

fn open_own_node(request: &Request) -> Attempt {
    with_node(request, libc::makedev(1, 11), |node| Some(sys::closing(sys::open(node, libc::O_WRONLY, 0))))
}

/// Makes a character device node, does something with it, and removes it; answers for the step that came last.
fn with_node(request: &Request, numbers: libc::dev_t, next: impl FnOnce(&CStr) -> Option<Made>) -> Attempt {
    let path = sys::cstring(&format!("{}/{}{}", layout::SCRATCH, layout::CANARY, request.token));
    let kind = (libc::S_IFCHR | 0o600) as usize;
    let made = sys::call(Sysno::mknodat, &[CWD, ptr(&path), kind, numbers as usize]);
    if !made.worked() {
        return made.answer();
    }
    let last = next(&path).unwrap_or(made);
    sys::call(Sysno::unlinkat, &[CWD, ptr(&path), 0]).or_broken("remove the device node")?;
    last.answer()
}

fn open_host_disk(_: &Request) -> Attempt {
    let mut disks: Vec<_> = std::fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            entry.metadata().is_ok_and(|node| node.file_type().is_block_device() && is_disk(node.rdev()))
        })
        .filter_map(|entry| entry.path().into_os_string().into_string().ok())
        .collect();
    disks.sort();
    if disks.is_empty() {
        return Ok(Answer::absent("no disk in /dev"));
    }
    let open = |path: String| sys::open(&sys::cstring(&path), libc::O_RDONLY | libc::O_NONBLOCK, 0);
    found::any_real(disks.into_iter().map(|path| sys::closing(open(path)).answer()))
}

/// Whether a block device is a disk, and can be opened without moving anything: no RAM disk (1), floppy (2),
/// loop device (7), optical drive (11) or network disk (43).
fn is_disk(numbers: libc::dev_t) -> bool {
    !matches!(libc::major(numbers), 1 | 2 | 7 | 11 | 43)
}
