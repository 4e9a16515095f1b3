//! `whyblocked report`: a book of a record.

use std::path::PathBuf;

use super::{Exit, Failure};
use crate::record;
use crate::report::book;

/// Options of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The record
    #[arg(value_name = "RECORD")]
    record: PathBuf,
    /// Where to write the book; open DIR/index.html
    #[arg(long, value_name = "DIR")]
    book: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    book::check_place(&args.book)?;
    book::write(&record::read(&args.record)?, &args.book)?;
    Ok(Exit::Expected)
}
