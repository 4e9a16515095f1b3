//! From what was written to what was meant: the engine's defaults filled in, and what this host cannot give taken
//! away, each with a note.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::daemon::{self, Meant};
use super::defaults::Defaults;
use super::file::Service;
use super::security_opt::{self, SecurityOpt};
use super::{Facility, Scenario, ScenarioError, labels, service};
use crate::apparmor;
use crate::capability::{Capability, CapabilitySet};
use crate::host::{self, Host, Reach};
use crate::remap::{Found, USUAL_RANGE};
use crate::seccomp::{self, Policy};
use crate::settings::{Settings, UserNamespace};

/// What a scenario is resolved for.
#[derive(Debug)]
pub struct Context<'a> {
    /// The host's facts.
    pub host: &'a Host,
    /// What this run can do on it.
    pub reach: &'a Reach,
    /// What a container gets that asks for nothing.
    pub defaults: &'a Defaults,
    /// Whether a Docker daemon starts the containers.
    pub docker: bool,
}

/// A scenario for this host.
#[derive(Debug)]
pub enum Resolution {
    /// It can be run.
    Run(Box<Resolved>),
    /// It cannot, for this reason.
    NotRun(String),
}

impl Resolution {
    /// What to start, or the reason why it cannot be.
    pub fn settings(self) -> Result<Settings, String> {
        match self {
            Self::Run(resolved) => Ok(resolved.settings),
            Self::NotRun(reason) => Err(reason),
        }
    }
}

/// A scenario's settings for this host.
#[derive(Debug)]
pub struct Resolved {
    /// What to start.
    pub settings: Settings,
    /// Where this host gives something else than the scenario says.
    pub notes: Vec<String>,
}

pub(super) fn resolve(scenario: &Scenario, context: &Context<'_>) -> Result<Resolution, ScenarioError> {
    let written = &scenario.file.service;
    let at = |key: &'static str| move |why: String| ScenarioError::Value { path: scenario.path(), key, why };
    let opt = security_opt::parse(&written.security_opt).map_err(at("security_opt"))?;
    let opts_out = service::opts_out_of_remapping(written, at)?;
    let defaults = context.defaults;
    let mut notes = defaults.notes.clone();

    // Everything that can be wrong with the file is looked at before anything that this host may lack.
    let daemon = Meant::of(scenario)?;
    let capabilities = service::capabilities(written, defaults, at)?;
    let identity = service::identity(written, at)?;
    let mut settings = Settings {
        seccomp: filter(scenario, &opt, &daemon, capabilities, context)?,
        capabilities,
        user_namespace: None,
        no_new_privileges: opt.no_new_privileges.unwrap_or(daemon.no_new_privileges),
        namespaces: service::namespaces(written, defaults, at)?,
        read_only_root: written.read_only,
        read_only_kernel_mounts: !written.privileged,
        binds: service::binds(&written.volumes, at)?,
        earlier: service::binds(&scenario.file.earlier.volumes, at)?,
        tmpfs: service::tmpfs(written, at)?,
        masked_paths: Vec::new(),
        read_only_paths: Vec::new(),
        devices: service::devices(written, defaults, at)?,
        limits: service::limits(written, defaults, at)?,
        sysctls: BTreeMap::new(),
        selinux: None,
        apparmor: None,
        daemon: None,
        identity,
    };
    if daemon.host_cgroups && written.cgroup.is_none() {
        settings.namespaces.cgroup = false;
    }
    if !opt.system_paths_unconfined && !written.privileged {
        settings.masked_paths.clone_from(&defaults.masked_paths);
        settings.read_only_paths.clone_from(&defaults.read_only_paths);
    }
    let remap = daemon.remap.as_deref().filter(|_| !opts_out);
    let wanted_sysctls = service::sysctls(written, at)?;

    if let Some(reason) = unmet(scenario, &daemon, context) {
        return Ok(Resolution::NotRun(reason));
    }
    let found = if daemon.remap.is_some() { Found::read() } else { Found::default() };
    if context.docker && !scenario.file.daemon.is_empty() {
        let (own, note) = daemon::settings(&scenario.file.daemon, &daemon, &found);
        notes.extend(note);
        notes.extend(not_relaxed(&daemon));
        settings.daemon = Some(Arc::new(own));
    }
    match user_namespace(remap, &found, &settings, context, &mut notes) {
        Ok(namespace) => settings.user_namespace = namespace,
        Err(reason) => return Ok(Resolution::NotRun(reason)),
    }
    settings.sysctls = defaults.sysctls(&settings);
    settings.sysctls.extend(wanted_sysctls);
    settings.drop_host_sysctls();
    match profile(&opt, written, context) {
        Ok(profile) => settings.apparmor = profile,
        Err(reason) => return Ok(Resolution::NotRun(reason)),
    }
    let wanted = labels::Wanted { opt: &opt.label, service: written, daemon: daemon.labels };
    if let Err(reason) = labels::labels(&wanted, &mut settings, context, &mut notes) {
        return Ok(Resolution::NotRun(reason));
    }
    fit(&mut settings, context, &mut notes);
    if defaults.added_are_effective && settings.identity.uid != 0 && !written.cap_add.is_empty() {
        notes.push("Podman would also make what cap_add names effective for a user other than root; here it is in the bounding set only, as with Docker".to_owned());
    }
    Ok(Resolution::Run(Box::new(Resolved { settings, notes })))
}

