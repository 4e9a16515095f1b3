//! One record held against another, verdict by verdict: what became of each, in the classes of a baseline's check, and why,
//! as far as the records say it. What is the same is only counted.

use super::{Named, Scenario, missing, why};
use crate::baseline::{Class, Expected};
use crate::conformance::Place;
use crate::conformance::cells::Cells;
use crate::record::{Cell, Record};

/// A record against the first one.
#[derive(Debug)]
pub struct Diff<'a> {
    /// Which record, in the order of the book.
    pub to: usize,
    /// What differs, the worst class first, then in the order of the scenarios and probes.
    pub rows: Vec<Difference<'a>>,
    /// Verdicts that both have and that differ in nothing that counts.
    pub same: usize,
}

/// What became of one verdict.
#[derive(Debug)]
pub struct Difference<'a> {
    /// Which.
    pub place: Place<'a>,
    /// In what kind of way they differ.
    pub class: Class,
    /// What the first record says; nothing if it has no verdict.
    pub was: Option<&'a Cell>,
    /// What the other one says; nothing if it has no verdict.
    pub is: Option<&'a Cell>,
    /// Why, in a sentence without its full stop; nothing if the records do not say.
    pub why: Option<String>,
}

impl<'a> Diff<'a> {
    pub(super) fn of(
        records: &[Named<'a>],
        to: usize,
        cells: &[Cells<'a>],
        (scenarios, probes): (&[Scenario<'a>], &[&'a str]),
        judge: &why::Judge<'_, 'a>,
    ) -> Self {
        let mut diff = Self { to, rows: Vec::new(), same: 0 };
        let places = scenarios
            .iter()
            .flat_map(|scenario| probes.iter().map(|probe| Place { scenario: scenario.id, probe }));
        for place in places {
            let [was, is] = [0, to].map(|at: usize| cells[at].verdict(place));
            let class = match (was, is) {
                (None, None) => continue,
                (Some(was), Some(is)) => Class::between(&Expected::of(was), &Expected::of(is)),
                (Some(_), None) => Some(Class::Gone),
                (None, Some(_)) => Some(Class::New),
            };
            let Some(class) = class else {
                diff.same += 1;
                continue;
            };
            let why = match (was, is) {
                (Some(was), Some(is)) => judge.why(place, [(0, was), (to, is)]).map(|why| why.to_string()),
                (Some(_), None) => Some(nothing(&records[to], &cells[to], place)),
                _ => Some(nothing(&records[0], &cells[0], place)),
            };
            diff.rows.push(Difference { place, class, was, is, why });
        }
        diff.rows.sort_by_key(|row| Class::ALL.iter().position(|class| *class == row.class));
        diff
    }

    /// What differs in this way.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = &Difference<'a>> {
        self.rows.iter().filter(move |row| row.class == class)
    }
}

/// Why a record has no verdict there.
fn nothing(named: &Named<'_>, cells: &Cells<'_>, place: Place<'_>) -> String {
    let name = &named.name;
    if let Some(why) = missing(cells, place.scenario) {
        return format!("{name}: {why}");
    }
    let Record { left_out, cut_short, .. } = named.record;
    let left_out = left_out.iter().find(|left_out| left_out.probe == place.probe);
    match (left_out, cut_short) {
        (Some(left_out), _) => format!("{name}: the attempt was not made: {}", left_out.reason),
        (None, Some(why)) => format!("{name}: the run was cut short: {why}"),
        (None, None) => format!("{name}: the attempt was not made"),
    }
}
