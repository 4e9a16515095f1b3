//! A scenario's `daemon:` block: what it means for a container. The daemon itself gets it word for word; whether it
//! takes it is for the daemon to say, so that a mistake here is no error of the file's.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Scenario, ScenarioError};
use crate::engine::docker::RESERVED;
use crate::remap::{Found, USUAL_RANGE, advice};
use crate::settings::DaemonSettings;

/// The keys whose effect on a container is known, so that it can be relaxed.
const KNOWN: [&str; 5] =
    ["default-cgroupns-mode", "no-new-privileges", "seccomp-profile", "selinux-enabled", "userns-remap"];

/// What the block means.
#[derive(Debug, Default)]
pub(super) struct Meant {
    /// The user whose subordinate ids the daemon is told to use.
    pub(super) remap: Option<String>,
    /// `no_new_privs` for containers that do not say.
    pub(super) no_new_privileges: bool,
    /// Whether containers that do not say share the host's control-group namespace.
    pub(super) host_cgroups: bool,
    /// The filter of containers that do not say.
    pub(super) seccomp_profile: Option<String>,
    /// Whether containers that do not say get an SELinux label; `None` if there is no block, so that it is the engine's
    /// default.
    pub(super) labels: Option<bool>,
    /// Keys whose effect is not known.
    pub(super) unknown: Vec<String>,
}

impl Meant {
    /// Reads the block. Keys that would change the host, or where the daemon keeps its things, are refused.
    pub(super) fn of(scenario: &Scenario) -> Result<Self, ScenarioError> {
        let block = &scenario.file.daemon;
        if let Some(key) = block.keys().find(|key| RESERVED.contains(&key.as_str())) {
            return Err(ScenarioError::Value {
                path: scenario.path(),
                key: "daemon",
                why: format!(
                    "'{key}' is the harness's to set: the daemon has directories of its own, and leaves the host's network alone"
                ),
            });
        }
        let text = |key: &str| block.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let mut unknown: Vec<String> =
            block.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect();
        // Not a name: a daemon refuses it.
        unknown.extend(
            block.get("userns-remap").filter(|value| !value.is_string()).map(|_| "userns-remap".to_owned()),
        );
        Ok(Self {
            remap: text("userns-remap").map(|text| user(text).to_owned()),
            no_new_privileges: block.get("no-new-privileges").and_then(Value::as_bool).unwrap_or(false),
            host_cgroups: text("default-cgroupns-mode") == Some("host"),
            seccomp_profile: text("seccomp-profile").map(str::to_owned),
            labels: (!block.is_empty())
                .then(|| block.get("selinux-enabled").and_then(Value::as_bool).unwrap_or(false)),
            unknown,
        })
    }
}

/// `NAME`, `NAME:GROUP` or `default`.
fn user(text: &str) -> &str {
    match text.split(':').next().unwrap_or_default() {
        "default" => "dockremap",
        user => user,
    }
}

/// What a daemon of the scenario's own is started with, and a note on what its host lacks.
pub(super) fn settings(
    block: &BTreeMap<String, Value>,
    meant: &Meant,
    found: &Found,
) -> (DaemonSettings, Option<String>) {
    let config = serde_json::to_string_pretty(block).expect("it was read from text");
    // Docker makes this user itself, with a range of its own choice.
    let named = meant.remap.as_deref().filter(|user| *user != "dockremap");
    let etc = named.map_or_else(Vec::new, |user| found.missing(user, USUAL_RANGE));
    let note = named.filter(|_| !etc.is_empty()).map(|user| {
        format!(
            "dockerd would refuse to start on this host, which lacks {}; this daemon got them in a copy of /etc of its own (--prepare-host adds them to the host's)",
            advice(user, &etc)
        )
    });
    (DaemonSettings { config, etc }, note)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::scenario::Origin;

    fn meant(daemon: &str) -> Result<Meant, ScenarioError> {
        let text = format!("title: a\nteaches: b\ndaemon: {daemon}\n");
        Meant::of(&Scenario::parse("x", &text, Origin::BuiltIn).unwrap())
    }

    #[rstest]
    #[case::a_name("{userns-remap: vagrant}", Some("vagrant"), &[])]
    #[case::a_name_and_a_group("{userns-remap: \"vagrant:vagrant\"}", Some("vagrant"), &[])]
    #[case::docker_s_own("{userns-remap: default}", Some("dockremap"), &[])]
    #[case::off("{userns-remap: \"\"}", None, &[])]
    #[case::no_name("{userns-remap: true}", None, &["userns-remap"])]
    #[case::another_key("{icc: false}", None, &["icc"])]
    fn remapping(#[case] daemon: &str, #[case] user: Option<&str>, #[case] unknown: &[&str]) {
        let meant = meant(daemon).unwrap();
        assert_eq!(meant.remap.as_deref(), user);
        assert_eq!(meant.unknown, unknown);
    }

    #[rstest]
    #[case("{hosts: [\"tcp://0.0.0.0:1\"]}", "'hosts'")]
    #[case("{iptables: true}", "'iptables'")]
    #[case("{data-root: /var/lib/docker}", "'data-root'")]
    fn what_would_change_the_host_is_refused(#[case] daemon: &str, #[case] named: &str) {
        let message = meant(daemon).unwrap_err().to_string();
        assert!(message.contains(named) && message.contains("scenarios/x.yaml"), "{message}");
    }
}
