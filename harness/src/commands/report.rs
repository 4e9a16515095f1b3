//! `whyblocked report`: a book of a record, and how far the records of other engines agree with it.

use std::path::PathBuf;

use super::{Exit, Failure, print};
use crate::conformance::{Comparison, other_engine};
use crate::record::{self, Record};
use crate::report::{book, conformance, terminal};

/// Options of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The record; with further ones of other engines, those are held against it, cell by cell
    #[arg(value_name = "RECORD", required = true)]
    records: Vec<PathBuf>,
    /// Where to write the book, which is the first record's; open DIR/index.html
    #[arg(long, value_name = "DIR")]
    book: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    book::check_place(&args.book)?;
    let records: Vec<Record> =
        args.records.iter().map(|path| record::read(path)).collect::<Result<_, _>>()?;
    let (first, others) = records.split_first().expect("clap asks for one at least");
    let mut comparisons = Vec::new();
    let mut left_out = String::new();
    for (path, other) in args.records[1..].iter().zip(others) {
        if other_engine(first, other) {
            comparisons.push(Comparison::of(first, other));
        } else {
            let path = path.display().to_string();
            left_out.push_str(&conformance::same_engine(other, &path, terminal::width()));
        }
    }
    book::write_beside(first, &comparisons, &args.book)?;
    let texts = comparisons.iter().map(|comparison| conformance::text(comparison, terminal::width()));
    print(&(texts.collect::<Vec<_>>().join("\n") + &left_out))?;
    Ok(Exit::Expected)
}
