//! How well a record's verdicts are proved: how many blocks an independent method confirms, which it does not, and
//! why. Shared by the reports; it formats nothing.

use std::collections::BTreeMap;

use crate::record::{Cell, Outcome, Proof, Record};

/// The figures.
#[derive(Debug, Default)]
pub struct Proofs<'a> {
    /// Verdicts in which methods disagree.
    pub conflicts: Vec<&'a Cell>,
    /// Blocked verdicts.
    pub blocked: usize,
    /// Those of them that at least one independent method confirms.
    pub confirmed: usize,
    /// The others, by the reason why nothing confirms them; the most frequent reason first.
    pub rest: Vec<(&'a str, Vec<&'a Cell>)>,
}

impl<'a> Proofs<'a> {
    /// Counts.
    pub fn of(record: &'a Record) -> Self {
        let mut proofs = Self {
            conflicts: record.cells.iter().filter(|cell| cell.proof == Some(Proof::Conflict)).collect(),
            ..Self::default()
        };
        let mut rest: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
        for cell in record.cells.iter().filter(|cell| cell.outcome == Outcome::Blocked) {
            proofs.blocked += 1;
            match cell.proof {
                Some(Proof::Confirmed) => proofs.confirmed += 1,
                Some(Proof::Conflict) => {}
                _ => rest
                    .entry(cell.unconfirmed.as_deref().unwrap_or("no reason given"))
                    .or_default()
                    .push(cell),
            }
        }
        proofs.rest = rest.into_iter().collect();
        proofs.rest.sort_by_key(|(_, cells)| std::cmp::Reverse(cells.len()));
        proofs
    }

    /// The share of blocks that are confirmed, in per cent; nothing if nothing was blocked.
    pub fn percent(&self) -> Option<f64> {
        (self.blocked > 0).then(|| self.confirmed as f64 * 100.0 / self.blocked as f64)
    }
}

/// The probes of some verdicts, each with the number of scenarios in which it is meant: `key-add (3)`.
pub fn by_probe<'a>(cells: &[&'a Cell]) -> Vec<(&'a str, usize)> {
    let mut probes: Vec<(&str, usize)> = Vec::new();
    for cell in cells {
        match probes.iter_mut().find(|(probe, _)| *probe == cell.probe) {
            Some((_, times)) => *times += 1,
            None => probes.push((&cell.probe, 1)),
        }
    }
    probes
}
