//! What came of a comparison with a baseline, for machines: JUnit XML, SARIF, TAP, JSON and GitHub's Markdown. Each format is a file; what
//! is a test, and what became of it, is said here once.

mod json;
mod junit;
mod markdown;
mod sarif;
mod tap;

use std::collections::BTreeMap;

use crate::baseline::{Baseline, Class, Compared, Difference, Used, Waiver};

pub use json::Summary;
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use tap::tap;

/// A comparison, and what of it fails.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The comparison.
    pub compared: &'a Compared<'a>,
    /// What it was made with.
    pub baseline: &'a Baseline,
    /// The classes that fail.
    pub failing: &'a [Class],
}

/// A test in a report: an attempt in a scenario, or a waiver.
#[derive(Debug)]
struct Test<'a> {
    /// The scenario; `waivers` for a waiver.
    suite: &'a str,
    /// The attempt, or the waiver.
    name: &'a str,
    came: Came<'a>,
}

/// What came of a test.
#[derive(Debug)]
enum Came<'a> {
    /// As agreed.
    Passed,
    /// It differs, which fails nothing.
    Differs(&'a Difference),
    /// It differs, and a waiver of this name accepts that.
    Waived(&'a str, &'a Difference),
    /// It differs, and fails.
    Fails(&'a Difference),
    /// A waiver whose last day is over, and that would still be needed.
    Expired(&'a Waiver),
}

impl<'a> Check<'a> {
    /// The differences that fail.
    pub fn failures(&self) -> usize {
        self.compared.failing(self.failing).count()
    }

    /// Whether it is as agreed, and what it comes to.
    pub(super) fn in_words(&self) -> (bool, String) {
        match (self.failures(), self.compared.expired().count()) {
            (0, 0) if self.compared.compared.is_empty() => (false, "nothing was compared".to_owned()),
            (0, 0) => (true, "as agreed".to_owned()),
            (0, 1) => (false, "a waiver has expired".to_owned()),
            (0, expired) => (false, format!("{expired} waivers have expired")),
            (1, _) => (false, "1 difference that was not agreed on".to_owned()),
            (failures, _) => (false, format!("{failures} differences that were not agreed on")),
        }
    }

    /// The tests: scenario by scenario, then the waivers.
    fn tests(&self) -> Vec<Test<'a>> {
        let mut cases: BTreeMap<(&str, &str), Came<'_>> =
            self.compared.compared.iter().map(|place| (*place, Came::Passed)).collect();
        for difference in &self.compared.differences {
            let came = match &difference.waived {
                Some(id) => Came::Waived(id, difference),
                None if self.failing.contains(&difference.class) => Came::Fails(difference),
                None => Came::Differs(difference),
            };
            cases.insert((&difference.scenario, &difference.probe), came);
        }
        let waivers = self.baseline.waivers.iter().map(|waiver| {
            let expired = self.compared.expired().any(|id| id == waiver.id);
            let came = if expired { Came::Expired(waiver) } else { Came::Passed };
            Test { suite: "waivers", name: &waiver.id, came }
        });
        cases.into_iter().map(|((suite, name), came)| Test { suite, name, came }).chain(waivers).collect()
    }

    /// Each waiver, and what became of it.
    pub(super) fn waivers(&self) -> impl Iterator<Item = (&'a Waiver, &'a Used)> {
        let of = |id: &str| self.baseline.waivers.iter().find(|waiver| waiver.id == id);
        self.compared.waivers.iter().filter_map(move |(id, used)| Some((of(id)?, used)))
    }
}

/// A difference in words.
fn message(difference: &Difference) -> String {
    let said = |words: &Option<String>| words.clone().unwrap_or_else(|| "nothing".to_owned());
    format!("{}: was {}, is {}", difference.class.in_words(), said(&difference.was), said(&difference.is))
}
