//! Which scenarios and probes a command is about.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use whyblocked_agent::{Probe, catalogue};

use super::Failure;
use crate::host::{Host, Reach};
use crate::record::LeftOut;
use crate::scenario::{self, Scenario, most_like, nearest};
use crate::seccomp::DefaultProfile;
use crate::survey::{self, EngineChoice};
use crate::tryout;
use crate::vm::Machine;

/// Options that choose.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Scenarios: ids, globs, or paths of YAML files; all if not given
    #[arg(long = "scenario", value_name = "GLOB|FILE")]
    pub(super) scenarios: Vec<String>,
    /// A service of your own Compose file, beside the scenarios that are named
    #[arg(long, value_name = "FILE")]
    pub(super) compose: Option<PathBuf>,
    /// Which service of it, if it has several
    #[arg(long, value_name = "NAME", requires = "compose")]
    pub(super) service: Option<String>,
    /// Probes: ids or globs; all if not given
    #[arg(long = "probe", value_name = "GLOB")]
    pub(super) probes: Vec<String>,
    /// What starts the containers
    #[arg(long, value_enum, default_value_t)]
    pub(super) engine: EngineChoice,
    /// Where they are started: here, or in a lab machine: vagrant, or vagrant:MACHINE
    #[arg(long = "in", default_value_t, value_name = "PLACE")]
    pub(super) place: Place,
    /// Whose default system-call filter a container gets [default: 26; with --engine docker or podman the engine's own]
    #[arg(long, value_enum)]
    pub(super) seccomp_default: Option<DefaultProfile>,
    /// Add to this host what userns-remap needs of it: a user, and lines in /etc/subuid and /etc/subgid
    #[arg(long)]
    pub(super) prepare_host: bool,
}

/// Where containers are started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// On this machine.
    #[default]
    Here,
    /// In a machine of the laboratory.
    Vagrant(Machine),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || {
            let machines = Machine::ALL.map(|machine| match machine.remark() {
                "" => format!("vagrant:{}", machine.name()),
                remark => format!("vagrant:{} ({remark})", machine.name()),
            });
            format!("known are here, vagrant (which is vagrant:selinux), {}", machines.join(", "))
        };
        match text.split_once(':') {
            None if text == "here" => Ok(Self::Here),
            None if text == "vagrant" => Ok(Self::Vagrant(Machine::Selinux)),
            Some(("vagrant", name)) => Machine::named(name).map(Self::Vagrant).ok_or_else(known),
            _ => Err(known()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here => f.write_str("here"),
            Self::Vagrant(machine) => write!(f, "vagrant:{}", machine.name()),
        }
    }
}

impl Selection {
    /// The scenarios, in the order of the reports.
    pub(super) fn scenarios(&self) -> Result<Vec<Scenario>, Failure> {
        let Some(path) = &self.compose else { return Ok(scenario::select(&self.scenarios)?) };
        let mut chosen =
            if self.scenarios.is_empty() { Vec::new() } else { scenario::select(&self.scenarios)? };
        let own = tryout::service(path, self.service.as_deref(), &Reach::of(&Host::read()))?;
        if chosen.iter().any(|scenario| scenario.id == own.id) {
            return Err(Failure::usage(format!("a scenario and the service are both called '{}'", own.id)));
        }
        chosen.push(own);
        Ok(chosen)
    }

    /// The probes that are named, in the order of the reports, wherever they can be run.
    pub(super) fn probes(&self) -> Result<Vec<&'static Probe>, Failure> {
        probes(&self.probes)
    }

    /// Those of them that can be run here, and those that cannot, with the reason.
    pub(super) fn probes_here(&self, reach: &Reach) -> Result<(Vec<&'static Probe>, Vec<LeftOut>), Failure> {
        let (here, left_out) = survey::runnable(self.probes()?, reach);
        if here.is_empty() && !left_out.is_empty() {
            let ids: Vec<&str> = left_out.iter().map(|left_out| left_out.probe.as_str()).collect();
            return Err(Failure::nothing_run(format!(
                "{}: {}; use --in vagrant, see `whyblocked vm --help`",
                ids.join(", "),
                survey::ELSEWHERE
            )));
        }
        Ok((here, left_out))
    }
}

/// The probes that `patterns` name; none means all.
fn probes(patterns: &[String]) -> Result<Vec<&'static Probe>, Failure> {
    if patterns.is_empty() {
        return Ok(catalogue::all().collect());
    }
    let mut wanted: Vec<&'static str> = Vec::new();
    for pattern in patterns {
        let glob = scenario::glob(pattern)
            .map_err(|why| Failure::usage(format!("the pattern '{pattern}' is malformed: {why}")))?;
        let found: Vec<&str> =
            catalogue::all().map(|probe| probe.id).filter(|id| glob.is_match(id)).collect();
        if found.is_empty() {
            let near = most_like(pattern, catalogue::all().map(|probe| probe.id));
            let hint = nearest(near.as_deref());
            return Err(Failure::usage(format!(
                "no probe matches '{pattern}'{hint}; `whyblocked list probes` shows them all"
            )));
        }
        wanted.extend(found);
    }
    Ok(catalogue::all().filter(|probe| wanted.contains(&probe.id)).collect())
}
