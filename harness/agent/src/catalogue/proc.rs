//! Much of /proc is the host's, not the container's.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
