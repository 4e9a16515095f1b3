//! What records are called where several stand side by side: by their files, so that whoever wrote the command knows
//! them again; two of the same name are kept apart.

use std::collections::HashMap;
use std::path::Path;

use crate::record::Record;

/// A record and what it is called.
#[derive(Clone, Debug)]
pub struct Named<'a> {
    /// A short name that no other record of the book has.
    pub name: String,
    /// The record.
    pub record: &'a Record,
}

impl<'a> Named<'a> {
    /// A record that is alone: called after where it was made.
    pub fn alone(record: &'a Record) -> Self {
        Self { name: record.engine.place.clone(), record }
    }
}

/// Names records after their files, without the ending: `selinux.json` is `selinux`. Where two files are called alike,
/// the directory is said too; where that does not help, a number.
pub fn named<'a>(records: impl IntoIterator<Item = (&'a Path, &'a Record)>) -> Vec<Named<'a>> {
    let records: Vec<(&Path, &Record)> = records.into_iter().collect();
    let mut stems: HashMap<String, usize> = HashMap::new();
    for (path, _) in &records {
        *stems.entry(stem(path)).or_default() += 1;
    }
    let mut names: Vec<Named<'a>> = Vec::new();
    for (path, record) in records {
        let mut name = stem(path);
        if stems[&name] > 1
            && let Some(directory) = path.parent().and_then(Path::file_name)
        {
            name = format!("{}/{name}", directory.to_string_lossy());
        }
        let taken = |name: &str| names.iter().any(|other| other.name == name);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name));
        names.push(Named { name: free.unwrap_or(name), record });
    }
    names
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    if stem.trim().is_empty() { "record".to_owned() } else { stem.into_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::after_the_file(&["here.json", "/tmp/selinux.json"], &["here", "selinux"])]
    #[case::with_the_directory(&["monday/r.json", "tuesday/r.json"], &["monday/r", "tuesday/r"])]
    #[case::with_a_number(&["r.json", "r.json", "r"], &["r", "r (2)", "r (3)"])]
    #[case::one_that_looks_like_a_number(&["r (2).json", "r.json", "r.json"], &["r (2)", "r", "r (3)"])]
    #[case::no_name(&["/", " .json"], &["/", "record"])]
    fn no_two_are_called_alike(#[case] paths: &[&str], #[case] names: &[&str]) {
        let record = crate::testing::record();
        let named = named(paths.iter().map(|path| (Path::new(path), &record)));
        assert_eq!(named.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), names);
    }
}
