//! What the agent's binary does when it is started under another name: the set-user-id copy and the copy with
//! file capabilities only say, by exit status, whether the kernel gave them what their file promises; the
//! victim waits outside all containers to be signalled.

use crate::{layout, sys};

/// Exit status: the promise was kept.
pub const GAINED: i32 = 40;
/// Exit status: the program ran without it.
pub const GAINED_NOTHING: i32 = 41;

/// If the program was started under one of the copies' names, its exit status.
pub fn by_name(program: &str) -> Option<i32> {
    let gained = match program {
        layout::VICTIM_NAME => return Some(be_the_victim()),
        layout::NEIGHBOUR => return Some(wait_for_the_end_of_the_agent()),
        // SAFETY: reads this process's own id.
        layout::SETUID_ROOT => unsafe { libc::geteuid() == 0 },
        layout::FILE_CAPABILITY => effective_capabilities()? >> layout::FILE_CAPABILITY_GRANTS & 1 == 1,
        _ => return None,
    };
    Some(if gained { GAINED } else { GAINED_NOTHING })
}

/// Ignores `SIGTERM` and lives until its standard input ends, which it does with the harness.
fn be_the_victim() -> i32 {
    let mut byte = 0u8;
    // SAFETY: constant arguments, and a buffer of one byte.
    unsafe {
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        libc::prctl(libc::PR_SET_NAME, sys::cstring(layout::VICTIM_NAME).as_ptr(), 0, 0, 0);
        while libc::read(0, (&raw mut byte).cast(), 1) > 0 {}
    }
    0
}

/// Lives beside the agent, as another user, until its standard input ends; says its number, and by an empty line that it is there.
pub fn be_the_neighbour() -> i32 {
    let mut byte = 0u8;
    // SAFETY: constant arguments, and a buffer of one byte.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, sys::cstring(layout::NEIGHBOUR_NAME).as_ptr(), 0, 0, 0);
        let line = format!("{}\n\n", libc::getpid());
        libc::write(1, line.as_ptr().cast(), line.len());
        while libc::read(0, (&raw mut byte).cast(), 1) > 0 {}
    }
    0
}

/// The neighbour where a label keeps it from every descriptor that the harness has: it looks whether its parent lives.
fn wait_for_the_end_of_the_agent() -> i32 {
    // SAFETY: asks for numbers, and sleeps.
    unsafe {
        let agent = libc::getppid();
        while libc::getppid() == agent {
            libc::usleep(20_000);
        }
    }
    0
}

/// This process's effective capabilities, one bit each, from `capget(2)`.
pub fn effective_capabilities() -> Option<u64> {
    let header = [0x2008_0522_u32, 0];
    let mut data = [0u32; 6];
    let made = sys::call(syscalls::Sysno::capget, &[sys::addr(&header), sys::addr_mut(&mut data)]);
    made.worked().then(|| u64::from(data[0]) | u64::from(data[3]) << 32)
}
