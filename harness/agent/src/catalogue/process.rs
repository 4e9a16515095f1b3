//! Other processes hold memory, descriptors and secrets.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
