//! A device node is a door to hardware, whatever directory it lies in.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
