//! Other ways into the kernel, new and old. What they lead to is not used.

use syscalls::Sysno;

use crate::probe::{Attempt, Effect, Probe};
use crate::sys::{self, Made, addr_mut};
use crate::wire::Request;

/// Calls that are kept for programs of other times; x86-64 has all of them.
#[cfg(target_arch = "x86_64")]
const OBSOLETE: &[Sysno] = &[Sysno::sysfs, Sysno::ustat, Sysno::uselib, Sysno::_sysctl, Sysno::nfsservctl];
#[cfg(not(target_arch = "x86_64"))]
const OBSOLETE: &[Sysno] = &[Sysno::nfsservctl];

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "kernel-io-uring",
        title: "Make an io_uring",
        tries: "io_uring_setup(1, no flags); kernel.io_uring_disabled can ask for CAP_SYS_ADMIN or refuse everybody",
        gains: "system calls that no seccomp filter sees, in a part of the kernel with many holes so far",
        calls: &[Sysno::io_uring_setup],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "a ring of one entry, nothing submitted, closed in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/io_uring_setup.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/io_uring/io_uring.c",
        ],
        run: io_uring,
    },
    Probe {
        id: "kernel-personality",
        title: "Turn off address randomisation",
        tries: "personality(ADDR_NO_RANDOMIZE)",
        gains: "programs at predictable addresses, set-user-id ones excepted, and the kernel's support for foreign programs",
        calls: &[Sysno::personality],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only the probe's own process changes, and it ends right after",
        sources: &["https://man7.org/linux/man-pages/man2/personality.2.html"],
        run: personality,
    },
    Probe {
        id: "kernel-landlock",
        title: "Ask for Landlock's version",
        tries: "landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)",
        gains: "nothing for an attacker: a filter that refuses this takes a protection away from programs",
        calls: &[Sysno::landlock_create_ruleset],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a number is asked for",
        sources: &["https://man7.org/linux/man-pages/man2/landlock_create_ruleset.2.html"],
        run: landlock,
    },
    Probe {
        id: "kernel-obsolete-calls",
        title: "Make obsolete calls",
        tries: "sysfs(3), ustat(0), uselib(NULL), _sysctl(NULL), nfsservctl(0): the first that this kernel still has (on other architectures than x86-64 only the last)",
        gains: "old code that nobody tests",
        calls: OBSOLETE,
        // No such device; no library's name.
        proof: &[libc::EINVAL, libc::EFAULT],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "questions without an object, and requests without an argument",
        sources: &[
            "https://man7.org/linux/man-pages/man2/sysfs.2.html",
            "https://man7.org/linux/man-pages/man2/ustat.2.html",
            "https://man7.org/linux/man-pages/man2/uselib.2.html",
        ],
        run: obsolete_calls,
    },
];

fn io_uring(_: &Request) -> Attempt {
    // `struct io_uring_params`, 120 bytes: the kernel fills it in.
    let mut parameters = [0u64; 15];
    sys::closing(sys::call(Sysno::io_uring_setup, &[1, addr_mut(&mut parameters)])).answer()
}

fn personality(_: &Request) -> Attempt {
    sys::call(Sysno::personality, &[libc::ADDR_NO_RANDOMIZE as usize]).answer()
}

fn landlock(_: &Request) -> Attempt {
    const CREATE_RULESET_VERSION: usize = 1;
    sys::call(Sysno::landlock_create_ruleset, &[0, 0, CREATE_RULESET_VERSION]).answer()
}

fn obsolete_calls(_: &Request) -> Attempt {
    // `struct ustat` is 32 bytes or less; the other calls look at less than this.
    let mut answer = [0u64; 8];
    let buffer = addr_mut(&mut answer);
    let passed = |made: &Made| matches!(made.result, Ok(_) | Err(libc::EINVAL | libc::EFAULT));
    #[cfg(target_arch = "x86_64")]
    let ways = [
        sys::call(Sysno::sysfs, &[3]),
        sys::call(Sysno::ustat, &[0, buffer]),
        sys::call(Sysno::uselib, &[0]),
        sys::call(Sysno::_sysctl, &[0]),
        sys::call(Sysno::nfsservctl, &[0, 0, buffer]),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let ways = [sys::call(Sysno::nfsservctl, &[0, 0, buffer])];
    sys::any_of(ways, passed)
}
