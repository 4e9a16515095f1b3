//! From what was written to what was meant: Docker's defaults filled in, and what this host cannot give taken
//! away, each with a note.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::file::{Facility, Pairs, Service, Ulimit, Volume};
use super::security_opt::{self, SecurityOpt};
use super::{Scenario, ScenarioError, defaults, values};
use crate::capability::{Capability, CapabilitySet};
use crate::host::{self, Host, Reach};
use crate::seccomp::{self, DefaultProfile, Policy};
use crate::settings::{
    Bind, BindSource, Devices, IdRange, Identity, Limits, Namespaces, Relabel, Settings, Tmpfs, UserNamespace,
};

/// What a scenario is resolved for.
#[derive(Debug)]
pub struct Context<'a> {
    /// The host's facts.
    pub host: &'a Host,
    /// What this run can do on it.
    pub reach: &'a Reach,
    /// Whose default filter a container gets.
    pub default_profile: DefaultProfile,
}

/// A scenario for this host.
#[derive(Debug)]
pub enum Resolution {
    /// It can be run.
    Run(Box<Resolved>),
    /// It cannot, for this reason.
    NotRun(String),
}

/// A scenario's settings for this host.
#[derive(Debug)]
pub struct Resolved {
    /// What to start.
    pub settings: Settings,
    /// Where this host gives something else than the scenario says.
    pub notes: Vec<String>,
}

/// The id range of `userns-remap` where `/etc/subuid` has none: Docker's documentation and the source notes use it.
const USUAL_RANGE: IdRange = IdRange { first: 100_000, size: 65_536 };

pub(super) fn resolve(scenario: &Scenario, context: &Context<'_>) -> Result<Resolution, ScenarioError> {
    let service = &scenario.file.service;
    let at = |key: &'static str| move |why: String| ScenarioError::Value { path: scenario.path(), key, why };
    let opt = security_opt::parse(&service.security_opt).map_err(at("security_opt"))?;
    let mut notes = Vec::new();

    // Everything that can be wrong with the file is looked at before anything that this host may lack.
    let capabilities = capabilities(service, at)?;
    let identity = identity(service, at)?;
    let mut settings = Settings {
        seccomp: filter(scenario, &opt, capabilities, context)?,
        capabilities,
        user_namespace: None,
        no_new_privileges: opt.no_new_privileges.unwrap_or(false),
        namespaces: namespaces(service, at)?,
        read_only_root: service.read_only,
        read_only_kernel_mounts: !service.privileged,
        binds: binds(service, at)?,
        tmpfs: tmpfs(service, at)?,
        masked_paths: Vec::new(),
        read_only_paths: Vec::new(),
        devices: devices(service, at)?,
        limits: limits(service, at)?,
        sysctls: BTreeMap::new(),
        selinux: None,
        apparmor: None,
        identity,
    };
    if !opt.system_paths_unconfined && !service.privileged {
        settings.masked_paths = defaults::MASKED_PATHS.map(str::to_owned).to_vec();
        settings.read_only_paths = defaults::READ_ONLY_PATHS.map(str::to_owned).to_vec();
    }
    let remap = remap(scenario, service, at)?;
    let wanted_sysctls = sysctls(service, at)?;

    if let Some(reason) = unmet(scenario, context) {
        return Ok(Resolution::NotRun(reason));
    }
    match user_namespace(remap.as_deref(), &settings, context.reach, &mut notes) {
        Ok(namespace) => settings.user_namespace = namespace,
        Err(reason) => return Ok(Resolution::NotRun(reason)),
    }
    settings.sysctls = defaults::sysctls(&settings);
    settings.sysctls.extend(wanted_sysctls);
    settings.drop_host_sysctls();
    if let Err(reason) = labels(&opt, service, &mut settings, context.reach) {
        return Ok(Resolution::NotRun(reason));
    }
    fit(&mut settings, context.reach, &mut notes);
    Ok(Resolution::Run(Box::new(Resolved { settings, notes })))
}

fn capabilities<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<CapabilitySet, ScenarioError>
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
        CapabilitySet::DOCKER_DEFAULT.without(drop).with(add)
    })
}

