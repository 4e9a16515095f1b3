//! `whyblocked run`: every chosen scenario against every chosen probe.

use std::path::PathBuf;

use super::selection::Selection;
use super::session::{self, Purpose, Receivers};
use super::{Exit, Failure, Format};
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
    let to = Receivers { file: args.record.as_deref(), book: args.book.as_deref(), format: args.format };
    session::hand_over(&record, &to, terminal::table)
}
