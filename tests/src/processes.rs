//! Who is left when a program was killed: this process takes in the orphans of everything that it started, so
//! that none of them can get lost among the machine's other processes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Takes in orphans for as long as the test process lives.
#[derive(Debug)]
pub struct Nursery {
    known: Mutex<BTreeSet<i32>>,
}

impl Nursery {
    /// From now on orphans come here. One value a process: two would take each other's children for orphans.
    pub fn open() -> Self {
        // SAFETY: plain numbers.
        let done = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
        assert_eq!(done, 0, "prctl: {}", std::io::Error::last_os_error());
        Self { known: Mutex::default() }
    }

    /// Starts a program that is no orphan until it was waited for.
    pub fn start(&self, command: &mut Command) -> Watched<'_> {
        // Held until the number is known, so that nobody takes it for an orphan's.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn().expect("the program can be started");
        known.insert(child.id() as i32);
        Watched { child, nursery: self }
    }

    /// Runs a program to its end.
    pub fn output(&self, command: &mut Command) -> Output {
        let mut watched = self.start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        // One after the other: nothing that is started here says more than fits into a pipe.
        watched.child.stdout.take().map(|mut pipe| pipe.read_to_end(&mut stdout));
        watched.child.stderr.take().map(|mut pipe| pipe.read_to_end(&mut stderr));
        Output { status: watched.wait(), stdout, stderr }
    }

    /// Waits until no orphan lives, but not longer than `limit`; what is left then, for a message.
    pub fn wait_for_orphans(&self, limit: Duration) -> Vec<String> {
        let deadline = Instant::now() + limit;
        loop {
            let orphans = self.orphans();
            if orphans.is_empty() || Instant::now() > deadline {
                return orphans;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn orphans(&self) -> Vec<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all();
        let own = std::process::id() as i32;
        let mut family: Vec<i32> = Vec::new();
        for process in all.iter().filter(|process| process.parent == own && !known.contains(&process.pid)) {
            if process.state == 'Z' {
                // SAFETY: an orphan that has ended: nobody else waits for it.
                unsafe { libc::waitpid(process.pid, std::ptr::null_mut(), libc::WNOHANG) };
            } else {
                family.push(process.pid);
            }
        }
        // Their children have not come here yet.
        let mut next = 0;
        while let Some(parent) = family.get(next).copied() {
            family.extend(all.iter().filter(|process| process.parent == parent).map(|process| process.pid));
            next += 1;
        }
        all.iter().filter(|process| family.contains(&process.pid)).map(Process::describe).collect()
    }
}

/// A program that was started here.
#[derive(Debug)]
pub struct Watched<'a> {
    child: Child,
    nursery: &'a Nursery,
}

impl Watched<'_> {
    /// Its process number.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Sends it a signal, and to nobody else.
    pub fn signal(&self, signal: i32) {
        // SAFETY: our own child, not yet waited for.
        unsafe { libc::kill(self.pid(), signal) };
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("it is our child")
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.nursery.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.pid());
    }
}

/// A line of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: i32,
    name: String,
    state: char,
    parent: i32,
}

impl Process {
    fn describe(&self) -> String {
        format!("{} {} ({}), child of {}", self.pid, self.name.escape_debug(), self.state, self.parent)
    }
}

fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    entries.filter_map(|entry| parse(&fs::read_to_string(entry.path().join("stat")).ok()?)).collect()
}

/// `pid (name) state parent …`, and the name may hold anything.
fn parse(stat: &str) -> Option<Process> {
    let (before, after) = stat.rsplit_once(')')?;
    let (pid, name) = before.split_once(" (")?;
    let mut fields = after.split_whitespace();
    Some(Process {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let process = Process { pid: 12, name: "a) R 1 (b".to_owned(), state: 'S', parent: 7 };
        assert_eq!(parse("12 (a) R 1 (b) S 7 12 12 0"), Some(process));
    }

    #[test]
    fn whoever_outlives_its_parent_is_an_orphan() {
        let nursery = Nursery::open();
        let status = nursery.start(Command::new("sh").args(["-c", "sleep 0.3 & exit 0"])).wait();
        assert!(status.success());
        // On a busy machine it is still called after the shell for a moment.
        let is_there = |_| {
            std::thread::sleep(Duration::from_millis(1));
            nursery.wait_for_orphans(Duration::ZERO).iter().any(|orphan| orphan.contains("sleep"))
        };
        assert!((0..200).any(is_there), "nobody outlived the shell");
        assert_eq!(nursery.wait_for_orphans(Duration::from_secs(5)), Vec::<String>::new());
    }
}