fn identity<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<Identity, ScenarioError>
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

fn filter(
    scenario: &Scenario,
    opt: &SecurityOpt,
    capabilities: CapabilitySet,
    context: &Context<'_>,
) -> Result<Option<std::sync::Arc<Policy>>, ScenarioError> {
    let situation =
        seccomp::Situation { capabilities, kernel: seccomp::kernel_version(&context.host.kernel) };
    let policy =
        match opt.seccomp.as_deref() {
            Some("unconfined") => return Ok(None),
            None if scenario.file.service.privileged => return Ok(None),
            None | Some("builtin") => context.default_profile.resolve(&situation),
            Some(path) => {
                let text = scenario.origin.read(path)?;
                let shown = scenario.origin.display(path);
                seccomp::docker_json::parse(&shown, &text, &situation).map_err(|why| {
                    ScenarioError::Value { path: shown.clone(), key: "seccomp profile", why }
                })?
            }
        };
    Ok(Some(std::sync::Arc::new(policy)))
}

fn namespaces<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<Namespaces, ScenarioError>
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
        cgroup: own("cgroup", service.cgroup.as_deref(), &["private"])?,
    })
}

fn binds<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<Vec<Bind>, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let mut binds = Vec::new();
    for volume in &service.volumes {
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

fn tmpfs<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<Vec<Tmpfs>, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let short = service.tmpfs.as_slice().iter().map(String::as_str);
    let long = service.volumes.iter().filter_map(|volume| match volume {
        Volume::Long(long) if long.kind == "tmpfs" => Some(long.target.as_str()),
        _ => None,
    });
    short.chain(long).map(|text| one_tmpfs(text).map_err(at("tmpfs"))).collect()
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

fn devices<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<Devices, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let mut devices = Devices { all_nodes: service.privileged, nodes: Vec::new(), allowed: None };
    let mut rules = defaults::device_rules();
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

fn limits<E>(service: &Service, at: impl Fn(&'static str) -> E) -> Result<Limits, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let ulimits = service.ulimits.iter().map(|(name, limit)| {
        let (soft, hard) = match *limit {
            Ulimit::Both(both) => (both, both),
            Ulimit::Each { soft, hard } => (soft, hard),
        };
        values::ulimit(name, soft, hard).map_err(at("ulimits"))
    });
    Ok(Limits {
        pids: service.pids_limit.and_then(|limit| u64::try_from(limit).ok()).filter(|limit| *limit > 0),
        memory: service.mem_limit.as_deref().map(values::bytes).transpose().map_err(at("mem_limit"))?,
        ulimits: ulimits.collect::<Result<_, _>>()?,
    })
}

fn sysctls<E>(
    service: &Service,
    at: impl Fn(&'static str) -> E,
) -> Result<BTreeMap<String, String>, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    let pairs: Vec<(&str, &str)> = match &service.sysctls {
        Pairs::Map(map) => map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        Pairs::List(list) => list
            .iter()
            .map(|entry| {
                entry.split_once('=').ok_or_else(|| at("sysctls")(format!("'{entry}' is not name=value")))
            })
            .collect::<Result<_, _>>()?,
    };
    pairs.into_iter().map(|(name, value)| values::sysctl(name, value).map_err(at("sysctls"))).collect()
}

/// The user whose subordinate ids the daemon is told to use, unless the container opts out.
fn remap<E>(
    scenario: &Scenario,
    service: &Service,
    at: impl Fn(&'static str) -> E,
) -> Result<Option<String>, ScenarioError>
where
    E: Fn(String) -> ScenarioError,
{
    match service.userns_mode.as_deref() {
        Some("host") => return Ok(None),
        Some(other) => return Err(at("userns_mode")(format!("'{other}' is not known; known: host"))),
        None => {}
    }
    let Some(value) = scenario.file.daemon.get("userns-remap") else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| {
        at("daemon")(
            "userns-remap wants a user's name or \"default\"; dockerd refuses anything else".to_owned(),
        )
    })?;
    let user = text.split(':').next().unwrap_or("");
    Ok(match user {
        "" => None,
        "default" => Some("dockremap".to_owned()),
        user => Some(user.to_owned()),
    })
}

