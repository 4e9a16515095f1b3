//! `whyblocked explain`: one verdict, mechanism by mechanism.

use std::path::PathBuf;

use whyblocked_agent::catalogue;

use super::selection::{Place, Selection};
use super::session::{self, Purpose};
use super::{Exit, Failure, Format, json, print};
use crate::record;
use crate::report::explain;
use crate::scenario::{most_like, nearest};
use crate::seccomp::DefaultProfile;
use crate::survey::EngineChoice;

/// Options of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The scenario: an id, or the path of a YAML file
    scenario: String,
    /// The probe's id
    probe: String,
    /// Explain from this record instead of running the experiment now
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// What starts the containers
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Whose default system-call filter a container gets [default: 26; with --engine docker or podman the engine's own]
    #[arg(long, value_enum)]
    seccomp_default: Option<DefaultProfile>,
    /// How the explanation is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if catalogue::find(&args.probe).is_none() {
        let near = most_like(&args.probe, catalogue::all().map(|probe| probe.id));
        let hint = nearest(near.as_deref());
        return Err(Failure::usage(format!("there is no probe '{}'{hint}", args.probe)));
    }
    let record = match &args.record {
        Some(path) => record::read(path)?,
        None => session::record(&args.selection(), Purpose::Explanation)?,
    };
    // A file's scenario is called by the file's name.
    let scenario = args.record.is_none().then(|| record.scenarios.first()).flatten();
    let scenario = scenario.map_or(args.scenario.as_str(), |entry| entry.id.as_str());
    let Some(explained) = explain::text(&record, scenario, &args.probe) else {
        return Err(Failure::usage(format!("the record has no verdict for {scenario} / {}", args.probe)));
    };
    let text = match args.format {
        Format::Json => json(&record.cell(scenario, &args.probe))?,
        Format::Text => explained,
    };
    print(&text)?;
    session::exit(&record)
}

impl Args {
    fn selection(&self) -> Selection {
        Selection {
            scenarios: vec![self.scenario.clone()],
            compose: None,
            service: None,
            probes: vec![self.probe.clone()],
            engine: self.engine,
            place: Place::default(),
            seccomp_default: self.seccomp_default,
            prepare_host: false,
        }
    }
}
