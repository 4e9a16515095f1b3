//! What this Podman does to a container that asks for nothing: read from containers made for it, not from what is
//! written about Podman. They are never started.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use whyblocked_agent::layout;

use super::error::PodmanError;
use super::libpod::Libpod;
use super::spec::limit;
use crate::capability::{Capability, CapabilitySet};
use crate::engine::docker::LABEL;
use crate::engine::docker::container::control_groups;
use crate::scenario::defaults::{DefaultFilter, Defaults, RUNTIME_DEVICE_RULES, device_rules};
use crate::scenario::values;
use crate::seccomp::DefaultProfile;
use crate::settings::{DeviceRule, Limits, Ulimit};

/// The service's own words about itself.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) version: String,
    pub(super) rootless: bool,
    /// Where it keeps the containers' root directories.
    pub(super) storage: String,
    profile: String,
}

impl Words {
    pub(super) fn ask(libpod: &Libpod) -> Result<Self, PodmanError> {
        let information = libpod.get("asking podman about itself", "/info")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let host = &information["host"];
        Ok(Self {
            version: text(&information["version"]["Version"]),
            rootless: host["security"]["rootless"].as_bool().unwrap_or(false),
            storage: text(&information["store"]["graphRoot"]),
            profile: text(&host["security"]["seccompProfilePath"]),
        })
    }
}

/// The defaults. `image` is there, `run` names the containers, `inherited` is what the service could hand down of its
/// limits, and `may_raise` says whether it can raise them.
pub(super) fn defaults(
    libpod: &Libpod,
    about: &Words,
    image: &str,
    run: &str,
    inherited: &[Ulimit],
    may_raise: bool,
) -> Result<Defaults, PodmanError> {
    let mut notes = Vec::new();
    let plain = Observed::make(libpod, run, &body(image, run, &json!({})))?;
    let config = &plain.inspected()?["HostConfig"];
    let ulimits = ulimits(config, inherited, may_raise, &mut notes);
    let pids = config["PidsLimit"].as_u64().filter(|limit| *limit > 0);
    let capabilities = names(&plain.inspected()?["BoundingCaps"]);
    drop(plain);
    // Made once more for the rest: what root's containers get by themselves a host may not be able to give.
    let limits: Vec<Value> = inherited.iter().map(limit).collect();
    let prepared = Observed::make(libpod, run, &body(image, run, &json!({ "r_limits": limits })))?;
    libpod.post("preparing a container", &format!("/containers/{}/init", prepared.id), None)?;
    let inspected = prepared.inspected()?;
    let path = inspected["OCIConfigPath"].as_str().unwrap_or_default();
    let refused =
        |why: String| PodmanError::Refused { doing: "reading what podman told the runtime".to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|error| refused(format!("{path}: {error}")))?;
    let told: Value = serde_json::from_str(&text).map_err(|error| refused(format!("{path}: {error}")))?;
    let linux = &told["linux"];
    let namespaces = linux["namespaces"].as_array().map_or(&[][..], Vec::as_slice);
    let sysctls: BTreeMap<String, String> =
        serde_json::from_value(linux["sysctl"].clone()).unwrap_or_default();
    Ok(Defaults {
        capabilities,
        filter: filter(about, &mut notes),
        masked_paths: strings(&linux["maskedPaths"]),
        read_only_paths: strings(&linux["readonlyPaths"]),
        device_rules: rules(&inspected),
        limits: Limits { pids, memory: None, ulimits },
        sysctls: sysctls.into_iter().filter(|(name, _)| name.starts_with("net.")).collect(),
        // No trial gives it: Podman's own profile has another name with each version of Podman.
        apparmor: None,
        own_cgroup_namespace: namespaces.iter().any(|one| one["type"] == "cgroup"),
        labels: told["process"]["selinuxLabel"].as_str().is_some_and(|label| !label.is_empty()),
        added_are_effective: true,
        notes,
    })
}

/// A container that is removed when the value goes.
struct Observed<'a> {
    libpod: &'a Libpod,
    id: String,
}

impl<'a> Observed<'a> {
    fn make(libpod: &'a Libpod, run: &str, body: &Value) -> Result<Self, PodmanError> {
        let made = libpod.post("making a container", "/containers/create", Some(body))?;
        let id = made["Id"].as_str().unwrap_or(run).to_owned();
        Ok(Self { libpod, id })
    }

    fn inspected(&self) -> Result<Value, PodmanError> {
        self.libpod.get("asking for a container", &format!("/containers/{}/json", self.id))
    }
}

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        let path = format!("/containers/{}?force=true", self.id);
        // What cannot be removed now, `clean` finds.
        let _ = self.libpod.delete("removing a container", &path);
    }
}

/// A request that asks for nothing but what keeps it on this machine and apart from others.
fn body(image: &str, run: &str, more: &Value) -> Value {
    let mut body = json!({
        "name": format!("{run}-defaults"),
        "image": image,
        "command": [layout::AGENT, "victim"],
        "labels": { LABEL: run },
        "netns": { "nsmode": "none" },
        "log_configuration": { "driver": "none" },
        "stop_timeout": 0,
    });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    body
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
}

fn names(list: &Value) -> CapabilitySet {
    strings(list).iter().filter_map(|name| Capability::named(name)).collect()
}

/// The limits that Podman sets, as far as it can set them here.
fn ulimits(config: &Value, inherited: &[Ulimit], may_raise: bool, notes: &mut Vec<String>) -> Vec<Ulimit> {
    let mut limits = Vec::new();
    for entry in config["Ulimits"].as_array().into_iter().flatten() {
        let name = entry["Name"].as_str().unwrap_or_default().trim_start_matches("RLIMIT_").to_lowercase();
        let number = |value: &Value| value.as_i64().map_or(u64::MAX, |number| number as u64);
        let (soft, hard) = (number(&entry["Soft"]), number(&entry["Hard"]));
        let most = inherited.iter().find(|limit| limit.name == name).map_or(u64::MAX, |limit| limit.hard);
        let given = if may_raise { hard } else { hard.min(most) };
        if given < hard {
            notes.push(format!(
                "Podman would set the limit {name} to {hard} and fail, because CAP_SYS_RESOURCE is missing here: it is {given}"
            ));
        }
        limits.extend(values::ulimit(&name, soft.min(given), given).ok());
    }
    limits
}

fn filter(about: &Words, notes: &mut Vec<String>) -> DefaultFilter {
    match std::fs::read_to_string(&about.profile) {
        Ok(text) => DefaultFilter::Json { name: format!("Podman {}", about.version), text },
        Err(error) => {
            let where_ = if about.profile.is_empty() { "seccomp.json" } else { &about.profile };
            notes.push(format!(
                "Podman's own default filter cannot be read ({where_}: {error}); Docker 26's is used"
            ));
            DefaultFilter::Docker(DefaultProfile::default())
        }
    }
}

/// What the device cgroup of a prepared container allows.
fn rules(inspected: &Value) -> Vec<DeviceRule> {
    let pid = inspected["State"]["Pid"].as_i64().unwrap_or(0);
    let groups = control_groups(pid as i32);
    let lists = groups.iter().filter_map(|group| std::fs::read_to_string(group.join("devices.list")).ok());
    let text: String = lists.collect();
    let mut rules = device_rules(&text.lines().collect::<Vec<_>>());
    if rules.is_empty() || rules.iter().any(|rule| rule.kind == 'a') {
        // Control groups of version 2 cannot be asked.
        rules = device_rules(&RUNTIME_DEVICE_RULES);
    }
    rules.sort();
    rules
}
