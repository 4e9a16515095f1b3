//! A comparison with a baseline as JUnit XML: a suite for each scenario, a test for each attempt. What fails is a failure,
//! what a waiver accepts is skipped, and the rest passes, with what differs beside it.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::terminal::plain;
use crate::baseline::{Baseline, Class, Compared, Difference};

/// The whole report. `failing` are the classes that fail.
pub fn text(
    compared: &Compared<'_>,
    baseline: &Baseline,
    failing: &[Class],
) -> Result<String, SerializeError> {
    let mut suites: BTreeMap<&str, BTreeMap<&str, TestCase>> = BTreeMap::new();
    for (scenario, probe) in &compared.compared {
        let case = case(scenario, probe, TestCaseStatus::success());
        suites.entry(scenario).or_default().insert(probe, case);
    }
    for difference in &compared.differences {
        let case = differing(difference, failing);
        suites.entry(&difference.scenario).or_default().insert(&difference.probe, case);
    }
    let mut report = Report::new("whyblocked");
    for (scenario, cases) in suites {
        let mut suite = TestSuite::new(plain(scenario));
        suite.add_test_cases(cases.into_values());
        report.add_test_suite(suite);
    }
    let mut waivers = TestSuite::new("waivers");
    for waiver in &baseline.waivers {
        let expired = compared.expired().any(|id| id == waiver.id);
        let mut status = TestCaseStatus::success();
        if expired {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("expired").set_message(format!(
                "expired on {}: {}",
                waiver.until,
                plain(&waiver.reason)
            ));
        }
        waivers.add_test_case(case("waivers", &waiver.id, status));
    }
    if !baseline.waivers.is_empty() {
        report.add_test_suite(waivers);
    }
    report.to_string()
}

fn differing(difference: &Difference, failing: &[Class]) -> TestCase {
    let said = |words: &Option<String>| words.as_deref().map_or_else(|| "nothing".to_owned(), plain);
    let message = format!(
        "{}: was {}, is {}",
        difference.class.in_words(),
        said(&difference.was),
        said(&difference.is)
    );
    let status = match &difference.waived {
        Some(id) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("waived by {}: {message}", plain(id)));
            status
        }
        None if failing.contains(&difference.class) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(difference.class.in_words()).set_message(message);
            status
        }
        None => {
            let mut passed = case(&difference.scenario, &difference.probe, TestCaseStatus::success());
            passed.set_system_out(message);
            return passed;
        }
    };
    case(&difference.scenario, &difference.probe, status)
}

fn case(scenario: &str, probe: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(plain(probe), status);
    case.set_classname(plain(scenario));
    case
}
