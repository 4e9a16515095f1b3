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
use crate::tryout::{self, ThisHost};
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

/// What starts the containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum EngineChoice {
    /// The best there is; so far that is `embedded`
    #[default]
    Auto,
    /// Built in, needs nothing
    Embedded,
    /// A Docker daemon on this machine: that of `DOCKER_HOST`, or of the current Docker context
    Docker,
    /// Podman on this machine, as root or as yourself: a service of the run's own, or that of `CONTAINER_HOST`
    Podman,
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
        let reach = Reach::of(&Host::read());
        let look = ThisHost { selinux: reach.selinux, apparmor: reach.apparmor };
        let written = tryout::compose::read(path, self.service.as_deref(), &look)?;
        let own = tryout::adapt(written, &look)?.scenario()?;
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
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            self.probes()?.into_iter().partition(|probe| probe.may_run(reach.disposable));
        if here.is_empty() && !elsewhere.is_empty() {
            let ids: Vec<&str> = elsewhere.iter().map(|probe| probe.id).collect();
            return Err(Failure::nothing_run(format!(
                "{}: {ELSEWHERE}; use --in vagrant, see `whyblocked vm --help`",
                ids.join(", ")
            )));
        }
        let left_out = elsewhere
            .into_iter()
            .map(|probe| LeftOut { probe: probe.id.to_owned(), reason: ELSEWHERE.to_owned() });
        Ok((here, left_out.collect()))
    }
}

/// Why a probe that changes its host is not run.
const ELSEWHERE: &str = "runs in the disposable machine only, because it changes its host";

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
