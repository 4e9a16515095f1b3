//! Settings to the body of `POST /containers/create`. Pure: what is asked of the host was read before. What Docker
//! has no words for is an error, never left out; `privileged` is never used, so that each switch stays one.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
    ResourcesUlimits,
};
use whyblocked_agent::layout;

use super::LABEL;
use super::error::DockerError;
use super::surroundings::Surroundings;
use super::{mounts, runtime};
use crate::capability::Capability;
use crate::engine::lab::Places;
use crate::seccomp::write_json::{Dialect, write};
use crate::settings::{DeviceRule, Settings};

/// What a container is made with, beside its settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a> {
    /// The agent's argument.
    pub(super) argument: &'a str,
    /// The trial's laboratory, if it is mounted.
    pub(super) lab: Option<&'a Places>,
    /// The run's name.
    pub(super) run: &'a str,
    /// How the daemon reads a filter.
    pub(super) dialect: Dialect,
    /// What of the daemon's a container must not see.
    pub(super) hidden: &'a Path,
    /// A directory with nothing in it.
    pub(super) empty: &'a Path,
    /// The host.
    pub(super) surroundings: &'a Surroundings,
}

/// The body, without the image's name.
pub(super) fn body(settings: &Settings, given: &Given<'_>) -> Result<ContainerCreateBody, DockerError> {
    refuse_a_user_namespace_without_its_daemon(settings)?;
    let own = settings.namespaces;
    Ok(ContainerCreateBody {
        cmd: Some(vec![layout::AGENT.to_owned(), given.argument.to_owned()]),
        env: Some(environment(settings)),
        working_dir: Some("/".to_owned()),
        user: Some(format!("{}:{}", settings.identity.uid, settings.identity.gid)),
        hostname: own.uts.then(|| "whyblocked".to_owned()),
        // Its first process has no handler for anything else.
        stop_signal: Some("SIGKILL".to_owned()),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        labels: Some(HashMap::from([(LABEL.to_owned(), given.run.to_owned())])),
        host_config: Some(host_config(settings, given)?),
        ..ContainerCreateBody::default()
    })
}

/// User namespaces are a daemon's to give, and only some are told to.
fn refuse_a_user_namespace_without_its_daemon(settings: &Settings) -> Result<(), DockerError> {
    match &settings.user_namespace {
        Some(namespace) if settings.daemon.is_none() => Err(DockerError::Inexpressible {
            what: format!(
                "a user namespace ({}) is a setting of the daemon's (userns-remap), and this daemon has it not",
                namespace.describe()
            ),
        }),
        _ => Ok(()),
    }
}

fn environment(settings: &Settings) -> Vec<String> {
    let shared = runtime::shared(settings);
    let variable = (!shared.is_empty()).then(|| format!("{}={shared}", runtime::VARIABLE));
    ["PATH=/".to_owned()].into_iter().chain(variable).collect()
}

