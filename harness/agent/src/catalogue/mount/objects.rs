//! The newer calls, which work on descriptors of mounts and of file systems to be. What is made is attached nowhere.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::layout;
use crate::probe::{Attempt, Effect, Probe};
use crate::sys::{self, CWD, Made, NO_FD, addr, addr_mut, ptr};
use crate::wire::Request;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "mount-fsopen",
        title: "Open a file-system context",
        tries: "fsopen(\"tmpfs\", FSOPEN_CLOEXEC): the first step of a mount in the newer interface",
        gains: "what mount gives, in calls that older filters do not know",
        calls: &[Sysno::fsopen],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the context is closed again; nothing is made of it",
        sources: &[
            "https://man7.org/linux/man-pages/man2/fsopen.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/fsopen.c",
        ],
        run: fsopen,
    },
    Probe {
        id: "mount-fsconfig",
        title: "Make a file system of a context",
        tries: "fsopen(\"tmpfs\"), and fsconfig(FSCONFIG_CMD_CREATE) of the context: the kernel asks once more, for what the type of file system wants",
        gains: "what mount gives, in calls that older filters do not know",
        calls: &[Sysno::fsopen, Sysno::fsconfig],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "an empty file system in memory that is mounted nowhere, and goes when the context is closed in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/fsconfig.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/fsopen.c",
        ],
        run: fsconfig,
    },
    Probe {
        id: "mount-fsmount",
        title: "Make a mount of a file-system context",
        tries: "fsmount(-1, 0, 0), and if that is refused fspick(-1, \"\", FSPICK_EMPTY_PATH): no context, no mount",
        gains: "what mount and remount give, in calls that older filters do not know",
        calls: &[Sysno::fsmount, Sysno::fspick],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is nothing to work on; EBADF comes after the capability",
        sources: &[
            "https://man7.org/linux/man-pages/man2/fsmount.2.html",
            "https://man7.org/linux/man-pages/man2/fspick.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/fsopen.c",
        ],
        run: fsmount,
    },
    Probe {
        id: "mount-open-tree",
        title: "Open a mount as an object",
        tries: "open_tree(-1, \"\", AT_EMPTY_PATH): without OPEN_TREE_CLONE the kernel wants no capability, so that EPERM can only be a filter's",
        gains: "with OPEN_TREE_CLONE, a copy of a mount that no path leads to and that can be attached elsewhere",
        calls: &[Sysno::open_tree],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no mount to open",
        sources: &[
            "https://man7.org/linux/man-pages/man2/open_tree.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: open_tree,
    },
    Probe {
        id: "mount-clone-tree",
        title: "Copy a mount",
        tries: "open_tree(AT_FDCWD, \"/scratch\", OPEN_TREE_CLONE): the copy is an object without a place, closed again",
        gains: "the first half of a bind mount, which masks do not follow: a directory without what was mounted over it",
        calls: &[Sysno::open_tree],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the copy is attached nowhere, and goes when it is closed in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/open_tree.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: clone_tree,
    },
    Probe {
        id: "mount-move",
        title: "Move a mount",
        tries: "move_mount(AT_FDCWD, \"/\", AT_FDCWD, \"/\", 0): the root into itself",
        gains: "a mount over any directory, or away from one: masks in reverse",
        calls: &[Sysno::move_mount],
        proof: &[libc::ELOOP, libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "no mount can be moved into itself: ELOOP, or EINVAL where the root is shared, locked or no mount; both come after the capability and the security modules",
        sources: &[
            "https://man7.org/linux/man-pages/man2/move_mount.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: move_mount,
    },
    Probe {
        id: "mount-setattr",
        title: "Change the attributes of a mount",
        tries: "mount_setattr(-1, \"\", AT_EMPTY_PATH, {attr_set: MOUNT_ATTR_RDONLY}): no mount",
        gains: "read-only, nosuid, noexec and nodev taken from a whole tree of mounts at once",
        calls: &[Sysno::mount_setattr],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no mount to change; EBADF comes after the capability",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mount_setattr.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: setattr,
    },
    Probe {
        id: "mount-statmount",
        title: "List mounts by number",
        tries: "listmount(LSMT_ROOT), and if that is refused statmount(NULL): the kernel tells anybody about the mounts under his own root, so that EPERM can only be a filter's",
        gains: "where the host keeps the container's files, and which directories of the host are mounted",
        calls: &[Sysno::listmount, Sysno::statmount],
        proof: &[libc::EFAULT],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "numbers are read",
        sources: &[
            "https://man7.org/linux/man-pages/man2/listmount.2.html",
            "https://man7.org/linux/man-pages/man2/statmount.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        ],
        run: statmount,
    },
];

fn fsopen(_: &Request) -> Attempt {
    sys::closing(context()).answer()
}

/// A context of a tmpfs to be.
fn context() -> Made {
    /// `FSOPEN_CLOEXEC`, `linux/mount.h`.
    const CLOEXEC: usize = 1;
    sys::call(Sysno::fsopen, &[ptr(c"tmpfs"), CLOEXEC])
}

fn fsconfig(_: &Request) -> Attempt {
    /// `FSCONFIG_CMD_CREATE`, `linux/mount.h`.
    const CREATE: usize = 6;
    let context = match context().or_answer() {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    sys::call(Sysno::fsconfig, &[context.as_raw_fd() as usize, CREATE, 0, 0, 0]).answer()
}

fn fsmount(_: &Request) -> Attempt {
    /// `FSPICK_EMPTY_PATH`, `linux/mount.h`.
    const EMPTY_PATH: usize = 8;
    let ways =
        [sys::call(Sysno::fsmount, &[NO_FD, 0, 0]), sys::call(Sysno::fspick, &[NO_FD, ptr(c""), EMPTY_PATH])];
    sys::any_of(ways, |made| made.result == Err(libc::EBADF))
}

fn open_tree(_: &Request) -> Attempt {
    sys::call(Sysno::open_tree, &[NO_FD, ptr(c""), libc::AT_EMPTY_PATH as usize]).answer()
}

fn clone_tree(_: &Request) -> Attempt {
    /// `OPEN_TREE_CLONE`, `linux/mount.h`.
    const CLONE: usize = 1;
    let path = sys::cstring(layout::SCRATCH);
    let args = [CWD, ptr(&path), CLONE | libc::O_CLOEXEC as usize];
    sys::closing(sys::call(Sysno::open_tree, &args)).answer()
}

fn move_mount(_: &Request) -> Attempt {
    sys::call(Sysno::move_mount, &[CWD, ptr(c"/"), CWD, ptr(c"/"), 0]).answer()
}

fn setattr(_: &Request) -> Attempt {
    // `struct mount_attr`: attr_set, attr_clr, propagation, userns_fd.
    let attributes = [libc::MOUNT_ATTR_RDONLY, 0, 0, 0];
    let args = [NO_FD, ptr(c""), libc::AT_EMPTY_PATH as usize, addr(&attributes), size_of_val(&attributes)];
    sys::call(Sysno::mount_setattr, &args).answer()
}

fn statmount(_: &Request) -> Attempt {
    // `struct mnt_id_req`: its own size, LSMT_ROOT, no number to begin after.
    let under_root: [u64; 3] = [24, u64::MAX, 0];
    let mut numbers = [0u64; 8];
    let ways = [
        sys::call(Sysno::listmount, &[addr(&under_root), addr_mut(&mut numbers), numbers.len(), 0]),
        sys::call(Sysno::statmount, &[0, 0, 0, 0]),
    ];
    sys::any_of(ways, |made| made.worked() || made.result == Err(libc::EFAULT))
}
