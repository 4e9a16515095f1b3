//! Being interrupted: the first signal lets the containers that are running end, and everything is put away; the
//! second ends the program at once, and leaves that to `whyblocked clean`.

use std::ffi::c_int;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use signal_hook::flag;

/// What asks a program to end: a terminal's Ctrl-C, a service manager, a terminal that goes away.
const ASKING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Whether the program has been asked to end, and by which signal. From the moment on that this is dropped, a signal
/// ends the program at once, as it did before.
#[derive(Debug)]
pub(super) struct Interruption {
    /// Zero as long as there is none.
    signal: Arc<AtomicUsize>,
    at_once: Arc<AtomicBool>,
}

impl Interruption {
    /// Listens from now on, but not to signals that whoever started the program has set aside (`nohup`, `&` in a
    /// script). A signal that cannot be listened to ends the program, as ever.
    pub(super) fn listen() -> Self {
        let this = Self { signal: Arc::default(), at_once: Arc::default() };
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = ignored(&status);
        for signal in ASKING.map(|signal| signal as c_int).into_iter().filter(|signal| !ignored.has(*signal))
        {
            // In the order in which they are called: the second signal finds what the first one has set.
            let _ = flag::register_conditional_default(signal, Arc::clone(&this.at_once));
            let _ = flag::register(signal, Arc::clone(&this.at_once));
            let _ = flag::register_usize(signal, Arc::clone(&this.signal), signal as usize);
        }
        this
    }

    /// Whether to go on, or which signal has asked to end.
    pub(super) fn flow(&self) -> ControlFlow<Signal> {
        let number = c_int::try_from(self.signal.load(Ordering::Relaxed)).unwrap_or(0);
        Signal::try_from(number).map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.at_once.store(true, Ordering::Relaxed);
    }
}

/// A set of signals, as `/proc/PID/status` writes it (proc(5)): bit 0 is signal 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set(u64);

impl Set {
    fn has(self, signal: c_int) -> bool {
        u32::try_from(signal - 1).is_ok_and(|bit| self.0.checked_shr(bit).is_some_and(|rest| rest & 1 == 1))
    }
}

/// The signals that a process ignores.
fn ignored(status: &str) -> Set {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Set(line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none("SigIgn:\t0000000000000000\n", &[])]
    #[case::nohup("SigBlk:\t0000000000000006\nSigIgn:\t0000000000000001\n", &[libc::SIGHUP])]
    #[case::a_script_in_the_background("SigIgn:\t0000000000000006\n", &[libc::SIGINT, libc::SIGQUIT])]
    #[case::the_last_one("SigIgn:\t8000000000000000\n", &[64])]
    #[case::no_such_line("Name:\tx\n", &[])]
    #[case::no_number("SigIgn:\tx\n", &[])]
    fn signals_that_were_set_aside_are_known(#[case] status: &str, #[case] expected: &[c_int]) {
        let set = ignored(status);
        let found: Vec<c_int> = (0..=70).filter(|signal| set.has(*signal)).collect();
        assert_eq!(found, expected);
    }
}
