//! The book: one or more records as a website of an mdBook, made with mdBook's own library. It reads the records and the
//! catalogue, nothing else, and what a record says is text for it, never markup.
//!
//! Layout of the directory: the pages are at its root, so that `DIR/index.html` is the summary itself and opens
//! without a server. Their Markdown is in `DIR/src`, and `DIR/book.toml` builds it again into `DIR/book`:
//! mdBook empties the directory that it builds into, so that it cannot be the root, where the sources are.
//! Searching is left to the browser, and printing too: the index would be larger than the pages, and one page of
//! all pages would be as large as the rest of the book.

mod answer;
mod beside;
mod conformance;
pub mod course;
pub(super) mod date;
mod diff;
mod documented;
mod fleet;
mod grid;
mod history;
mod host;
pub(super) mod markdown;
mod matrix;
mod mechanisms;
mod notes;
mod overview;
mod place;
mod probes;
pub mod reference;
mod scenarios;
mod summary;
mod verdicts;
mod volume;
pub(super) mod yaml;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use thiserror::Error;

use self::place::Stage;
use self::volume::Volume;
use crate::conformance::{Comparison, other_engine};
use crate::fleet::history::series;
use crate::fleet::{Fleet, Reduced, Unreadable};
use crate::record::Record;
use crate::side_by_side::{Named, SideBySide};

/// A book that cannot be written.
#[derive(Debug, Error)]
pub enum BookError {
    /// The directory holds something else.
    #[error("{path} holds something else than a book of ours; name another directory, or remove it")]
    NotOurs {
        /// Which directory.
        path: String,
    },
    /// A file or directory cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was to be done with it.
        action: &'static str,
        /// Which file or directory.
        path: String,
        /// Why it cannot be done.
        source: std::io::Error,
    },
    /// mdBook refuses the pages.
    #[error("mdBook cannot build the book: {why}")]
    Mdbook {
        /// What it says.
        why: String,
    },
}

/// A page's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it is, relative to the directory of the sources: `probes/time-settimeofday.md`.
    pub path: String,
    /// Markdown.
    pub text: String,
}

impl Page {
    fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text }
    }
}

/// How the report is built; also what `mdbook build DIR` reads.
const BOOK_TOML: &str = r#"# Made by whyblocked. `mdbook build` with this writes the pages again, below book/.
[book]
title = "whyblocked: who said no"
description = "What containers may do, and which mechanism stops what they may not"
language = "en"

[build]
create-missing = false
# The pages quote what containers say: nothing in them is an instruction.
use-default-preprocessors = false

[output.html]
additional-css = ["style.css"]
hash-files = false
input-404 = ""
no-section-label = true
smart-punctuation = false

[output.html.fold]
enable = true

[output.html.print]
enable = false
"#;

const STYLE: &str = include_str!("style.css");

/// The chapter of the project's own book that says how to read a verdict; the report has it too.
const READING: &str = include_str!("../../../../book/src/reading.md");

/// Whether a book may be written to `dir`: it must be new, empty, or a book of ours.
pub fn check_place(dir: &Path) -> Result<(), BookError> {
    place::check(dir)
}

/// Writes a record's book.
pub fn write(record: &Record, dir: &Path) -> Result<(), BookError> {
    write_all(&[Named::alone(record)], dir)
}

