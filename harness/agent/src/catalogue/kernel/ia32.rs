//! The kernel's entry for 32-bit programs on x86-64. One harmless call shows whether a filter lets it be used at all;
//! probes of other families then ask whether it leads past what the filter says of 64-bit calls.

use syscalls::Sysno;

use crate::catalogue::identity::{End, in_child};
use crate::probe::{Answer, Attempt, Broken, Effect, Probe};
use crate::sys;
use crate::wire::Request;

/// `getpid` and `getppid` of a 32-bit program, `arch/x86/entry/syscalls/syscall_32.tbl`.
const GETPID: u32 = 20;
const GETPPID: u32 = 64;

/// Exit status of a child that the kernel sent `SIGSEGV`.
const NO_ENTRY: i32 = 1;

pub(super) const PROBES: &[Probe] = &[Probe {
    id: "kernel-ia32-entry",
    title: "Make a 32-bit call",
    tries: "getppid() through int 0x80, as 32-bit programs call: the kernel lets everybody, so that a refusal can only be a filter's. Absent where the kernel is built or booted without 32-bit calls",
    gains: "nothing by itself: calls with other numbers, for which a filter needs rules of their own; socketcall among them, whose arguments lie behind a pointer that no filter can follow",
    calls: &[Sysno::getppid],
    proof: &[],
    refusal: &[libc::ENOSYS],
    capabilities: &[],
    aims: &[],
    needs: &[],
    effect: Effect::Harmless,
    harmless_because: "a number is asked for",
    sources: &[
        "https://man7.org/linux/man-pages/man2/seccomp.2.html",
        "https://man7.org/linux/man-pages/man2/socketcall.2.html",
        "https://elixir.bootlin.com/linux/v6.12/source/arch/x86/entry/entry_64_compat.S",
    ],
    run: ia32_entry,
}];

fn ia32_entry(_: &Request) -> Attempt {
    if let Some(answer) = no_entry()? {
        return Ok(answer);
    }
    sys::call_ia32("getppid", GETPPID, Sysno::getppid, [0; 6]).answer()
}

/// Why no 32-bit call can be made here, if none can: without an entry the kernel answers `int 0x80` with `SIGSEGV`,
/// which a child of the probe finds out.
pub(in crate::catalogue) fn no_entry() -> Result<Option<Answer>, Broken> {
    // A filter that knows no 32-bit calls kills who makes one, by a signal for which the host may collect a core dump.
    // SAFETY: only this process and its children are affected, and nobody looks into them.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    let end = in_child(|| {
        let handler: extern "C" fn(libc::c_int) = end_without_a_trace;
        // SAFETY: the handler only ends this process. A signal that nobody handles leaves a line in the kernel's log.
        unsafe { libc::signal(libc::SIGSEGV, handler as libc::sighandler_t) };
        sys::call_ia32("getpid", GETPID, Sysno::getpid, [0; 6]);
        0
    })?;
    Ok(match end {
        End::Exit(NO_ENTRY) | End::Signal(libc::SIGSEGV) => {
            Some(Answer::absent("this kernel takes no 32-bit calls: int 0x80 ends in SIGSEGV"))
        }
        // Whatever else came back, and a filter's SIGSYS too, came after the entry.
        _ => None,
    })
}

extern "C" fn end_without_a_trace(_: libc::c_int) {
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(NO_ENTRY) }
}
