//! What the agent's binary does when it is started as one of its copies: the set-user-id copy and the copy
//! with file capabilities only say, by exit status, whether the kernel gave them what their file promises.

use crate::layout;

/// Exit status: the promise was kept.
pub const GAINED: i32 = 40;
/// Exit status: the program ran without it.
pub const GAINED_NOTHING: i32 = 41;

/// If the program was started under one of the copies' names, its exit status.
pub fn by_name(program: &str) -> Option<i32> {
    let gained = match program {
        // SAFETY: reads this process's own id.
        layout::SETUID_ROOT => unsafe { libc::geteuid() == 0 },
        layout::FILE_CAPABILITY => effective_capabilities()? >> layout::FILE_CAPABILITY_GRANTS & 1 == 1,
        _ => return None,
    };
    Some(if gained { GAINED } else { GAINED_NOTHING })
}

/// This process's effective capabilities, one bit each, from `capget(2)`.
pub fn effective_capabilities() -> Option<u64> {
    let header = [0x2008_0522_u32, 0];
    let mut data = [0u32; 6];
    let made = crate::sys::call(
        syscalls::Sysno::capget,
        &[crate::sys::addr(&header), crate::sys::addr_mut(&mut data)],
    );
    made.worked().then(|| u64::from(data[0]) | u64::from(data[3]) << 32)
}
