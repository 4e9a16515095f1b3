//! `whyblocked check`: a run, or a record, against what was agreed on.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use super::selection::Selection;
use super::session::{self, Purpose};
use super::{Exit, Failure, Format, json, print};
use crate::baseline::{self, Class, Difference, Scope};
use crate::output;
use crate::record;
use crate::report::{self, terminal};

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What was agreed on
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    /// Which kind of host of the baseline [default: the one that fits]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Check this record instead of running the experiment now
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Which differences fail
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CLASS", default_value = "weaker")]
    fail_on: Vec<Class>,
    /// Write the result as JUnit XML too: a test for each verdict
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the differences as SARIF 2.1.0 too
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// How the result is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The result, for programs.
#[derive(Serialize)]
struct Outcome<'a> {
    host: &'a str,
    compared: usize,
    failing: usize,
    expired_waivers: Vec<&'a str>,
    differences: &'a [Difference],
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    // What is wrong with the baseline is said before anything is run.
    let place = args.baseline.display().to_string();
    let text = baseline::read_text(&args.baseline)?;
    let baseline = baseline::parse(&place, &text)?;
    let record = match &args.record {
        Some(path) => record::read(path)?,
        None => session::record(&args.selection, Purpose::Survey)?,
    };
    let chosen = !(args.selection.scenarios.is_empty() && args.selection.probes.is_empty());
    let scope = if chosen { Scope::Part } else { Scope::Whole };
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let compared = baseline::compare(&baseline, &record, args.host.as_deref(), scope, today)?;
    let failing = compared.failing(&args.fail_on).count();
    let expired: Vec<&str> = compared.expired().collect();
    if let Some(path) = &args.junit {
        write(path, &report::junit::text(&compared, &baseline, &args.fail_on).map_err(Failure::failed)?)?;
    }
    if let Some(path) = &args.sarif {
        write(path, &json(&report::sarif::log(&compared, &baseline, &args.fail_on, &place, &text))?)?;
    }
    print(&match args.format {
        Format::Text => report::baseline::text(&compared, &baseline, &args.fail_on, terminal::width()),
        Format::Json => json(&Outcome {
            host: compared.host,
            compared: compared.compared.len(),
            failing,
            expired_waivers: expired.clone(),
            differences: &compared.differences,
        })?,
    })?;
    Ok(if failing > 0 || !expired.is_empty() {
        Exit::Differs
    } else if compared.compared.is_empty() {
        Exit::NothingRun
    } else {
        Exit::Expected
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    output::write(path, text.as_bytes())
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}
