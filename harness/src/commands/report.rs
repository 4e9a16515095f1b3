//! `whyblocked report`: a book of one or more records: hosts, engines or dates side by side, and what is said against what
//! was seen.

use std::path::PathBuf;

use super::{Exit, Failure, Format, json, print};
use crate::claims;
use crate::record::{self, Record};
use crate::report::several::Findings;
use crate::report::{self, book, conformance, side_by_side, terminal};
use crate::side_by_side::{SideBySide, named};

/// Options of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The records: of other hosts, other engines or other days. Each is called after its file; the first is what the
    /// others are held against
    #[arg(value_name = "RECORD", required = true)]
    records: Vec<PathBuf>,
    /// Where to write the book; open DIR/index.html
    #[arg(long, value_name = "DIR")]
    book: PathBuf,
    /// How what was found is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    book::check_place(&args.book)?;
    let records: Vec<Record> =
        args.records.iter().map(|path| record::read(path)).collect::<Result<_, _>>()?;
    let records = named(args.records.iter().map(PathBuf::as_path).zip(&records));
    book::write_all(&records, &args.book)?;
    let all: Vec<&Record> = records.iter().map(|named| named.record).collect();
    let judged = claims::judge(&claims::all(), &all);
    let found = SideBySide::of(&records);
    if args.format == Format::Json {
        print(&json(&Findings::of(&found, &judged))?)?;
        return Ok(Exit::Expected);
    }
    let width = terminal::width();
    let mut parts = Vec::new();
    if records.len() > 1 {
        parts.push(side_by_side::text(&found, width));
    }
    let comparisons = book::comparisons(&records);
    parts.extend(comparisons.iter().map(|comparison| conformance::text(comparison, width)));
    parts.push(report::claims::text(&judged, width));
    print(&parts.join("\n"))?;
    Ok(Exit::Expected)
}
