//! Powers over files: owners, modes, attributes, leases.

use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use syscalls::Sysno;

use super::unnamed_file;
use crate::layout;
use crate::probe::{Aim, Answer, Attempt, Effect, Need, Probe};
use crate::sys::{self, CWD, addr, addr_mut, cstring, ptr};
use crate::wire::Request;

/// `FS_IOC_GETFLAGS` and `FS_IOC_SETFLAGS`, `linux/fs.h`.
const GET_FLAGS: usize = 0x8008_6601;
const SET_FLAGS: usize = 0x4008_6602;
/// `FS_IMMUTABLE_FL`.
const IMMUTABLE: u32 = 0x10;
/// `VFS_CAP_REVISION_2`, `linux/capability.h`.
const FILE_CAPABILITIES_V2: u32 = 0x0200_0000;
/// Tried as a label where the file has none to begin with.
const SOME_LABEL: &[u8] = b"system_u:object_r:container_file_t:s0\0";

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "capability-chown",
        title: "Give a file to another user",
        tries: "fchown of a file of its own to the foreign user",
        gains: "files in any user's name, where quotas, cron or ssh ask who owns a file",
        calls: &[Sysno::fchown],
        proof: &[],
        // The user namespace does not know the foreign user.
        refusal: &[libc::EINVAL],
        capabilities: &["CAP_CHOWN"],
        aims: &[Aim::Id(layout::FOREIGN_ID)],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the file is empty, on the container's own tmpfs, has no name, and goes away when it is closed",
        sources: &[
            "https://man7.org/linux/man-pages/man2/chown.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/attr.c",
        ],
        run: chown,
    },
    Probe {
        id: "capability-dac-override",
        title: "Open another user's private file for writing",
        tries: "open(O_WRONLY) of a file of mode 0600 that belongs to another user; reading alone would also pass with CAP_DAC_READ_SEARCH",
        gains: "every file in reach: mode bits are the only thing between the users of one file system",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_DAC_OVERRIDE"],
        aims: &[],
        needs: &[Need::ForeignFiles],
        effect: Effect::Harmless,
        harmless_because: "the file is opened and closed, neither created nor truncated, and nothing is written",
        sources: &[
            "https://man7.org/linux/man-pages/man7/capabilities.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namei.c",
        ],
        run: dac_override,
    },
    Probe {
        id: "capability-fowner",
        title: "Change the mode of another user's file",
        tries: "fchmodat of a file of another user, to the mode that it has",
        gains: "other users' files: who may set their mode may open them",
        calls: &[Sysno::fchmodat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_FOWNER"],
        aims: &[],
        needs: &[Need::ForeignFiles],
        effect: Effect::Harmless,
        harmless_because: "the mode stays what it was; only the fixture's change time moves",
        sources: &[
            "https://man7.org/linux/man-pages/man2/chmod.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/attr.c",
        ],
        run: fowner,
    },
    Probe {
        id: "capability-fsetid",
        title: "Set the set-group-id bit for a foreign group",
        tries: "fchmodat(2755) of a file of its own whose group it is not a member of; without the capability the call works and the kernel clears the bit",
        gains: "a program that runs with a group of the attacker's choice",
        calls: &[Sysno::fchmodat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_FSETID"],
        aims: &[],
        needs: &[Need::ForeignFiles],
        effect: Effect::Undone,
        harmless_because: "the fixture is no program, and its mode is restored in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/chmod.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/attr.c",
        ],
        run: fsetid,
    },
    Probe {
        id: "capability-setfcap",
        title: "Give a file capabilities",
        tries: "fsetxattr(\"security.capability\") on a file of its own, with an empty set of capabilities",
        gains: "a program that brings capabilities to whoever runs it, outside the container too",
        calls: &[Sysno::fsetxattr],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SETFCAP"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the set grants nothing, and the file is empty, has no name, and goes away when it is closed",
        sources: &[
            "https://man7.org/linux/man-pages/man7/capabilities.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/security/commoncap.c",
        ],
        run: setfcap,
    },
    Probe {
        id: "capability-immutable",
        title: "Make a file immutable",
        tries: "ioctl(FS_IOC_SETFLAGS) with the immutable flag on a file of its own; a tmpfs knows the flag since Linux 6.0",
        gains: "files that root on the host cannot change or remove without knowing why, and the removal of that protection from others",
        calls: &[Sysno::ioctl],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_LINUX_IMMUTABLE"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the flag is cleared in the next line, and the file has no name and goes away when it is closed",
        sources: &[
            "https://man7.org/linux/man-pages/man2/ioctl_iflags.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/ioctl.c",
        ],
        run: immutable,
    },
    Probe {
        id: "capability-lease",
        title: "Lease another user's file",
        tries: "fcntl(F_SETLEASE, F_RDLCK) on a file of another user: the agent's own program where that is not the user's, or else the private foreign file, which has to be opened first",
        gains: "notice of, and delay for, everybody who opens the file for writing (45 seconds each)",
        calls: &[Sysno::openat, Sysno::fcntl],
        // Somebody has the file open for writing: looked at after the permission check.
        proof: &[libc::EAGAIN],
        refusal: &[],
        capabilities: &["CAP_LEASE"],
        aims: &[],
        needs: &[Need::ForeignFiles],
        effect: Effect::Undone,
        harmless_because: "a read lease on a file that nobody writes, given back in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/fcntl.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/locks.c",
        ],
        run: lease,
    },
    Probe {
        id: "capability-set-selinux-label",
        title: "Set a file's SELinux label",
        tries: "fsetxattr(\"security.selinux\") on a file of its own, with the label that it has; without SELinux the kernel asks for CAP_SYS_ADMIN in the user namespace that the file system belongs to, as for any security.* attribute, but a 6.18 kernel with SELinux built in and not in use was seen to let the file's owner set this one",
        gains: "files with labels that other containers or the host's services trust",
        calls: &[Sysno::fsetxattr],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the file is empty, has no name, and goes away when it is closed",
        sources: &[
            "https://man7.org/linux/man-pages/man7/xattr.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/security/selinux/hooks.c",
            "https://elixir.bootlin.com/linux/v6.12/source/security/commoncap.c",
        ],
        run: set_selinux_label,
    },
];

