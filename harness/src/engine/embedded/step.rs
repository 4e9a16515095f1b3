//! The steps from a fresh child process to the agent, carried out by raw system calls alone.
//!
//! The child is a copy of one thread of a threaded process: another thread may have held any lock when it was
//! made. So nothing here allocates, locks or calls a libc function that might (glibc's `setuid` and `setgroups`
//! wait for threads that do not exist); all memory was prepared outside.

use std::ffi::{CStr, CString};
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use super::user::{Program, become_ids, bound, capabilities, die_with_parent, errno, neighbour};
use crate::seccomp::Instruction;

/// One step.
#[derive(Debug)]
pub(super) enum Op {
    /// Waits until the parent has written the id maps and joined the control groups.
    Go,
    /// Becomes user 0 of the new user namespace.
    BecomeMappedRoot { set_groups: bool },
    /// Makes a cgroup namespace, now that the process is in its own control groups.
    UnshareCgroup,
    /// `mount(2)`; with `optional`, a missing source is no failure.
    Mount {
        source: Option<CString>,
        target: CString,
        kind: Option<CString>,
        flags: u64,
        data: Option<CString>,
        optional: bool,
    },
    /// Clones a mount into a slot, for [`Op::MoveMount`].
    OpenTree { path: CString, slot: usize },
    /// Puts the mount of a slot in its place.
    MoveMount { slot: usize, target: CString },
    /// Adds attributes (`MOUNT_ATTR_*`) to a mount.
    Restrict { path: CString, attributes: u64, recursive: bool },
    /// Mounts a path over itself, read-only, if it exists.
    ReadOnlyPath { path: CString },
    /// Covers a path, if it exists; a directory with a tmpfs of these options.
    Mask { path: CString, options: Option<CString> },
    /// `mkdir(2)`; an existing directory is no failure.
    Directory { path: CString, mode: u32 },
    /// Writes a new file; with `optional`, it is left out where there is no room, or no writing.
    File { path: CString, content: &'static [u8], mode: u32, uid: u32, gid: u32, optional: bool },
    /// `mknod(2)` of a character device that everybody may use.
    Node { path: CString, major: u32, minor: u32 },
    /// `symlink(2)`.
    Symlink { target: CString, path: CString },
    /// `setxattr(2)`.
    Attribute { path: CString, name: CString, value: Vec<u8> },
    /// `pivot_root(2)` onto the current directory.
    Pivot,
    /// Removes the old root, which [`Op::Pivot`] has left on top.
    DetachOldRoot,
    /// `chdir(2)`.
    ChangeDirectory { path: CString },
    /// `sethostname(2)`.
    HostName { name: CString },
    /// Sets the loopback interface up.
    LoopbackUp,
    /// Writes an existing file.
    Write { path: CString, content: CString },
    /// `setrlimit(2)`.
    Limit { resource: u32, soft: u64, hard: u64 },
    /// Starts a process of another user and waits until it is one.
    Neighbour { name: CString, id: u32, program: Option<Program> },
    /// Reads from the container's `/dev/null`, and gives no descriptors on but the standard ones.
    StandardDescriptors,
    /// `umask(2)`.
    Umask { mask: u32 },
    /// Installs the filter; with `log` the kernel writes down what it refuses.
    Filter { log: bool },
    /// Sets `no_new_privs`.
    NoNewPrivileges,
    /// Leaves these capabilities in the bounding set.
    Bound { keep: u64 },
    /// `PR_SET_KEEPCAPS`.
    KeepCapabilities { keep: bool },
    /// Sets user, group and supplementary groups.
    Identity { uid: u32, gid: u32, groups: Vec<u32>, set_groups: bool },
    /// Leaves these in the permitted and effective sets, and none in the inheritable and ambient ones.
    Capabilities { keep: u64 },
    /// Asks to be killed with the parent, and makes sure that it still lives.
    DieWithParent,
    /// Becomes the agent.
    Execute,
}

/// What the steps share, all of it prepared outside.
#[derive(Debug)]
pub(super) struct Resources {
    /// Mounts, by slot.
    pub(super) trees: Vec<AtomicI32>,
    /// The filter.
    pub(super) filter: Vec<Instruction>,
    /// The agent's path and arguments, as the kernel wants them.
    pub(super) argv: Vec<*const libc::c_char>,
    /// The environment.
    pub(super) envp: Vec<*const libc::c_char>,
}

/// Carries out one step; `lifeline` is the read end of a pipe over which one byte says go, and whose end of
/// file says that the parent is gone. False means that it failed, with the reason in errno.
///
/// # Safety
///
/// Only in a child process that was made for this, whose memory is a copy.
pub(super) unsafe fn execute(op: &Op, with: &Resources, lifeline: RawFd) -> bool {
    // SAFETY: every pointer below is to memory that was prepared outside and is alive for the whole of the
    // child's life; every call affects this process only.
    unsafe {
        match op {
            Op::Go => {
                let mut byte = 0u8;
                libc::read(lifeline, ptr::from_mut(&mut byte).cast(), 1) == 1
            }
            Op::BecomeMappedRoot { set_groups } => become_ids(0, 0, &[], *set_groups),
            Op::UnshareCgroup => libc::unshare(libc::CLONE_NEWCGROUP) == 0,
            Op::Mount { source, target, kind, flags, data, optional } => {
                let data = data.as_ref().map_or(ptr::null(), |data| data.as_ptr().cast());
                libc::mount(pointer(source.as_ref()), target.as_ptr(), pointer(kind.as_ref()), *flags, data)
                    == 0
                    || *optional && errno() == libc::ENOENT
            }
            Op::OpenTree { path, slot } => {
                let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC as u32 | libc::AT_RECURSIVE as u32;
                let fd = libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags);
                with.trees[*slot].store(fd as i32, Ordering::Relaxed);
                fd >= 0
            }
            Op::MoveMount { slot, target } => {
                let fd = with.trees[*slot].load(Ordering::Relaxed);
                let from_empty_path = 4;
                libc::syscall(
                    libc::SYS_move_mount,
                    fd,
                    c"".as_ptr(),
                    libc::AT_FDCWD,
                    target.as_ptr(),
                    from_empty_path,
                ) == 0
            }
            Op::Restrict { path, attributes, recursive } => restrict(path, *attributes, *recursive),
            Op::ReadOnlyPath { path } => {
                let flags = libc::MS_BIND | libc::MS_REC;
                let path_ = path.as_ptr();
                if libc::mount(path_, path_, ptr::null(), flags, ptr::null()) != 0 {
                    return errno() == libc::ENOENT;
                }
                restrict(path, READ_ONLY, true)
            }
            Op::Mask { path, options } => mask(path, options.as_deref()),
            Op::Directory { path, mode } => libc::mkdir(path.as_ptr(), *mode) == 0 || errno() == libc::EEXIST,
            Op::File { path, content, mode, uid, gid, optional } => {
                write_new(path, content, *mode, *uid, *gid)
                    || *optional && matches!(errno(), libc::ENOSPC | libc::EROFS) && {
                        // What did fit, if anything.
                        libc::unlink(path.as_ptr());
                        true
                    }
            }
            Op::Node { path, major, minor } => {
                let device = libc::makedev(*major, *minor);
                libc::mknod(path.as_ptr(), libc::S_IFCHR | 0o666, device) == 0
            }
            Op::Symlink { target, path } => libc::symlink(target.as_ptr(), path.as_ptr()) == 0,
            Op::Attribute { path, name, value } => {
                libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) == 0
            }
            Op::Pivot => libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) == 0,
            Op::DetachOldRoot => libc::umount2(c".".as_ptr(), libc::MNT_DETACH) == 0,
            Op::ChangeDirectory { path } => libc::chdir(path.as_ptr()) == 0,
            Op::HostName { name } => libc::sethostname(name.as_ptr(), name.as_bytes().len()) == 0,
            Op::LoopbackUp => loopback_up(),
            Op::Write { path, content } => write_existing(path, content),
            Op::Limit { resource, soft, hard } => {
                let limit = libc::rlimit64 { rlim_cur: *soft, rlim_max: *hard };
                libc::syscall(libc::SYS_prlimit64, 0, *resource, &raw const limit, 0) == 0
            }
            Op::Neighbour { name, id, program } => neighbour(name, *id, program.as_ref(), lifeline),
            Op::StandardDescriptors => standard_descriptors(),
            Op::Umask { mask } => {
                libc::umask(*mask);
                true
            }
            Op::Filter { log } => {
                let program = libc::sock_fprog {
                    len: with.filter.len() as u16,
                    filter: with.filter.as_ptr().cast_mut().cast(),
                };
                let flags = if *log { libc::SECCOMP_FILTER_FLAG_LOG } else { 0 };
                libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
                    == 0
            }
            Op::NoNewPrivileges => libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0,
            Op::Bound { keep } => bound(*keep),
            Op::KeepCapabilities { keep } => {
                libc::prctl(libc::PR_SET_KEEPCAPS, libc::c_ulong::from(*keep), 0, 0, 0) == 0
            }
            Op::Identity { uid, gid, groups, set_groups } => become_ids(*uid, *gid, groups, *set_groups),
            Op::Capabilities { keep } => capabilities(*keep),
            Op::DieWithParent => die_with_parent(lifeline),
            Op::Execute => {
                libc::execve(with.argv[0], with.argv.as_ptr(), with.envp.as_ptr());
                false
            }
        }
    }
}

