//! Counting: how many cells agree, how many do not, and for how many of those the reason is known.

use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome};

/// What is counted as the same: the outcome, and who said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// A mechanism's check; nothing where the record does not name one.
    Blocked(Option<Mechanism>),
    /// It got through.
    Through,
}

impl Answer {
    /// A decided cell's.
    pub(super) fn of(cell: &Cell) -> Self {
        match cell.outcome {
            Outcome::Allowed => Self::Through,
            _ => Self::Blocked(cell.blocked_by),
        }
    }
}

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cells with an answer on both sides.
    pub comparable: usize,
    /// Those with the same one.
    pub agreeing: usize,
    /// Those with different ones, and a known reason.
    pub explained: usize,
}

impl Tally {
    pub(super) fn add(&mut self, agrees: bool, explained: bool) {
        self.comparable += 1;
        self.agreeing += usize::from(agrees);
        self.explained += usize::from(!agrees && explained);
    }

    /// Cells with different answers.
    pub fn differing(&self) -> usize {
        self.comparable - self.agreeing
    }

    /// Those without a known reason.
    pub fn unexplained(&self) -> usize {
        self.differing() - self.explained
    }

    /// The share that agrees, in per cent; nothing if nothing can be compared.
    pub fn percent(&self) -> Option<f64> {
        (self.comparable > 0).then(|| self.agreeing as f64 * 100.0 / self.comparable as f64)
    }
}
