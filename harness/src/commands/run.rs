//! `whyblocked run`: every chosen scenario against every chosen probe.

use std::path::PathBuf;

use super::selection::Selection;
use super::session::{self, Purpose};
use super::{Exit, Failure, Format, json, print};
use crate::record;
use crate::report::{book, terminal};

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Write the record, as JSON
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write a book; open DIR/index.html
    #[arg(long, value_name = "DIR")]
    book: Option<PathBuf>,
    /// How the result is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(dir) = &args.book {
        book::check_place(dir)?;
    }
    let record = session::record(&args.selection, Purpose::Survey)?;
    if let Some(path) = &args.record {
        record::write(&record, path)?;
    }
    if let Some(dir) = &args.book {
        book::write(&record, dir)?;
    }
    let text = match args.format {
        Format::Text => terminal::table(&record, terminal::width()),
        Format::Json => json(&record)?,
    };
    print(&text)?;
    session::exit(&record)
}
