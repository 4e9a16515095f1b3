//! Programs that take a while: what they say is passed on as it comes, and when the user asks to end they are asked too.
//! Each is in a process group of its own, so that a terminal's Ctrl-C reaches this program first, and it decides.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::VmError;

/// How long a program may take to put its things away, once it was asked to end.
const GRACE: Duration = Duration::from_secs(30);

/// How often it is looked whether the user has asked to end.
const BEAT: Duration = Duration::from_millis(50);

/// Has a program end when this one does, and be in a group of its own.
pub(crate) fn of_ours(command: &mut Command) -> &mut Command {
    command.process_group(0);
    // SAFETY: one system call, in the child, that affects only it.
    unsafe {
        command.pre_exec(|| {
            // Whoever kills this program does not leave the other one alone.
            match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        })
    }
}

/// Runs a program to its end; `heard` gets each line that it says, `go_on` is asked whether to. How it ended.
pub(super) fn run(
    command: &mut Command,
    doing: &str,
    heard: &mut dyn FnMut(&str),
    go_on: &dyn Fn() -> bool,
) -> Result<ExitStatus, VmError> {
    let failed = |source| VmError::Outside { doing: doing.to_owned(), source };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = of_ours(command).spawn().map_err(failed)?;
    let (sender, receiver) = mpsc::channel();
    for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
        listen(pipe, sender.clone());
    }
    drop(sender);
    let mut open = true;
    loop {
        if open {
            match receiver.recv_timeout(BEAT) {
                Ok(line) => heard(&line),
                Err(RecvTimeoutError::Timeout) => {}
                // It may have closed them and live on.
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        } else {
            std::thread::sleep(BEAT);
        }
        if !go_on() {
            end(&mut child, libc::SIGINT);
            return Err(VmError::Interrupted);
        }
        // What it said last is still to be heard; a daemon of its own may hold the pipes for ever.
        if let Some(status) = child.try_wait().map_err(failed)? {
            while let Ok(line) = receiver.recv_timeout(BEAT) {
                heard(&line);
            }
            return Ok(status);
        }
    }
}

/// Asks a program and its children to end, and ends them if they do not.
pub(crate) fn end(child: &mut Child, signal: i32) {
    let group = -(child.id() as i32);
    let begun = Instant::now();
    // SAFETY: numbers; the group is of a child that was not waited for yet.
    unsafe { libc::kill(group, signal) };
    while matches!(child.try_wait(), Ok(None)) {
        if begun.elapsed() > GRACE {
            // SAFETY: as above.
            unsafe { libc::kill(group, libc::SIGKILL) };
        }
        std::thread::sleep(BEAT);
    }
    // A shell's background processes do not hear of a Ctrl-C.
    // SAFETY: as above; a group that is gone is no error.
    unsafe { libc::kill(group, libc::SIGTERM) };
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

fn listen(pipe: Box<dyn Read + Send>, sender: Sender<String>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                break;
            }
            line.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_it_says_is_heard() {
        let mut lines = Vec::new();
        let status = run(
            &mut shell("echo one; echo two >&2; exit 3"),
            "trying",
            &mut |line| lines.push(line.to_owned()),
            &|| true,
        );
        assert_eq!(status.unwrap().code(), Some(3));
        lines.sort();
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn it_is_ended_with_its_children() {
        let pid = Cell::new(0);
        let mut command = shell("sleep 1000 & echo $!; wait");
        let ended =
            run(&mut command, "trying", &mut |line| pid.set(line.parse().unwrap()), &|| pid.get() == 0);
        assert!(matches!(ended, Err(VmError::Interrupted)));
        // Its parent is gone: it takes a moment until somebody has waited for it.
        let gone = |_| {
            std::thread::sleep(Duration::from_millis(10));
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.get())).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        assert!((0..200).any(gone), "sleep {} is still there", pid.get());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let ended = run(&mut Command::new("/no/such/program"), "trying", &mut |_| {}, &|| true);
        assert!(ended.unwrap_err().to_string().starts_with("trying: No such file"));
    }
}
