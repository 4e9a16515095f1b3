//! Files of the host, and the calls that reach files by other ways than their path. A mounted directory of the
//! host is the shortest way out; canaries written there are the harness's to look at and to remove.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use super::identity::run_copy;
use crate::found;
use crate::layout;
use crate::mountinfo::Mount;
use crate::probe::{Aim, Answer, Attempt, Effect, Need, Probe};
use crate::sys::{self, CWD, addr, addr_mut, ptr};
use crate::wire::Request;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "file-write-host-etc",
        title: "Write into the host's /etc",
        tries: "open(\"/host/etc/whyblocked-canary-TOKEN\", O_CREAT | O_EXCL | O_WRONLY) and writes TOKEN into it. The file is left there: the harness looks from outside whether it exists and whose it is, and removes it",
        gains: "the host: a cron table, a unit file, a password file is all it takes",
        calls: &[Sysno::openat, Sysno::write],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/host/etc")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "a new file with a name that nothing reads, in a directory that the harness made for the run; O_EXCL spares whatever is there; the harness removes it",
        sources: &[
            "https://docs.docker.com/engine/storage/bind-mounts/",
            "https://man7.org/linux/man-pages/man7/path_resolution.7.html",
        ],
        run: write_host_etc,
    },
    Probe {
        id: "file-write-readonly-bind",
        title: "Write into a directory of the host that is mounted read-only",
        tries: "open(\"/host/var/whyblocked-canary-TOKEN\", O_CREAT | O_EXCL | O_WRONLY) and writes TOKEN into it; left there for the harness, as in /host/etc",
        gains: "the host's files, although the mount says ro",
        calls: &[Sysno::openat, Sysno::write],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/host/var")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "as in /host/etc: a new file in a directory made for the run, which the harness removes",
        sources: &[
            "https://docs.docker.com/engine/storage/bind-mounts/",
            "https://man7.org/linux/man-pages/man2/mount.2.html",
        ],
        run: write_readonly_bind,
    },
    Probe {
        id: "file-write-readonly-rootfs",
        title: "Write into the container's root directory",
        tries: "open(\"/whyblocked-canary-TOKEN\", O_CREAT | O_EXCL | O_WRONLY), removed in the next line",
        gains: "programs and settings in the container that stay for the next attack",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "an empty new file with a name that nothing reads, removed in the next line",
        sources: &[
            "https://docs.docker.com/reference/cli/docker/container/run/",
            "https://man7.org/linux/man-pages/man2/open.2.html",
        ],
        run: write_readonly_rootfs,
    },
    Probe {
        id: "file-open-by-handle",
        title: "Open a file by its number",
        tries: "open_by_handle_at(AT_FDCWD, a handle for inode 0, O_RDONLY): well-formed, and of a file that no file system has",
        gains: "any file of a file system of which one file is mounted: the break-out known as shocker",
        calls: &[Sysno::open_by_handle_at],
        proof: &[libc::ESTALE],
        refusal: &[],
        capabilities: &["CAP_DAC_READ_SEARCH"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "inode 0 does not exist: ESTALE, after the capability, which must be held in the initial user namespace",
        sources: &[
            "https://man7.org/linux/man-pages/man2/open_by_handle_at.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/fhandle.c",
            "https://docs.docker.com/engine/security/seccomp/",
        ],
        run: open_by_handle,
    },
    Probe {
        id: "file-name-to-handle",
        title: "Ask for a file's number",
        tries: "name_to_handle_at(AT_FDCWD, \"/\", a handle of 0 bytes): the kernel asks for no capability, so that EPERM can only be a filter's",
        gains: "the handles that open_by_handle_at takes",
        calls: &[Sysno::name_to_handle_at],
        proof: &[libc::EOVERFLOW, libc::EOPNOTSUPP],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "only the size of a handle is asked for; EOVERFLOW says it, EOPNOTSUPP that this file system has none",
        sources: &[
            "https://man7.org/linux/man-pages/man2/open_by_handle_at.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/fhandle.c",
        ],
        run: name_to_handle,
    },
    Probe {
        id: "file-chroot",
        title: "Change the root directory",
        tries: "chroot(\"/\"): to the root that the process has",
        gains: "the classic way out of a root directory that is not a mount of its own; a false /etc for set-user-id programs",
        calls: &[Sysno::chroot],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_CHROOT"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the new root is the old one",
        sources: &[
            "https://man7.org/linux/man-pages/man2/chroot.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/open.c",
        ],
        run: chroot,
    },
    Probe {
        id: "file-fanotify",
        title: "Watch whole file systems",
        tries: "fanotify_init(FAN_CLASS_NOTIF, O_RDONLY); since Linux 5.13 a listener that gets file handles instead of open files (FAN_REPORT_FID) needs no capability, this one does",
        gains: "open descriptors of the files that others use, wherever they are mounted",
        calls: &[Sysno::fanotify_init],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the listener watches nothing and is closed again",
        sources: &[
            "https://man7.org/linux/man-pages/man2/fanotify_init.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/notify/fanotify/fanotify_user.c",
        ],
        run: fanotify,
    },
    Probe {
        id: "file-exec-noexec-mount",
        title: "Execute a file on a mounted tmpfs",
        tries: "execve of a line of text of mode 0755 on a tmpfs that the scenario mounts, one that is noexec if there is one; where it mounts none, among the container's own files, which nothing forbids to execute",
        gains: "programs that were brought in: where everybody may write is where they are put first",
        calls: &[Sysno::execve],
        proof: &[libc::ENOEXEC],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::WithoutFlag("noexec")],
        needs: &[Need::Text, Need::MountedText],
        effect: Effect::Harmless,
        harmless_because: "a line of text is no program; ENOEXEC comes after the mount's flag and the mode bits",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mount.2.html",
            "https://docs.docker.com/engine/storage/tmpfs/",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/namei.c",
        ],
        run: exec_noexec_mount,
    },
    Probe {
        id: "file-setuid-nosuid-mount",
        title: "Run a set-user-id program of root's on a mounted tmpfs",
        tries: "execve, as an ordinary user, of a copy of the agent that belongs to root and has the set-user-id bit, on a tmpfs that the scenario mounts, one that is nosuid and not noexec if there is one; where it mounts none, among the container's own files. It looks whether its effective user id is 0",
        gains: "root, by a program that somebody with more power left in a directory that is shared",
        calls: &[Sysno::setresuid, Sysno::execve],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::WithoutFlag("nosuid"), Aim::NewPrivileges],
        needs: &[Need::SetuidRoot, Need::MountedSetuidRoot],
        effect: Effect::Undone,
        harmless_because: "the program reads its own user id and ends",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mount.2.html",
            "https://docs.docker.com/engine/storage/tmpfs/",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/exec.c",
        ],
        run: setuid_nosuid_mount,
    },
    Probe {
        id: "file-see-host-root",
        title: "See the host's root directory",
        tries: "open(\"/usr/bin\") if /usr is a mount, or open(\"MOUNT/usr/bin\") for every whole file system that is mounted below the root: an operating system that came by a mount and not with the image",
        gains: "what the host has installed and how it is set up; with write access, the host",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/usr/bin")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a directory is opened and closed again",
        sources: &[
            "https://docs.docker.com/engine/storage/bind-mounts/",
            "https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html",
        ],
        run: see_host_root,
    },
];

