//! The calls that name mounts and disks by paths. Where they could take effect they are aimed so that they fail after
//! the permission checks.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::found;
use crate::layout;
use crate::probe::{Answer, Attempt, Effect, Probe};
use crate::sys::{self, Made, ptr};
use crate::wire::Request;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "mount-new",
        title: "Mount a file system",
        tries: "mount(\"none\", \"/\", NULL, 0, NULL): a new mount without the type of its file system",
        gains: "/proc and /sys without masks, the host's disks, and the file-system code of the kernel to attack",
        calls: &[Sysno::mount],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "without a type nothing can be mounted; EINVAL comes after the capability and after the security modules (an unknown type would not do: AppArmor answers ENODEV to that before it reads its rules)",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mount.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
            "https://elixir.bootlin.com/linux/v6.12/source/security/apparmor/mount.c",
        ],
        run: new,
    },
    Probe {
        id: "mount-umount",
        title: "Unmount a file system",
        tries: "umount2(\"/\", MNT_EXPIRE): asks for the expiry of the root that this very process stands on",
        gains: "what lies under a mount: the real file under a mask",
        calls: &[Sysno::umount2],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a process's own root never expires: EINVAL, after the capability and the security modules",
        sources: &[
            "https://man7.org/linux/man-pages/man2/umount.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: umount,
    },
    Probe {
        id: "mount-pivot-root",
        title: "Change the root of the mount namespace",
        tries: "pivot_root(\"/\", \"/\"): the root is to become itself",
        gains: "another root directory for every process of the namespace",
        calls: &[Sysno::pivot_root],
        proof: &[libc::EBUSY, libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the new root must not be the present one: EBUSY, or EINVAL where the root is shared, locked or no mount; both come after the capability and the security modules",
        sources: &[
            "https://man7.org/linux/man-pages/man2/pivot_root.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: pivot_root,
    },
    Probe {
        id: "mount-remount-rw",
        title: "Make a read-only mount writable",
        tries: "mount(NULL, TARGET, NULL, MS_REMOUNT | MS_BIND | its other flags) without MS_RDONLY, for the first of /proc/sys, /host/var and / that is mounted read-only; where none is, for /scratch with the flags it has. A mount that came from a more privileged user namespace has its read-only flag locked: EPERM",
        gains: "kernel settings or the host's files, writable after all",
        calls: &[Sysno::mount],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only a flag of the container's own mount changes, nothing is written through it, and the next line sets it again",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mount.2.html",
            "https://man7.org/linux/man-pages/man7/mount_namespaces.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: remount_rw,
    },
    Probe {
        id: "mount-swapon",
        title: "Switch swap space on or off",
        tries: "swapon(PATH, 0), and if that is refused swapoff(PATH), where PATH does not exist",
        gains: "the memory of every process, written to a file of one's choice; or a host without swap",
        calls: &[Sysno::swapon, Sysno::swapoff],
        proof: &[libc::ENOENT],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no file to swap to; ENOENT comes after the capability",
        sources: &[
            "https://man7.org/linux/man-pages/man2/swapon.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/mm/swapfile.c",
        ],
        run: swapon,
    },
    Probe {
        id: "mount-quotactl",
        title: "Set disk quotas",
        tries: "quotactl_fd(FILE, Q_SETQUOTA, 4242, NULL) for the first place whose file system knows quotas; besides, quotactl(Q_SETQUOTA, NULL, …), which names no device and can only be refused by a filter. Absent where no such file system is in sight: there the kernel never comes to ask for a capability",
        gains: "an end to the disk quotas of others or of one's own",
        calls: &[Sysno::quotactl_fd, Sysno::quotactl],
        proof: &[libc::EFAULT],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "without limits there is nothing to set: EFAULT, after the capability",
        sources: &[
            "https://man7.org/linux/man-pages/man2/quotactl.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/quota/quota.c",
        ],
        run: quotactl,
    },
];

fn new(_: &Request) -> Attempt {
    sys::call(Sysno::mount, &[ptr(c"none"), ptr(c"/"), 0, 0, 0]).answer()
}

fn umount(_: &Request) -> Attempt {
    sys::call(Sysno::umount2, &[ptr(c"/"), libc::MNT_EXPIRE as usize]).answer()
}

fn pivot_root(_: &Request) -> Attempt {
    sys::call(Sysno::pivot_root, &[ptr(c"/"), ptr(c"/")]).answer()
}

fn remount_rw(_: &Request) -> Attempt {
    let mounts = found::mounts()?;
    // The last mount on a path is the one that shows.
    let on = |path: &str| mounts.iter().rfind(|mount| mount.point == path);
    let read_only = ["/proc/sys", "/host/var", "/"].into_iter().filter_map(on).find(|mount| mount.has("ro"));
    let Some(target) = read_only.or_else(|| on(layout::SCRATCH)) else {
        return Ok(Answer::absent("no mount of the container's own"));
    };
    let path = sys::cstring(&target.point);
    let flags = [("nosuid", libc::MS_NOSUID), ("nodev", libc::MS_NODEV), ("noexec", libc::MS_NOEXEC)];
    let kept = flags.iter().filter(|(name, _)| target.has(name)).fold(0, |kept, (_, flag)| kept | flag);
    let remount = |more| -> Made {
        // Without an atime flag a remount keeps the one that is set.
        let flags = libc::MS_REMOUNT | libc::MS_BIND | kept | more;
        sys::call(Sysno::mount, &[0, ptr(&path), 0, flags as usize, 0])
    };
    let made = remount(0);
    if made.worked() && read_only.is_some() {
        remount(libc::MS_RDONLY).or_broken("make the mount read-only again")?;
    }
    made.answer()
}

fn swapon(_: &Request) -> Attempt {
    let nowhere = ptr(c"/scratch/whyblocked-no-such-file");
    let ways = [sys::call(Sysno::swapon, &[nowhere, 0]), sys::call(Sysno::swapoff, &[nowhere])];
    sys::any_of(ways, |made| made.result == Err(libc::ENOENT))
}

fn quotactl(_: &Request) -> Attempt {
    let set_user_quota = libc::QCMD(libc::Q_SETQUOTA, libc::USRQUOTA) as usize;
    let somebody = layout::FOREIGN_ID as usize;
    let by_file =
        [c"/", c"/agent", c"/etc", c"/usr", c"/host/etc", c"/etc/hostname"].into_iter().filter_map(|place| {
            let file = sys::own(sys::open(place, libc::O_PATH, 0).result.ok()?);
            let made =
                sys::call(Sysno::quotactl_fd, &[file.as_raw_fd() as usize, set_user_quota, somebody, 0]);
            // A file system without quotas, or without this kind: it says nothing about permission.
            (!matches!(made.result, Err(libc::ENOSYS | libc::EINVAL))).then_some(made)
        });
    let by_device = || sys::call(Sysno::quotactl, &[set_user_quota, 0, somebody, 0]);
    sys::any_of(by_file.chain(std::iter::once_with(by_device)), |made| made.result == Err(libc::EFAULT))
}
