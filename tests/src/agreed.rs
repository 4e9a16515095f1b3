//! The shipped baselines as tests: each verdict that was agreed on is one, called after scenario and attempt. They share one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Completion, Trial};
use whyblocked::cases::{Agreed, Case, Checked};

use crate::facility::{self, Facility};

/// A shipped baseline's file.
pub fn baseline(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../baselines").join(name).with_extension("toml")
}

/// A test for each case that `chosen` chooses, and one for the waivers.
///
/// # Panics
///
/// If nothing is chosen.
pub fn tests(agreed: Agreed, needs: &'static [Facility], chosen: fn(&Case) -> bool) -> Vec<Trial> {
    let agreed = Arc::new(agreed);
    let cases: Vec<Case> = agreed.cases().into_iter().filter(chosen).collect();
    assert!(!cases.is_empty(), "a baseline without cases tests nothing");
    let waivers = Arc::clone(&agreed);
    let waivers = Trial::ignorable_test("waivers", move || came(needs, || waivers.check_waivers()));
    let tests = cases.into_iter().map(|case| {
        let agreed = Arc::clone(&agreed);
        Trial::ignorable_test(case.to_string(), move || came(needs, || agreed.check(&case)))
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