/// Why this host cannot run the scenario at all.
fn unmet(scenario: &Scenario, context: &Context<'_>) -> Option<String> {
    if let Some(key) = scenario.file.daemon.keys().find(|key| key.as_str() != "userns-remap") {
        return Some(format!("daemon: {key} needs a Docker daemon, and the built-in engine has none"));
    }
    scenario.file.needs.iter().find_map(|need| match need {
        Facility::Selinux if !context.reach.selinux => Some("this kernel runs without SELinux".to_owned()),
        Facility::Apparmor if !context.reach.apparmor => Some("this kernel runs without AppArmor".to_owned()),
        Facility::Modules if context.host.modules != "loadable" => {
            Some(format!("this kernel's module loading is {}", context.host.modules))
        }
        Facility::Root if !context.reach.privileged => {
            Some("this run has no privilege; start it as root".to_owned())
        }
        Facility::Docker => {
            Some("the built-in engine was asked for, and this needs a Docker daemon".to_owned())
        }
        _ => None,
    })
}

fn user_namespace(
    remap: Option<&str>,
    settings: &Settings,
    reach: &Reach,
    notes: &mut Vec<String>,
) -> Result<Option<UserNamespace>, String> {
    if !reach.privileged {
        if remap.is_some() {
            notes.push(
                "userns-remap needs root; the container has this user's own user namespace instead"
                    .to_owned(),
            );
        }
        let more = host::subordinate_ids_of_caller();
        if more.is_none() && (settings.identity.uid != 0 || settings.identity.gid != 0) {
            return Err("without root there is one user id in the container; for more install uidmap (newuidmap) and give this user a line in /etc/subuid and /etc/subgid, or run as root".to_owned());
        }
        let (uid, gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        return Ok(Some(UserNamespace::Caller { uid, gid, more }));
    }
    let Some(user) = remap else { return Ok(None) };
    let range = fs::read_to_string("/etc/subuid").ok().and_then(|file| host::subordinate_ids(&file, user));
    let (first, size) = (USUAL_RANGE.first, USUAL_RANGE.size);
    if range.is_none() {
        notes.push(format!("/etc/subuid has no line for '{user}', so the usual {first}:{size} is used; Docker would refuse to start"));
    } else {
        notes.push(format!("the ids are those of '{user}' in /etc/subuid"));
    }
    Ok(Some(UserNamespace::Remap(range.unwrap_or(USUAL_RANGE))))
}

fn labels(
    opt: &SecurityOpt,
    service: &Service,
    settings: &mut Settings,
    reach: &Reach,
) -> Result<(), String> {
    if opt.label.asks_for_a_label() && !opt.label.disable && !service.privileged {
        if !reach.selinux {
            return Err("security_opt: label= needs SELinux, and this kernel runs without it".to_owned());
        }
        let own = host::read_trimmed("/proc/self/attr/current");
        settings.selinux =
            Some(opt.label.label(&own).ok_or("this process's own SELinux label cannot be read")?);
    }
    match opt.apparmor.as_deref() {
        None | Some("unconfined") => Ok(()),
        Some(_) if !reach.apparmor => {
            Err("security_opt: apparmor= needs AppArmor, and this kernel runs without it".to_owned())
        }
        Some(profile) => {
            settings.apparmor = Some(profile.to_owned());
            Ok(())
        }
    }
}

/// Takes away what this host cannot give, with a note for each.
fn fit(settings: &mut Settings, reach: &Reach, notes: &mut Vec<String>) {
    let missing = settings.capabilities.without(reach.bounding_set);
    if !missing.is_empty() {
        notes.push(format!("this host itself lacks {missing}, so the container does too"));
        settings.capabilities = settings.capabilities.and(reach.bounding_set);
    }
    if reach.control_groups {
        return;
    }
    let why = if reach.privileged { "needs control groups that can be written" } else { "needs root" };
    if settings.devices.allowed.take().is_some() {
        notes.push(format!("the device cgroup {why} and is left out"));
    }
    if settings.limits.pids.take().is_some() | settings.limits.memory.take().is_some() {
        notes.push(format!("pids_limit and mem_limit: each {why} and is left out"));
    }
}
