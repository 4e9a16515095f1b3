//! procfs, of which much is the host's, not the container's. What runtimes mask is read, and what they make
//! read-only is opened for writing; nothing is ever written.

mod reading;
mod writing;

use crate::probe::Probe;

/// The family's probes, by what is done with the files.
pub(super) const GROUPS: &[&[Probe]] = &[reading::PROBES, writing::PROBES];

/// Where Docker's masked and read-only paths are listed.
const MOBY: &str = "https://github.com/moby/moby/blob/v28.2.0/oci/defaults.go";
/// What masked and read-only paths are.
const RUNTIME_SPEC: &str = "https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md";
