//! What the filters of this process answer to every system call, none of which is executed. For the test that holds
//! the harness's interpreter against the kernel.
//!
//! A thread puts a filter of its own on top that passes every call to a listener, and of several filters' answers the
//! most restrictive counts: calls that the others refuse get their answer, calls that they allow come to the
//! listener, which answers in the kernel's place (`seccomp_unotify(2)`, Linux 5.0).

use std::io::{Error, Result};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc;

use crate::sys;

/// How many calls are tried, from number 0 on.
pub const CALLS: u32 = 470;

/// Calls that no filter is asked about since Linux 6.14 (`seccomp_uprobe_exception`, `kernel/seccomp.c`): `uretprobe` and
/// `uprobe`, which the kernel itself has a traced process make. They are not tried: made by anybody else, they end him.
pub const NEVER_FILTERED: [u32; 2] = [335, 336];

/// In place of an answer to a call that was not tried.
pub const NOT_TRIED: i32 = -1;

/// The errno that stands for "the filters let it through".
pub const PASSED: i32 = 4002;

/// The arguments that each call is tried with: what Docker's rules look at, and its neighbours.
pub const ARGUMENTS: [[u64; 6]; 8] = [
    [0; 6],
    [1; 6],
    [u64::MAX; 6],
    // clone: a new user namespace; personality: none of the allowed ones; socket: AF_VSOCK.
    [0x1000_0000, 0, 0, 0, 0, 0],
    [0x2_0008, 8, 8, 8, 8, 8],
    [40, 1, 0, 0, 0, 0],
    [38, 5, 0, 0, 0, 0],
    [1 << 32, 1 << 63, 0xffff_ffff, 0x1_0000_0001, 39, 41],
];

/// The answers, call by call and for each call [`ARGUMENTS`] by `ARGUMENTS`: an errno, or [`PASSED`].
pub fn of_self() -> Result<Vec<i32>> {
    let (send, receive) = mpsc::channel();
    let over = Arc::new(AtomicBool::new(false));
    // The listener's number: sending it over a channel could take calls that would have to be answered already.
    let listener = Arc::new(AtomicI32::new(NOT_YET));
    let sweeper = {
        let (over, listener) = (Arc::clone(&over), Arc::clone(&listener));
        std::thread::spawn(move || {
            let mut answers = vec![0; CALLS as usize * ARGUMENTS.len()];
            let fd = listen();
            listener.store(fd, Ordering::Release);
            if fd >= 0 {
                sweep(&mut answers);
            }
            over.store(true, Ordering::Release);
            // From here on the listener lets calls through.
            let _ = send.send(answers);
        })
    };
    let listener = loop {
        match listener.load(Ordering::Acquire) {
            NOT_YET => std::thread::yield_now(),
            errno if errno < 0 => return Err(Error::from_raw_os_error(-errno)),
            fd => break sys::own(fd as u64),
        }
    };
    while !sweeper.is_finished() {
        answer_next(&listener, &over);
    }
    receive.recv().map_err(|_| Error::other("the thread that sweeps has ended without a word"))
}

const NOT_YET: i32 = i32::MIN;

/// `SECCOMP_RET_USER_NOTIF`, for every call.
fn listen() -> i32 {
    let every_call = [libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_USER_NOTIF }];
    let program = libc::sock_fprog { len: 1, filter: every_call.as_ptr().cast_mut() };
    // SAFETY: `program` is a valid filter of one instruction; the rest are numbers.
    unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return -sys::errno();
        }
        let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
        let fd = libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program);
        if fd < 0 { -sys::errno() } else { fd as i32 }
    }
}

fn sweep(answers: &mut [i32]) {
    let calls = (0..CALLS).flat_map(|call| ARGUMENTS.iter().map(move |args| (call, args)));
    for (answer, (call, a)) in answers.iter_mut().zip(calls) {
        if cfg!(target_arch = "x86_64") && NEVER_FILTERED.contains(&call) {
            *answer = NOT_TRIED;
            continue;
        }
        // SAFETY: the filters answer every call, so that none is executed, whatever it is.
        let value = unsafe { libc::syscall(call.into(), a[0], a[1], a[2], a[3], a[4], a[5]) };
        *answer = if value == -1 { sys::errno() } else { 0 };
    }
}

/// Answers one call of the sweeping thread; waits no longer than a moment for one.
fn answer_next(listener: &OwnedFd, over: &AtomicBool) {
    // SAFETY: all-zero bytes are valid, and what the kernel wants, for both.
    let (mut asked, mut answer): (libc::seccomp_notif, libc::seccomp_notif_resp) =
        unsafe { std::mem::zeroed() };
    let mut ready = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the pointers are to live values of the kinds that the calls expect.
    unsafe {
        if libc::poll(&raw mut ready, 1, 10) != 1
            || libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV as _, &raw mut asked) != 0
        {
            return;
        }
        answer.id = asked.id;
        if over.load(Ordering::Acquire) {
            answer.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        } else {
            answer.error = -PASSED;
        }
        libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND as _, &raw const answer);
    }
}
