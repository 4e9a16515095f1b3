//! `whyblocked explain`: one verdict, mechanism by mechanism.

use std::path::PathBuf;

use super::selection::{EngineChoice, Place, Selection};
use super::{Exit, Failure, Format, json, print, session};
use crate::record;
use crate::report::explain;
use crate::seccomp::DefaultProfile;

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
    /// Whose default system-call filter the built-in engine gives a container
    #[arg(long, value_enum, default_value_t)]
    seccomp_default: DefaultProfile,
    /// How the explanation is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let record = match &args.record {
        Some(path) => record::read(path)?,
        None => session::record(
            &Selection {
                scenarios: vec![args.scenario.clone()],
                probes: vec![args.probe.clone()],
                engine: EngineChoice::default(),
                place: Place::default(),
                seccomp_default: args.seccomp_default,
            },
            false,
        )?,
    };
    let text = match args.format {
        Format::Json => json(&record.cells)?,
        Format::Text => explain::text(&record, &args.scenario, &args.probe),
    };
    print(&text)?;
    Ok(session::exit(&record))
}
