//! `whyblocked doctor`: what this machine can and cannot show, and what would help.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Exit, Failure, Format, clean, json, print};
use crate::capability::CapabilitySet;
use crate::engine::docker::Daemon;
use crate::engine::run_dir::PREFIX;
use crate::host::{Host, Reach, in_path};
use crate::witness::Witnesses;

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How the findings are written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    subject: &'static str,
    found: String,
    fine: bool,
    advice: String,
}

#[derive(Serialize)]
struct Findings<'a> {
    host: &'a Host,
    findings: Vec<Finding>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let host = Host::read();
    let findings = Findings { findings: look(&host, &Reach::of(&host)), host: &host };
    let text = match args.format {
        Format::Json => json(&findings)?,
        Format::Text => table(&findings),
    };
    print(&text).map(|()| Exit::Expected)
}

fn look(host: &Host, reach: &Reach) -> Vec<Finding> {
    let missing = CapabilitySet::ALL.without(host.bounding_set);
    let left = clean::count();
    let witnesses = Witnesses::set_up(&format!("{PREFIX}{}-doctor", std::process::id())).took_part();
    vec![
        finding(
            "privilege",
            &host.privilege,
            reach.privileged,
            "run as root to see past the user namespace that every container of an ordinary user has",
        ),
        finding(
            "ids",
            if reach.many_ids { "many in one container" } else { "one in a container" },
            reach.many_ids,
            "install uidmap (newuidmap) and give this user a line in /etc/subuid and /etc/subgid, or run as root",
        ),
        finding(
            "user namespaces",
            &user_namespaces(),
            user_namespaces() == "available",
            "raise the sysctl user.max_user_namespaces, or the distribution's switch for unprivileged ones",
        ),
        finding(
            "control groups",
            &host.cgroup,
            host.cgroup != "absent",
            "mount cgroup2 at /sys/fs/cgroup; without it device rules and limits are not applied",
        ),
        finding(
            "capabilities",
            &if missing.is_empty() { "all".to_owned() } else { format!("all but {missing}") },
            missing.is_empty(),
            "attempts that need a missing one cannot be tested here; run on a host that is not a container or sandbox itself",
        ),
        finding(
            "Podman",
            if in_path("podman") { "installed" } else { "not installed" },
            in_path("podman"),
            "only --engine podman needs it: install the package podman, and uidmap to use it without root",
        ),
        finding(
            "modules",
            &host.modules,
            host.modules == "loadable",
            "module attempts cannot be tested on this kernel",
        ),
        finding(
            "SELinux",
            &host.selinux,
            host.selinux == "enforcing",
            "scenarios that need it are reported as not run here",
        ),
        finding(
            "AppArmor",
            &host.apparmor,
            host.apparmor == "active",
            "scenarios that need it are reported as not run here",
        ),
        finding(
            "lockdown",
            &host.lockdown,
            matches!(host.lockdown.as_str(), "none" | "absent"),
            "some attempts are refused to the host's root as well",
        ),
        finding(
            "kernel trace",
            &witnesses.trace,
            witnesses.trace != "none",
            "run as root in the initial pid namespace; without it verdicts have fewer witnesses, or none",
        ),
        finding(
            "audit records",
            if witnesses.audit { "readable" } else { "not readable" },
            witnesses.audit,
            "run as root; without it the kernel's own notes on refusals are not read",
        ),
        docker(reach),
        finding("left behind", &format!("{left} things of killed runs"), left == 0, "run: whyblocked clean"),
    ]
}

/// Whether `--engine docker` can be used, and how.
fn docker(reach: &Reach) -> Finding {
    let own = reach.privileged && in_path("dockerd");
    let (found, fine) = match Daemon::find() {
        Ok(Some(daemon)) => (format!("{} at {}", daemon.version(), daemon.address()), reach.privileged),
        Ok(None) if own => ("installed, not running; a run starts a daemon of its own".to_owned(), true),
        Ok(None) => ("not running".to_owned(), false),
        Err(error) => (error.to_string(), false),
    };
    finding("Docker", &found, fine, "for --engine docker: install it (Debian: docker.io), and run as root")
}

fn finding(subject: &'static str, found: &str, fine: bool, advice: &str) -> Finding {
    let advice = if fine { String::new() } else { advice.to_owned() };
    Finding { subject, found: found.to_owned(), fine, advice }
}

fn user_namespaces() -> String {
    match crate::host::read_trimmed("/proc/sys/user/max_user_namespaces").parse::<u64>() {
        Ok(0) => "none allowed".to_owned(),
        Ok(_) if crate::host::read_trimmed("/proc/sys/kernel/unprivileged_userns_clone") == "0" => {
            "only for root".to_owned()
        }
        Ok(_) => "available".to_owned(),
        Err(_) => "not in this kernel".to_owned(),
    }
}

fn table(findings: &Findings<'_>) -> String {
    let host = findings.host;
    let mut text = format!("{} on {}, Linux {}\n", host.arch, host.system, host.kernel);
    if !host.lsm.is_empty() {
        let _ = writeln!(text, "security modules: {}", host.lsm.join(", "));
    }
    text.push('\n');
    for Finding { subject, found, fine, advice } in &findings.findings {
        let mark = if *fine { "ok" } else { "--" };
        let _ = writeln!(text, "{mark}  {subject:<16} {found}");
        if !advice.is_empty() {
            let _ = writeln!(text, "                     {advice}");
        }
    }
    text
}
