//! Becoming somebody else is the first step of most break-outs.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
