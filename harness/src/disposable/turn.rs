//! Trials whose probes change the disposable machine are run in turn, so that they do not meet each other's changes, and
//! after each the machine is put right from outside, whatever its container has left.

use std::ffi::CString;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::time::{ClockId, clock_gettime, clock_settime};
use whyblocked_agent::{Effect, Need, catalogue, layout};

use super::MARKER;

/// More than a trial's own changes of the clock leave behind, and less than anybody would set it by.
const A_LITTLE: Duration = Duration::from_millis(500);

/// A trial's turn; when it ends, the machine is as it was.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Since 1970, when the monotonic clock began.
    zero: Duration,
    loaded: bool,
    /// Dropped last. The marker itself: all runs in the machine share it, and nothing else.
    _lock: Flock<File>,
}

/// Waits for a turn, if one of the probes changes its host, and prepares what they find in it.
pub(crate) fn turn(probes: &[&str]) -> Result<Option<Turn>, String> {
    let chosen = || probes.iter().filter_map(|id| catalogue::find(id));
    if !chosen().any(|probe| probe.effect == Effect::Disposable) {
        return Ok(None);
    }
    if !super::is_here() {
        return Err("its probes change their host, and this is not the disposable machine".to_owned());
    }
    let failed = |doing: &str, errno: Errno| format!("{doing}: {}", errno.desc());
    let mut marker = File::open(MARKER).map_err(|error| format!("{MARKER}: {error}"))?;
    let lock = loop {
        match Flock::lock(marker, FlockArg::LockExclusive) {
            Ok(lock) => break lock,
            Err((unlocked, Errno::EINTR)) => marker = unlocked,
            Err((_, errno)) => return Err(failed("waiting for a turn", errno)),
        }
    };
    let zero = zero().map_err(|errno| failed("reading the clock", errno))?;
    let turn = Turn { zero, loaded: is_loaded(), _lock: lock };
    let needs = |need| chosen().any(|probe| probe.needs.contains(&need));
    if needs(Need::LoadedDummy) {
        // Where it cannot be loaded the probe says that it is not there.
        let _ = load();
    } else if needs(Need::DummyModule) {
        // One in use stays: then the probe is told that it is there already.
        unload();
    }
    Ok(Some(turn))
}

impl Drop for Turn {
    fn drop(&mut self) {
        if zero().is_ok_and(|now| now.abs_diff(self.zero) > A_LITTLE)
            && let Ok(since) = clock_gettime(ClockId::CLOCK_MONOTONIC)
        {
            let _ = clock_settime(ClockId::CLOCK_REALTIME, (self.zero + Duration::from(since)).into());
        }
        match (self.loaded, is_loaded()) {
            (true, false) => drop(load()),
            (false, true) => unload(),
            _ => {}
        }
    }
}

fn zero() -> nix::Result<Duration> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME)?);
    Ok(now.saturating_sub(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into()))
}

fn is_loaded() -> bool {
    Path::new("/sys/module").join(layout::DUMMY).exists()
}

/// That it is loaded already is no failure.
fn load() -> nix::Result<()> {
    let image = super::dummy_module().ok_or(Errno::ENOENT)?;
    match nix::kmod::init_module(image, &name(layout::DUMMY_OPTIONS)) {
        Err(Errno::EEXIST) => Ok(()),
        other => other,
    }
}

fn unload() {
    let _ = nix::kmod::delete_module(&name(layout::DUMMY), nix::kmod::DeleteModuleFlags::O_NONBLOCK);
}

fn name(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_probes_need_no_turn() {
        assert!(turn(&["time-settimeofday", "module-init", "no-such-probe"]).unwrap().is_none());
    }

    #[test]
    fn elsewhere_there_is_no_turn_for_what_changes_the_host() {
        if super::super::is_here() {
            return;
        }
        for probe in ["module-load-dummy", "module-remove-dummy", "time-set-clock"] {
            assert!(turn(&["module-init", probe]).unwrap_err().contains("disposable"), "{probe}");
        }
    }
}
