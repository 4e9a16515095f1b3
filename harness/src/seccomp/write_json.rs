//! A policy in the JSON form of the OCI runtime specification, which Docker and runc read: the other way from the same
//! policy to the kernel.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Action, Architecture, Compare, Condition, Policy, Rule};

/// What a reader of the form makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// All of it.
    Whole,
    /// As Docker 20.10: an errno beside the default action is dropped, and the default becomes EPERM. A rule's own
    /// errno is kept, so every call is named that the default would answer.
    NoDefaultErrno,
}

/// A policy in JSON.
#[derive(Clone, Debug)]
pub struct Written {
    /// `linux.seccomp`.
    pub profile: Value,
    /// Calls that are answered with EPERM where the policy's default says another errno: those whose rules have
    /// conditions, which leave nothing to name for the arguments that none of them meets.
    pub with_another_errno: Vec<String>,
}

/// Writes a policy.
pub fn write(policy: &Policy, dialect: Dialect) -> Written {
    let (default, default_errno) = action(policy.default);
    let mut rules: Vec<Value> = policy.rules.iter().map(rule).collect();
    let mut with_another_errno = Vec::new();
    if let (Dialect::NoDefaultErrno, Action::Errno(errno)) = (dialect, policy.default)
        && errno != libc::EPERM as u16
    {
        let named: BTreeSet<&str> =
            policy.rules.iter().flat_map(|rule| &rule.calls).map(String::as_str).collect();
        let calls =
            calls(policy).into_iter().filter(|call| !named.contains(call)).map(str::to_owned).collect();
        rules.push(rule(&Rule { calls, conditions: Vec::new(), action: policy.default }));
        with_another_errno = policy
            .rules
            .iter()
            .filter(|rule| !rule.conditions.is_empty())
            .flat_map(|rule| rule.calls.iter().filter(|call| !always(policy, call)).cloned())
            .collect();
        with_another_errno.sort();
        with_another_errno.dedup();
    }
    let mut profile = json!({
        "defaultAction": default,
        "architectures": architectures(policy.compat),
        "syscalls": rules,
    });
    if let (Dialect::Whole, Some(errno)) = (dialect, default_errno) {
        profile["defaultErrnoRet"] = json!(errno);
    }
    if policy.log {
        profile["flags"] = json!(["SECCOMP_FILTER_FLAG_LOG"]);
    }
    Written { profile, with_another_errno }
}

/// Every call that goes through the policy's rules, up to the newest that they name: behind it runc answers ENOSYS,
/// and naming a call would end that.
fn calls(policy: &Policy) -> BTreeSet<&'static str> {
    let of = |architecture: Architecture| {
        let number = move |name: &str| architecture.number(name);
        let named = policy.rules.iter().flat_map(|rule| &rule.calls).filter_map(|call| number(call));
        let newest = named.max().unwrap_or(u32::MAX);
        architecture.calls().into_iter().filter(move |call| number(call) <= Some(newest))
    };
    let mut calls: BTreeSet<&str> = of(Architecture::NATIVE).collect();
    if policy.compat {
        calls.extend(of(Architecture::NATIVE.compat()));
    }
    calls
}

/// Whether a call has a rule without conditions.
fn always(policy: &Policy, call: &str) -> bool {
    policy.rules.iter().any(|rule| rule.conditions.is_empty() && rule.calls.iter().any(|name| name == call))
}

fn rule(rule: &Rule) -> Value {
    let (name, errno) = action(rule.action);
    let mut entry = json!({ "names": rule.calls, "action": name });
    if let Some(errno) = errno {
        entry["errnoRet"] = json!(errno);
    }
    if !rule.conditions.is_empty() {
        entry["args"] = rule.conditions.iter().map(condition).collect();
    }
    entry
}

fn condition(condition: &Condition) -> Value {
    let (operation, value, second) = match condition.compare {
        Compare::Equal(value) => ("SCMP_CMP_EQ", value, 0),
        Compare::NotEqual(value) => ("SCMP_CMP_NE", value, 0),
        Compare::Masked { mask, value } => ("SCMP_CMP_MASKED_EQ", mask, value),
        Compare::Greater(value) => ("SCMP_CMP_GT", value, 0),
        Compare::GreaterOrEqual(value) => ("SCMP_CMP_GE", value, 0),
        Compare::Less(value) => ("SCMP_CMP_LT", value, 0),
        Compare::LessOrEqual(value) => ("SCMP_CMP_LE", value, 0),
    };
    json!({ "index": condition.argument, "value": value, "valueTwo": second, "op": operation })
}

