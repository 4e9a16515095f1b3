//! JUnit XML: a suite for each scenario, a test for each attempt. What fails is a failure, what a waiver accepts is skipped, and the
//! rest passes, with what differs beside it.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Came, Check, Test, message};
use crate::report::terminal::plain;

/// The whole report.
pub fn junit(check: &Check<'_>) -> Result<String, SerializeError> {
    let mut suites: BTreeMap<(bool, &str), Vec<TestCase>> = BTreeMap::new();
    for test in check.tests() {
        // The waivers' suite comes last.
        suites.entry((test.suite == "waivers", test.suite)).or_default().push(case(&test));
    }
    let mut report = Report::new("whyblocked");
    for ((_, name), cases) in suites {
        let mut suite = TestSuite::new(plain(name));
        suite.add_test_cases(cases);
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn case(test: &Test<'_>) -> TestCase {
    let failure = |kind: &str, message: &str| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(kind).set_message(plain(message));
        status
    };
    let (status, said) = match &test.came {
        Came::Passed => (TestCaseStatus::success(), None),
        Came::Differs(difference) => (TestCaseStatus::success(), Some(message(difference))),
        Came::Waived(id, difference) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(plain(&format!("waived by {id}: {}", message(difference))));
            (status, None)
        }
        Came::Fails(difference) => (failure(difference.class.in_words(), &message(difference)), None),
        Came::Expired(waiver) => {
            (failure("expired", &format!("expired on {}: {}", waiver.until, waiver.reason)), None)
        }
    };
    let mut case = TestCase::new(plain(test.name), status);
    case.set_classname(plain(test.suite));
    if let Some(said) = said {
        case.set_system_out(plain(&said));
    }
    case
}
