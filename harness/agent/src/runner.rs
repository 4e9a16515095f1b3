//! Runs probes: each in a forked child with a time limit of its own, one JSON line each on standard output.
//!
//! A child prints its own line; the parent prints only for children that could not. Nothing that a probe
//! does to itself (ids, namespaces, limits, a fatal signal) reaches the next probe.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::bracket;
use crate::probe::{Answer, Attempt, Outcome, Probe};
use crate::sys::{self, Door};
use crate::wire::{Observation, Request};

/// Exit status of a child that has printed its line.
const PRINTED: i32 = 0;

/// Why a probe that changes its host was not even begun.
const ELSEWHERE: &str = "it changes its host, and this is not the disposable machine";

/// A probe goes before the agent when memory is short, and after the children that it makes to go first.
const BEFORE_THE_AGENT: u16 = 500;

/// Runs every probe that `request` names; a name the catalogue lacks gives a broken observation.
pub fn run(request: &Request) {
    for (place, id) in request.probes.iter().enumerate() {
        match crate::catalogue::find(id) {
            Some(probe) if !probe.may_run(request.disposable) => {
                print(&failed(id, ELSEWHERE, Duration::ZERO));
            }
            Some(probe) => run_in_child(probe, place, request),
            None => print(&failed(id, "the agent's catalogue has no such probe", Duration::ZERO)),
        }
    }
}

/// Runs one probe in this process and judges its answer.
pub fn observe(probe: &Probe, request: &Request) -> Observation {
    let start = Instant::now();
    let attempt = (probe.run)(request);
    observation(probe, &attempt, request.dye, start.elapsed())
}

fn observation(probe: &Probe, attempt: &Attempt, dye: Option<i32>, took: Duration) -> Observation {
    let mut seen = failed(probe.id, "", took);
    let answer = match attempt {
        Ok(answer) => answer,
        Err(broken) => {
            seen.errno = broken.errno;
            seen.detail.clone_from(&broken.step);
            return seen;
        }
    };
    seen.outcome = probe.judge(answer, dye);
    match answer {
        Answer::Made(made) | Answer::Hollow { made, .. } | Answer::Withheld { made, .. } => {
            let (name, number) = match made.door {
                Door::Native => (made.call.name(), made.call.id() as u32),
                Door::Ia32 { name, number } => {
                    seen.door = Some("i386".to_owned());
                    (name, number)
                }
            };
            name.clone_into(&mut seen.call);
            seen.number = Some(number);
            seen.args = Some(made.args);
            seen.errno = made.result.err().unwrap_or(0);
            seen.returned = Some(made.returned);
        }
        Answer::Killed { call, .. } => call.name().clone_into(&mut seen.call),
        Answer::Absent { .. } => {}
    }
    match answer {
        Answer::Hollow { why, .. }
        | Answer::Withheld { why, .. }
        | Answer::Killed { why, .. }
        | Answer::Absent { why } => seen.detail.clone_from(why),
        Answer::Made(_) if seen.outcome == Outcome::Broken => {
            seen.detail = format!("the catalogue does not say what errno {} means here", seen.errno);
        }
        Answer::Made(_) => {}
    }
    seen
}

fn failed(id: &str, why: &str, took: Duration) -> Observation {
    Observation {
        probe: id.to_owned(),
        outcome: Outcome::Broken,
        call: String::new(),
        number: None,
        args: None,
        door: None,
        returned: None,
        errno: 0,
        detail: why.to_owned(),
        micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    }
}

fn run_in_child(probe: &Probe, place: usize, request: &Request) {
    let start = Instant::now();
    // SAFETY: the agent has one thread, so that the child may do anything after fork.
    match unsafe { libc::fork() } {
        -1 => print(&failed(probe.id, "fork failed", start.elapsed())),
        0 => {
            limit_time(request.limit_ms);
            // The agent must outlive what a probe takes the memory for.
            sys::first_to_go(BEFORE_THE_AGENT);
            if let Some(trial) = request.watched {
                bracket::begin(trial, place, probe.calls);
            }
            print(&observe(probe, request));
            // SAFETY: ends the child at once, without the parent's exit handlers.
            unsafe { libc::_exit(PRINTED) }
        }
        child => {
            if let Some(why) = wait(child) {
                print(&ended_early(probe, &why, start.elapsed()));
            }
        }
    }
}

/// How a child that printed nothing ended.
enum EarlyEnd {
    Signal(i32),
    Exit(i32),
}

fn wait(child: i32) -> Option<EarlyEnd> {
    let mut status = 0;
    loop {
        // SAFETY: waits for our own child; `status` is ours.
        if unsafe { libc::waitpid(child, &raw mut status, libc::__WALL) } == child {
            break;
        }
        if sys::errno() != libc::EINTR {
            return Some(EarlyEnd::Exit(-1));
        }
    }
    if libc::WIFSIGNALED(status) {
        return Some(EarlyEnd::Signal(libc::WTERMSIG(status)));
    }
    let code = libc::WEXITSTATUS(status);
    (code != PRINTED).then_some(EarlyEnd::Exit(code))
}

fn ended_early(probe: &Probe, end: &EarlyEnd, took: Duration) -> Observation {
    match *end {
        // A filter that kills answers with SIGSYS: a refusal, and a clear one.
        EarlyEnd::Signal(libc::SIGSYS) => Observation {
            outcome: Outcome::Denied,
            call: probe.calls.first().map(|c| c.name().to_owned()).unwrap_or_default(),
            ..failed(probe.id, "killed by SIGSYS: the seccomp filter's action is to kill", took)
        },
        EarlyEnd::Signal(libc::SIGALRM) => failed(probe.id, "time limit", took),
        EarlyEnd::Signal(signal) => failed(probe.id, &format!("killed by signal {signal}"), took),
        EarlyEnd::Exit(code) => {
            failed(probe.id, &format!("the child exited with {code} and no answer"), took)
        }
    }
}

/// Ends this process by `SIGALRM` after `limit_ms`, and with its parent.
fn limit_time(limit_ms: u64) {
    let limit = libc::timeval { tv_sec: (limit_ms / 1000) as i64, tv_usec: (limit_ms % 1000 * 1000) as i64 };
    let timer = libc::itimerval { it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 }, it_value: limit };
    // SAFETY: `timer` is a valid value; both calls only affect this process.
    unsafe {
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// One line, one `write`: lines of several processes do not mix.
fn print(seen: &Observation) {
    let mut line = serde_json::to_vec(seen).expect("an observation is plain data");
    line.push(b'\n');
    // Nobody is left to tell if standard output is gone.
    let _ = std::io::stdout().write_all(&line);
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::probe::Effect;

    #[test]
    fn what_changes_its_host_is_not_begun_unless_the_harness_says_where_it_is() {
        let (anywhere, there) = (Request::default(), Request { disposable: true, ..Request::default() });
        let mut changing = 0;
        for probe in catalogue::all() {
            assert_eq!(
                probe.may_run(anywhere.disposable),
                probe.effect != Effect::Disposable,
                "{}",
                probe.id
            );
            assert!(probe.may_run(there.disposable), "{}", probe.id);
            changing += usize::from(probe.effect == Effect::Disposable);
        }
        assert_eq!(changing, 3);
    }
}
