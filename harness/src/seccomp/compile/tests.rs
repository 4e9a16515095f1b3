//! Policies, and what their programs answer.

use proptest::prelude::*;

use super::super::Rule;
use super::super::interpreter::{Data, run};
use super::*;

fn compare() -> impl Strategy<Value = Compare> {
    // Values near each other, and with high halves that differ, so that borders are met.
    let value =
        prop_oneof![0u64..4, Just(u64::from(u32::MAX)), Just(1 << 32), Just((1 << 32) + 1), any::<u64>()];
    (0..7, value.clone(), value).prop_map(|(kind, value, mask)| match kind {
        0 => Compare::Equal(value),
        1 => Compare::NotEqual(value),
        2 => Compare::Masked { mask, value },
        3 => Compare::Greater(value),
        4 => Compare::GreaterOrEqual(value),
        5 => Compare::Less(value),
        _ => Compare::LessOrEqual(value),
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Allow),
        Just(Action::Errno(1)),
        Just(Action::Errno(38)),
        Just(Action::KillProcess)
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let names = ["read", "kill", "clone", "openat", "mount", "socket", "statx", "clone3", "lsm_list_modules"];
    let calls = proptest::sample::subsequence(names.to_vec(), 0..=names.len());
    let condition = (0u32..6, compare()).prop_map(|(argument, compare)| Condition { argument, compare });
    (calls, proptest::collection::vec(condition, 0..3), action()).prop_map(|(calls, conditions, action)| {
        Rule { calls: calls.into_iter().map(str::to_owned).collect(), conditions, action }
    })
}

proptest! {
    #[test]
    fn the_program_answers_what_the_policy_says(
        rules in proptest::collection::vec(rule(), 0..6),
        default in action(),
        (architecture, number) in prop_oneof![
            (Just(Architecture::NATIVE), 0u32..480),
            (Just(if cfg!(target_arch = "x86_64") { Architecture::X32 } else { Architecture::NATIVE }), 512u32..560),
        ],
        args in proptest::array::uniform6(prop_oneof![0u64..4, Just(1 << 32), any::<u64>()]),
    ) {
        let policy = Policy { name: "random".to_owned(), default, rules, compat: false, dye: None, log: false };
        let program = compile(&policy).unwrap();
        let number = if architecture == Architecture::X32 { x32::BIT | number } else { number };
        prop_assert_eq!(
            run(&program, &Data { number, architecture: architecture.audit(), args, ..Data::default() }),
            Ok(evaluate(&policy, architecture, number, &args).code())
        );
    }
}

#[test]
fn an_architecture_that_the_filter_does_not_know_is_killed() {
    let policy = Policy {
        name: "native".to_owned(),
        default: Action::Allow,
        rules: Vec::new(),
        compat: false,
        dye: None,
        log: false,
    };
    let program = compile(&policy).unwrap();
    let data = Data { architecture: 0x1234, ..Data::default() };
    assert_eq!(run(&program, &data), Ok(Action::KillThread.code()));
}
