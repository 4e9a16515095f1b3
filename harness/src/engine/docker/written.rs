//! A scenario's own words to the body of `POST /containers/create`, as the `docker` command would send them: nothing
//! resolved, nothing filled in. Only the image is ours, and the network is none where it is not the host's.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, HostConfig, HostConfigCgroupnsModeEnum, ResourcesUlimits,
};
use whyblocked_agent::layout;

use super::LABEL;
use crate::engine::lab::Places;
use crate::scenario::file::{Service, Ulimit, Volume};
use crate::scenario::{Scenario, ScenarioError, values};

/// What a container is made with, beside its scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside<'a> {
    /// The laboratory, if it is mounted.
    pub(super) lab: Option<&'a Places>,
    /// The run's name.
    pub(super) run: &'a str,
}

/// The body, without the image's name.
pub(super) fn body(scenario: &Scenario, with: &Beside<'_>) -> Result<ContainerCreateBody, ScenarioError> {
    let service = &scenario.file.service;
    Ok(ContainerCreateBody {
        // It waits until its standard input ends.
        cmd: Some(vec![layout::AGENT.to_owned(), "neighbour".to_owned()]),
        user: service.user.clone(),
        stop_signal: Some("SIGKILL".to_owned()),
        attach_stdin: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        labels: Some(HashMap::from([(LABEL.to_owned(), with.run.to_owned())])),
        host_config: Some(host_config(scenario, with)?),
        ..ContainerCreateBody::default()
    })
}

fn host_config(scenario: &Scenario, with: &Beside<'_>) -> Result<HostConfig, ScenarioError> {
    let service = &scenario.file.service;
    let wrong =
        |key: &'static str| move |why: String| ScenarioError::Value { path: scenario.path(), key, why };
    // The command has other fields of the API for these words.
    let (system_paths, others): (Vec<_>, Vec<_>) =
        service.security_opt.iter().partition(|opt| opt.starts_with("systempaths"));
    let none = (!system_paths.is_empty()).then(Vec::new);
    let security_opt: Result<_, _> = others.into_iter().map(|opt| security_opt(scenario, opt)).collect();
    let devices: Result<_, _> = service.devices.iter().map(|text| device(text)).collect();
    let memory = service.mem_limit.as_deref().map(values::bytes).transpose().map_err(wrong("mem_limit"))?;
    let sysctls = service.sysctls.pairs().map_err(wrong("sysctls"))?;
    let sysctls = sysctls.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(HostConfig {
        cap_add: Some(service.cap_add.clone()),
        cap_drop: Some(service.cap_drop.clone()),
        group_add: Some(service.group_add.clone()),
        security_opt: Some(security_opt?),
        masked_paths: none.clone(),
        readonly_paths: none,
        privileged: Some(service.privileged),
        readonly_rootfs: Some(service.read_only),
        userns_mode: service.userns_mode.clone(),
        pid_mode: service.pid.clone(),
        ipc_mode: service.ipc.clone(),
        uts_mode: service.uts.clone(),
        network_mode: Some(
            service.network_mode.clone().filter(|mode| mode == "host").unwrap_or("none".to_owned()),
        ),
        cgroupns_mode: service.cgroup.as_deref().map(|mode| match mode {
            "host" => HostConfigCgroupnsModeEnum::HOST,
            _ => HostConfigCgroupnsModeEnum::PRIVATE,
        }),
        devices: Some(devices.map_err(wrong("devices"))?),
        device_cgroup_rules: Some(service.device_cgroup_rules.clone()),
        binds: Some(service.volumes.iter().filter_map(|volume| bind(volume, with.lab)).collect()),
        tmpfs: Some(tmpfs(service)),
        ulimits: Some(service.ulimits.iter().map(|(name, limit)| ulimit(name, *limit)).collect()),
        pids_limit: service.pids_limit,
        memory: memory.map(|bytes| bytes as i64),
        sysctls: Some(sysctls),
        ..HostConfig::default()
    })
}

/// The command sends a filter's text, not its path.
fn security_opt(scenario: &Scenario, opt: &str) -> Result<String, ScenarioError> {
    let path = opt.strip_prefix("seccomp=").or_else(|| opt.strip_prefix("seccomp:"));
    match path {
        None | Some("unconfined" | "builtin") => Ok(opt.to_owned()),
        Some(path) => Ok(format!("seccomp={}", scenario.origin.read(path)?)),
    }
}

