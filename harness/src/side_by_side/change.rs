//! From one record to a later or another one: which attempts are stopped by more than before, and which by less.

use super::{Named, Scenario};
use crate::baseline::{Class, Expected};
use crate::conformance::Place;
use crate::conformance::cells::Cells;
use crate::record::{Cell, Record};

/// What became of the first record's verdicts in another.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// Which record, in the order of the book.
    pub to: usize,
    /// Whether the two are of the same host and the same engine, as far as the records tell: then they are two dates.
    pub same_host: bool,
    /// Attempts that more mechanisms stop, or that got through and are stopped now.
    pub stronger: Vec<Place<'a>>,
    /// Attempts that fewer mechanisms stop, or that were stopped and get through now.
    pub weaker: Vec<Place<'a>>,
    /// Attempts that other mechanisms stop, as deep as before.
    pub other: Vec<Place<'a>>,
    /// Attempts about which both say the same.
    pub same: usize,
    /// Attempts about which one of the two came to no answer.
    pub undecided: usize,
    /// Verdicts that only this record has.
    pub new: usize,
    /// Verdicts that only the first one has.
    pub gone: usize,
}

impl<'a> Change<'a> {
    pub(super) fn of(
        records: &[Named<'_>],
        to: usize,
        cells: &[Cells<'a>],
        scenarios: &[Scenario<'a>],
    ) -> Self {
        let [first, other] = [0, to].map(|at: usize| records[at].record);
        let mut change = Self { to, same_host: same_host(first, other), ..Self::default() };
        let mut both = 0;
        for row in scenarios.iter().flat_map(|scenario| &scenario.rows) {
            let (Some(one), Some(other)) = (row.cells[0], row.cells[to]) else { continue };
            both += 1;
            let undecided = |cell: &Cell| cell.outcome.strength(cell.depth).is_none();
            if undecided(one) || undecided(other) {
                change.undecided += 1;
                continue;
            }
            match Class::between(&Expected::of(one), &Expected::of(other)) {
                Some(Class::Stronger) => change.stronger.push(row.place),
                Some(Class::Weaker) => change.weaker.push(row.place),
                Some(_) => change.other.push(row.place),
                None => change.same += 1,
            }
        }
        change.new = cells[to].verdicts() - both;
        change.gone = cells[0].verdicts() - both;
        change
    }

    /// Whether anything is weaker or stronger, or someone else says no.
    pub fn is_any(&self) -> bool {
        !(self.stronger.is_empty() && self.weaker.is_empty() && self.other.is_empty())
    }
}

/// The versions of the programs may differ: they are what may have changed in the meantime, and so may the kernel's.
fn same_host(one: &Record, other: &Record) -> bool {
    let [a, b] = [&one.host, &other.host];
    (&a.system, &a.arch, &a.selinux, &a.apparmor, &a.privilege)
        == (&b.system, &b.arch, &b.selinux, &b.apparmor, &b.privilege)
        && (&one.engine.name, &one.engine.place) == (&other.engine.name, &other.engine.place)
}
