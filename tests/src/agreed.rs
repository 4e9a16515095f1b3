//! The shipped baselines as tests: each verdict that was agreed on is one, called after scenario and attempt. They share one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Completion, Trial};
use whyblocked::cases::{Agreed, Case, Checked};
use whyblocked::record::Record;

use crate::facility::{self, Facility};
use crate::machine::{Machine, NEEDS};

/// A shipped baseline's file.
pub fn baseline(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../baselines").join(name).with_extension("toml")
}

/// The tests of a machine's baseline, of which `chosen` are about its record.
///
/// # Panics
///
/// If there is no such baseline.
pub fn of_machine(
    name: &'static str,
    machine: &'static Machine,
    record: fn() -> &'static Record,
    chosen: fn(&Case) -> bool,
) -> Vec<Trial> {
    let record = move || {
        let _turn = machine.turn();
        Ok(record().clone())
    };
    let agreed = Agreed::elsewhere(baseline(name), name, record);
    tests(name, agreed.unwrap_or_else(|error| panic!("{name}: {error}")), NEEDS, chosen)
}

/// A test for each case that `chosen` chooses, and one for the waivers.
///
/// # Panics
///
/// If nothing is chosen.
pub fn tests(of: &str, agreed: Agreed, needs: &'static [Facility], chosen: fn(&Case) -> bool) -> Vec<Trial> {
    let agreed = Arc::new(agreed);
    let cases: Vec<Case> = agreed.cases().into_iter().filter(chosen).collect();
    assert!(!cases.is_empty(), "a baseline without cases tests nothing");
    let waivers = Arc::clone(&agreed);
    let waivers =
        Trial::ignorable_test(format!("{of}::waivers"), move || came(needs, || waivers.check_waivers()));
    let tests = cases.into_iter().map(|case| {
        let agreed = Arc::clone(&agreed);
        Trial::ignorable_test(format!("{of}::{case}"), move || came(needs, || agreed.check(&case)))
    });
    tests.chain([waivers]).collect()
}

fn came(needs: &[Facility], check: impl Fn() -> Checked) -> Result<Completion, libtest_mimic::Failed> {
    if let Some(reason) = facility::missing(needs) {
        return Ok(Completion::ignored_with(reason));
    }
    match check() {
        Checked::Passed => Ok(Completion::Completed),
        Checked::Ignored(reason) => Ok(Completion::ignored_with(reason)),
        Checked::Failed(message) => Err(message.into()),
    }
}
