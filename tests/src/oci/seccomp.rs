//! A filter in the form of the OCI runtime specification, for libseccomp to compile: the other way from the same
//! policy to the kernel.

use serde_json::{Value, json};
use whyblocked::seccomp::{Action, Compare, Condition, Policy, Rule};

/// `linux.seccomp`.
pub(super) fn config(policy: &Policy) -> Value {
    let (default, default_errno) = action(policy.default);
    let mut config = json!({
        "defaultAction": default,
        "architectures": architectures(policy.compat),
        "syscalls": policy.rules.iter().map(rule).collect::<Vec<_>>(),
    });
    if let Some(errno) = default_errno {
        config["defaultErrnoRet"] = json!(errno);
    }
    config
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
