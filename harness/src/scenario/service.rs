//! A Compose service's keys, one by one, as settings: the engine's defaults filled in, nothing of the host looked at.
//!
//! Each function takes `at`, which makes an error about one key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::defaults::Defaults;
use super::file::{Service, Volume};
use super::{ScenarioError, values};
use crate::capability::{Capability, CapabilitySet};
use crate::settings::{Bind, BindSource, Devices, Identity, Limits, Namespaces, Relabel, Tmpfs};

pub(super) fn capabilities<E>(
    service: &Service,
    defaults: &Defaults,
    at: impl Fn(&'static str) -> E,
) -> Result<CapabilitySet, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let set = |names: &[String], key| {
        names.iter().try_fold(CapabilitySet::EMPTY, |set, name| {
            let more = if name.eq_ignore_ascii_case("all") {
                Some(CapabilitySet::ALL)
            } else {
                Capability::named(name).map(Into::into)
            };
            let near = || super::most_like(name, crate::capability::NAMES.iter().map(|n| &n[4..]));
            more.map(|more| set.with(more)).ok_or_else(|| {
                let hint = near().map_or_else(String::new, |near| format!("; did you mean {near}?"));
                at(key)(format!("'{name}' is not a capability{hint}"))
            })
        })
    };
    let (add, drop) = (set(&service.cap_add, "cap_add")?, set(&service.cap_drop, "cap_drop")?);
    let all = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case("all"));
    // As moby's TweakCapabilities: ALL is applied first, whichever list it stands in.
    Ok(if service.privileged {
        CapabilitySet::ALL
    } else if all(&service.cap_add) {
        CapabilitySet::ALL.without(if all(&service.cap_drop) { CapabilitySet::EMPTY } else { drop })
    } else if all(&service.cap_drop) {
        add
    } else {
        defaults.capabilities.without(drop).with(add)
    })
}

pub(super) fn identity<E>(
    service: &Service,
    at: impl Fn(&'static str) -> E,
) -> Result<Identity, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let (uid, gid) = service.user.as_deref().map_or(Ok((0, 0)), values::user).map_err(at("user"))?;
    let group = |text: &String| {
        text.parse().map_err(|_| {
            at("group_add")(format!("'{text}' is a name, and this image has no /etc/group; write a number"))
        })
    };
    Ok(Identity { uid, gid, groups: service.group_add.iter().map(group).collect::<Result<_, _>>()? })
}

pub(super) fn namespaces<E>(
    service: &Service,
    defaults: &Defaults,
    at: impl Fn(&'static str) -> E,
) -> Result<Namespaces, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let own = |key: &'static str, value: Option<&str>, own: &[&str]| match value {
        None => Ok(true),
        Some("host") => Ok(false),
        Some(word) if own.contains(&word) => Ok(true),
        Some(word) => {
            Err(at(key)(format!("'{word}' is not known; known: {}", [&["host"], own].concat().join(", "))))
        }
    };
    Ok(Namespaces {
        mount: true,
        pid: own("pid", service.pid.as_deref(), &[])?,
        network: own("network_mode", service.network_mode.as_deref(), &["none", "bridge"])?,
        ipc: own("ipc", service.ipc.as_deref(), &["private", "shareable", "none"])?,
        uts: own("uts", service.uts.as_deref(), &[])?,
        cgroup: own("cgroup", service.cgroup.as_deref(), &["private"])?
            && (service.cgroup.is_some() || defaults.own_cgroup_namespace),
    })
}

pub(super) fn binds<E>(volumes: &[Volume], at: impl Fn(&'static str) -> E) -> Result<Vec<Bind>, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let mut binds = Vec::new();
    for volume in volumes {
        let (source, target, read_only, relabel) = match volume {
            Volume::Short(text) => {
                let short = values::volume(text).map_err(at("volumes"))?;
                (short.source, short.target, short.read_only, short.relabel)
            }
            Volume::Long(long) if long.kind == "bind" => {
                let source =
                    long.source.clone().ok_or_else(|| at("volumes")("a bind needs a source".to_owned()))?;
                let relabel = match long.bind.as_ref().and_then(|bind| bind.selinux.as_deref()) {
                    None => Relabel::No,
                    Some("z") => Relabel::Shared,
                    Some("Z") => Relabel::Private,
                    Some(other) => return Err(at("volumes")(format!("selinux: '{other}' is not z or Z"))),
                };
                (source, values::absolute(&long.target).map_err(at("volumes"))?, long.read_only, relabel)
            }
            // The long form of `tmpfs:`; see there.
            Volume::Long(long) if long.kind == "tmpfs" => continue,
            Volume::Long(long) => {
                return Err(at("volumes")(format!(
                    "type '{}' is not known here; known: bind, tmpfs",
                    long.kind
                )));
            }
        };
        binds.push(Bind { source: bind_source(&source).map_err(at("volumes"))?, target, read_only, relabel });
    }
    Ok(binds)
}

/// `${LAB}/etc`, or an absolute path of the host.
fn bind_source(source: &str) -> Result<BindSource, String> {
    let Some(below) = source.strip_prefix("${LAB}") else {
        return values::absolute(source).map(|path| BindSource::Host(PathBuf::from(path))).map_err(|why| {
            format!("{why}; named volumes are not the host's, and ${{LAB}} is the laboratory directory")
        });
    };
    let below = below.trim_start_matches('/');
    if below.split('/').any(|part| part == "..") {
        return Err(format!("'{source}' leads out of the laboratory directory"));
    }
    Ok(BindSource::Lab(PathBuf::from(below)))
}

pub(super) fn tmpfs<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<Vec<Tmpfs>, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    service.in_memory().map(|text| one_tmpfs(text).map_err(at("tmpfs"))).collect()
}

