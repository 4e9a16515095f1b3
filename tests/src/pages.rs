//! The pages of a book that was built, and where their links lead.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use crate::html::{self, Tag};

/// Every relative link of every page: its file is there, and its anchor is in that file.
///
/// # Panics
///
/// If one leads nowhere, or if there is none.
pub fn assert_links_lead_somewhere(root: &Path) {
    let pages: BTreeMap<String, Vec<Tag>> =
        pages(root).into_iter().map(|(path, page)| (path, html::tags(&page))).collect();
    let anchors: BTreeMap<&String, HashSet<&str>> = pages
        .iter()
        .map(|(path, tags)| (path, tags.iter().filter_map(|tag| tag.attribute("id")).collect()))
        .collect();
    let mut broken = BTreeSet::new();
    let mut links = 0;
    for (page, tags) in &pages {
        let targets = tags.iter().flat_map(|tag| ["href", "src"].map(|name| tag.attribute(name))).flatten();
        for target in targets.filter(|target| !target.contains(':')) {
            links += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { page.clone() } else { resolve(page, path) };
            let found = match anchors.get(&path) {
                Some(anchors) => anchor.is_empty() || anchors.contains(anchor),
                None => anchor.is_empty() && root.join(&path).is_file(),
            };
            if !found {
                broken.insert(format!("{page} -> {target}"));
            }
        }
    }
    assert!(links > 0, "no page has a link");
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A link on a page, relative to the root.
fn resolve(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The pages below a directory, by their paths relative to it; not the repository's book in it.
pub fn pages(root: &Path) -> Vec<(String, String)> {
    let is_page = |path: &str| {
        Path::new(path).extension().is_some_and(|extension| extension == "html") && !path.starts_with("book/")
    };
    files(root).into_iter().filter(|(path, _)| is_page(path)).collect()
}

/// The text files below a directory, by their paths relative to it.
///
/// # Panics
///
/// If one of its directories cannot be read.
pub fn files(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.insert(path.strip_prefix(root).unwrap().display().to_string(), text);
            }
        }
    }
    found
}