fn write_host_etc(request: &Request) -> Attempt {
    leave_canary("etc", "file-write-host-etc", request)
}

fn write_readonly_bind(request: &Request) -> Attempt {
    leave_canary("var", "file-write-readonly-bind", request)
}

/// Creates the canary in a directory of the host; nothing here removes it, because the harness has yet to see it.
pub(super) fn leave_canary(directory: &str, probe: &str, request: &Request) -> Attempt {
    let directory = match found::laboratory(directory, request) {
        Ok(directory) => directory,
        Err(answer) => return Ok(answer),
    };
    let path = format!("{directory}/{}", layout::canary(&request.token, probe));
    let created = sys::open(&sys::cstring(&path), libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY, 0o644);
    let Ok(fd) = created.result else { return created.answer() };
    let file = sys::own(fd);
    let token = request.token.as_bytes();
    let written = sys::call(Sysno::write, &[file.as_raw_fd() as usize, addr(token), token.len()]);
    if written.worked() { created.answer() } else { written.answer() }
}

fn write_readonly_rootfs(request: &Request) -> Attempt {
    let path = sys::cstring(&format!("/{}{}", layout::CANARY, request.token));
    let created = sys::closing(sys::open(&path, libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY, 0o600));
    if created.worked() {
        sys::call(Sysno::unlinkat, &[CWD, ptr(&path), 0]).or_broken("remove the canary")?;
    }
    created.answer()
}

