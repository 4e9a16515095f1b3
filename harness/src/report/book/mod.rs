//! The book: a record as a website of an mdBook, made with mdBook's own library. It reads the record and the
//! catalogue, nothing else, and what the record says is text for it, never markup.
//!
//! Layout of the directory: the pages are at its root, so that `DIR/index.html` is the summary itself and opens
//! without a server. Their Markdown is in `DIR/src`, and `DIR/book.toml` builds it again into `DIR/book`:
//! mdBook empties the directory that it builds into, so that it cannot be the root, where the sources are.
//! Searching is left to the browser, and printing too: the index would be larger than the pages, and one page of
//! all pages would be as large as the rest of the book.

mod conformance;
mod date;
mod grid;
mod host;
mod markdown;
mod matrix;
mod mechanisms;
mod place;
mod probes;
pub mod reference;
mod scenarios;
mod summary;
mod verdicts;
pub(super) mod yaml;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use thiserror::Error;

use self::grid::Grid;
use self::place::Stage;
use crate::conformance::Comparison;
use crate::record::Record;

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
    write_beside(record, &[], dir)
}

/// Writes a record's book, with a page for what other records say of the same. It is built beside `dir` and then moved
/// there, so that nobody sees half of it.
pub fn write_beside(record: &Record, comparisons: &[Comparison<'_>], dir: &Path) -> Result<(), BookError> {
    check_place(dir)?;
    let stage = Stage::beside(dir)?;
    let root = stage.path();
    write_file(&root.join("book.toml"), BOOK_TOML)?;
    write_file(&root.join("style.css"), STYLE)?;
    for page in pages(record, comparisons) {
        write_file(&root.join("src").join(&page.path), &page.text)?;
    }
    build(root)?;
    stage.settle(dir)
}

/// The sources of the report's pages, `SUMMARY.md` first.
fn pages(record: &Record, comparisons: &[Comparison<'_>]) -> Vec<Page> {
    let grid = Grid::new(record);
    let mut pages = vec![
        Page::new("SUMMARY.md", contents(&grid, comparisons)),
        Page::new("index.md", summary::page(&grid, comparisons)),
        Page::new("matrix.md", matrix::page(&grid)),
        Page::new("reading.md", READING.to_owned()),
        Page::new("host.md", host::page(record)),
    ];
    if !comparisons.is_empty() {
        pages.push(Page::new("conformance.md", conformance::page(comparisons, &grid)));
    }
    pages.extend(scenarios::pages(&grid));
    pages.extend(probes::pages(&grid));
    pages.extend(mechanisms::pages(&grid));
    pages
}

/// The table of contents.
fn contents(grid: &Grid<'_>, comparisons: &[Comparison<'_>]) -> String {
    let mut text = String::from(
        "# Summary\n\n[Summary](index.md)\n[Matrix](matrix.md)\n[How to read this book](reading.md)\n[The host](host.md)\n",
    );
    if !comparisons.is_empty() {
        text.push_str("[Conformance](conformance.md)\n");
    }
    text.push('\n');
    let mut part = |title: &str, folder: &str, chapters: Vec<(String, String)>| {
        let _ = writeln!(text, "- [{title}]({folder}.md)");
        for (name, slug) in chapters {
            let _ = writeln!(text, "  - [{}]({folder}/{slug}.md)", markdown::escape(&name));
        }
    };
    part(
        "Scenarios",
        "scenarios",
        grid.scenarios.iter().map(|s| (s.entry.id.clone(), s.slug.clone())).collect(),
    );
    part("Probes", "probes", grid.probes.iter().map(|p| (p.entry.id.clone(), p.slug.clone())).collect());
    let mechanisms = crate::mechanism::ALL.iter().map(|entry| (entry.title.to_owned(), entry.id.id()));
    part("Mechanisms", "mechanisms", mechanisms.collect());
    text
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