fn host_config(settings: &Settings, given: &Given<'_>) -> Result<HostConfig, DockerError> {
    let own = settings.namespaces;
    let host_or = |own: bool, word: &str| Some(if own { word } else { "host" }.to_owned());
    let limits = &settings.limits;
    let by_runtime = !runtime::shared(settings).is_empty();
    Ok(HostConfig {
        runtime: by_runtime.then(|| runtime::NAME.to_owned()),
        // A daemon that remaps ids does it for everybody who does not say otherwise.
        userns_mode: Some(if settings.user_namespace.is_some() { "" } else { "host" }.to_owned()),
        pid_mode: host_or(own.pid || by_runtime, ""),
        ipc_mode: host_or(own.ipc, "private"),
        uts_mode: host_or(own.uts, ""),
        network_mode: host_or(own.network || by_runtime, "none"),
        cgroupns_mode: Some(if own.cgroup {
            HostConfigCgroupnsModeEnum::PRIVATE
        } else {
            HostConfigCgroupnsModeEnum::HOST
        }),
        group_add: Some(settings.identity.groups.iter().map(u32::to_string).collect()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(settings.capabilities.iter().map(|one| Capability::name(one).to_owned()).collect()),
        security_opt: Some(security_opt(settings, given.dialect)),
        readonly_rootfs: Some(settings.read_only_root),
        // Said even if there are none: or Docker would take its own.
        masked_paths: Some(settings.masked_paths.clone()),
        readonly_paths: Some(settings.read_only_paths.clone()),
        mounts: Some(mounts::binds(settings, given)?),
        binds: Some(mounts::relabelled(settings, given)?),
        tmpfs: Some(mounts::tmpfs(settings)?),
        devices: Some(devices(settings, given.surroundings)?),
        device_cgroup_rules: Some(match &settings.devices.allowed {
            None => vec!["a *:* rwm".to_owned()],
            Some(rules) => rules.iter().map(rule).collect(),
        }),
        pids_limit: limits.pids.map(|count| count as i64),
        memory: limits.memory.map(|bytes| bytes as i64),
        // No swap beside it, or the limit would be twice as high.
        memory_swap: limits.memory.map(|bytes| bytes as i64),
        ulimits: Some(
            limits
                .ulimits
                .iter()
                .map(|limit| {
                    // `unlimited` is -1 in Docker's words.
                    ResourcesUlimits {
                        name: Some(limit.name.to_owned()),
                        soft: Some(limit.soft as i64),
                        hard: Some(limit.hard as i64),
                    }
                })
                .collect(),
        ),
        sysctls: Some(settings.sysctls.clone().into_iter().collect()),
        // What the agent says goes over the connection; a copy on the disk helps nobody.
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        privileged: Some(false),
        auto_remove: Some(false),
        ..HostConfig::default()
    })
}

fn security_opt(settings: &Settings, dialect: Dialect) -> Vec<String> {
    let mut options = Vec::new();
    if settings.no_new_privileges {
        options.push("no-new-privileges".to_owned());
    } else if settings.daemon.is_some() {
        // It may be the daemon's default.
        options.push("no-new-privileges=false".to_owned());
    }
    options.push(match &settings.seccomp {
        None => "seccomp=unconfined".to_owned(),
        Some(policy) => format!("seccomp={}", write(policy, dialect).profile),
    });
    let profile = settings.apparmor.as_deref().unwrap_or("unconfined");
    options.push(format!("apparmor={profile}"));
    match &settings.selinux {
        None => options.push("label=disable".to_owned()),
        Some(label) => {
            // The level has colons of its own.
            let parts = ["user", "role", "type", "level"].into_iter().zip(label.splitn(4, ':'));
            options.extend(parts.map(|(name, part)| format!("label={name}:{part}")));
        }
    }
    options
}

/// The nodes of the host that the container gets.
pub(super) fn devices(settings: &Settings, around: &Surroundings) -> Result<Vec<DeviceMapping>, DockerError> {
    let mut devices = Vec::new();
    for (source, target) in &settings.devices.nodes {
        let rule = crate::engine::device_rule_of(source, "rwm").ok_or_else(|| {
            DockerError::Inexpressible { what: format!("{source} is not a device of this host") }
        })?;
        devices.push(device(settings, source, target, &rule));
    }
    // Without its mount namespace the container has the host's /dev itself.
    if settings.devices.all_nodes && settings.namespaces.mount {
        let standard = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
        let others = around
            .devices
            .iter()
            .filter(|(path, _)| !standard.contains(&path.as_str()) && path != "/dev/ptmx");
        devices.extend(others.map(|(path, rule)| device(settings, path, path, rule)));
    }
    Ok(devices)
}

/// A node, with no more access than the device cgroup's list gives anyway: a node is one switch, the list another.
fn device(settings: &Settings, source: &str, target: &str, rule: &DeviceRule) -> DeviceMapping {
    let matches = |entry: &&DeviceRule| {
        let is = |wanted: Option<u32>, number: Option<u32>| wanted.is_none() || wanted == number;
        (entry.kind == 'a' || entry.kind == rule.kind)
            && is(entry.major, rule.major)
            && is(entry.minor, rule.minor)
    };
    let access = match &settings.devices.allowed {
        None => "rwm".to_owned(),
        Some(rules) => {
            let given: String = rules.iter().filter(matches).map(|rule| rule.access.as_str()).collect();
            ['r', 'w', 'm'].into_iter().filter(|one| given.contains(*one)).collect()
        }
    };
    DeviceMapping {
        path_on_host: Some(source.to_owned()),
        path_in_container: Some(target.to_owned()),
        cgroup_permissions: Some(access),
    }
}

fn rule(rule: &DeviceRule) -> String {
    let number = |number: Option<u32>| number.map_or("*".to_owned(), |number| number.to_string());
    format!("{} {}:{} {}", rule.kind, number(rule.major), number(rule.minor), rule.access)
}

#[cfg(test)]
mod tests;
