//! Where a book may be written, and how it gets there: built beside its place, then moved. Never removes what
//! this program has not put there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::BookError;

/// In a book of ours: the names of the entries that belong to it, one a line.
const MARKER: &str = ".whyblocked-book";

/// What `mdbook build` adds to a book of ours.
const REBUILT: &str = "book";

/// Whether a book may be written to `dir`.
pub(super) fn check(dir: &Path) -> Result<(), BookError> {
    let not_ours = || BookError::NotOurs { path: dir.display().to_string() };
    match fs::metadata(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look at", dir)(error)),
        Ok(found) if !found.is_dir() => Err(not_ours()),
        Ok(_) if is_ours(dir)? => Ok(()),
        Ok(_) => Err(not_ours()),
    }
}

/// Whether nothing is in `dir`, or nothing but a book.
fn is_ours(dir: &Path) -> Result<bool, BookError> {
    let marker = fs::read_to_string(dir.join(MARKER)).unwrap_or_default();
    let listed: BTreeSet<&str> = marker.lines().chain([MARKER, REBUILT]).collect();
    let found = names(dir)?;
    Ok(found.is_empty() || found.contains(MARKER) && found.iter().all(|name| listed.contains(name.as_str())))
}

fn names(dir: &Path) -> Result<BTreeSet<String>, BookError> {
    let entries = fs::read_dir(dir).map_err(failed("list", dir))?;
    entries
        .map(|entry| Ok(entry.map_err(failed("list", dir))?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// A directory beside a book's place, in which the book is built; gone when this is dropped.
#[derive(Debug)]
pub(super) struct Stage {
    directory: tempfile::TempDir,
}

impl Stage {
    /// A new one beside `dir`, so that moving it there is one step.
    pub(super) fn beside(dir: &Path) -> Result<Self, BookError> {
        let target = target(dir)?;
        let parent = target.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(failed("make", parent))?;
        let directory = tempfile::Builder::new()
            .prefix(".whyblocked-book-")
            .tempdir_in(parent)
            .map_err(failed("make a directory in", parent))?;
        Ok(Self { directory })
    }

    /// Where to put `book.toml` and `src`; mdBook makes the pages in `book`.
    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Moves the finished book to `dir`; what was there is an earlier book, and goes.
    pub(super) fn settle(self, dir: &Path) -> Result<(), BookError> {
        let book = self.path().join("book");
        for source in ["book.toml", "src"] {
            rename(&self.path().join(source), &book.join(source))?;
        }
        let listed: Vec<String> = names(&book)?.into_iter().collect();
        super::write_file(&book.join(MARKER), &(listed.join("\n") + "\n"))?;
        let target = target(dir)?;
        let old = self.path().join("old");
        if target.exists() {
            rename(&target, &old)?;
        }
        let moved = rename(&book, &target);
        if moved.is_err() && old.exists() {
            rename(&old, &target)?;
        }
        moved
    }
}

/// The directory itself, where `dir` is a link to it.
fn target(dir: &Path) -> Result<PathBuf, BookError> {
    if dir.exists() { fs::canonicalize(dir) } else { std::path::absolute(dir) }.map_err(failed("find", dir))
}

fn rename(from: &Path, to: &Path) -> Result<(), BookError> {
    fs::rename(from, to).map_err(failed("move the book to", to))
}

fn failed(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> BookError {
    move |source| BookError::Io { action, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(dir: &Path, page: &str) -> Stage {
        let stage = Stage::beside(dir).unwrap();
        for (name, text) in [("book.toml", ""), ("src/a.md", "a"), ("book/index.html", page)] {
            super::super::write_file(&stage.path().join(name), text).unwrap();
        }
        stage
    }

    #[test]
    fn a_new_and_an_empty_directory_will_do() {
        let place = tempfile::tempdir().unwrap();
        assert!(check(place.path()).is_ok());
        assert!(check(&place.path().join("new/out")).is_ok());
    }

    #[test]
    fn somebody_elses_directory_and_a_file_will_not() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("letter.txt"), "dear").unwrap();
        assert!(matches!(check(place.path()), Err(BookError::NotOurs { .. })));
        assert!(matches!(check(&place.path().join("letter.txt")), Err(BookError::NotOurs { .. })));
    }

    #[test]
    fn an_earlier_book_is_replaced_and_nothing_else_is_left_beside_it() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("deep/out");
        staged(&out, "one").settle(&out).unwrap();
        check(&out).unwrap();
        staged(&out, "two").settle(&out).unwrap();
        assert_eq!(fs::read_to_string(out.join("index.html")).unwrap(), "two");
        assert_eq!(names(out.parent().unwrap()).unwrap().len(), 1);
    }

    #[test]
    fn a_book_to_which_somebody_added_a_file_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        staged(&out, "one").settle(&out).unwrap();
        fs::write(out.join("notes.txt"), "mine").unwrap();
        assert!(matches!(check(&out), Err(BookError::NotOurs { .. })));
    }

    #[test]
    fn a_link_to_a_directory_stays_a_link() {
        let place = tempfile::tempdir().unwrap();
        let (real, link) = (place.path().join("real"), place.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        staged(&link, "one").settle(&link).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(real.join("index.html")).unwrap(), "one");
    }
}