/// `OPEN_TREE_CLONE`, `linux/mount.h`.
const OPEN_TREE_CLONE: u32 = 1;
/// `MOUNT_ATTR_RDONLY`, `linux/mount.h`.
pub(super) const READ_ONLY: u64 = 1;
/// `MOUNT_ATTR_NOSUID`, `MOUNT_ATTR_NODEV` and `MOUNT_ATTR_NOEXEC`.
pub(super) const NO_SUID_DEV_EXEC: u64 = 2 | 4 | 8;

fn pointer(text: Option<&CString>) -> *const libc::c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

unsafe fn restrict(path: &CStr, attributes: u64, recursive: bool) -> bool {
    // `struct mount_attr`: set, clear, propagation, user namespace.
    let attributes = [attributes, 0, 0, 0];
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the pointers are to live memory of the size given.
    unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            attributes.as_ptr(),
            size_of_val(&attributes),
        ) == 0
    }
}

/// As runc does: `/dev/null` over a file, an empty read-only tmpfs over a directory.
unsafe fn mask(path: &CStr, options: Option<&CStr>) -> bool {
    let null = c"/dev/null".as_ptr();
    // SAFETY: constant or prepared strings.
    unsafe {
        if libc::mount(null, path.as_ptr(), ptr::null(), libc::MS_BIND, ptr::null()) == 0 {
            return true;
        }
        match errno() {
            libc::ENOENT => true,
            libc::ENOTDIR => {
                let tmpfs = c"tmpfs".as_ptr();
                let options = options.map_or(ptr::null(), |options| options.as_ptr().cast());
                libc::mount(tmpfs, path.as_ptr(), tmpfs, libc::MS_RDONLY, options) == 0
            }
            _ => false,
        }
    }
}

