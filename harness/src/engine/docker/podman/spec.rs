//! Settings to what Podman's own API makes a container of (`SpecGenerator`). Pure: what is
//! asked of the host was read before. Docker's API has no words for half of it, and Podman reads it otherwise than Docker does.

use std::path::Path;

use bollard::models::Mount;
use serde_json::{Value, json};
use whyblocked_agent::layout;

use super::error::PodmanError;
use crate::capability::{Capability, CapabilitySet};
use crate::engine::docker::mapping::{self, Given};
use crate::engine::docker::{DockerError, LABEL, mounts};
use crate::settings::{DeviceRule, IdRange, Settings, Ulimit, UserNamespace};

/// Where control groups are mounted.
const GROUPS: &str = "/sys/fs/cgroup";

/// What a container gets from its service unless the request says otherwise.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// Its capabilities.
    pub(super) capabilities: CapabilitySet,
    /// Paths that are masked.
    pub(super) masked_paths: Vec<String>,
    /// Paths that are read-only.
    pub(super) read_only_paths: Vec<String>,
    /// The limits that a container would inherit.
    pub(super) limits: Vec<Ulimit>,
    /// The control group that its control group is to be in.
    pub(super) group: Option<String>,
}

/// What no container of this service's can be, if the settings ask for it.
pub(super) fn inexpressible(settings: &Settings, base: &Base) -> Option<String> {
    let added = settings.capabilities.without(base.capabilities);
    if !added.is_empty() && settings.identity.uid != 0 {
        return Some(format!("it makes added capabilities ({added}) effective for a user other than root"));
    }
    let path = settings.read_only_paths.iter().find(|path| !base.read_only_paths.contains(path))?;
    Some(format!("{path} is to be read-only, and is not among the paths that it makes read-only"))
}

/// The body of `POST /containers/create` for a container of this name from this image; `filter` is a file that the service can read.
pub(super) fn body(
    name: &str,
    image: &str,
    settings: &Settings,
    given: &Given<'_>,
    base: &Base,
    filter: Option<&Path>,
) -> Result<Value, PodmanError> {
    let own = settings.namespaces;
    let namespace = |own: bool, word: &str| json!({ "nsmode": if own { word } else { "host" } });
    if let Some(what) = inexpressible(settings, base) {
        return Err(PodmanError::Inexpressible { what });
    }
    let added = settings.capabilities.without(base.capabilities);
    let names = |set: CapabilitySet| set.iter().map(Capability::name).collect::<Vec<_>>();
    let mut body = json!({
        "name": name,
        "image": image,
        "command": [layout::AGENT, given.argument],
        "env": { "PATH": "/" },
        "httpproxy": false,
        "work_dir": "/",
        "user": format!("{}:{}", settings.identity.uid, settings.identity.gid),
        "groups": settings.identity.groups.iter().map(u32::to_string).collect::<Vec<_>>(),
        "stdin": true,
        "labels": { LABEL: given.run },
        "log_configuration": { "driver": "none" },
        "stop_timeout": 0,
        "systemd": "false",
        "pidns": namespace(own.pid, "private"),
        "ipcns": namespace(own.ipc, "private"),
        "utsns": namespace(own.uts, "private"),
        "netns": namespace(own.network, "none"),
        "cgroupns": namespace(own.cgroup, "private"),
        "cap_add": names(added),
        "cap_drop": names(base.capabilities.without(settings.capabilities)),
        "no_new_privileges": settings.no_new_privileges,
        "seccomp_profile_path": filter.map_or("unconfined".into(), |path| path.display().to_string()),
        "apparmor_profile": settings.apparmor.as_deref().unwrap_or("unconfined"),
        "selinux_opts": selinux(settings),
        "read_only_filesystem": settings.read_only_root,
        "unmask": unmasked(settings, base),
        "mask": settings.masked_paths.iter().filter(|path| !base.masked_paths.contains(path)).collect::<Vec<_>>(),
        "mounts": all_mounts(settings, given)?,
        "devices": devices(settings, given)?,
        "device_cgroup_rule": device_rules(settings),
        "resource_limits": resources(settings),
        "r_limits": limits(settings, base),
        "sysctl": settings.sysctls,
    });
    if own.uts {
        body["hostname"] = "whyblocked".into();
    }
    if let Some(group) = &base.group {
        body["cgroup_parent"] = group.as_str().into();
    }
    // A user's own namespace is where the user's Podman runs in any case.
    if let Some(UserNamespace::Remap(range)) = settings.user_namespace {
        body["userns"] = namespace(true, "private");
        body["idmappings"] = mapping_of(range);
    }
    Ok(body)
}

fn mapping_of(range: IdRange) -> Value {
    let map = json!([{ "container_id": 0, "host_id": range.first, "size": range.size }]);
    json!({ "HostUIDMapping": false, "HostGIDMapping": false, "UIDMap": map, "GIDMap": map })
}

fn selinux(settings: &Settings) -> Vec<String> {
    match &settings.selinux {
        None => vec!["disable".to_owned()],
        // The level has colons of its own.
        Some(label) => ["user", "role", "type", "level"]
            .into_iter()
            .zip(label.splitn(4, ':'))
            .map(|(name, part)| format!("{name}:{part}"))
            .collect(),
    }
}

/// Of the paths that are covered or read-only by default, those that are to be neither.
fn unmasked(settings: &Settings, base: &Base) -> Vec<String> {
    let without = |known: &[String], wanted: &[String]| -> Vec<String> {
        known.iter().filter(|path| !wanted.contains(path)).cloned().collect()
    };
    let mut paths = without(&base.masked_paths, &settings.masked_paths);
    paths.extend(without(&base.read_only_paths, &settings.read_only_paths));
    paths
}

