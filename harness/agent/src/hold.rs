//! Standing still at the two moments at which an engine's watcher looks: before the first probe and after the last.
//!
//! For engines that cannot hold a process themselves. The agent says an empty line and waits for a line on its
//! standard input; nobody at the other end is as good as a line. The first line may hold the neighbour's number.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use crate::found;

/// A longer one is none of ours.
const LONGEST_LINE: usize = 64;

/// An agent that was let go once and will stand still again.
#[derive(Debug)]
pub struct Hold {
    input: Option<File>,
}

impl Hold {
    /// Says that the agent stands, and waits. Afterwards the standard input is `/dev/null`, as without a hold.
    pub fn begin() -> Self {
        let mut hold = Self { input: take_standard_input() };
        if let Ok(pid) = hold.wait().trim().parse() {
            found::know_neighbour(pid);
        }
        hold
    }

    /// Says that the last probe has ended, and waits.
    pub fn end(mut self) {
        self.wait();
    }

    /// The line that ended the wait.
    fn wait(&mut self) -> String {
        // Nobody is left to wait for if standard output is gone.
        let told = std::io::stdout().write_all(b"\n").and_then(|()| std::io::stdout().flush());
        let mut line = Vec::new();
        if let (Ok(()), Some(input)) = (told, &mut self.input) {
            let mut byte = [0];
            while byte != *b"\n"
                && line.len() < LONGEST_LINE
                && input.read(&mut byte).is_ok_and(|read| read == 1)
            {
                line.extend(byte);
            }
        }
        String::from_utf8_lossy(&line).into_owned()
    }
}

/// Moves the standard input to another number, which programs that probes execute do not get.
fn take_standard_input() -> Option<File> {
    let input: OwnedFd = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned().ok()?;
    if let Ok(null) = File::open("/dev/null") {
        // SAFETY: both descriptors are open.
        unsafe { libc::dup2(null.as_raw_fd(), 0) };
    }
    Some(File::from(input))
}