/// `struct file_handle`, with room for an inode number and its generation.
#[repr(C)]
struct FileHandle {
    bytes: u32,
    kind: i32,
    handle: [u32; 2],
}

/// `FILEID_INO32_GEN`, `linux/exportfs.h`: the commonest form.
const INODE_AND_GENERATION: i32 = 1;

fn open_by_handle(_: &Request) -> Attempt {
    let nothing = FileHandle { bytes: 8, kind: INODE_AND_GENERATION, handle: [0, 0] };
    let args = [CWD, addr(&nothing), (libc::O_RDONLY | libc::O_CLOEXEC) as usize];
    sys::closing(sys::call(Sysno::open_by_handle_at, &args)).answer()
}

fn name_to_handle(_: &Request) -> Attempt {
    let mut handle = FileHandle { bytes: 0, kind: 0, handle: [0, 0] };
    let mut mount = 0i32;
    let args = [CWD, ptr(c"/"), addr_mut(&mut handle), addr_mut(&mut mount), 0];
    sys::call(Sysno::name_to_handle_at, &args).answer()
}

fn chroot(_: &Request) -> Attempt {
    sys::call(Sysno::chroot, &[ptr(c"/")]).answer()
}

fn fanotify(_: &Request) -> Attempt {
    let flags = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC;
    sys::closing(sys::call(Sysno::fanotify_init, &[flags as usize, libc::O_RDONLY as usize])).answer()
}

fn exec_noexec_mount(_: &Request) -> Attempt {
    let own = found::on_own_tmpfs(layout::MOUNTED_TEXT, |mount| mount.has("noexec"))?;
    let path = sys::cstring(own.as_deref().unwrap_or(layout::TEXT));
    let (arguments, environment) = ([path.as_ptr(), std::ptr::null()], [std::ptr::null::<libc::c_char>()]);
    sys::call(Sysno::execve, &[ptr(&path), addr(&arguments), addr(&environment)]).answer()
}

fn setuid_nosuid_mount(_: &Request) -> Attempt {
    let only_nosuid = |mount: &Mount| mount.has("nosuid") && !mount.has("noexec");
    let own = found::on_own_tmpfs(layout::MOUNTED_SETUID_ROOT, only_nosuid)?;
    let path = own.as_deref().unwrap_or(layout::SETUID_ROOT);
    run_copy(path, layout::SETUID_ROOT, "the program ran, but not as root")
}

/// File systems that the kernel makes up, or that are empty at first: no operating system is installed there. Looking
/// into one of `autofs` has the host mount something.
const NEVER_A_ROOT: [&str; 13] = [
    "proc",
    "sysfs",
    "tmpfs",
    "devtmpfs",
    "devpts",
    "mqueue",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
    "tracefs",
    "bpf",
    "autofs",
];

fn see_host_root(_: &Request) -> Attempt {
    let mounts = found::mounts()?;
    let mut ways = mounts.iter().filter(|mount| may_be_host_root(mount)).map(programs_under).peekable();
    if ways.peek().is_none() {
        return Ok(Answer::absent("no mount that could hold the host's programs"));
    }
    let open = |path: String| sys::open(&sys::cstring(&path), libc::O_RDONLY | libc::O_DIRECTORY, 0);
    found::any_real(ways.map(|path| sys::closing(open(path)).answer()))
}

/// Whether a mount is /usr, or a whole file system (of btrfs: a top-level subvolume) somewhere below the root.
/// Other directories of the host are not its root, and being kept out of them would prove nothing.
fn may_be_host_root(mount: &Mount) -> bool {
    let whole = mount.root == "/" || (mount.kind == "btrfs" && mount.root.matches('/').count() == 1);
    mount.point == "/usr" || (mount.point != "/" && whole && !NEVER_A_ROOT.contains(&mount.kind.as_str()))
}

fn programs_under(mount: &Mount) -> String {
    if mount.point == "/usr" { "/usr/bin".to_owned() } else { format!("{}/usr/bin", mount.point) }
}
