//! Probes that never got past their guard in a run, not even with everything open: they prove nothing there, and a
//! reader should know which they are. Shared by the reports; it formats nothing.

use std::collections::BTreeSet;

use crate::record::{Outcome, ProbeEntry, Record};

/// The probes of a record that were tried and never reached what they aim at, in its order.
pub fn never_reached(record: &Record) -> Vec<&ProbeEntry> {
    let mut tried: BTreeSet<&str> = BTreeSet::new();
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    for cell in &record.cells {
        match cell.outcome {
            // Blocked means that it got through with everything relaxed.
            Outcome::Allowed | Outcome::Blocked => {
                reached.insert(&cell.probe);
            }
            Outcome::Untestable => {
                tried.insert(&cell.probe);
            }
            Outcome::Broken => {}
        }
    }
    let never =
        |probe: &&ProbeEntry| tried.contains(probe.id.as_str()) && !reached.contains(probe.id.as_str());
    record.probes.iter().filter(never).collect()
}
