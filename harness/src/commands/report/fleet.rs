//! A report of very many records: each is reduced as it is read, so that all of them fit in memory.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::sources::Source;
use super::{Args, refuse_nothing, usable};
use crate::commands::{Exit, Failure, Format, json, print, say};
use crate::fleet::{Fleet, load};
use crate::report::fleet::{Findings, text};
use crate::report::{book, terminal};

pub(super) fn run(sources: &[Source], args: &Args) -> Result<Exit, Failure> {
    let paths: Vec<_> = sources.iter().map(|source| source.path.clone()).collect();
    let reading = Reading::new(paths.len());
    let read = load(&paths, &|| reading.one_more());
    reading.done();
    let mut unreadable = Vec::new();
    let mut records = Vec::new();
    for (source, read) in sources.iter().zip(read) {
        if let Some(reduced) = usable(source, read, &mut unreadable)? {
            records.push((source.path.clone(), reduced));
        }
    }
    refuse_nothing(records.is_empty(), &unreadable)?;
    let fleet = Fleet::of(records, unreadable);
    book::write_fleet(&fleet, &args.book)?;
    if args.format == Format::Json {
        print(&json(&Findings::of(&fleet))?)?;
    } else {
        print(&text(&fleet, terminal::width()))?;
    }
    Ok(Exit::Expected)
}

/// Says how far the reading is, if it takes longer than a moment.
#[derive(Debug)]
struct Reading {
    all: usize,
    read: AtomicUsize,
    said: Mutex<Instant>,
    bar: Option<ProgressBar>,
}

/// What is over sooner needs no progress; and so long between two lines.
const MOMENT: Duration = Duration::from_secs(1);

impl Reading {
    fn new(all: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(all as u64);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} records read ({elapsed})") {
                bar.set_style(style);
            }
            bar
        });
        Self { all, read: AtomicUsize::new(0), said: Mutex::new(Instant::now()), bar }
    }

    fn one_more(&self) {
        let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
        // Whoever holds it says it already.
        let Ok(mut said) = self.said.try_lock() else { return };
        if said.elapsed() < MOMENT {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_position(read as u64);
        } else {
            *said = Instant::now();
            say(format_args!("{read} of {} records read", self.all));
        }
    }

    fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
