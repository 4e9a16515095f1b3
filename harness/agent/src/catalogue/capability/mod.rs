//! What each part of root's power allows: one attempt for each capability that no other family covers.
//! Most of these checks ask the initial user namespace, so that a container's own one answers no whatever it grants.

mod files;
mod processes;
mod system;

use std::os::fd::OwnedFd;

use crate::layout;
use crate::probe::{Broken, Probe};
use crate::sys::{self, cstring};

/// The family's probes, by what the power is over.
pub(super) const GROUPS: &[&[Probe]] = &[files::PROBES, processes::PROBES, system::PROBES];

/// A new file of this process's own, without a name, on the container's own tmpfs: it is gone as soon as
/// it is closed, whoever owns it by then.
pub(super) fn unnamed_file() -> Result<OwnedFd, Broken> {
    let fd = sys::open(&cstring(layout::SCRATCH), libc::O_TMPFILE | libc::O_RDWR, 0o600)
        .or_broken("make a file without a name in /scratch")?;
    Ok(sys::own(fd))
}
