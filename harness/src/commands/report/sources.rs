//! Which files a report is of: those that were named, and those in the folders that were named. It reads none of them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;

/// A file that is to be a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Which.
    pub(super) path: PathBuf,
    /// Whether it was found in a folder, and not named itself.
    pub(super) in_folder: bool,
}

/// The files, in the order in which they were named; those of a folder by name.
pub(super) fn sources(named: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in named {
        if path.is_dir() {
            sources.extend(in_folder(path)?);
        } else {
            sources.push(Source { path: path.clone(), in_folder: false });
        }
    }
    Ok(sources)
}

/// Every `*.json` of a folder that is a file, and not in a folder below it. What is no file, a pipe for example, might never end.
fn in_folder(folder: &Path) -> Result<Vec<Source>, Failure> {
    let shown = folder.display();
    let failed = |error: std::io::Error| Failure::usage(format!("cannot read the folder {shown}: {error}"));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Failure::usage(format!(
            "{shown}: no record is in this folder: records are its files that end in .json, and folders below it are not \
             looked at; `whyblocked run --record FILE.json` writes one"
        )));
    }
    paths.sort();
    Ok(paths.into_iter().map(|path| Source { path, in_folder: true }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_folder_by_name_and_nothing_else_in_it() {
        let place = tempfile::tempdir().unwrap();
        for name in ["b.json", "a.json", "notes.txt", ".json"] {
            fs::write(place.path().join(name), "").unwrap();
        }
        fs::create_dir(place.path().join("c.json")).unwrap();
        nix::unistd::mkfifo(&place.path().join("d.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let named = ["other.json", ""].map(|name| place.path().join(name));
        let found = sources(&named).unwrap();
        let found: Vec<(String, bool)> = found
            .iter()
            .map(|one| (one.path.file_name().unwrap().to_string_lossy().into_owned(), one.in_folder))
            .collect();
        let expected = [("other.json", false), ("a.json", true), ("b.json", true)];
        assert_eq!(found, expected.map(|(name, in_folder)| (name.to_owned(), in_folder)));
    }

    #[test]
    fn a_folder_without_records_says_so() {
        let place = tempfile::tempdir().unwrap();
        let error = sources(&[place.path().to_owned()]).unwrap_err().message();
        assert!(error.contains("no record is in this folder"), "{error}");
    }
}
