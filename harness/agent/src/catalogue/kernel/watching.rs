//! Programs and counters in the kernel that watch what others do. Nothing is started here, and nothing is read.

use syscalls::Sysno;

use crate::probe::{Attempt, Effect, Probe};
use crate::sys::{self, Made, addr, addr_mut};
use crate::wire::Request;

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
        aims: &[],
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
        aims: &[],
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
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the missing group is refused with EBADF, after the permission checks and before a counter is made",
        sources: &["https://man7.org/linux/man-pages/man2/perf_event_open.2.html"],
        run: perf_self,
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
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no cookie 0; EINVAL comes after the permission check",
        sources: &[
            "https://man7.org/linux/man-pages/man2/lookup_dcookie.2.html",
            "https://elixir.bootlin.com/linux/v6.6/source/fs/dcookies.c",
        ],
        run: lookup_dcookie,
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

fn lookup_dcookie(_: &Request) -> Attempt {
    let mut path = [0u8; 64];
    sys::call(Sysno::lookup_dcookie, &[0, addr_mut(&mut path), path.len()]).answer()
}
