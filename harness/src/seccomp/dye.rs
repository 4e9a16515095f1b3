//! The same policy with an errno that nothing else in the kernel returns: whoever gets it was answered by the filter.

use super::{Action, Policy, Rule};

/// The errno. The kernel returns none above `MAX_ERRNO` (4095), and a filter's larger one would become that.
pub const DYE: u16 = 3999;

/// The call whose ENOSYS is never changed: C libraries fall back to `clone` on that errno and on no other, and
/// without it nothing in the container could start a thread.
const FALLS_BACK: &str = "clone3";

impl Policy {
    /// This policy with [`DYE`] for every errno that it answers with.
    #[must_use]
    pub fn dyed(&self) -> Self {
        let rules = self.rules.iter().flat_map(dyed_rule).collect();
        Self { default: dyed(self.default), rules, dye: Some(DYE), ..self.clone() }
    }
}

fn dyed(action: Action) -> Action {
    match action {
        Action::Errno(_) => Action::Errno(DYE),
        other => other,
    }
}

/// The rule, in two if only some of its calls may be changed.
fn dyed_rule(rule: &Rule) -> Vec<Rule> {
    if rule.action != Action::Errno(libc::ENOSYS as u16) {
        return vec![Rule { action: dyed(rule.action), ..rule.clone() }];
    }
    let (kept, changed): (Vec<String>, Vec<String>) =
        rule.calls.iter().cloned().partition(|call| call == FALLS_BACK);
    let with = |calls: Vec<String>, action| Rule { calls, action, ..rule.clone() };
    [with(kept, rule.action), with(changed, dyed(rule.action))]
        .into_iter()
        .filter(|rule| !rule.calls.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::compile::{Architecture, evaluate};
    use super::*;
    use crate::testing;

    const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);

    #[rstest]
    #[case::refused("settimeofday", Action::Errno(DYE))]
    #[case::allowed("read", Action::Allow)]
    #[case::what_libraries_fall_back_from("clone3", ENOSYS)]
    fn only_errnos_change(#[case] call: &str, #[case] action: Action) {
        let policy = testing::settings("docker-default").seccomp.unwrap().dyed();
        let number = Architecture::NATIVE.number(call).unwrap();
        assert_eq!(evaluate(&policy, Architecture::NATIVE, number, &[0; 6]), action);
    }

    #[test]
    fn a_dyed_policy_lets_exactly_the_same_through() {
        for id in ["docker-default", "hardened", "seccomp-custom"] {
            let policy = testing::settings(id).seccomp.unwrap();
            let dyed = policy.dyed();
            for number in 0..470 {
                for args in [[0; 6], [u64::MAX; 6], [0x1_0000_0000; 6]] {
                    let before = evaluate(&policy, Architecture::NATIVE, number, &args);
                    let after = evaluate(&dyed, Architecture::NATIVE, number, &args);
                    assert_eq!(before.lets_through(), after.lets_through(), "{id}: call {number}");
                }
            }
        }
    }

    #[test]
    fn a_rule_of_several_calls_keeps_what_libraries_fall_back_from() {
        let rule =
            Rule { calls: vec!["clone3".into(), "bpf".into()], conditions: Vec::new(), action: ENOSYS };
        let actions: Vec<Action> = dyed_rule(&rule).iter().map(|rule| rule.action).collect();
        assert_eq!(actions, [ENOSYS, Action::Errno(DYE)]);
    }
}
