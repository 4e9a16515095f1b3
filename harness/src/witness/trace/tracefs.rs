//! The kernel's tracing file system, through a mount of our own that no path leads to: nothing is mounted on the host,
//! and it does not matter where, or whether, the host has mounted it.

use std::ffi::CStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::run_dir;

/// `FSOPEN_CLOEXEC` and `FSMOUNT_CLOEXEC`, `linux/mount.h`.
const CLOSE_ON_EXEC: u32 = 1;
/// `FSCONFIG_CMD_CREATE`, `linux/mount.h`.
const CREATE: u32 = 6;

/// The mount.
#[derive(Debug)]
pub(super) struct Tracefs {
    mount: OwnedFd,
}

impl Tracefs {
    /// Mounts the file system where nobody sees it.
    pub(super) fn open() -> io::Result<Self> {
        let context = descriptor(libc::SYS_fsopen, &[addr(c"tracefs"), CLOSE_ON_EXEC.into()])?;
        let fd = context.as_raw_fd() as u64;
        // SAFETY: numbers; the descriptor is open.
        if unsafe { libc::syscall(libc::SYS_fsconfig, fd, CREATE, 0, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { mount: descriptor(libc::SYS_fsmount, &[fd, CLOSE_ON_EXEC.into(), 0])? })
    }

    /// A path in it; good for as long as this value lives.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{below}", self.mount.as_raw_fd()))
    }

    /// Appends a definition to `dynamic_events`.
    pub(super) fn define(&self, definition: &str) -> io::Result<()> {
        OpenOptions::new().append(true).open(self.path("dynamic_events"))?.write_all(definition.as_bytes())
    }

    /// Removes an instance and the events that a run of this name has defined.
    pub(super) fn remove(&self, run: &str) -> io::Result<()> {
        let instance = self.path(&format!("instances/{run}"));
        let removed = if instance.exists() {
            // An event that is enabled cannot be removed, and an instance that is read cannot be either.
            let _ = fs::write(instance.join("tracing_on"), "0");
            let _ = fs::write(instance.join("events/enable"), "0");
            remove_when_idle(&instance)
        } else {
            Ok(())
        };
        for event in self.events_of(&group(run)) {
            unless_gone(self.define(&format!("-:{event}")))?;
        }
        unless_gone(removed)
    }

    /// The dynamic events of a group, as `GROUP/EVENT`.
    fn events_of(&self, group: &str) -> Vec<String> {
        dynamic_events(&self.definitions()).filter(|event| event.starts_with(&format!("{group}/"))).collect()
    }

    fn definitions(&self) -> String {
        fs::read_to_string(self.path("dynamic_events")).unwrap_or_default()
    }

    /// Runs whose instance or events are still here although they are dead.
    pub(super) fn left_behind(&self) -> Vec<String> {
        let instances = fs::read_dir(self.path("instances")).into_iter().flatten().flatten();
        let mut runs: Vec<String> =
            instances.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        runs.extend(
            dynamic_events(&self.definitions()).filter_map(|event| Some(run_of(event.split_once('/')?.0))),
        );
        runs.retain(|run| run.starts_with(run_dir::PREFIX) && !run_dir::may_be_alive(run));
        runs.sort();
        runs.dedup();
        runs
    }
}

/// A dying process, or another one that cleans, may hold one of its files for a moment yet.
fn remove_when_idle(instance: &Path) -> io::Result<()> {
    let mut attempts = 200;
    loop {
        match fs::remove_dir(instance) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && attempts > 0 => attempts -= 1,
            done => return done,
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Somebody else who cleans may have been faster.
fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => Ok(()),
        other => other,
    }
}

/// The name of a run's group of events: only letters, digits and underscores may be in it.
pub(super) fn group(run: &str) -> String {
    run.replace('-', "_")
}

/// The run whose group it is.
fn run_of(group: &str) -> String {
    group.replace('_', "-")
}

/// The names, `GROUP/EVENT`, in the lines of `dynamic_events`: `r64:GROUP/EVENT function …`.
fn dynamic_events(definitions: &str) -> impl Iterator<Item = String> + '_ {
    definitions.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        Some(rest.split(' ').next()?.to_owned())
    })
}

fn addr(text: &'static CStr) -> u64 {
    text.as_ptr() as u64
}

/// A call that returns a descriptor.
fn descriptor(call: libc::c_long, args: &[u64]) -> io::Result<OwnedFd> {
    let arg = |place: usize| args.get(place).copied().unwrap_or(0);
    // SAFETY: numbers, and the address of a constant string; the result is checked and then owned.
    unsafe {
        let fd = libc::syscall(call, arg(0), arg(1), arg(2));
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as i32)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_events_are_known_by_their_group() {
        let text =
            "r64:whyblocked_run_7_0/cap_capable cap_capable ret=$retval:s32\np:other/x y\nbroken line\n";
        let events: Vec<String> = dynamic_events(text).collect();
        assert_eq!(events, ["whyblocked_run_7_0/cap_capable", "other/x"]);
        assert_eq!(run_of(&group("whyblocked-run-7-0")), "whyblocked-run-7-0");
    }
}
