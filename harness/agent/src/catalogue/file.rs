//! A mounted directory of the host is the shortest way out.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