fn all_mounts(settings: &Settings, given: &Given<'_>) -> Result<Vec<Value>, PodmanError> {
    let mount = |target: &str, kind: &str, source: &str, options: &[&str]| json!({ "destination": target, "type": kind, "source": source, "options": options });
    let mut all = Vec::new();
    let taken = |path: &str| {
        settings.binds.iter().any(|bind| bind.target == path)
            || settings.tmpfs.iter().any(|one| one.target == path)
    };
    if !settings.read_only_kernel_mounts {
        let flags = ["rw", "nosuid", "nodev", "noexec"];
        let of_the_host = |path| mount(path, "bind", path, &["rbind", "rprivate", "rw"]);
        let kinds = if settings.namespaces.mount {
            // Whoever mounts sysfs must own the network that shows in it.
            let own = settings.user_namespace.is_none() || settings.namespaces.network;
            let sys = if own { mount("/sys", "sysfs", "sysfs", &flags) } else { of_the_host("/sys") };
            vec![sys, mount(GROUPS, "cgroup", "cgroup", &flags)]
        } else {
            // The container's would lie over the host's.
            vec![of_the_host(GROUPS)]
        };
        all.extend(kinds.into_iter().filter(|one| !taken(one["destination"].as_str().unwrap_or_default())));
    }
    if settings.user_namespace.is_some()
        && settings.namespaces.mount
        && !settings.namespaces.ipc
        && !given.surroundings.queues
    {
        // Podman would mount the host's, which there is not.
        all.push(mount("/dev/mqueue", "bind", &given.empty.display().to_string(), &["rbind", "ro"]));
    }
    for Mount { source, target, read_only, .. } in mounts::binds(settings, given).map_err(in_our_words)? {
        let access = if read_only == Some(true) { "ro" } else { "rw" };
        let (source, target) = (source.unwrap_or_default(), target.unwrap_or_default());
        all.push(mount(&target, "bind", &source, &["rbind", "rprivate", access]));
    }
    for relabelled in mounts::relabelled(settings, given).map_err(in_our_words)? {
        // SOURCE:TARGET:OPTIONS, without another colon.
        let mut parts = relabelled.splitn(3, ':');
        if let (Some(source), Some(target), Some(options)) = (parts.next(), parts.next(), parts.next()) {
            let options: Vec<&str> = ["rbind", "rprivate"].into_iter().chain(options.split(',')).collect();
            all.push(mount(target, "bind", source, &options));
        }
    }
    for (target, options) in mounts::tmpfs(settings).map_err(in_our_words)? {
        // What the image has there is not copied into it: with Docker it is empty too.
        let options: Vec<&str> = options.split(',').chain(["notmpcopyup"]).collect();
        all.push(mount(&target, "tmpfs", "tmpfs", &options));
    }
    Ok(all)
}

fn in_our_words(error: DockerError) -> PodmanError {
    match error {
        DockerError::Inexpressible { what } => PodmanError::Inexpressible { what },
        other => PodmanError::Inexpressible { what: other.to_string() },
    }
}

fn devices(settings: &Settings, given: &Given<'_>) -> Result<Vec<Value>, PodmanError> {
    let nodes = mapping::devices(settings, given.surroundings).map_err(in_our_words)?;
    let nodes = nodes.into_iter().map(|node| {
        // It takes no empty word; that a node can be made says nothing about its use.
        let access =
            node.cgroup_permissions.filter(|access| !access.is_empty()).unwrap_or_else(|| "m".to_owned());
        let (source, target) =
            (node.path_on_host.unwrap_or_default(), node.path_in_container.unwrap_or_default());
        json!({ "path": format!("{source}:{target}:{access}") })
    });
    Ok(nodes.collect())
}

fn device_rules(settings: &Settings) -> Vec<Value> {
    let everything = [DeviceRule { kind: 'a', major: None, minor: None, access: "rwm".to_owned() }];
    let own_namespace = matches!(settings.user_namespace, Some(UserNamespace::Caller { .. }));
    let rules: &[DeviceRule] = match &settings.devices.allowed {
        // Without root there is no device cgroup.
        None if own_namespace => &[],
        None => &everything,
        Some(rules) => rules,
    };
    let rule = |rule: &DeviceRule| {
        let mut value = json!({ "allow": true, "type": rule.kind.to_string(), "access": rule.access });
        for (name, number) in [("major", rule.major), ("minor", rule.minor)] {
            if let Some(number) = number {
                value[name] = number.into();
            }
        }
        value
    };
    rules.iter().map(rule).collect()
}

fn resources(settings: &Settings) -> Value {
    let mut resources = json!({});
    // Without root nothing is limited, and a service that cannot limit anything says so by refusing.
    if !matches!(settings.user_namespace, Some(UserNamespace::Caller { .. })) {
        resources["pids"] = json!({ "limit": settings.limits.pids.unwrap_or(0) });
    }
    if let Some(bytes) = settings.limits.memory {
        // No swap beside it, or the limit would be twice as high.
        resources["memory"] = json!({ "limit": bytes, "swap": bytes });
    }
    resources
}

/// Podman raises some by itself where nothing is said: what is not limited is as the service has it.
fn limits(settings: &Settings, base: &Base) -> Vec<Value> {
    let set = &settings.limits.ulimits;
    let inherited = base.limits.iter().filter(|limit| set.iter().all(|one| one.name != limit.name));
    set.iter().chain(inherited).map(limit).collect()
}

/// A limit in the API's words.
pub(super) fn limit(limit: &Ulimit) -> Value {
    json!({ "type": limit.name, "soft": limit.soft, "hard": limit.hard })
}

#[cfg(test)]
mod tests;
