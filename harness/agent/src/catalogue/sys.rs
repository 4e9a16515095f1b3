//! /sys shows and sets the host's hardware and kernel.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
