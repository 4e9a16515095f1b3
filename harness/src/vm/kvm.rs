//! Hardware virtualisation. That there is a device does not say that it works, inside another virtual machine for one: that is
//! found out by trying, and remembered.

use std::fs;
use std::path::PathBuf;

use super::directory;
use crate::host::read_trimmed;

/// Whether there is hardware virtualisation that may be used, and that was not found out not to work.
pub(super) fn works() -> bool {
    let may_be_used = fs::File::options().read(true).write(true).open("/dev/kvm").is_ok();
    may_be_used && fs::read_to_string(note()).ok() != Some(this_boot())
}

/// Until this host is started anew.
pub(super) fn remember_that_it_does_not() {
    // Without the note the next start finds out again.
    let _ = fs::write(note(), this_boot());
}

fn note() -> PathBuf {
    directory("XDG_STATE_HOME", ".local/state").join("machines").join("no-kvm")
}

fn this_boot() -> String {
    read_trimmed("/proc/sys/kernel/random/boot_id")
}
