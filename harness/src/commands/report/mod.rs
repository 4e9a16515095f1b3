//! `whyblocked report`: a book of one or more records: hosts, engines or dates side by side, or a whole fleet, and what is
//! said against what was seen.

mod fleet;
mod sources;

use std::path::PathBuf;

use self::sources::{Source, sources};
use super::{Exit, Failure, Format, json, print, say};
use crate::claims;
use crate::documented::Documented;
use crate::fleet::{MOST_SIDE_BY_SIDE, Unreadable};
use crate::record::{self, Record, RecordError};
use crate::report::several::Findings;
use crate::report::{self, book, conformance, documented, side_by_side, terminal};
use crate::side_by_side::{SideBySide, named};

/// Options of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The records, or folders of records (every *.json in them): of other hosts, other engines or other days. Each is
    /// called after its file; the first is what the others are held against. More than eight are a fleet: then its
    /// largest group of hosts is
    #[arg(value_name = "RECORD|FOLDER", required = true)]
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
    let sources = sources(&args.records)?;
    if sources.len() > MOST_SIDE_BY_SIDE {
        return fleet::run(&sources, args);
    }
    let mut paths = Vec::new();
    let mut records = Vec::new();
    let mut unreadable = Vec::new();
    for source in &sources {
        if let Some(record) = usable(source, record::read(&source.path), &mut unreadable)? {
            paths.push(source.path.as_path());
            records.push(record);
        }
    }
    refuse_nothing(records.is_empty(), &unreadable)?;
    let records = named(paths.into_iter().zip(&records));
    book::write_readable(&records, &unreadable, &args.book)?;
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
    // Somebody's own configuration says nothing about the manual.
    if all.iter().any(|record| record.tried.is_none()) {
        let names: Vec<&str> = records.iter().map(|named| named.name.as_str()).collect();
        let manual = terminal::plain(&documented::counts(&Documented::of(&all), &names));
        parts.push(terminal::wrapped(&format!("{manual}: documented.html has them"), width, 2));
    }
    print(&parts.join("\n"))?;
    Ok(Exit::Expected)
}

/// What was read, if it is one. A file that was named and cannot be read ends the report; one that was only found in a folder
/// is said on standard error, and in the book, and the others are used.
fn usable<T>(
    source: &Source,
    read: Result<T, RecordError>,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Option<T>, Failure> {
    match read {
        Ok(record) => Ok(Some(record)),
        Err(error) if source.in_folder => {
            say(format_args!("left out: {}", terminal::plain(&error.to_string())));
            let file = source.path.display().to_string();
            let why = error.to_string();
            let why = why.strip_prefix(&format!("{file}: ")).unwrap_or(&why).to_owned();
            unreadable.push(Unreadable { file, why });
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// A report of nothing is none.
fn refuse_nothing(nothing: bool, unreadable: &[Unreadable]) -> Result<(), Failure> {
    match unreadable.first() {
        Some(first) if nothing => Err(Failure::usage(format!(
            "no record could be read: of {} files in the folders none is one; the first is {}: {}",
            unreadable.len(),
            first.file,
            first.why
        ))),
        _ => Ok(()),
    }
}