unsafe fn write_new(path: &CStr, content: &[u8], mode: u32, uid: u32, gid: u32) -> bool {
    let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC;
    // SAFETY: `content` is live memory of its length; the descriptor is our own.
    unsafe {
        let fd = libc::open(path.as_ptr(), flags, 0o600);
        if fd < 0 {
            return false;
        }
        let mut rest = content;
        while !rest.is_empty() {
            let written = libc::write(fd, rest.as_ptr().cast(), rest.len());
            if written <= 0 {
                return false;
            }
            rest = rest.get(written as usize..).unwrap_or(&[]);
        }
        // The owner first: changing it clears the set-user-id bit.
        let done = (uid == 0 && gid == 0 || libc::fchown(fd, uid, gid) == 0) && libc::fchmod(fd, mode) == 0;
        libc::close(fd);
        done
    }
}

unsafe fn write_existing(path: &CStr, content: &CStr) -> bool {
    // SAFETY: prepared strings; the descriptor is our own.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd < 0 {
            return false;
        }
        let length = content.to_bytes().len();
        let written = libc::write(fd, content.as_ptr().cast(), length);
        let reason = errno();
        libc::close(fd);
        *libc::__errno_location() = reason;
        written == length as isize
    }
}

/// What the harness's own parent left open must not lead out of the container.
unsafe fn standard_descriptors() -> bool {
    let on_execute = 4;
    // SAFETY: a constant string and numbers; the descriptors are this process's own copies.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        null >= 0
            && libc::dup2(null, 0) == 0
            && libc::syscall(libc::SYS_close_range, 3, u32::MAX, on_execute) == 0
    }
}

unsafe fn loopback_up() -> bool {
    // SAFETY: `request` is a valid, zeroed `ifreq` with a name that ends in NUL.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return false;
        }
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l'.cast_signed();
        request.ifr_name[1] = b'o'.cast_signed();
        request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        let done = libc::ioctl(fd, libc::SIOCSIFFLAGS as _, &raw const request) == 0;
        libc::close(fd);
        done
    }
}
