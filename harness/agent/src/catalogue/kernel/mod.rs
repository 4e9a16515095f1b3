//! Calls that open rarely used, and so rarely tested, parts of the kernel. Few of them ask for a
//! capability: a filter is all that stands before most.

#[cfg(target_arch = "x86_64")]
pub(super) mod ia32;
mod interfaces;
mod memory;
mod watching;

use crate::probe::Probe;

/// The family's probes, by the part of the kernel.
pub(super) const GROUPS: &[&[Probe]] = &[
    watching::PROBES,
    memory::PROBES,
    interfaces::PROBES,
    #[cfg(target_arch = "x86_64")]
    ia32::PROBES,
];