fn filter(
    scenario: &Scenario,
    opt: &SecurityOpt,
    daemon: &Meant,
    capabilities: CapabilitySet,
    context: &Context<'_>,
) -> Result<Option<Arc<Policy>>, ScenarioError> {
    let situation =
        seccomp::Situation { capabilities, kernel: seccomp::kernel_version(&context.host.kernel) };
    let policy =
        match opt.seccomp.as_deref().or(daemon.seccomp_profile.as_deref()) {
            Some("unconfined") => return Ok(None),
            _ if opt.seccomp.is_none() && scenario.file.service.privileged => return Ok(None),
            None | Some("builtin") => context.defaults.filter.resolve(&situation).map_err(|why| {
                ScenarioError::Value { path: scenario.path(), key: "the engine's default filter", why }
            })?,
            Some(path) => {
                let text = scenario.origin.read(path)?;
                let shown = scenario.origin.display(path);
                seccomp::docker_json::parse(&shown, &text, &situation).map_err(|why| {
                    ScenarioError::Value { path: shown.clone(), key: "seccomp profile", why }
                })?
            }
        };
    Ok(Some(Arc::new(policy)))
}

/// Why this host cannot run the scenario at all.
fn unmet(scenario: &Scenario, daemon: &Meant, context: &Context<'_>) -> Option<String> {
    let missing = missing_facility(scenario, context);
    let for_dockerd = daemon.unknown.first().filter(|_| !context.docker);
    missing.or_else(|| {
        for_dockerd
            .map(|key| format!("daemon: {key}: there is no Docker daemon to give it to; use --engine docker"))
    })
}

/// What a daemon is told that no trial takes back.
fn not_relaxed(daemon: &Meant) -> Option<String> {
    (!daemon.unknown.is_empty()).then(|| {
        format!("the daemon's {}: in force in every trial, and relaxed in none", daemon.unknown.join(", "))
    })
}

fn missing_facility(scenario: &Scenario, context: &Context<'_>) -> Option<String> {
    let missing = |need: &Facility| need.missing(context.host, context.reach, context.docker);
    scenario.file.needs.iter().find_map(missing)
}

fn user_namespace(
    remap: Option<&str>,
    found: &Found,
    settings: &Settings,
    context: &Context<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<UserNamespace>, String> {
    if !context.reach.privileged {
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
    let range = host::subordinate_ids(&found.subuid, user);
    let (first, size) = (USUAL_RANGE.first, USUAL_RANGE.size);
    if context.docker {
        // What this host lacks was said already, and what the container gets is looked at when it is there.
    } else if range.is_none() {
        notes.push(format!("/etc/subuid has no line for '{user}', so the usual {first}:{size} is used; Docker would refuse to start"));
    } else {
        notes.push(format!("the ids are those of '{user}' in /etc/subuid"));
    }
    Ok(Some(UserNamespace::Remap(range.unwrap_or(USUAL_RANGE))))
}

/// The `AppArmor` profile: the one that is named, or else the engine's own; privileged containers have none of that.
fn profile(opt: &SecurityOpt, service: &Service, context: &Context<'_>) -> Result<Option<String>, String> {
    match opt.apparmor.as_deref() {
        Some("unconfined") => Ok(None),
        None if service.privileged || !context.reach.apparmor => Ok(None),
        None => Ok(context.defaults.apparmor.clone()),
        Some(_) if !context.reach.apparmor => {
            Err("security_opt: apparmor= needs AppArmor, and this kernel runs without it".to_owned())
        }
        // Docker loads its own.
        Some(apparmor::DOCKER_DEFAULT) if context.docker => Ok(Some(apparmor::DOCKER_DEFAULT.to_owned())),
        Some(profile) if apparmor::is_loaded(profile) == Some(false) => Err(format!(
            "security_opt: apparmor={profile}: this kernel has no such profile; load it with apparmor_parser --replace FILE (the lab machines' provisioning loads this project's own)"
        )),
        Some(profile) => Ok(Some(profile.to_owned())),
    }
}

/// Takes away what this host cannot give, with a note for each.
fn fit(settings: &mut Settings, context: &Context<'_>, notes: &mut Vec<String>) {
    let reach = context.reach;
    let missing = settings.capabilities.without(reach.bounding_set);
    if !missing.is_empty() {
        let who = if context.docker { "this host, or its Docker daemon," } else { "this host itself" };
        notes.push(format!("{who} lacks {missing}, so the container does too"));
        settings.capabilities = settings.capabilities.and(reach.bounding_set);
    }
    limits(settings, reach, notes);
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

/// Without `CAP_SYS_RESOURCE` nobody raises a hard limit beyond its own.
fn limits(settings: &mut Settings, reach: &Reach, notes: &mut Vec<String>) {
    if reach.privileged && reach.bounding_set.has(Capability::SYS_RESOURCE) {
        return;
    }
    for limit in &mut settings.limits.ulimits {
        let mut own = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the kernel fills in the struct, which lives as long as the call.
        let known = unsafe { libc::getrlimit(limit.resource, &raw mut own) } == 0;
        if known && limit.hard > own.rlim_max {
            limit.hard = own.rlim_max;
            limit.soft = limit.soft.min(limit.hard);
            notes.push(format!("ulimits: {}: this run may not go beyond {}", limit.name, limit.hard));
        }
    }
}
