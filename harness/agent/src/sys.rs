//! Raw system calls. Probes never go through libc's wrappers: those call other system calls than their
//! names say (`clone` for `fork`, `openat` for `open`), and the verdict is about one exact call.

#[cfg(target_arch = "x86_64")]
mod ia32;

use std::ffi::{CStr, CString};
use std::os::fd::{FromRawFd, OwnedFd};

use syscalls::Sysno;

#[cfg(target_arch = "x86_64")]
pub use self::ia32::{Low, call_ia32};
use crate::bracket;
use crate::probe::{Answer, Attempt, Broken};

/// A system call that was made: its name, its arguments as the kernel got them, and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The call.
    pub call: Sysno,
    /// By which of the kernel's doors.
    pub door: Door,
    /// Its arguments; unused ones are 0.
    pub args: [u64; 6],
    /// The value returned, or the errno.
    pub result: Result<u64, i32>,
    /// What the kernel returned, a negative errno if it failed. It differs from `result` where the kernel's answer
    /// came by another way than the call's own return (a netlink acknowledgement).
    pub returned: i64,
}

/// The kernel's entries for system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The architecture's own.
    Native,
    /// `int 0x80` of x86: the numbers are those of 32-bit programs.
    Ia32 {
        /// The call's name there.
        name: &'static str,
        /// Its number there.
        number: u32,
    },
}

/// Makes a system call.
///
/// Callers pass numbers, or pointers to memory that outlives the call.
pub fn call(call: Sysno, args: &[usize]) -> Made {
    let mut a = [0usize; 6];
    a[..args.len()].copy_from_slice(args);
    let result = bracket::around(call, || {
        // SAFETY: every probe states what its arguments are; pointers refer to live memory of the caller.
        let value = unsafe { libc::syscall(call.id().into(), a[0], a[1], a[2], a[3], a[4], a[5]) };
        if value == -1 { Err(errno()) } else { Ok(value as u64) }
    });
    Made::new(call, a.map(|v| v as u64), result)
}

impl Made {
    /// A call by the architecture's own door, and what it returned.
    pub fn new(call: Sysno, args: [u64; 6], result: Result<u64, i32>) -> Self {
        let returned = match result {
            Ok(value) => value as i64,
            Err(errno) => -i64::from(errno),
        };
        Self { call, door: Door::Native, args, result, returned }
    }

    /// The answer "this call came back so".
    pub fn answer(self) -> Attempt {
        Ok(Answer::Made(self))
    }

    /// The returned value, or this call as the answer of the whole attempt: for attempts of several guarded steps.
    pub fn or_answer(self) -> Result<u64, Answer> {
        match self.result {
            Ok(value) => Ok(value),
            Err(_) => Err(Answer::Made(self)),
        }
    }

    /// The returned value, or a broken set-up: for steps that are not what is being tried.
    pub fn or_broken(self, step: &str) -> Result<u64, Broken> {
        self.result.map_err(|errno| Broken { step: format!("{step} ({})", self.call.name()), errno })
    }

    /// Whether the call succeeded.
    pub fn worked(&self) -> bool {
        self.result.is_ok()
    }
}

/// The calling thread's errno.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// A path or name for the kernel.
pub fn cstring(text: &str) -> CString {
    CString::new(text).expect("paths of probes have no NUL")
}

/// The address of a C string, as an argument.
pub fn ptr(text: &CStr) -> usize {
    text.as_ptr() as usize
}

/// The address of a value, as an argument.
pub fn addr<T: ?Sized>(value: &T) -> usize {
    std::ptr::from_ref(value).cast::<u8>() as usize
}

/// The address of a value that the kernel writes to, as an argument.
pub fn addr_mut<T: ?Sized>(value: &mut T) -> usize {
    std::ptr::from_mut(value).cast::<u8>() as usize
}

/// `AT_FDCWD` as an argument.
pub const CWD: usize = libc::AT_FDCWD as isize as usize;

/// -1 as an argument: a file descriptor that is never open.
pub const NO_FD: usize = usize::MAX;

/// `openat(AT_FDCWD, path, flags | O_CLOEXEC, mode)`.
pub fn open(path: &CStr, flags: i32, mode: u32) -> Made {
    call(Sysno::openat, &[CWD, ptr(path), (flags | libc::O_CLOEXEC) as usize, mode as usize])
}

/// `socket(domain, kind | SOCK_CLOEXEC, protocol)`.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> Made {
    call(Sysno::socket, &[domain as usize, (kind | libc::SOCK_CLOEXEC) as usize, protocol as usize])
}

/// Takes ownership of a descriptor that a call returned, so that it is closed again.
pub fn own(fd: u64) -> OwnedFd {
    // SAFETY: the number is the result of a call that makes a new descriptor, and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

/// Closes the descriptor that a call returned, if it worked, and hands the call on.
pub fn closing(made: Made) -> Made {
    if let Ok(fd) = made.result {
        drop(own(fd));
    }
    made
}

/// Asks to be ended before processes with a lower number, 0 as a rule, where memory is short (`proc_pid_oom_score_adj(5)`);
/// children inherit it. Without /proc the kernel chooses by size alone.
pub fn first_to_go(order: u16) {
    let _ = std::fs::write("/proc/self/oom_score_adj", order.to_string());
}

/// Reports the first of several calls that gets past its gates, or else the first: "by any of these ways".
///
/// `passed` says whether a call counts as past its gates.
pub fn any_of(ways: impl IntoIterator<Item = Made>, passed: impl Fn(&Made) -> bool) -> Attempt {
    let mut first = None;
    for made in ways {
        if passed(&made) {
            return made.answer();
        }
        // A refusal tells more than "this kernel has no such call".
        let better = first.as_ref().is_none_or(|f: &Made| f.result == Err(libc::ENOSYS));
        if better {
            first = Some(made);
        }
    }
    first.expect("a probe names at least one call").answer()
}
