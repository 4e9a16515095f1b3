//! `whyblocked check`: a run, or a record, against what was agreed on.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::selection::Selection;
use super::session::{self, Purpose};
use super::{Exit, Failure, Format, json, print};
use crate::baseline::{self, Class, Scope};
use crate::output;
use crate::record;
use crate::report::check::{Check, Summary};
use crate::report::{self, terminal};

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What was agreed on
    #[arg(long, value_name = "FILE", default_value = "baseline.toml")]
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
    /// Write the result as TAP, version 14, too
    #[arg(long, value_name = "FILE")]
    tap: Option<PathBuf>,
    /// Add a summary in GitHub's Markdown to this file: that of a job, or of a comment
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// How the result is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
    let compared = baseline::compare(&baseline, &record, args.host.as_deref(), scope, baseline::today())?;
    let check = Check { compared: &compared, baseline: &baseline, failing: &args.fail_on };
    if let Some(path) = &args.junit {
        write(path, &report::check::junit(&check).map_err(Failure::failed)?)?;
    }
    if let Some(path) = &args.sarif {
        write(path, &json(&report::check::sarif(&check, &place, &text))?)?;
    }
    if let Some(path) = &args.tap {
        write(path, &report::check::tap(&check))?;
    }
    if let Some(path) = &args.markdown {
        append(path, &report::check::markdown(&check))?;
    }
    print(&match args.format {
        Format::Text => report::baseline::text(&check, terminal::width()),
        Format::Json => json(&Summary::of(&check))?,
    })?;
    let differs = check.failures() > 0 || compared.expired().next().is_some();
    if let Some(why) = record.cut_short.as_ref().filter(|_| !differs) {
        let of = compared.compared.len();
        return Err(Failure::failed(format!(
            "the run was cut short ({why}): what it has is as agreed ({of} compared), and nothing is known of the rest"
        )));
    }
    Ok(if differs {
        Exit::Differs
    } else if compared.compared.is_empty() {
        Exit::NothingRun
    } else {
        Exit::Expected
    })
}

/// Several steps of a job write to one summary.
fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    output::write(path, text.as_bytes())
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}
