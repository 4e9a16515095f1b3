//! What the right to trace a process gives, with or without `ptrace`. Nothing is stopped, and nothing is read.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::found;
use crate::probe::{Aim, Answer, Attempt, Broken, Effect, Need, Probe};
use crate::sys::{self, Made, addr, addr_mut};
use crate::wire::Request;

/// Where the rules are that most of the family meets.
const PTRACE_ACCESS: &str = "https://man7.org/linux/man-pages/man2/ptrace.2.html";

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "process-traceme",
        title: "Let oneself be traced",
        tries: "ptrace(PTRACE_TRACEME) in a child of the probe, which the probe is then the tracer of: no capability is wanted. Docker's filter refuses it on kernels before 4.8 only",
        gains: "nothing by itself: ptrace as such, which on kernels before 4.8 could be used to get round a filter",
        calls: &[Sysno::ptrace],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the child ends at once, and only the probe could have traced it",
        sources: &[PTRACE_ACCESS, "https://docs.docker.com/engine/security/seccomp/"],
        run: traceme,
    },
    Probe {
        id: "process-ptrace-other-uid",
        title: "Trace another user's process",
        tries: "ptrace(PTRACE_SEIZE, NEIGHBOUR, 0, 0), where NEIGHBOUR is a process of another user: unlike PTRACE_ATTACH it does not stop the process",
        gains: "the other process: its memory, its registers, its next system call",
        calls: &[Sysno::ptrace],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        aims: &[],
        needs: &[Need::Neighbour],
        effect: Effect::Undone,
        harmless_because: "the neighbour goes on as before, and the kernel lets it go when the probe's process ends, which is right after",
        sources: &[
            PTRACE_ACCESS,
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/ptrace.c",
            "https://docs.docker.com/engine/security/seccomp/",
        ],
        run: ptrace_other_uid,
    },
    Probe {
        id: "process-read-memory",
        title: "Read another process's memory",
        tries: "process_vm_readv of 1 byte at address 0x1000 of the neighbour, a process of another user: nothing is mapped there",
        gains: "keys and passwords that other processes hold",
        calls: &[Sysno::process_vm_readv],
        proof: &[libc::EFAULT],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        aims: &[],
        needs: &[Need::Neighbour],
        effect: Effect::Harmless,
        harmless_because: "no program has memory so low: EFAULT, after the right to trace it",
        sources: &[
            "https://man7.org/linux/man-pages/man2/process_vm_readv.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/mm/process_vm_access.c",
            PTRACE_ACCESS,
        ],
        run: read_memory,
    },
    Probe {
        id: "process-pidfd-getfd",
        title: "Take a descriptor from another process",
        tries: "pidfd_open(NEIGHBOUR) and pidfd_getfd(…, a descriptor that is not open): with a bad pidfd the kernel would answer EBADF before it asks for the right to trace, so the pidfd is a good one",
        gains: "the open files and connections of other processes",
        calls: &[Sysno::pidfd_open, Sysno::pidfd_getfd],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        aims: &[],
        needs: &[Need::Neighbour],
        effect: Effect::Harmless,
        harmless_because: "no process may have that many descriptors: EBADF, after the right to trace it",
        sources: &[
            "https://man7.org/linux/man-pages/man2/pidfd_getfd.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/pid.c",
            PTRACE_ACCESS,
        ],
        run: pidfd_getfd,
    },
    Probe {
        id: "process-kcmp",
        title: "Compare two processes",
        tries: "kcmp(SELF, SELF, KCMP_VM): the right to trace oneself is not asked for, so that EPERM can only be a filter's",
        gains: "which processes share what: kernel objects that an exploit needs to tell apart",
        calls: &[Sysno::kcmp],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the probe's process is compared with itself",
        sources: &[
            "https://man7.org/linux/man-pages/man2/kcmp.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/kcmp.c",
        ],
        run: kcmp,
    },
    Probe {
        id: "process-kcmp-other-uid",
        title: "Compare oneself with another user's process",
        tries: "kcmp(SELF, NEIGHBOUR, KCMP_VM), where NEIGHBOUR is a process of another user: the kernel asks for the right to trace both",
        gains: "which processes share what: kernel objects that an exploit needs to tell apart",
        calls: &[Sysno::kcmp],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        aims: &[],
        needs: &[Need::Neighbour],
        effect: Effect::Harmless,
        harmless_because: "the answer is which of two numbers is larger, and the numbers are scrambled",
        sources: &[
            "https://man7.org/linux/man-pages/man2/kcmp.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/kcmp.c",
            PTRACE_ACCESS,
        ],
        run: kcmp_other_uid,
    },
    Probe {
        id: "process-madvise-other-uid",
        title: "Say what another process's memory is good for",
        tries: "pidfd_open(NEIGHBOUR) and process_madvise(…, no memory, MADV_COLD), where NEIGHBOUR is a process of another user: the kernel asks for the right to trace it, and then for CAP_SYS_NICE",
        gains: "pages of other processes thrown out of memory: slow neighbours, and a clock to spy by",
        calls: &[Sysno::pidfd_open, Sysno::process_madvise],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE", "CAP_SYS_NICE"],
        aims: &[],
        needs: &[Need::Neighbour],
        effect: Effect::Harmless,
        harmless_because: "advice about no memory, and of a kind that changes no content",
        sources: &[
            "https://man7.org/linux/man-pages/man2/process_madvise.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/mm/madvise.c",
            PTRACE_ACCESS,
        ],
        run: madvise_other_uid,
    },
    Probe {
        id: "process-read-environ",
        title: "Read another process's environment",
        tries: "open(\"/proc/NEIGHBOUR/environ\"), where NEIGHBOUR is a process of another user: its mode bits first (CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE get past those), and then the right to trace it; newer kernels, 6.18 for one, are content with CAP_PERFMON or CAP_SYS_ADMIN instead",
        gains: "secrets that were handed over as environment variables",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE", "CAP_PERFMON", "CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[Need::Neighbour],
        effect: Effect::Harmless,
        harmless_because: "the file is opened and closed again; nothing is read",
        sources: &[
            "https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html",
            "https://elixir.bootlin.com/linux/v6.18/source/kernel/fork.c",
            PTRACE_ACCESS,
        ],
        run: read_environ,
    },
    Probe {
        id: "process-follow-root",
        title: "Reach the host's files through a process of the host",
        tries: "open(\"/proc/VICTIM/root\", O_PATH), where VICTIM is the harness's process outside: /proc must show it, and the kernel asks for the right to trace it",
        gains: "the host's root directory, whatever is mounted",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        aims: &[Aim::Victim],
        needs: &[Need::Victim],
        effect: Effect::Harmless,
        harmless_because: "a directory is named, not read",
        sources: &[
            "https://man7.org/linux/man-pages/man5/proc_pid_root.5.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/base.c",
            PTRACE_ACCESS,
        ],
        run: follow_root,
    },
];

