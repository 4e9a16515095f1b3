//! Tests that can find out, when they start, that this machine lacks what they need: libtest-mimic shows them as
//! ignored, with the reason. Test functions panic, as everywhere else.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

use crate::facility::{self, Facility};

/// A test that needs some facilities.
pub fn test(
    name: impl Into<String>,
    needs: &'static [Facility],
    run: impl FnOnce() + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        if let Some(reason) = facility::missing(needs) {
            return Ok(Completion::ignored_with(reason));
        }
        run();
        Ok(Completion::Completed)
    })
}

/// Runs the tests that the command line asks for, several at once.
pub fn run(tests: Vec<Trial>) -> ExitCode {
    run_with(&Arguments::from_args(), tests)
}

/// Runs the tests one after another: for those that look at the whole machine.
pub fn run_in_turn(tests: Vec<Trial>) -> ExitCode {
    run_with(&Arguments { test_threads: Some(1), ..Arguments::from_args() }, tests)
}

/// Runs lists of tests side by side. The tests of one list wait for each other by themselves, on something that they share; so many
/// threads are started that no list waits for another.
pub fn run_beside(lists: Vec<Vec<Trial>>) -> ExitCode {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut tests = Vec::new();
    loop {
        let before = tests.len();
        tests.extend(lists.iter_mut().filter_map(Iterator::next));
        if tests.len() == before {
            break;
        }
    }
    let arguments = Arguments::from_args();
    let threads = arguments.test_threads.or(Some(tests.len()));
    run_with(&Arguments { test_threads: threads, ..arguments }, tests)
}

fn run_with(arguments: &Arguments, tests: Vec<Trial>) -> ExitCode {
    assert!(!tests.is_empty(), "a suite without tests tests nothing");
    libtest_mimic::run(arguments, tests).exit_code()
}