fn device(text: &str) -> Result<DeviceMapping, String> {
    let (source, target, access) = values::device(text)?;
    Ok(DeviceMapping {
        path_on_host: Some(source),
        path_in_container: Some(target),
        cgroup_permissions: Some(access),
    })
}

fn bind(volume: &Volume, lab: Option<&Places>) -> Option<String> {
    let text = match volume {
        Volume::Short(text) => text.clone(),
        Volume::Long(long) if long.kind == "bind" => {
            let label = long.bind.as_ref().and_then(|bind| bind.selinux.as_deref());
            let options: Vec<&str> = long.read_only.then_some("ro").into_iter().chain(label).collect();
            let colon = if options.is_empty() { "" } else { ":" };
            format!("{}:{}{colon}{}", long.source.as_deref()?, long.target, options.join(","))
        }
        Volume::Long(_) => return None,
    };
    let below = text.strip_prefix("${LAB}").and_then(|rest| rest.split_once(':'));
    Some(match (lab, below) {
        (Some(lab), Some((below, rest))) => {
            format!("{}:{rest}", lab.of(Path::new(below.trim_matches('/'))).display())
        }
        _ => text,
    })
}

fn tmpfs(service: &Service) -> HashMap<String, String> {
    let parts = service.in_memory().map(|text| text.split_once(':').unwrap_or((text, "")));
    parts.map(|(target, options)| (target.to_owned(), options.to_owned())).collect()
}

fn ulimit(name: &str, limit: Ulimit) -> ResourcesUlimits {
    let (soft, hard) = limit.soft_and_hard();
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(soft as i64), hard: Some(hard as i64) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::scenario::Origin;

    fn sent(service: &str) -> Value {
        let text = format!("title: a\nteaches: b\nservice: {service}\n");
        let scenario = Scenario::parse("x", &text, Origin::BuiltIn).unwrap();
        let lab = Places::of_its_own(Path::new("/tmp/lab"));
        let with = Beside { lab: Some(&lab), run: "r" };
        serde_json::to_value(body(&scenario, &with).unwrap()).unwrap()
    }

    #[rstest]
    #[case::privileged("{privileged: true}", "/HostConfig/Privileged", json!(true))]
    #[case::capabilities("{cap_drop: [all]}", "/HostConfig/CapDrop", json!(["all"]))]
    #[case::laboratory("{volumes: [\"${LAB}/etc:/host/etc:ro,Z\"]}", "/HostConfig/Binds", json!(["/tmp/lab/etc:/host/etc:ro,Z"]))]
    #[case::long(
        "{volumes: [{type: bind, source: \"${LAB}/etc\", target: /e, read_only: true, bind: {selinux: z}}]}",
        "/HostConfig/Binds",
        json!(["/tmp/lab/etc:/e:ro,z"])
    )]
    #[case::host_network("{network_mode: host}", "/HostConfig/NetworkMode", json!("host"))]
    #[case::no_bridge_is_needed("{network_mode: bridge}", "/HostConfig/NetworkMode", json!("none"))]
    #[case::nothing_is_said("{}", "/HostConfig/PidMode", Value::Null)]
    #[case::sysctls("{sysctls: [\"net.a=1\"]}", "/HostConfig/Sysctls", json!({ "net.a": "1" }))]
    #[case::tmpfs("{tmpfs: \"/run:size=1m\"}", "/HostConfig/Tmpfs", json!({ "/run": "size=1m" }))]
    fn words_stay_words(#[case] service: &str, #[case] place: &str, #[case] expected: Value) {
        assert_eq!(sent(service).pointer(place).unwrap_or(&Value::Null), &expected);
    }

    #[test]
    fn a_filter_is_sent_as_its_text() {
        let body = sent("{security_opt: [\"seccomp=./seccomp/no-32-bit-calls.json\"]}");
        let opt = body["HostConfig"]["SecurityOpt"][0].as_str().unwrap();
        assert!(opt.starts_with("seccomp={"), "{opt}");
    }
}
