//! The interpreter of filters against the kernel: on random programs, and on the filter of a real container.
//!
//! The seed of the random programs is printed; `WHYBLOCKED_SEED` gives another.

use std::process::ExitCode;
use std::sync::Mutex;

use whyblocked::engine::embedded::Embedded;
use whyblocked::engine::{Standing, Watch};
use whyblocked::host::{Host, Reach};
use whyblocked::seccomp::Architecture;
use whyblocked::seccomp::interpreter::{Data, run, run_all};
use whyblocked::witness::filter;
use whyblocked_agent::sweep::{ARGUMENTS, CALLS, NOT_TRIED, PASSED};
use whyblocked_tests::random::Random;
use whyblocked_tests::random_filter::{self, Call};
use whyblocked_tests::{Facility, builtin, suite};

/// Random programs, and calls that each is tried with. Some programs end the process that asks, early.
const PROGRAMS: usize = 1100;
const CALLS_EACH: usize = 100;

/// As many pairs of a program and a call are compared at least.
const PAIRS: usize = 100_000;

const USUAL_SEED: u64 = 3;

fn main() -> ExitCode {
    let (random, seed) = Random::seeded(USUAL_SEED);
    println!("programs from seed {seed}");
    let mut tests = vec![suite::test("the_interpreter_answers_as_the_kernel_does", &[], move || {
        against_the_kernel(random);
    })];
    for id in ["docker-default", "hardened", "seccomp-custom", "cap-add-sys-time"] {
        let name = format!("the_live_filter_of_{}_answers_as_its_dump", id.replace('-', "_"));
        tests.push(suite::test(name, &[Facility::Root], move || against_a_container(id)));
    }
    suite::run(tests)
}

fn against_the_kernel(mut random: Random) {
    let mut compared = 0;
    for number in 0..PROGRAMS {
        let program = random_filter::program(&mut random);
        let calls: Vec<Call> = (0..CALLS_EACH).map(|_| random_filter::call(&mut random)).collect();
        let answers = random_filter::ask_kernel(&program, &calls);
        for (call, answer) in calls.iter().zip(&answers) {
            let data = Data {
                number: call.number,
                architecture: Architecture::NATIVE.audit(),
                instruction_pointer: answer.instruction_pointer,
                args: call.args,
            };
            let ours = run(&program, &data).map(random_filter::meaning);
            assert_eq!(ours.as_ref(), Ok(&answer.says), "program {number}: {program:#x?}\ncall {call:x?}");
            compared += 1;
        }
        // A program that divides by 0 ends the process that asks: what came before was compared.
        assert!(!answers.is_empty(), "program {number} answered nothing");
    }
    println!("{compared} pairs compared");
    assert!(compared >= PAIRS, "only {compared} pairs were compared");
}

/// Every call below [`CALLS`] with every set of [`ARGUMENTS`], as the kernel answers them in the container, and as the
/// interpreter does for the filters that were dumped from it.
fn against_a_container(id: &str) {
    let host = Host::read();
    let reach = Reach::of(&host);
    let engine = Embedded::new(&reach).expect("the engine starts");
    let dumper = Dumper { stack: Mutex::default() };
    let answers =
        engine.sweep(&builtin::settings(id, &host, &reach), Some(&dumper)).expect("the container runs");
    let stack = dumper.stack.into_inner().expect("nobody has panicked").expect("the filters were dumped");
    assert_eq!(stack.len(), 1, "one filter is installed");
    assert_eq!(answers.len(), CALLS as usize * ARGUMENTS.len());

    let calls = (0..CALLS).flat_map(|number| ARGUMENTS.iter().map(move |args| (number, *args)));
    for ((number, args), answer) in calls.zip(&answers).filter(|(_, answer)| **answer != NOT_TRIED) {
        let data = Data { number, architecture: Architecture::NATIVE.audit(), args, ..Data::default() };
        let ours = run_all(stack.iter().map(Vec::as_slice), &data).expect("an installed filter is valid");
        let expected = match ours & libc::SECCOMP_RET_ACTION_FULL {
            libc::SECCOMP_RET_ALLOW => PASSED,
            libc::SECCOMP_RET_ERRNO => (ours & libc::SECCOMP_RET_DATA) as i32,
            other => panic!("call {number}: the profile has no action {other:#x}"),
        };
        assert_eq!(*answer, expected, "call {number} with {args:x?}: {}", filter::words(ours));
    }
    // A sweep in which everything passed, or nothing did, would compare nothing.
    let passed = answers.iter().filter(|answer| **answer == PASSED).count();
    assert!(passed > 1000 && passed < answers.len() - 30, "{passed} of {} passed", answers.len());
}

struct Dumper {
    stack: Mutex<Option<filter::Stack>>,
}

impl Watch for Dumper {
    fn number(&self) -> u64 {
        0
    }

    fn standing(&self, container: &Standing<'_>) {
        *self.stack.lock().expect("nobody has panicked") =
            Some(filter::dump(container.pid).expect("as root"));
    }

    fn unseen(&self, why: &str) {
        panic!("{why}");
    }

    fn ended(&self, _: &Standing<'_>) {}
}
