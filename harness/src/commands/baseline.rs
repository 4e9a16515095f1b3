//! `whyblocked baseline`: what is agreed on, in a file.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::selection::Selection;
use super::session::{self, Purpose};
use super::{Exit, Failure, print};
use crate::baseline::{self, Baseline, BaselineError};
use crate::record::{self, Record};
use crate::report;

/// Options of `baseline`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a new baseline, of a run or of a record
    Write {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        from: From,
    },
    /// Take what is now as agreed on: one kind of host's part is replaced, waivers and the other kinds stay
    Update {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        from: From,
    },
    /// Say what a baseline holds
    Show {
        /// The file
        file: PathBuf,
    },
}

/// Where the verdicts come from.
#[derive(Debug, clap::Args)]
struct From {
    /// What this kind of host is called [default: here; in `update` the one that fits]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Take this record instead of running the experiment now
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

impl From {
    fn record(&self) -> Result<Record, Failure> {
        match &self.record {
            Some(path) => Ok(record::read(path)?),
            None => session::record(&self.selection, Purpose::Survey),
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.action {
        Action::Write { file, from } => write(file, from),
        Action::Update { file, from } => update(file, from),
        Action::Show { file } => {
            print(&report::baseline::summary(&baseline::read(file)?)).map(|()| Exit::Expected)
        }
    }
}

fn write(file: &Path, from: &From) -> Result<Exit, Failure> {
    if file.exists() {
        return Err(Failure::usage(format!(
            "{} is there already; `whyblocked baseline update` takes what is now into it",
            file.display()
        )));
    }
    taken(Baseline::new(), file, from.host.as_deref().unwrap_or("here"), &from.record()?)
}

fn update(file: &Path, from: &From) -> Result<Exit, Failure> {
    let baseline = baseline::read(file)?;
    let record = from.record()?;
    let host = match &from.host {
        Some(name) => name.clone(),
        None => baseline.host_of(&record, None)?.to_owned(),
    };
    taken(baseline, file, &host, &record)
}

/// Takes a record, and says what the file holds then. A run without verdicts is nothing to agree on.
fn taken(mut baseline: Baseline, file: &Path, host: &str, record: &Record) -> Result<Exit, Failure> {
    if record.cells.is_empty() {
        return Err(Failure::nothing_run("no verdict came of the run; the baseline is as it was"));
    }
    if let Some(why) = &record.cut_short {
        return Err(Failure::failed(format!("the run was cut short ({why}); the baseline is as it was")));
    }
    baseline.take(host, record);
    baseline::write(&baseline, file)?;
    print(&report::baseline::summary(&baseline)).map(|()| Exit::Expected)
}

impl std::convert::From<BaselineError> for Failure {
    fn from(error: BaselineError) -> Self {
        match error {
            BaselineError::Unwritable { .. } => Self::failed(error),
            _ => Self::usage(error),
        }
    }
}
