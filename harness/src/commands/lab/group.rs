//! `lab report`: a page of a group's files of progress.

use std::path::{Path, PathBuf};

use crate::commands::{Exit, Failure, print};
use crate::lab;
use crate::lab::progress::Progress;
use crate::output;
use crate::report::lab as report;

pub(super) fn report(files: &[PathBuf], page: &Path) -> Result<Exit, Failure> {
    let mut group = Vec::new();
    for path in files {
        let progress = Progress::read(path)?;
        let name = progress.name.clone().unwrap_or_else(|| of_the_path(path));
        group.push((name, progress));
    }
    let text = report::page(&lab::all()?, &group);
    output::write(page, text.as_bytes())
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", page.display())))?;
    print(&format!("{} has how far everybody is ({})\n", page.display(), group.len()))
        .map(|()| Exit::Expected)
}

/// What to call somebody who gave no name: the file's own, or, if all are called alike, the folder's.
fn of_the_path(path: &Path) -> String {
    let named = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let own = named(path).unwrap_or_default();
    if own != "progress" {
        return own;
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folders = path.ancestors().skip(1).filter_map(named);
    folders.into_iter().find(|name| name != lab::folder::NAME).unwrap_or(own)
}