/// `TARGET[:OPTIONS]`; Docker adds `nosuid,nodev,noexec` unless told otherwise.
fn one_tmpfs(text: &str) -> Result<Tmpfs, String> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let mut flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    let mut own = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => flags |= libc::MS_RDONLY,
            "rw" => flags &= !libc::MS_RDONLY,
            "exec" => flags &= !libc::MS_NOEXEC,
            "noexec" => flags |= libc::MS_NOEXEC,
            "suid" => flags &= !libc::MS_NOSUID,
            "nosuid" => flags |= libc::MS_NOSUID,
            "dev" => flags &= !libc::MS_NODEV,
            "nodev" => flags |= libc::MS_NODEV,
            other if ["size=", "mode=", "uid=", "gid="].iter().any(|name| other.starts_with(name)) => {
                own.push(other);
            }
            other => return Err(format!("'{other}' in '{text}' is not an option of a tmpfs")),
        }
    }
    Ok(Tmpfs { target: values::absolute(target)?, flags, options: own.join(",") })
}

pub(super) fn devices<E>(
    service: &Service,
    defaults: &Defaults,
    at: impl Fn(&'static str) -> E,
) -> Result<Devices, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let mut devices = Devices { all_nodes: service.privileged, nodes: Vec::new(), allowed: None };
    let mut rules = defaults.device_rules.clone();
    for text in &service.device_cgroup_rules {
        rules.push(values::device_rule(text).map_err(at("device_cgroup_rules"))?);
    }
    for text in &service.devices {
        let (source, target, access) = values::device(text).map_err(at("devices"))?;
        // A device that this host lacks is a start-up failure, as it is with Docker, not a mistake in the file.
        if let Some(rule) = crate::engine::device_rule_of(&source, &access) {
            rules.push(rule);
        }
        devices.nodes.push((source, target));
    }
    if !service.privileged {
        rules.sort();
        rules.dedup();
        devices.allowed = Some(rules);
    }
    Ok(devices)
}

pub(super) fn limits<E>(
    service: &Service,
    defaults: &Defaults,
    at: impl Fn(&'static str) -> E,
) -> Result<Limits, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let ulimits = service.ulimits.iter().map(|(name, limit)| {
        let (soft, hard) = limit.soft_and_hard();
        values::ulimit(name, soft, hard).map_err(at("ulimits"))
    });
    let mut ulimits = ulimits.collect::<Result<Vec<_>, _>>()?;
    let others = defaults.limits.ulimits.iter().filter(|one| ulimits.iter().all(|own| own.name != one.name));
    ulimits.extend(others.cloned().collect::<Vec<_>>());
    let pids = match service.pids_limit {
        None => defaults.limits.pids,
        Some(limit) => u64::try_from(limit).ok().filter(|limit| *limit > 0),
    };
    let memory = service.mem_limit.as_deref().map(values::bytes).transpose().map_err(at("mem_limit"))?;
    Ok(Limits { pids, memory, ulimits })
}

pub(super) fn sysctls<E>(
    service: &Service,
    at: impl Fn(&'static str) -> E,
) -> Result<BTreeMap<String, String>, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let pairs = service.sysctls.pairs().map_err(at("sysctls"))?;
    pairs.into_iter().map(|(name, value)| values::sysctl(name, value).map_err(at("sysctls"))).collect()
}

/// Whether the container stays in the host's user namespace although its daemon remaps.
pub(super) fn opts_out_of_remapping<E>(
    service: &Service,
    at: impl Fn(&'static str) -> E,
) -> Result<bool, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    match service.userns_mode.as_deref() {
        None => Ok(false),
        Some("host") => Ok(true),
        Some(other) => Err(at("userns_mode")(format!("'{other}' is not known; known: host"))),
    }
}