/// Writes a book of one or more records, each with its own pages.
pub fn write_all(records: &[Named<'_>], dir: &Path) -> Result<(), BookError> {
    write_readable(records, &[], dir)
}

/// The same, where there were files besides them that could not be read: the first page says so.
pub fn write_readable(records: &[Named<'_>], unreadable: &[Unreadable], dir: &Path) -> Result<(), BookError> {
    let mut pages = pages(records);
    let warning = fleet::unreadable(unreadable);
    if let Some(first) = pages.iter_mut().find(|page| page.path == "index.md") {
        // After the heading.
        let at = first.text.find("\n\n").map_or(first.text.len(), |at| at + 2);
        first.text.insert_str(at, &warning);
    }
    write_pages(&pages, dir)
}

/// Writes a book of very many records, which is told by groups of hosts.
pub fn write_fleet(fleet: &Fleet, dir: &Path) -> Result<(), BookError> {
    write_pages(&fleet::pages(fleet), dir)
}

/// Builds a book beside `dir` and then moves it there, so that nobody sees half of it.
fn write_pages(pages: &[Page], dir: &Path) -> Result<(), BookError> {
    check_place(dir)?;
    let stage = Stage::beside(dir)?;
    let root = stage.path();
    write_file(&root.join("book.toml"), BOOK_TOML)?;
    write_file(&root.join("style.css"), STYLE)?;
    for page in pages {
        write_file(&root.join("src").join(&page.path), &page.text)?;
    }
    build(root)?;
    stage.settle(dir)
}

/// The sources of the report's pages, `SUMMARY.md` first. A record that is alone has the root for itself; of several,
/// each has a folder below `records`, and the root is for what they have in common.
fn pages(records: &[Named<'_>]) -> Vec<Page> {
    let volumes = volume::shelve(records);
    let mut pages = vec![Page::new("SUMMARY.md", String::new()), Page::new("reading.md", READING.to_owned())];
    let mut contents = Contents::default();
    match &volumes[..] {
        [only] => {
            for (title, path) in [
                ("Summary", "index.md"),
                ("Matrix", "matrix.md"),
                ("How to read this book", "reading.md"),
                ("The host", "host.md"),
            ] {
                contents.front(title, path);
            }
            if has_notes(records) {
                contents.front(notes::TITLE, "notes.md");
                contents.front(documented::TITLE, documented::PAGE);
            }
            pages.extend(only.pages("Who said no?"));
            only.chapters(&mut contents);
        }
        several => {
            contents.front("The records", "index.md");
            contents.front(notes::TITLE, "notes.md");
            contents.front(documented::TITLE, documented::PAGE);
            let side_by_side = SideBySide::of(records);
            let comparisons = comparisons(records);
            if !comparisons.is_empty() {
                contents.front("Conformance", "conformance.md");
                pages.push(Page::new("conformance.md", conformance::page(&comparisons, &several[0])));
            }
            contents.front("How to read this book", "reading.md");
            let diffs = diff::pages(several, &side_by_side, &mut contents);
            let beside = beside::pages(several, &side_by_side, &mut contents);
            let history = history(records, several, &mut contents);
            let index = overview::page(several, &side_by_side, &comparisons, !history.is_empty());
            pages.push(Page::new("index.md", index));
            pages.extend(diffs);
            pages.extend(beside);
            pages.extend(history);
            for volume in several {
                pages.extend(volume.pages(&markdown::escape(&volume.named.name)));
                contents.part(&volume.named.name);
                volume.chapters(&mut contents);
            }
        }
    }
    if has_notes(records) {
        pages.push(Page::new("notes.md", notes::page(&volumes)));
        pages.push(Page::new(documented::PAGE, documented::page(&volumes)));
    }
    pages[0].text = contents.text();
    pages
}

/// What became of a host, if some of these are records of the same one.
fn history(records: &[Named<'_>], volumes: &[Volume<'_>], contents: &mut Contents) -> Vec<Page> {
    let reduced = records.iter().map(|named| (named.name.clone(), Reduced::of(named.record)));
    let fleet = Fleet::with_names(reduced, Vec::new());
    history::pages(&fleet, &series(&fleet), &volume::Shelved(volumes), contents)
}

/// Whether the claims are held against these records: somebody's own configuration says nothing about them.
fn has_notes(records: &[Named<'_>]) -> bool {
    records.len() > 1 || records.iter().any(|named| named.record.tried.is_none())
}

/// The records of other engines, each held against the first.
pub fn comparisons<'a>(records: &[Named<'a>]) -> Vec<Comparison<'a>> {
    let Some((first, others)) = records.split_first() else { return Vec::new() };
    let others = others.iter().filter(|other| other_engine(first.record, other.record));
    others.map(|other| Comparison::of(first.record, other.record)).collect()
}

/// The table of contents, as it grows.
#[derive(Debug, Default)]
struct Contents {
    front: String,
    chapters: String,
}

impl Contents {
    /// A page before all chapters.
    fn front(&mut self, title: &str, path: &str) {
        let _ = writeln!(self.front, "[{}]({path})", markdown::escape(title));
    }

    /// A heading for the chapters that follow.
    fn part(&mut self, title: &str) {
        let _ = writeln!(self.chapters, "\n# {}\n", markdown::escape(title));
    }

    /// A chapter, so deep; `title` is text.
    fn chapter(&mut self, depth: usize, title: &str, path: &str) {
        let _ = writeln!(self.chapters, "{:1$}- [{2}]({path})", "", depth * 2, markdown::escape(title));
    }

    fn text(&self) -> String {
        format!("# Summary\n\n{}\n{}", self.front, self.chapters)
    }
}

/// Lets mdBook make `root`'s `book` from its `src`.
fn build(root: &Path) -> Result<(), BookError> {
    let refused = |error: mdbook_driver::errors::Error| BookError::Mdbook { why: format!("{error:#}") };
    // Not `MDBook::load`: that would obey MDBOOK_… variables.
    let config: Config = BOOK_TOML.parse().map_err(refused)?;
    MDBook::load_with_config(root, config).map_err(refused)?.build().map_err(refused)
}

fn write_file(path: &Path, text: &str) -> Result<(), BookError> {
    let failed = |source| BookError::Io { action: "write", path: path.display().to_string(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}
