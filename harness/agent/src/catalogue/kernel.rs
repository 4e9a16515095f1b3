//! Calls that open rarely used, and so rarely tested, parts of the kernel. Few of them ask for a
//! capability: a filter is all that stands before most.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::probe::{Attempt, Effect, Probe};
use crate::sys::{self, Made, addr, addr_mut, cstring, ptr};
use crate::wire::Request;

/// Calls that are kept for programs of other times; x86-64 has all of them.
#[cfg(target_arch = "x86_64")]
const OBSOLETE: &[Sysno] = &[Sysno::sysfs, Sysno::ustat, Sysno::uselib, Sysno::_sysctl, Sysno::nfsservctl];
#[cfg(not(target_arch = "x86_64"))]
const OBSOLETE: &[Sysno] = &[Sysno::nfsservctl];

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "kernel-bpf",
        title: "Make a BPF map",
        tries: "bpf(BPF_MAP_CREATE): an array of one element",
        gains: "programs in the kernel: they see every process, and the verifier that checks them has had holes",
        calls: &[Sysno::bpf],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_BPF", "CAP_SYS_ADMIN"],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "eight bytes of kernel memory, freed when the map is closed in the next line",
        sources: &[
            "https://man7.org/linux/man-pages/man2/bpf.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/bpf/syscall.c",
        ],
        run: bpf,
    },
    Probe {
        id: "kernel-perf-system",
        title: "Watch a whole processor with perf",
        tries: "perf_event_open of the software clock on processor 0, for all processes, stopped",
        gains: "what every program on the host executes, and when: enough to find keys",
        calls: &[Sysno::perf_event_open],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_PERFMON", "CAP_SYS_ADMIN"],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the counter is never started, and closed",
        sources: &[
            "https://man7.org/linux/man-pages/man2/perf_event_open.2.html",
            "https://docs.kernel.org/admin-guide/perf-security.html",
        ],
        run: perf_system,
    },
    Probe {
        id: "kernel-perf-self",
        title: "Watch itself with perf",
        tries: "perf_event_open of the software clock for its own process, user space only, in a group of counters that does not exist; allowed to everybody up to kernel.perf_event_paranoid 2",
        gains: "a large part of the kernel that has had holes",
        calls: &[Sysno::perf_event_open],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the missing group is refused with EBADF, after the permission checks and before a counter is made",
        sources: &["https://man7.org/linux/man-pages/man2/perf_event_open.2.html"],
        run: perf_self,
    },
    Probe {
        id: "kernel-userfaultfd",
        title: "Handle page faults itself",
        tries: "userfaultfd(O_CLOEXEC): the kernel's own faults too; allowed to everybody where vm.unprivileged_userfaultfd is 1",
        gains: "the kernel stopped in the middle of a call for as long as wanted, which makes races easy to win",
        calls: &[Sysno::userfaultfd],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "no memory is registered, and the descriptor is closed",
        sources: &[
            "https://man7.org/linux/man-pages/man2/userfaultfd.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/userfaultfd.c",
        ],
        run: userfaultfd,
    },
    Probe {
        id: "kernel-io-uring",
        title: "Make an io_uring",
        tries: "io_uring_setup(1, no flags); kernel.io_uring_disabled can ask for CAP_SYS_ADMIN or refuse everybody",
        gains: "system calls that no seccomp filter sees, in a part of the kernel with many holes so far",
        calls: &[Sysno::io_uring_setup],
        proof: &[],
        refusal: &[],
        capabilities: &[],
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
        id: "kernel-mempolicy",
        title: "Choose memory by NUMA node",
        tries: "get_mempolicy, set_mempolicy(MPOL_DEFAULT), or mbind of no memory; Docker's filter opens them with CAP_SYS_NICE, the kernel asks for nothing",
        gains: "knowledge of, and pressure on, the memory that others use",
        calls: &[Sysno::get_mempolicy, Sysno::set_mempolicy, Sysno::mbind],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the default policy is set where it is, in the probe's own process",
        sources: &["https://man7.org/linux/man-pages/man2/set_mempolicy.2.html"],
        run: mempolicy,
    },
    Probe {
        id: "kernel-move-pages",
        title: "Move pages between NUMA nodes",
        tries: "move_pages of no pages of its own, or migrate_pages between no nodes; the kernel asks for a capability only for other processes' pages",
        gains: "where memory lies, and time: each page is copied by the kernel",
        calls: &[Sysno::move_pages, Sysno::migrate_pages],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is nothing to move",
        sources: &[
            "https://man7.org/linux/man-pages/man2/move_pages.2.html",
            "https://man7.org/linux/man-pages/man2/migrate_pages.2.html",
        ],
        run: move_pages,
    },
    Probe {
        id: "kernel-memfd-secret",
        title: "Make memory that the kernel cannot see",
        tries: "memfd_secret(0)",
        gains: "memory that no debugger or scanner on the host can read",
        calls: &[Sysno::memfd_secret],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a file without content, closed again",
        sources: &["https://man7.org/linux/man-pages/man2/memfd_secret.2.html"],
        run: memfd_secret,
    },
    Probe {
        id: "kernel-mmap-rwx",
        title: "Map memory that is writable and executable",
        tries: "mmap of one anonymous page with PROT_READ, PROT_WRITE and PROT_EXEC",
        gains: "code written at run time: the next step after most memory errors",
        calls: &[Sysno::mmap],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the page stays empty and is unmapped in the next line",
        sources: &["https://man7.org/linux/man-pages/man2/mmap.2.html"],
        run: mmap_rwx,
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
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a number is asked for",
        sources: &["https://man7.org/linux/man-pages/man2/landlock_create_ruleset.2.html"],
        run: landlock,
    },
    Probe {
        id: "kernel-lookup-dcookie",
        title: "Look up a profiler's cookie",
        tries: "lookup_dcookie(0); the call is gone since Linux 6.7",
        gains: "paths of files in use anywhere on the host",
        calls: &[Sysno::lookup_dcookie],
        // No profiler runs, or it has no such cookie.
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no cookie 0; EINVAL comes after the permission check",
        sources: &[
            "https://man7.org/linux/man-pages/man2/lookup_dcookie.2.html",
            "https://elixir.bootlin.com/linux/v6.6/source/fs/dcookies.c",
        ],
        run: lookup_dcookie,
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
    Probe {
        id: "kernel-memfd-exec",
        title: "Execute a file that is in memory only",
        tries: "memfd_create, and execveat of it, or execve by its path in /proc; the file is a line of text",
        gains: "programs that no file system, and so no read-only or noexec mount, ever saw",
        calls: &[Sysno::memfd_create, Sysno::execveat, Sysno::execve],
        proof: &[libc::ENOEXEC],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a line of text is no program; ENOEXEC comes after the permission checks",
        sources: &[
            "https://man7.org/linux/man-pages/man2/memfd_create.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/exec.c",
        ],
        run: memfd_exec,
    },
];

