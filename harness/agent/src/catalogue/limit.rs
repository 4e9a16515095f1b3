//! Without limits one container can starve the host. Each attempt takes a little, all at once, so that a
//! limit that is meant to hold shows, and gives everything back.

use syscalls::Sysno;

use super::identity::{End, FAILED, in_child};
use crate::probe::{Answer, Attempt, Broken, Effect, Probe};
use crate::sys::{self, Made};
use crate::wire::Request;

/// Processes to have at the same time.
const PROCESSES: usize = 20;
/// Memory to have in use, in bytes.
const MEMORY: usize = 16 << 20;
/// Descriptors to have open.
const DESCRIPTORS: u64 = 512;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "limit-fork",
        title: "Have 20 more processes",
        tries: "clone of 20 children that wait; then all are ended",
        gains: "the host's process table: nobody else can start anything",
        calls: &[Sysno::clone],
        proof: &[],
        // The pids cgroup or RLIMIT_NPROC; or the memory that processes take.
        refusal: &[libc::EAGAIN, libc::ENOMEM],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "20 idle processes for a few milliseconds, killed and reaped in the next lines",
        sources: &[
            "https://man7.org/linux/man-pages/man2/fork.2.html",
            "https://docs.docker.com/reference/cli/docker/container/run/",
        ],
        run: fork,
    },
    Probe {
        id: "limit-memory",
        title: "Use 16 MiB of memory",
        tries: "mmap of 16 MiB in a child, every page of it written to",
        gains: "the host's memory, until the kernel kills something else",
        calls: &[Sysno::mmap],
        proof: &[],
        refusal: &[libc::ENOMEM, libc::EAGAIN],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "for a few milliseconds, in a child that asks to be the first to go when memory is short; a container's limit leaves a line in the kernel log",
        sources: &[
            "https://man7.org/linux/man-pages/man2/mmap.2.html",
            "https://docs.docker.com/engine/containers/resource_constraints/",
        ],
        run: memory,
    },
    Probe {
        id: "limit-files",
        title: "Have 512 files open",
        tries: "fcntl(F_DUPFD_CLOEXEC) of standard output until there are 512",
        gains: "kernel memory, and with many processes every file handle that the host has",
        calls: &[Sysno::fcntl],
        proof: &[],
        refusal: &[libc::EMFILE],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "copies of one descriptor, closed when the probe's process ends right after",
        sources: &["https://man7.org/linux/man-pages/man2/getrlimit.2.html"],
        run: files,
    },
];

/// See [`sys::first_to_go`]: a child goes before the probe that made it, which has to tell of it.
const BEFORE_THE_PROBE: u16 = 1000;

fn fork(_: &Request) -> Attempt {
    let mut children = Vec::with_capacity(PROCESSES);
    let answer = loop {
        let made = sys::call(Sysno::clone, &[libc::SIGCHLD as usize, 0, 0, 0, 0]);
        match made.result {
            Ok(0) => wait_to_be_killed(),
            Ok(child) => children.push(child as i32),
            Err(_) => break made,
        }
        if children.len() == PROCESSES {
            break made;
        }
    };
    let killed = children.iter().any(|child| has_ended(*child));
    for &child in &children {
        // SAFETY: ends our own child, which is not reaped yet.
        unsafe { libc::kill(child, libc::SIGKILL) };
    }
    for &child in &children {
        // SAFETY: waits for our own child; its status is not asked for.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    }
    if killed {
        let why = "a child was killed while it waited".to_owned();
        return Ok(Answer::Killed { call: Sysno::clone, why });
    }
    answer.answer()
}

/// Whether our own child, which waits to be killed, has ended before; it is still to be waited for.
fn has_ended(child: i32) -> bool {
    // SAFETY: an all-zero siginfo_t is a valid value.
    let mut ended: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: asks about our own child; `ended` is ours.
    let asked = unsafe {
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        libc::waitid(libc::P_PID, child as libc::id_t, &raw mut ended, options)
    };
    // SAFETY: waitid has filled it in, or left it all zero.
    asked == 0 && unsafe { ended.si_pid() } == child
}

fn wait_to_be_killed() -> ! {
    sys::first_to_go(BEFORE_THE_PROBE);
    // SAFETY: only this process is affected; it ends with the probe even if the time limit ends that.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    loop {
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
    }
}

fn memory(_: &Request) -> Attempt {
    let access = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    let kind = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    let args = [0, MEMORY, access, kind, usize::MAX, 0];
    let end = in_child(|| {
        sys::first_to_go(BEFORE_THE_PROBE);
        let start = match sys::call(Sysno::mmap, &args).result {
            Ok(start) => start as usize,
            Err(errno) => return FAILED + errno,
        };
        // All pages at once saves time; where the kernel cannot, or may not, each comes when it is written to.
        sys::call(Sysno::madvise, &[start, MEMORY, libc::MADV_POPULATE_WRITE as usize]);
        for page in (start..start + MEMORY).step_by(4096) {
            // SAFETY: the page lies in the mapping that was just made.
            unsafe { (page as *mut u8).write_volatile(1) };
        }
        0
    })?;
    let made = |result| Made::new(Sysno::mmap, args.map(|arg| arg as u64), result);
    match end {
        End::Exit(0) => made(Ok(0)).answer(),
        End::Exit(status) if status > FAILED => made(Err(status - FAILED)).answer(),
        End::Exit(status) => Err(Broken::at(format!("the child ended with status {status}"))),
        End::Signal(signal) => Ok(Answer::Killed {
            call: Sysno::mmap,
            why: format!("the child was killed by signal {signal} while it wrote to its memory"),
        }),
    }
}

fn files(_: &Request) -> Attempt {
    loop {
        let made =
            sys::call(Sysno::fcntl, &[libc::STDOUT_FILENO as usize, libc::F_DUPFD_CLOEXEC as usize, 0]);
        // Numbers are given lowest first: with this one every one below is open too.
        if made.result.is_ok_and(|fd| fd + 1 < DESCRIPTORS) {
            continue;
        }
        return made.answer();
    }
}
