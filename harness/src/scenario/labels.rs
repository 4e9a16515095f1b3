//! Which SELinux label a container's process gets, and what `:z` and `:Z` on its volumes come to.
//!
//! Docker's rules are those of moby's `daemon/create.go` (`generateSecurityOpt`) and `daemon/container.go`
//! (`GetProcessLabel`) at v26.1.5.

use super::file::Service;
use super::resolve::Context;
use super::security_opt::LabelOpt;
use crate::selinux;
use crate::settings::{Bind, BindSource, Relabel, Settings};

/// Directories that neither Docker nor this program relabels, with all that is in them: a host whose own files have
/// containers' labels does not boot any more (`chcon` in opencontainers/selinux, `go-selinux/selinux_linux.go`).
pub(crate) const NEVER_RELABELLED: [&str; 25] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/passwd",
    "/etc/pki",
    "/etc/shadow",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
];

/// What was written about labels.
pub(super) struct Wanted<'a> {
    /// `security_opt: label=`.
    pub(super) opt: &'a LabelOpt,
    /// The service.
    pub(super) service: &'a Service,
    /// What the scenario's daemon does with containers that do not say; `None` if it has no daemon of its own.
    pub(super) daemon: Option<bool>,
}

/// Gives the settings their label, or says why this host cannot.
pub(super) fn labels(
    wanted: &Wanted<'_>,
    settings: &mut Settings,
    context: &Context<'_>,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let asked = wanted.opt.asks_for_a_label();
    let disabled = wanted.opt.disable || wanted.service.privileged;
    if !context.reach.selinux {
        if asked && !disabled {
            return Err("security_opt: label= needs SELinux, and this kernel runs without it".to_owned());
        }
        if relabels(settings) {
            notes
                .push(":z and :Z on volumes do nothing, because this kernel runs without SELinux".to_owned());
        }
        return Ok(());
    }
    if !wanted.daemon.unwrap_or(context.defaults.labels) {
        let without = if wanted.daemon.is_some() {
            "the daemon's selinux-enabled is off"
        } else {
            "this engine gives no labels here"
        };
        if asked && !disabled {
            notes.push(format!("security_opt: label= does nothing: {without}"));
        }
        if relabels(settings) {
            notes.push(format!(":z and :Z on volumes do nothing: {without}"));
            for bind in settings.binds.iter_mut().chain(&mut settings.earlier) {
                bind.relabel = Relabel::No;
            }
        }
        return Ok(());
    }
    let shares = settings.namespaces.pid && settings.namespaces.ipc;
    if !disabled && (asked || shares) {
        settings.selinux = Some(label(wanted.opt, context)?);
    }
    relabelling(settings, context)
}

fn label(opt: &LabelOpt, context: &Context<'_>) -> Result<String, String> {
    let own = if context.docker {
        selinux::DOCKERS_USER_AND_ROLE.to_owned()
    } else {
        // A program may not give another user and role than its own.
        selinux::of_process(std::process::id() as i32)
            .map_err(|error| format!("this process's own SELinux label cannot be read: {error}"))?
    };
    let label =
        opt.label(&own).ok_or_else(|| format!("'{own}', this process's own SELinux label, has no role"))?;
    if selinux::known(&label) {
        Ok(label)
    } else {
        Err(format!("security_opt: label=: this host's SELinux policy does not know {label}"))
    }
}

fn relabels(settings: &Settings) -> bool {
    settings.binds.iter().chain(&settings.earlier).any(|bind| bind.relabel != Relabel::No)
}

/// What must not be relabelled is for Docker to refuse, in its own words.
fn relabelling(settings: &Settings, context: &Context<'_>) -> Result<(), String> {
    if context.docker || !relabels(settings) {
        return Ok(());
    }
    if !context.reach.privileged {
        return Err("volumes: relabelling (:z, :Z) needs root".to_owned());
    }
    let mut all = settings.binds.iter().chain(&settings.earlier).filter(|bind| bind.relabel != Relabel::No);
    match all.find_map(|bind| never(bind, context.reach.disposable)) {
        Some(path) => {
            Err(format!("volumes: SELinux relabelling of {path} is not allowed: it is the host's own"))
        }
        None => Ok(()),
    }
}

fn never(bind: &Bind, disposable: bool) -> Option<String> {
    let path = match &bind.source {
        BindSource::Host(path) => path.clone(),
        BindSource::Lab(below) if disposable && !below.starts_with("shared") => {
            std::path::Path::new("/").join(below)
        }
        BindSource::Lab(_) => return None,
    };
    let path = path.display().to_string();
    NEVER_RELABELLED.contains(&path.as_str()).then_some(path)
}
