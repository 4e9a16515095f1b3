//! Starts a planned container and watches it from outside: id maps, control groups, time limit, end.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::process::Command;
use std::time::Duration;

use super::cgroup::Groups;
use super::plan::Plan;
use super::sink::Sink;
use super::{EngineError, RunDir, hold, step, user};
use crate::engine::{Standing, Watch};
use crate::settings::{Settings, UserNamespace};

/// What a container may take beside its probes' own limits.
const SETUP_LIMIT: Duration = Duration::from_secs(20);

/// What the one who starts a container owes to others while it runs.
#[derive(Clone, Copy)]
pub(super) struct Duties<'a> {
    /// The time limit of its process; the set-up has another.
    pub(super) limit: Duration,
    /// Who looks at it from outside.
    pub(super) watch: Option<&'a dyn Watch>,
}

/// Starts the container, and returns what it wrote to its standard output.
pub(super) fn run(
    plan: &Plan,
    settings: &Settings,
    groups: &Groups,
    dir: &RunDir,
    duties: Duties<'_>,
) -> Result<Vec<u8>, EngineError> {
    let mut sink = Sink::new(settings.selinux.as_deref(), dir)?;
    let (failure, failure_in) = pipe()?;
    let (lifeline, lifeline_in) = pipe()?;
    let ends = Ends {
        output: sink.writing(),
        failure: failure_in.as_raw_fd(),
        lifeline: lifeline.as_raw_fd(),
        lifeline_in: lifeline_in.as_raw_fd(),
    };
    let mut child = Child::clone(plan, flags(settings), &ends)?;
    sink.given(child.pid)?;
    drop((failure_in, lifeline));
    let places = groups.paths();
    let standing = Standing { pid: child.pid, groups: &places, foreign: false };
    let held = duties.watch.and_then(|watch| match hold::seize(child.pid) {
        Ok(held) => Some((held, watch)),
        Err(error) => {
            watch.unseen(&error.to_string());
            None
        }
    });

    if let Some(namespace) = &settings.user_namespace {
        map_ids(child.pid, namespace)?;
    }
    groups.take(child.pid)?;
    let mut lifeline_in = fs::File::from(lifeline_in);
    // A child that is gone already says why over the other pipe.
    let _ = lifeline_in.write_all(b"g");

    if let Some((held, watch)) = held {
        child.waited = !held.at_execution(SETUP_LIMIT, || watch.standing(&standing))?;
    }
    let text = sink.read_until_end(SETUP_LIMIT + duties.limit);
    child.end(text.is_err())?;
    if let Some(watch) = duties.watch {
        watch.ended(&standing);
    }
    let mut report = Vec::new();
    fs::File::from(failure)
        .read_to_end(&mut report)
        .map_err(|source| EngineError::Outside { doing: "reading the set-up's report".to_owned(), source })?;
    if let Some(error) = failed_step(&report, plan) {
        return Err(error);
    }
    text
}

/// The pipes' ends that a child uses, by number.
struct Ends {
    output: RawFd,
    failure: RawFd,
    lifeline: RawFd,
    lifeline_in: RawFd,
}

/// A child process that is killed and waited for unless it was waited for.
struct Child {
    pid: i32,
    waited: bool,
}

impl Child {
    fn clone(plan: &Plan, flags: u64, ends: &Ends) -> Result<Self, EngineError> {
        // `struct clone_args`, version 2: flags, …, exit signal, …
        let mut arguments = [0u64; 11];
        arguments[0] = flags;
        arguments[4] = libc::SIGCHLD as u64;
        // SAFETY: without CLONE_VM and a stack this is a fork; the child only carries out prepared steps.
        let pid = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_mut_ptr(), size_of_val(&arguments)) };
        match pid {
            -1 if user::errno() == libc::EPERM && flags & libc::CLONE_NEWUSER as u64 != 0 => {
                Err(EngineError::last(
                    "making a user namespace (not possible in a chroot, nor where a kernel parameter forbids it)",
                ))
            }
            -1 => Err(EngineError::last("starting a container (clone3)")),
            // SAFETY: we are the child.
            0 => unsafe { be_the_container(plan, ends) },
            pid => Ok(Self { pid: pid as i32, waited: false }),
        }
    }

    fn end(mut self, kill: bool) -> Result<(), EngineError> {
        if self.waited {
            return Ok(());
        }
        if kill {
            // SAFETY: our own child, not yet waited for.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
        }
        self.wait()
    }

    fn wait(&mut self) -> Result<(), EngineError> {
        self.waited = true;
        let mut status = 0;
        // SAFETY: waits for our own child; `status` is ours.
        while unsafe { libc::waitpid(self.pid, &raw mut status, 0) } != self.pid {
            if user::errno() != libc::EINTR {
                return Err(EngineError::last("waiting for a container"));
            }
        }
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.waited {
            // SAFETY: our own child, not yet waited for.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            let _ = self.wait();
        }
    }
}

