//! Mount calls can uncover what a mask hides and make read-only writable.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
