//! Mounting, and what else is done to file systems as a whole. Mount calls can uncover what a mask hides and make
//! read-only writable; every one of them wants `CAP_SYS_ADMIN` in the user namespace that owns the mounts.

mod objects;
mod paths;

use crate::probe::Probe;

/// The family's probes, by what the calls work on.
pub(super) const GROUPS: &[&[Probe]] = &[paths::PROBES, objects::PROBES];
