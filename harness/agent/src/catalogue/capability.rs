//! What each part of root's power allows.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
