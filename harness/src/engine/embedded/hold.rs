//! Holds a container's process at the moment at which it has become the agent and has not executed an instruction of
//! it yet: all of its confinement is in place, and nothing was tried.
//!
//! The process is seized by `ptrace(2)` before its set-up begins and let go of at its `execve`, so that no probe
//! ever runs traced. If the harness is killed meanwhile, the kernel kills the process with it.

use std::time::{Duration, Instant};

use super::EngineError;

/// A process that will be held.
#[derive(Debug)]
pub(super) struct Seized {
    pid: i32,
}

/// How often it is looked whether the process has come so far.
const PATIENCE: Duration = Duration::from_micros(100);

/// Seizes a child that waits for its parent. From now on the same thread must see to it.
pub(super) fn seize(pid: i32) -> Result<Seized, EngineError> {
    let options = libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_EXITKILL;
    // SAFETY: numbers only; our own child.
    match unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, options) } {
        0 => Ok(Seized { pid }),
        _ => Err(EngineError::last("seizing a container's process, to look at it before it begins (ptrace)")),
    }
}

impl Seized {
    /// Waits until the process has executed the agent, does `look`, and lets the process run. False if it ended
    /// before, and was waited for.
    pub(super) fn at_execution(self, limit: Duration, look: impl FnOnce()) -> Result<bool, EngineError> {
        let deadline = Instant::now() + limit;
        loop {
            let mut status = 0;
            // SAFETY: asks about our own child; `status` is ours.
            match unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) } {
                0 if Instant::now() > deadline => return Err(EngineError::Timeout { limit }),
                0 => std::thread::sleep(PATIENCE),
                -1 => return Err(EngineError::last("waiting for a container to begin")),
                _ if !libc::WIFSTOPPED(status) => return Ok(false),
                _ if status >> 8 == libc::SIGTRAP | libc::PTRACE_EVENT_EXEC << 8 => {
                    look();
                    return self.let_go().map(|()| true);
                }
                // A signal on its way goes on to whom it was sent; anything else that stops a process is no signal.
                _ => self.go_on(if status >> 16 == 0 { libc::WSTOPSIG(status) } else { 0 })?,
            }
        }
    }

    fn go_on(&self, signal: i32) -> Result<(), EngineError> {
        // SAFETY: numbers only; our own child, which is stopped.
        match unsafe { libc::ptrace(libc::PTRACE_CONT, self.pid, 0, signal) } {
            0 => Ok(()),
            _ => Err(EngineError::last("letting a container's process go on (ptrace)")),
        }
    }

    fn let_go(&self) -> Result<(), EngineError> {
        // SAFETY: numbers only; our own child, which is stopped.
        match unsafe { libc::ptrace(libc::PTRACE_DETACH, self.pid, 0, 0) } {
            0 => Ok(()),
            _ => Err(EngineError::last("letting go of a container's process (ptrace)")),
        }
    }
}
