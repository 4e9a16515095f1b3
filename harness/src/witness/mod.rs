//! Witnesses: evidence that does not come from the probe itself. Each says what it saw and where it could not
//! look; none of them decides alone.
//!
//! So far there is one, the laboratory seen from outside. The kernel's trace, the installed filter and the audit
//! records will be its neighbours.

pub mod outside;

use crate::record::Witness;

/// Which of the kernel's own witnesses take part in a run.
pub fn available() -> Witness {
    Witness {
        trace: "none".to_owned(),
        filter: false,
        audit: false,
        reason: "this version proves by experiment, and by looking at the laboratory's files from outside"
            .to_owned(),
    }
}