fn bpf(_: &Request) -> Attempt {
    const MAP_CREATE: usize = 0;
    const MAP_TYPE_ARRAY: u32 = 2;
    // The beginning of `union bpf_attr`: type, size of a key, size of a value, number of elements, flags.
    let attributes = [MAP_TYPE_ARRAY, 4, 8, 1, 0];
    sys::closing(sys::call(Sysno::bpf, &[MAP_CREATE, addr(&attributes), size_of_val(&attributes)])).answer()
}

/// Asks for a counter of the software clock, stopped, of a process (0 is this one, -1 all) on a processor.
fn perf(pid: isize, processor: isize, group: usize, flags: u64) -> Made {
    const TYPE_SOFTWARE: u64 = 1;
    const DISABLED: u64 = 1;
    const CLOSE_ON_EXEC: usize = 8;
    // The first version of `struct perf_event_attr`, 64 bytes: type and size, the event (0 is the
    // processor's clock), three fields of sampling, and the flags.
    let attributes: [u64; 8] = [TYPE_SOFTWARE | 64 << 32, 0, 0, 0, 0, DISABLED | flags, 0, 0];
    let args = [addr(&attributes), pid as usize, processor as usize, group, CLOSE_ON_EXEC];
    sys::closing(sys::call(Sysno::perf_event_open, &args))
}

fn perf_system(_: &Request) -> Attempt {
    const NO_GROUP: usize = sys::NO_FD;
    perf(-1, 0, NO_GROUP, 0).answer()
}