/// Carries out the steps; reports the first that fails as (index, errno).
unsafe fn be_the_container(plan: &Plan, ends: &Ends) -> ! {
    // SAFETY: only this process is affected, and all memory was prepared before it was made.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        // Or else the child itself would keep its own lifeline alive.
        libc::close(ends.lifeline_in);
        libc::setsid();
        libc::umask(0);
        libc::dup2(ends.output, 1);
        libc::dup2(ends.output, 2);
        for (index, (_, op)) in plan.steps.iter().enumerate() {
            if !step::execute(op, &plan.resources, ends.lifeline) {
                let report = [index as i32, user::errno()];
                libc::write(ends.failure, report.as_ptr().cast(), size_of_val(&report));
                libc::_exit(127);
            }
        }
        libc::_exit(126)
    }
}

fn flags(settings: &Settings) -> u64 {
    let namespaces = settings.namespaces;
    let mut flags = libc::CLONE_NEWNS;
    for (own, flag) in [
        (namespaces.pid, libc::CLONE_NEWPID),
        (namespaces.network, libc::CLONE_NEWNET),
        (namespaces.ipc, libc::CLONE_NEWIPC),
        (namespaces.uts, libc::CLONE_NEWUTS),
        (settings.user_namespace.is_some(), libc::CLONE_NEWUSER),
    ] {
        if own {
            flags |= flag;
        }
    }
    flags as u64
}

fn map_ids(pid: i32, namespace: &UserNamespace) -> Result<(), EngineError> {
    let write = |file: &str, text: &str| {
        let path = format!("/proc/{pid}/{file}");
        fs::write(&path, text)
            .map_err(|source| EngineError::Outside { doing: format!("writing '{text}' to {file}"), source })
    };
    match namespace {
        UserNamespace::Remap(range) => {
            let map = format!("0 {} {}", range.first, range.size);
            write("uid_map", &map)?;
            write("gid_map", &map)
        }
        UserNamespace::Caller { uid, gid, more: None } => {
            // Without this an ordinary user may not map groups.
            write("setgroups", "deny")?;
            write("uid_map", &format!("0 {uid} 1"))?;
            write("gid_map", &format!("0 {gid} 1"))
        }
        UserNamespace::Caller { uid, gid, more: Some(range) } => {
            for (helper, own) in [("newuidmap", uid), ("newgidmap", gid)] {
                let status = Command::new(helper)
                    .args([pid.to_string(), "0".to_owned(), own.to_string(), "1".to_owned(), "1".to_owned()])
                    .args([range.first.to_string(), range.size.to_string()])
                    .status();
                let refused = || std::io::Error::other("it refused; see /etc/subuid and /etc/subgid");
                match status {
                    Ok(status) if status.success() => {}
                    Ok(_) => {
                        return Err(EngineError::Outside {
                            doing: format!("running {helper}"),
                            source: refused(),
                        });
                    }
                    Err(source) => {
                        return Err(EngineError::Outside { doing: format!("running {helper}"), source });
                    }
                }
            }
            Ok(())
        }
    }
}

fn failed_step(report: &[u8], plan: &Plan) -> Option<EngineError> {
    let (index, errno) = report.split_at_checked(4)?;
    let index = i32::from_ne_bytes(index.try_into().ok()?) as usize;
    let errno = i32::from_ne_bytes(errno.try_into().ok()?);
    let (step, _) = plan.steps.get(index)?;
    Some(EngineError::Step { step: step.clone(), errno })
}

pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd), EngineError> {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
        .map_err(|error| EngineError::Outside { doing: "making a pipe".to_owned(), source: error.into() })
}
