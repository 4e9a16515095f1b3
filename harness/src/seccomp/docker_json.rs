//! Docker's JSON form of a profile (`security_opt: seccomp=FILE`), as in moby `profiles/seccomp`.

use serde::Deserialize;

use super::{ARCHITECTURE_NAMES, Action, Compare, Condition, Policy, Rule, Situation, kernel_version};
use crate::capability::Capability;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Profile {
    default_action: String,
    default_errno_ret: Option<u16>,
    /// Podman's profile names the errno beside its number.
    #[serde(rename = "defaultErrno")]
    #[expect(dead_code, reason = "for readers of the file")]
    default_errno: Option<String>,
    #[serde(default)]
    arch_map: Option<Vec<ArchMap>>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    syscalls: Option<Vec<Syscalls>>,
    #[serde(default)]
    flags: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ArchMap {
    architecture: String,
    #[serde(default)]
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Syscalls {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    action: String,
    errno_ret: Option<u16>,
    #[expect(dead_code, reason = "for readers of the file: the number counts")]
    errno: Option<String>,
    #[serde(default)]
    args: Option<Vec<Argument>>,
    #[serde(default)]
    includes: Filter,
    #[serde(default)]
    excludes: Filter,
    #[serde(default)]
    #[expect(dead_code, reason = "for readers of the file")]
    comment: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Argument {
    index: u32,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Filter {
    caps: Vec<String>,
    arches: Vec<String>,
    min_kernel: Option<String>,
}

/// Parses a profile's text and resolves it; `name` is how to call it.
pub fn parse(name: &str, text: &str, situation: &Situation) -> Result<Policy, String> {
    let profile: Profile =
        serde_json::from_str(text).map_err(|error| format!("not a Docker seccomp profile: {error}"))?;
    let mut rules = Vec::new();
    for syscalls in profile.syscalls.iter().flatten().filter(|s| s.applies(situation)) {
        syscalls.add_to(&mut rules)?;
    }
    let mut named = profile.architectures.clone().unwrap_or_default();
    for map in profile.arch_map.iter().flatten() {
        named.push(map.architecture.clone());
        named.extend(map.sub_architectures.iter().flatten().cloned());
    }
    Ok(Policy {
        name: name.to_owned(),
        default: action(&profile.default_action, profile.default_errno_ret)?,
        rules,
        compat: named.iter().any(|name| name == COMPAT),
        dye: None,
        log: profile.flags.iter().flatten().any(|flag| flag == "SECCOMP_FILTER_FLAG_LOG"),
    })
}

/// libseccomp's name of the 32-bit architecture beside this program's own.
const COMPAT: &str = if cfg!(target_arch = "aarch64") { "SCMP_ARCH_ARM" } else { "SCMP_ARCH_X86" };

fn action(name: &str, errno: Option<u16>) -> Result<Action, String> {
    let data = errno.unwrap_or(libc::EPERM as u16);
    Ok(match name {
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_LOG" => Action::Log,
        "SCMP_ACT_ERRNO" => Action::Errno(data),
        "SCMP_ACT_TRAP" => Action::Trap,
        "SCMP_ACT_TRACE" => Action::Trace(data),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KillThread,
        "SCMP_ACT_KILL_PROCESS" => Action::KillProcess,
        "SCMP_ACT_NOTIFY" => {
            return Err("SCMP_ACT_NOTIFY needs a listening agent, which this engine has not".to_owned());
        }
        other => return Err(format!("'{other}' is not an action")),
    })
}

impl Syscalls {
    fn applies(&self, situation: &Situation) -> bool {
        let has = |name: &String| Capability::named(name).is_some_and(|c| situation.capabilities.has(c));
        let here = |name: &String| ARCHITECTURE_NAMES.contains(&name.as_str());
        let new_enough = |least: &String| situation.kernel >= kernel_version(least);
        self.includes.caps.iter().all(has)
            && (self.includes.arches.is_empty() || self.includes.arches.iter().any(here))
            && self.includes.min_kernel.as_ref().is_none_or(new_enough)
            && !self.excludes.caps.iter().any(has)
            && !self.excludes.arches.iter().any(here)
            && !self.excludes.min_kernel.as_ref().is_some_and(new_enough)
    }

    fn add_to(&self, rules: &mut Vec<Rule>) -> Result<(), String> {
        let action = action(&self.action, self.errno_ret)?;
        let mut calls = self.names.clone();
        calls.extend(self.name.clone());
        let conditions: Vec<Condition> =
            self.args.iter().flatten().map(Argument::condition).collect::<Result<_, _>>()?;
        // Several conditions on one argument mean "any of them": runc adds each as a rule of its own.
        let repeats = conditions.iter().enumerate().any(|(n, condition)| {
            conditions[..n].iter().any(|earlier| earlier.argument == condition.argument)
        });
        let groups: Vec<Vec<Condition>> = if repeats {
            conditions.into_iter().map(|condition| vec![condition]).collect()
        } else {
            vec![conditions]
        };
        rules.extend(groups.into_iter().map(|conditions| Rule { calls: calls.clone(), conditions, action }));
        Ok(())
    }
}

impl Argument {
    fn condition(&self) -> Result<Condition, String> {
        if self.index > 5 {
            return Err(format!("a system call has no argument {}", self.index));
        }
        let compare = match self.op.as_str() {
            "SCMP_CMP_EQ" => Compare::Equal(self.value),
            "SCMP_CMP_NE" => Compare::NotEqual(self.value),
            "SCMP_CMP_MASKED_EQ" => Compare::Masked { mask: self.value, value: self.value_two },
            "SCMP_CMP_GT" => Compare::Greater(self.value),
            "SCMP_CMP_GE" => Compare::GreaterOrEqual(self.value),
            "SCMP_CMP_LT" => Compare::Less(self.value),
            "SCMP_CMP_LE" => Compare::LessOrEqual(self.value),
            other => return Err(format!("'{other}' is not a comparison")),
        };
        Ok(Condition { argument: self.index, compare })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::capability::CapabilitySet;

    const HERE: Situation = Situation { capabilities: CapabilitySet::EMPTY, kernel: (6, 12) };

    #[rstest]
    #[case::not_json("{", "not a Docker seccomp profile")]
    #[case::unknown_key(r#"{"defaultAction":"SCMP_ACT_ALLOW","sysc":[]}"#, "unknown field `sysc`")]
    #[case::unknown_action(r#"{"defaultAction":"DENY"}"#, "'DENY' is not an action")]
    #[case::unknown_comparison(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"EQ"}]}]}"#,
        "'EQ' is not a comparison"
    )]
    #[case::no_such_argument(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],"action":"SCMP_ACT_ERRNO","args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]}]}"#,
        "no argument 6"
    )]
    fn mistakes_are_named(#[case] text: &str, #[case] message: &str) {
        let error = parse("p.json", text, &HERE).unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn two_conditions_on_one_argument_mean_either() {
        let text = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["kill"],"action":"SCMP_ACT_ERRNO","args":[
            {"index":1,"value":9,"op":"SCMP_CMP_EQ"},{"index":1,"value":15,"op":"SCMP_CMP_EQ"}]}]}"#;
        assert_eq!(parse("p.json", text, &HERE).unwrap().rules.len(), 2);
    }

    const PROFILE: &str = include_str!("../../../scenarios/seccomp/keep-the-clock.json");

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(text in crate::testing::damaged(&[PROFILE])) {
            if let Ok(policy) = parse("p.json", &String::from_utf8_lossy(&text), &HERE) {
                // What is read can be compiled, or is too long and says so.
                let _ = super::super::compile(&policy);
            }
        }
    }
}