fn perf_self(_: &Request) -> Attempt {
    const EXCLUDE_KERNEL: u64 = 1 << 5;
    // -1 would mean no group at all. The first real counter of a process takes 15 ms to make.
    const MISSING_GROUP: usize = i32::MAX as usize;
    perf(0, -1, MISSING_GROUP, EXCLUDE_KERNEL).answer()
}

fn userfaultfd(_: &Request) -> Attempt {
    sys::closing(sys::call(Sysno::userfaultfd, &[libc::O_CLOEXEC as usize])).answer()
}

fn io_uring(_: &Request) -> Attempt {
    // `struct io_uring_params`, 120 bytes: the kernel fills it in.
    let mut parameters = [0u64; 15];
    sys::closing(sys::call(Sysno::io_uring_setup, &[1, addr_mut(&mut parameters)])).answer()
}

fn mempolicy(_: &Request) -> Attempt {
    sys::any_of(
        [
            sys::call(Sysno::get_mempolicy, &[0, 0, 0, 0, 0]),
            sys::call(Sysno::set_mempolicy, &[libc::MPOL_DEFAULT as usize, 0, 0]),
            sys::call(Sysno::mbind, &[0, 0, libc::MPOL_DEFAULT as usize, 0, 0, 0]),
        ],
        Made::worked,
    )
}

fn move_pages(_: &Request) -> Attempt {
    sys::any_of(
        [sys::call(Sysno::move_pages, &[0, 0, 0, 0, 0, 0]), sys::call(Sysno::migrate_pages, &[0, 0, 0, 0])],
        |made| matches!(made.result, Ok(_) | Err(libc::EINVAL)),
    )
}

fn memfd_secret(_: &Request) -> Attempt {
    sys::closing(sys::call(Sysno::memfd_secret, &[0])).answer()
}

fn mmap_rwx(_: &Request) -> Attempt {
    let access = (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC) as usize;
    let kind = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    let made = sys::call(Sysno::mmap, &[0, 4096, access, kind, sys::NO_FD, 0]);
    if let Ok(page) = made.result {
        sys::call(Sysno::munmap, &[page as usize, 4096]).or_broken("unmap the page")?;
    }
    made.answer()
}

fn personality(_: &Request) -> Attempt {
    sys::call(Sysno::personality, &[libc::ADDR_NO_RANDOMIZE as usize]).answer()
}

fn landlock(_: &Request) -> Attempt {
    const CREATE_RULESET_VERSION: usize = 1;
    sys::call(Sysno::landlock_create_ruleset, &[0, 0, CREATE_RULESET_VERSION]).answer()
}

fn lookup_dcookie(_: &Request) -> Attempt {
    let mut path = [0u8; 64];
    sys::call(Sysno::lookup_dcookie, &[0, addr_mut(&mut path), path.len()]).answer()
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

fn memfd_exec(_: &Request) -> Attempt {
    // Printable, or older kernels would look for a module that can run it.
    const TEXT: &[u8] = b"whyblocked: a line of text, not a program\n";
    let create = |flags: u32| {
        let made =
            sys::call(Sysno::memfd_create, &[ptr(c"whyblocked"), (libc::MFD_CLOEXEC | flags) as usize]);
        made.or_answer()
    };
    // MFD_EXEC is known since Linux 6.3; before, every such file may be executed.
    let created = match create(libc::MFD_EXEC) {
        Err(crate::Answer::Made(Made { result: Err(libc::EINVAL), .. })) => create(0),
        other => other,
    };
    let file = match created {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    let fd = file.as_raw_fd() as usize;
    sys::call(Sysno::write, &[fd, addr(TEXT), TEXT.len()]).or_broken("write to the file")?;
    let path = cstring(&format!("/proc/self/fd/{fd}"));
    let argv = [path.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null::<libc::c_char>()];
    let (argv, environment) = (addr(&argv), addr(&environment));
    sys::any_of(
        [
            sys::call(Sysno::execveat, &[fd, ptr(c""), argv, environment, libc::AT_EMPTY_PATH as usize]),
            sys::call(Sysno::execve, &[ptr(&path), argv, environment]),
        ],
        |made| made.result == Err(libc::ENOEXEC),
    )
}
