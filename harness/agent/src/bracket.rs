//! Marks around guarded calls, by which a trace of the kernel can be read: harmless calls that no program makes by
//! chance. Off unless the harness watches the container; nothing here depends on what a mark returns.
//!
//! The kernel's trace shows all six argument registers of a call, also those that it does not use, so a mark
//! carries which trial and which probe it belongs to, and what the process may do at that moment.

use std::cell::Cell;

use syscalls::Sysno;

use crate::roles;

/// The second argument of every mark: `"probe"` in ASCII.
pub const MAGIC: u64 = 0x70_726f_6265;
/// The third argument of a mark before a guarded call.
pub const BEFORE: u64 = 1;
/// The third argument of a mark after it.
pub const AFTER: u64 = 2;
/// The third argument of the harness's own mark, after which it, too, asks about [`ASKED_CAPABILITY`].
pub const HARNESS: u64 = 3;
/// In place of the effective capabilities where the process could not learn them.
pub const UNKNOWN: u64 = 1 << 63;
/// The capability that the kernel is made to check after the first mark (`CAP_SETPCAP`): the check shows the task's
/// own credentials and user namespace.
pub const ASKED_CAPABILITY: i32 = 8;
/// A number that no capability has.
const NO_CAPABILITY: libc::c_ulong = 4000;

/// Which calls are marked, and with what.
#[derive(Clone, Copy, Debug)]
struct Bracket {
    trial: u64,
    place: u64,
    calls: &'static [Sysno],
}

thread_local! {
    static CURRENT: Cell<Option<Bracket>> = const { Cell::new(None) };
}

/// From now on marks `calls` of this process and its children: the probe at `place` in the request of a trial.
pub fn begin(trial: u64, place: usize, calls: &'static [Sysno]) {
    CURRENT.set(Some(Bracket { trial, place: place as u64, calls }));
}

/// Makes a call, with marks around it if it is one of the guarded ones.
pub fn around<T>(call: Sysno, make: impl FnOnce() -> T) -> T {
    let Some(bracket) = CURRENT.get().filter(|bracket| bracket.calls.contains(&call)) else { return make() };
    mark(BEFORE, bracket.trial, bracket.place, roles::effective_capabilities().unwrap_or(UNKNOWN));
    ask();
    let made = make();
    mark(AFTER, bracket.trial, bracket.place, 0);
    made
}

/// The harness's own mark: makes its thread's credentials and user namespace known to whoever reads the trace.
pub fn introduce() {
    mark(HARNESS, 0, 0, 0);
    ask();
}

/// `lseek(-1, …)`: EBADF, before anything else is looked at. It keeps errno as it is.
fn mark(phase: u64, trial: u64, place: u64, effective: u64) {
    keeping_errno(|| {
        // SAFETY: numbers only; there is no file -1.
        unsafe { libc::syscall(libc::SYS_lseek, -1i64, MAGIC, phase, trial, place, effective) };
    });
}

/// Asks to drop a capability that does not exist: the permission is checked first, and then the number is refused.
fn ask() {
    keeping_errno(|| {
        // SAFETY: numbers only.
        unsafe { libc::syscall(libc::SYS_prctl, libc::PR_CAPBSET_DROP, NO_CAPABILITY, 0, 0, 0) };
    });
}

fn keeping_errno(call: impl FnOnce()) {
    // SAFETY: errno's own address is always valid.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        call();
        *errno = before;
    }
}