fn traceme(_: &Request) -> Attempt {
    let args = [libc::PTRACE_TRACEME as usize, 0, 0, 0];
    // SAFETY: the probe's process has one thread, so that the child may do anything after fork.
    let child = unsafe { libc::fork() };
    if child == -1 {
        return Err(Broken { step: "start a child (fork)".to_owned(), errno: sys::errno() });
    }
    if child == 0 {
        let errno = sys::call(Sysno::ptrace, &args).result.err().unwrap_or(0);
        // SAFETY: ends the child at once; its status says how the call went.
        unsafe { libc::_exit(errno) }
    }
    let mut status = 0;
    // SAFETY: waits for our own child; `status` is ours.
    if unsafe { libc::waitpid(child, &raw mut status, 0) } != child {
        return Err(Broken { step: "wait for a child (waitpid)".to_owned(), errno: sys::errno() });
    }
    if libc::WIFSIGNALED(status) {
        let why = format!("the child was ended by signal {}", libc::WTERMSIG(status));
        return Ok(Answer::Killed { call: Sysno::ptrace, why });
    }
    let result = match libc::WEXITSTATUS(status) {
        0 => Ok(0),
        errno => Err(errno),
    };
    Made::new(Sysno::ptrace, [args[0] as u64, 0, 0, 0, 0, 0], result).answer()
}

fn ptrace_other_uid(_: &Request) -> Attempt {
    match found::neighbour() {
        Some(pid) => sys::call(Sysno::ptrace, &[libc::PTRACE_SEIZE as usize, pid as usize, 0, 0]).answer(),
        None => Ok(found::no_neighbour()),
    }
}

fn read_memory(_: &Request) -> Attempt {
    let Some(neighbour) = found::neighbour() else { return Ok(found::no_neighbour()) };
    let mut byte = 0u8;
    // Two `struct iovec`: an address and a length.
    let here = [addr_mut(&mut byte), 1];
    let there = [0x1000usize, 1];
    sys::call(Sysno::process_vm_readv, &[neighbour as usize, addr(&here), 1, addr(&there), 1, 0]).answer()
}

fn pidfd_getfd(_: &Request) -> Attempt {
    let Some(neighbour) = found::neighbour() else { return Ok(found::no_neighbour()) };
    let opened = sys::call(Sysno::pidfd_open, &[neighbour as usize, 0]);
    let Ok(fd) = opened.result else { return opened.answer() };
    let process = sys::own(fd);
    sys::closing(sys::call(Sysno::pidfd_getfd, &[process.as_raw_fd() as usize, i32::MAX as usize, 0]))
        .answer()
}

fn kcmp(_: &Request) -> Attempt {
    compare_with(std::process::id() as usize)
}

fn kcmp_other_uid(_: &Request) -> Attempt {
    match found::neighbour() {
        Some(pid) => compare_with(pid as usize),
        None => Ok(found::no_neighbour()),
    }
}

fn compare_with(other: usize) -> Attempt {
    /// `KCMP_VM`, `linux/kcmp.h`.
    const MEMORY: usize = 1;
    sys::call(Sysno::kcmp, &[std::process::id() as usize, other, MEMORY, 0, 0]).answer()
}

fn madvise_other_uid(_: &Request) -> Attempt {
    let Some(neighbour) = found::neighbour() else { return Ok(found::no_neighbour()) };
    let opened = sys::call(Sysno::pidfd_open, &[neighbour as usize, 0]);
    let Ok(fd) = opened.result else { return opened.answer() };
    let process = sys::own(fd);
    let args = [process.as_raw_fd() as usize, 0, 0, libc::MADV_COLD as usize, 0];
    sys::call(Sysno::process_madvise, &args).answer()
}

fn read_environ(_: &Request) -> Attempt {
    let Some(neighbour) = found::neighbour() else { return Ok(found::no_neighbour()) };
    let path = sys::cstring(&format!("/proc/{neighbour}/environ"));
    sys::closing(sys::open(&path, libc::O_RDONLY, 0)).answer()
}

fn follow_root(request: &Request) -> Attempt {
    let (victim, _) = match found::victim(request) {
        Ok(seen) => seen,
        Err(attempt) => return attempt,
    };
    let path = sys::cstring(&format!("/proc/{victim}/root"));
    sys::closing(sys::open(&path, libc::O_PATH, 0)).answer()
}
