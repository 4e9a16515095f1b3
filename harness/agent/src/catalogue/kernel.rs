//! Calls that open rarely used, and so rarely tested, parts of the kernel.

use crate::probe::Probe;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[];
