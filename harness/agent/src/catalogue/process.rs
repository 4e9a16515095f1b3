//! Other processes: they hold memory, descriptors and secrets. Signals go to the probe's own child, the neighbour
//! and the harness's victim only; nothing is stopped, and nothing of another process is read beyond its name.

use std::os::fd::{AsRawFd, OwnedFd};

use syscalls::Sysno;

use crate::found;
use crate::layout;
use crate::probe::{Aim, Answer, Attempt, Broken, Effect, Need, Probe};
use crate::sys::{self, Made, addr, addr_mut};
use crate::wire::Request;

/// Where the rules are that most of the family meets.
const PTRACE_ACCESS: &str = "https://man7.org/linux/man-pages/man2/ptrace.2.html";

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "process-see-host",
        title: "See the host's processes",
        tries: "open(\"/proc/VICTIM/comm\"), where VICTIM is the harness's process outside, by the number it has there; it counts only if the name in it is the victim's",
        gains: "what runs on the host, with which arguments: often enough a password is among them",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Victim],
        needs: &[Need::Victim],
        effect: Effect::Harmless,
        harmless_because: "the name of the harness's own process is read",
        sources: &[
            "https://man7.org/linux/man-pages/man7/pid_namespaces.7.html",
            "https://man7.org/linux/man-pages/man5/proc_pid_comm.5.html",
        ],
        run: see_host,
    },
    Probe {
        id: "process-kill-outside",
        title: "Signal a process outside the container",
        tries: "kill(VICTIM, 0) and, if that works, kill(VICTIM, SIGTERM), where VICTIM is the harness's process outside, by the number it has there; absent if that number is another process's here",
        gains: "an end to any process of the host",
        calls: &[Sysno::kill],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_KILL"],
        aims: &[Aim::Victim],
        needs: &[Need::Victim],
        effect: Effect::Harmless,
        harmless_because: "the victim is the harness's own: it ignores SIGTERM and counts it; a process that /proc calls by another name gets no signal",
        sources: &[
            "https://man7.org/linux/man-pages/man2/kill.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/signal.c",
        ],
        run: kill_outside,
    },
    Probe {
        id: "process-kill-own-uid",
        title: "Signal a process of the same user",
        tries: "kill(CHILD, 0), where CHILD is a process that the probe made: no capability is wanted, so that this works without CAP_KILL",
        gains: "an end to what the same user runs in the container",
        calls: &[Sysno::kill],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "signal 0 is none; the child ends by itself",
        sources: &[
            "https://man7.org/linux/man-pages/man2/kill.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/signal.c",
        ],
        run: kill_own_uid,
    },
    Probe {
        id: "process-kill-other-uid",
        title: "Signal a process of another user",
        tries: "kill(NEIGHBOUR, 0), where NEIGHBOUR is a process of another user in the container: unlike tracing, it takes no more than this one capability",
        gains: "an end to what other users run in the container, or on the host if its processes are in sight",
        calls: &[Sysno::kill],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_KILL"],
        aims: &[],
        needs: &[Need::Neighbour],
        effect: Effect::Harmless,
        harmless_because: "signal 0 is none",
        sources: &[
            "https://man7.org/linux/man-pages/man2/kill.2.html",
            "https://man7.org/linux/man-pages/man7/capabilities.7.html",
        ],
        run: kill_other_uid,
    },
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

fn see_host(request: &Request) -> Attempt {
    match found::victim(request) {
        Ok((_, seen)) => seen.answer(),
        Err(attempt) => attempt,
    }
}

fn kill(pid: i32, signal: i32) -> Made {
    sys::call(Sysno::kill, &[pid as usize, signal as usize])
}

fn kill_outside(request: &Request) -> Attempt {
    let Some(victim) = request.victim else { return Ok(Answer::absent("the harness started no victim")) };
    // In a pid namespace of the container's own the number may be some other process's.
    if let Some(name) = found::name_of(victim).filter(|name| name != layout::VICTIM_NAME) {
        return Ok(Answer::absent(format!("process {victim} here is {name}, not the victim")));
    }
    let there = kill(victim, 0);
    if there.worked() { kill(victim, libc::SIGTERM).answer() } else { there.answer() }
}

fn kill_own_uid(_: &Request) -> Attempt {
    let child = Child::start()?;
    kill(child.pid, 0).answer()
}

/// A child that waits until it is dropped; it needs no signal to end, since signals may be what is refused.
struct Child {
    pid: i32,
    leash: Option<OwnedFd>,
}

impl Child {
    fn start() -> Result<Self, Broken> {
        let mut ends = [0i32; 2];
        sys::call(Sysno::pipe2, &[addr_mut(&mut ends), libc::O_CLOEXEC as usize]).or_broken("make a pipe")?;
        let [waits, leash] = ends.map(|fd| sys::own(fd as u64));
        // SAFETY: the probe's process has one thread, so that the child may do anything after fork.
        match unsafe { libc::fork() } {
            -1 => Err(Broken { step: "start a child (fork)".to_owned(), errno: sys::errno() }),
            0 => {
                drop(leash);
                let mut byte = 0u8;
                sys::call(Sysno::read, &[waits.as_raw_fd() as usize, addr_mut(&mut byte), 1]);
                // SAFETY: ends the child at once, without the parent's exit handlers.
                unsafe { libc::_exit(0) }
            }
            pid => Ok(Self { pid, leash: Some(leash) }),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.leash = None;
        // SAFETY: waits for our own child and asks for no status.
        unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), 0) };
    }
}

fn kill_other_uid(_: &Request) -> Attempt {
    match found::neighbour() {
        Some(pid) => kill(pid, 0).answer(),
        None => Ok(found::no_neighbour()),
    }
}

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
    /// `KCMP_VM`, `linux/kcmp.h`.
    const MEMORY: usize = 1;
    let own = std::process::id() as usize;
    sys::call(Sysno::kcmp, &[own, own, MEMORY, 0, 0]).answer()
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
