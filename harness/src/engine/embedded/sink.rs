//! Where a container's process writes what it says: a pipe, or for one with an SELinux label of containers a file of
//! containers'. The kernel closes every descriptor that the new label may not use when the label changes
//! (`flush_unauthorized_files` in `security/selinux/hooks.c`), and a pipe has the label of whoever made it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::EngineError;
use crate::engine::run_dir::RunDir;
use crate::selinux;

/// A container says a few hundred bytes a probe; one that says more is not the agent.
const LONGEST_OUTPUT: usize = 4 << 20;

/// The reading end, and until the child has it the writing one.
pub(super) enum Sink {
    /// It ends when the last process that can write has ended.
    Pipe { output: OwnedFd, input: Option<OwnedFd> },
    /// It is read when the container's process has ended, which its descriptor tells once there is one (`pidfd_open(2)`).
    File { file: File, process: Option<OwnedFd> },
}

impl Sink {
    /// For a process with this label.
    pub(super) fn new(label: Option<&str>, dir: &RunDir) -> Result<Self, EngineError> {
        let Some(label) = label else {
            let (output, input) = super::spawn::pipe()?;
            return Ok(Self::Pipe { output, input: Some(input) });
        };
        let failed = |source| EngineError::Outside {
            doing: "making a file for what a container says".to_owned(),
            source,
        };
        let file = tempfile::tempfile_in(dir.path()).map_err(failed)?;
        let level = selinux::level(label).unwrap_or(selinux::SHARED_LEVEL);
        selinux::label_open_file(file.as_fd(), &selinux::of_files(level)).map_err(failed)?;
        Ok(Self::File { file, process: None })
    }

    /// What the child writes to.
    pub(super) fn writing(&self) -> RawFd {
        match self {
            Self::Pipe { output, input } => input.as_ref().unwrap_or(output).as_raw_fd(),
            Self::File { file, .. } => file.as_raw_fd(),
        }
    }

    /// The child `pid`, which was not waited for yet, has its own copy now.
    pub(super) fn given(&mut self, pid: i32) -> Result<(), EngineError> {
        match self {
            Self::Pipe { input, .. } => *input = None,
            Self::File { process, .. } => *process = Some(open_process(pid)?),
        }
        Ok(())
    }

    /// Waits for the end of what the child says.
    pub(super) fn read_until_end(&mut self, limit: Duration) -> Result<Vec<u8>, EngineError> {
        let deadline = Instant::now() + limit;
        let failed =
            |source| EngineError::Outside { doing: "reading a container's output".to_owned(), source };
        match self {
            Self::Pipe { output, .. } => {
                let mut file = File::from(output.try_clone().map_err(failed)?);
                let mut text = Vec::new();
                let mut buffer = [0u8; 16 * 1024];
                loop {
                    wait_for(output.as_fd(), deadline, limit)?;
                    match file.read(&mut buffer).map_err(failed)? {
                        0 => return Ok(text),
                        read if text.len() < LONGEST_OUTPUT => text.extend_from_slice(&buffer[..read]),
                        _ => return Err(too_much()),
                    }
                }
            }
            Self::File { file, process } => {
                if let Some(process) = process {
                    wait_for(process.as_fd(), deadline, limit)?;
                }
                let mut text = Vec::new();
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                file.take(LONGEST_OUTPUT as u64 + 1).read_to_end(&mut text).map_err(failed)?;
                if text.len() > LONGEST_OUTPUT { Err(too_much()) } else { Ok(text) }
            }
        }
    }
}

fn too_much() -> EngineError {
    EngineError::Gibberish { text: format!("more than {LONGEST_OUTPUT} bytes") }
}

fn wait_for(
    what: std::os::fd::BorrowedFd<'_>,
    deadline: Instant,
    limit: Duration,
) -> Result<(), EngineError> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(what, PollFlags::POLLIN)], timeout) {
            Ok(0) => return Err(EngineError::Timeout { limit }),
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => {
                return Err(EngineError::Outside {
                    doing: "waiting for a container".to_owned(),
                    source: error.into(),
                });
            }
        }
    }
}

/// Becomes readable when the process ends.
fn open_process(pid: i32) -> Result<OwnedFd, EngineError> {
    // SAFETY: numbers only; the descriptor is checked and then owned.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if fd < 0 {
            return Err(EngineError::last("watching a container's process (pidfd_open)"));
        }
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}