/// The action's name, and the number that goes with it.
fn action(action: Action) -> (&'static str, Option<u16>) {
    match action {
        Action::Allow => ("SCMP_ACT_ALLOW", None),
        Action::Log => ("SCMP_ACT_LOG", None),
        Action::Errno(errno) => ("SCMP_ACT_ERRNO", Some(errno)),
        Action::Trap => ("SCMP_ACT_TRAP", None),
        Action::Trace(data) => ("SCMP_ACT_TRACE", Some(data)),
        Action::KillThread => ("SCMP_ACT_KILL_THREAD", None),
        Action::KillProcess => ("SCMP_ACT_KILL_PROCESS", None),
    }
}

fn architectures(compat: bool) -> &'static [&'static str] {
    match (cfg!(target_arch = "aarch64"), compat) {
        (true, true) => &["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
        (true, false) => &["SCMP_ARCH_AARCH64"],
        (false, true) => &["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        (false, false) => &["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::interpreter::{Data, run};
    use super::super::{Situation, compile, docker_json};
    use super::*;
    use crate::capability::CapabilitySet;
    use crate::testing;

    const NATIVE: Architecture = Architecture::NATIVE;
    const HERE: Situation = Situation { capabilities: CapabilitySet::EMPTY, kernel: (6, 12) };

    fn read(profile: &Value) -> Policy {
        docker_json::parse("written", &profile.to_string(), &HERE).unwrap()
    }

    /// Calls that two policies answer differently for some arguments.
    fn differing(one: &Policy, other: &Policy) -> Vec<String> {
        let programs = [one, other].map(|policy| compile(policy).unwrap());
        let all = [[0; 6], [u64::MAX; 6], [1 << 32; 6], [40, 0, 0, 0, 0, 0], [0x1000_0000, 0, 0, 0, 0, 0]];
        let differs = |call: &&&str| {
            let number = NATIVE.number(call).expect("it is in the list");
            all.iter().any(|args| {
                let data = Data { number, architecture: NATIVE.audit(), args: *args, ..Data::default() };
                run(&programs[0], &data) != run(&programs[1], &data)
            })
        };
        NATIVE.calls().iter().filter(differs).map(|call| (*call).to_owned()).collect()
    }

    #[rstest]
    fn what_is_written_is_read_again(
        #[values("docker-default", "hardened", "seccomp-custom")] id: &str,
        #[values(false, true)] dyed: bool,
    ) {
        let policy = testing::settings(id).seccomp.unwrap();
        let policy = if dyed { policy.dyed() } else { (*policy).clone() };
        let again = read(&write(&policy, Dialect::Whole).profile);
        assert_eq!(differing(&policy, &again), [""; 0]);
        assert_eq!(again.compat, policy.compat);
    }

    #[test]
    fn a_dyed_policy_survives_a_docker_that_drops_the_defaults_errno() {
        let policy = testing::settings("docker-default").seccomp.unwrap().dyed();
        let written = write(&policy, Dialect::NoDefaultErrno);
        assert!(written.profile.get("defaultErrnoRet").is_none());
        let again = read(&written.profile);
        assert_eq!(again.default, Action::Errno(libc::EPERM as u16));
        let native: Vec<String> =
            written.with_another_errno.into_iter().filter(|call| NATIVE.number(call).is_some()).collect();
        assert!(native.contains(&"personality".to_owned()) && native.len() < 8, "{native:?}");
        assert_eq!(differing(&policy, &again), sorted_as_calls(&native));
    }

    /// In the order of the calls' numbers.
    fn sorted_as_calls(names: &[String]) -> Vec<String> {
        NATIVE
            .calls()
            .iter()
            .filter(|call| names.iter().any(|name| name == *call))
            .map(|call| (*call).to_owned())
            .collect()
    }
}