fn chown(_: &Request) -> Attempt {
    let file = unnamed_file()?;
    sys::call(Sysno::fchown, &[file.as_raw_fd() as usize, layout::FOREIGN_ID as usize, usize::MAX]).answer()
}

fn dac_override(_: &Request) -> Attempt {
    sys::closing(sys::open(&cstring(layout::FOREIGN_FILE), libc::O_WRONLY, 0)).answer()
}

/// The permission bits of a file; `otherwise` if it cannot be looked at, as the attempt itself will show.
fn mode_of(path: &str, otherwise: u32) -> u32 {
    std::fs::metadata(path).map_or(otherwise, |file| file.mode() & 0o7777)
}

fn fowner(_: &Request) -> Attempt {
    let mode = mode_of(layout::FOREIGN_FILE, 0o600) as usize;
    sys::call(Sysno::fchmodat, &[CWD, ptr(&cstring(layout::FOREIGN_FILE)), mode]).answer()
}

fn fsetid(_: &Request) -> Attempt {
    let path = cstring(layout::FOREIGN_GROUP_FILE);
    let before = mode_of(layout::FOREIGN_GROUP_FILE, 0o644);
    let made = sys::call(Sysno::fchmodat, &[CWD, ptr(&path), 0o2755]);
    let after = mode_of(layout::FOREIGN_GROUP_FILE, 0);
    if !made.worked() {
        return made.answer();
    }
    sys::call(Sysno::fchmodat, &[CWD, ptr(&path), before as usize]).or_broken("restore the mode")?;
    if after & libc::S_ISGID == 0 {
        let why = format!("the mode became {after:04o}: the kernel cleared the set-group-id bit");
        return Ok(Answer::Withheld { made, why });
    }
    made.answer()
}

fn setfcap(_: &Request) -> Attempt {
    let file = unnamed_file()?;
    // `struct vfs_cap_data`: the version, then permitted and inheritable, twice.
    let nothing = [FILE_CAPABILITIES_V2.to_le(), 0, 0, 0, 0];
    let fd = file.as_raw_fd() as usize;
    sys::call(Sysno::fsetxattr, &[fd, ptr(c"security.capability"), addr(&nothing), size_of_val(&nothing), 0])
        .answer()
}

fn immutable(_: &Request) -> Attempt {
    let file = unnamed_file()?;
    let fd = file.as_raw_fd() as usize;
    let mut before = 0u32;
    let read = sys::call(Sysno::ioctl, &[fd, GET_FLAGS, addr_mut(&mut before)]);
    if read.result == Err(libc::ENOTTY) {
        return Ok(Answer::absent("tmpfs has no file flags before Linux 6.0"));
    }
    read.or_broken("read the file's flags")?;
    let wanted = before | IMMUTABLE;
    let made = sys::call(Sysno::ioctl, &[fd, SET_FLAGS, addr(&wanted)]);
    if made.worked() {
        sys::call(Sysno::ioctl, &[fd, SET_FLAGS, addr(&before)]).or_broken("clear the immutable flag")?;
    }
    made.answer()
}

fn lease(_: &Request) -> Attempt {
    // Readable for everybody, so that mode bits do not answer first; but of no use where it is the user's own.
    // SAFETY: reads this process's own id.
    let own_id = unsafe { libc::geteuid() };
    let agent_is_foreign = std::fs::metadata(layout::AGENT).is_ok_and(|file| file.uid() != own_id);
    let path = if agent_is_foreign { layout::AGENT } else { layout::FOREIGN_FILE };
    let file = match sys::open(&cstring(path), libc::O_RDONLY, 0).or_answer() {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    let fd = file.as_raw_fd() as usize;
    let made = sys::call(Sysno::fcntl, &[fd, libc::F_SETLEASE as usize, libc::F_RDLCK as usize]);
    if made.worked() {
        sys::call(Sysno::fcntl, &[fd, libc::F_SETLEASE as usize, libc::F_UNLCK as usize])
            .or_broken("give the lease back")?;
    }
    made.answer()
}

fn set_selinux_label(_: &Request) -> Attempt {
    let file = unnamed_file()?;
    let fd = file.as_raw_fd() as usize;
    let name = ptr(c"security.selinux");
    let mut present = [0u8; 512];
    let read = sys::call(Sysno::fgetxattr, &[fd, name, addr_mut(&mut present), present.len()]);
    let label = match read.result {
        Ok(length @ 1..) => &present[..length as usize],
        _ => SOME_LABEL,
    };
    sys::call(Sysno::fsetxattr, &[fd, name, label.as_ptr() as usize, label.len(), 0]).answer()
}
