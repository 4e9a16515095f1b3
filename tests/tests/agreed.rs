//! The shipped baseline of this kind of machine, verdict by verdict: `plain::docker_default::time_settimeofday`.

use std::process::ExitCode;

use libtest_mimic::{Completion, Trial};
use whyblocked::baseline::BaselineError;
use whyblocked::cases::{Agreed, AgreedError};
use whyblocked_tests::{agreed, suite};

fn main() -> ExitCode {
    suite::run(match Agreed::here(agreed::baseline("plain")) {
        Ok(here) => agreed::tests("plain", here, &[], |_| true),
        Err(AgreedError::Baseline(error @ BaselineError::NoHost { .. })) => {
            let reason = error.to_string();
            vec![Trial::ignorable_test("this_machine", move || Ok(Completion::ignored_with(reason)))]
        }
        Err(error) => panic!("{error}"),
    })
}
