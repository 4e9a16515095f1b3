//! Stops a container's process while somebody looks: it waits for a byte already, and the kernel hands its filters out
//! only if it is stopped by the one who asks (`ptrace(2)`).

use std::time::{Duration, Instant};

/// How often it is looked whether the process has stopped.
const PATIENCE: Duration = Duration::from_micros(100);

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Stops the process, does `look`, and lets it go on; what it waited for it waits for again.
pub(super) fn while_stopped(pid: i32, look: impl FnOnce()) -> std::io::Result<()> {
    // SAFETY: numbers only; should this process be killed meanwhile, the kernel lets the other go.
    let ask = |request, what: i32| match unsafe { libc::ptrace(request, pid, 0, what) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    };
    ask(libc::PTRACE_SEIZE, 0)?;
    let stopped = ask(libc::PTRACE_INTERRUPT, 0).and_then(|()| wait_until_stopped(pid));
    if stopped.is_ok() {
        look();
    }
    let let_go = ask(libc::PTRACE_DETACH, 0);
    stopped.and(let_go)
}

fn wait_until_stopped(pid: i32) -> std::io::Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut status = 0;
        // SAFETY: asks about a process that this thread traces; `status` is ours.
        match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG | libc::__WALL) } {
            0 if Instant::now() > deadline => return Err(std::io::ErrorKind::TimedOut.into()),
            0 => std::thread::sleep(PATIENCE),
            -1 => return Err(std::io::Error::last_os_error()),
            _ if libc::WIFSTOPPED(status) => return Ok(()),
            _ => return Err(std::io::Error::other("it has ended")),
        }
    }
}
