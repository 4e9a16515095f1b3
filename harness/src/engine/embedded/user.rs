//! The steps in which a process becomes the container's user: ids, capabilities, its tie to the harness, and the process
//! of another user beside it. Raw system calls alone, for the reasons that `step` gives.

use std::ffi::{CStr, CString, c_int, c_long};
use std::os::fd::RawFd;
use std::ptr;

/// `_LINUX_CAPABILITY_VERSION_3` and the calling process.
const CAPABILITY_HEADER: [u32; 2] = [0x2008_0522, 0];

pub(super) unsafe fn become_ids(uid: u32, gid: u32, groups: &[u32], set_groups: bool) -> bool {
    // SAFETY: raw calls: glibc's would wait for threads that do not exist here.
    unsafe {
        (!set_groups || libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) == 0)
            && libc::syscall(libc::SYS_setresgid, gid, gid, gid) == 0
            && libc::syscall(libc::SYS_setresuid, uid, uid, uid) == 0
    }
}

pub(super) unsafe fn bound(keep: u64) -> bool {
    for capability in 0..64u64 {
        // SAFETY: plain numbers.
        let dropped = keep >> capability & 1 == 1
            || unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } == 0;
        if !dropped {
            // The first number that this kernel does not know.
            return errno() == libc::EINVAL && capability > 0;
        }
    }
    true
}

pub(super) unsafe fn capabilities(keep: u64) -> bool {
    let mut held = [0u32; 6];
    // SAFETY: header and data have the sizes of version 3.
    unsafe {
        if libc::syscall(libc::SYS_capget, CAPABILITY_HEADER.as_ptr(), held.as_mut_ptr()) != 0 {
            return false;
        }
        // Effective, permitted, inheritable; low halves, then high ones. What is not held cannot be kept.
        let (low, high) = (keep as u32 & held[1], (keep >> 32) as u32 & held[4]);
        let data = [low, low, 0, high, high, 0];
        libc::syscall(libc::SYS_capset, CAPABILITY_HEADER.as_ptr(), data.as_ptr()) == 0
    }
}

pub(super) unsafe fn die_with_parent(lifeline: RawFd) -> bool {
    // SAFETY: `poll` is a valid entry; the rest are numbers.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) != 0 {
            return false;
        }
        // The parent holds the other end for as long as it lives: it may have died before the line above.
        let mut poll = libc::pollfd { fd: lifeline, events: 0, revents: 0 };
        libc::poll(&raw mut poll, 1, 0) == 0
    }
}

/// A child with another user's id and no capability, that does nothing until the lifeline ends.
///
/// A parent-death signal would not do: it is checked against the dying agent's credentials, and without
/// `CAP_KILL` those do not reach another user's process.
pub(super) unsafe fn neighbour(name: &CStr, id: u32, program: Option<&Program>, lifeline: RawFd) -> bool {
    let mut ends = [0; 2];
    // SAFETY: raw clone without a new stack is a fork; the child only makes raw calls and never returns.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return false;
        }
        let child: c_long = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0);
        if child == 0 {
            let done = libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) == 0
                && become_ids(id, id, &[], true)
                && capabilities(0)
                // Like any other program's process, it may be looked into by those who may.
                && libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
            if done && let Some(program) = program {
                // Its own end, closed by the execution, says that it is there.
                execute(program);
                libc::_exit(1);
            }
            if done {
                libc::write(ends[1], c"y".as_ptr().cast(), 1);
            }
            if lifeline > 0 {
                libc::syscall(libc::SYS_close_range, 0, lifeline - 1, 0);
            }
            libc::syscall(libc::SYS_close_range, lifeline + 1, u32::MAX, 0);
            let mut byte = 0u8;
            while done && libc::read(lifeline, ptr::from_mut(&mut byte).cast(), 1) > 0 {}
            libc::_exit(0);
        }
        libc::close(ends[1]);
        let mut byte = 0u8;
        let told = libc::read(ends[0], ptr::from_mut(&mut byte).cast(), 1);
        libc::close(ends[0]);
        let mut status = 0;
        child > 0
            && match program {
                None => told == 1,
                // It has not ended, so that it is executing.
                Some(_) => libc::waitpid(child as i32, &raw mut status, libc::WNOHANG) == 0,
            }
    }
}

/// What the neighbour executes, and the SELinux label that it gets by that.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: CString,
    pub(super) label: CString,
}

/// Returns only if it fails.
unsafe fn execute(program: &Program) {
    let argv = [program.path.as_ptr(), ptr::null()];
    // SAFETY: all strings end in NUL, and both lists in a null pointer.
    unsafe {
        let attribute = c"/proc/thread-self/attr/exec";
        let fd = libc::open(attribute.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        let label = program.label.as_bytes();
        if fd >= 0 && libc::write(fd, label.as_ptr().cast(), label.len()) == label.len() as isize {
            libc::execve(argv[0], argv.as_ptr(), argv.as_ptr().add(1));
        }
    }
}

/// The calling thread's errno.
pub(super) fn errno() -> c_int {
    // SAFETY: errno's own address is always valid.
    unsafe { *libc::__errno_location() }
}
