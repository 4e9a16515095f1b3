//! Seeing processes and signalling them. The victim outside ignores `SIGTERM`; everybody else gets signal 0, which is
//! none.

use std::os::fd::{AsRawFd, OwnedFd};

use syscalls::Sysno;

use crate::found;
use crate::layout;
use crate::probe::{Aim, Answer, Attempt, Broken, Effect, Need, Probe};
use crate::sys::{self, Made, addr_mut};
use crate::wire::Request;

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
