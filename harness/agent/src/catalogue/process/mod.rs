//! Other processes: they hold memory, descriptors and secrets. Signals go to the probe's own child, the neighbour
//! and the harness's victim only; no other process is stopped, and nothing of another process is read beyond its name.

mod signals;
mod tracing;

use crate::probe::Probe;

/// The family's probes: who is there to be signalled, and what the right to trace a process gives.
pub(super) const GROUPS: &[&[Probe]] = &[signals::PROBES, tracing::PROBES];
