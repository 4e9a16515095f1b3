//! Where scenarios come from: the ones that are built in, and files that the user names.

use std::path::{Path, PathBuf};

use globset::GlobBuilder;

use super::{Scenario, ScenarioError, most_like};
use crate::input;

/// `(id, text)` of every file in `scenarios/`, and `(path, text)` of the files they refer to; the build script
/// makes this list from the directory.
mod built_in {
    include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));
}

/// Longer scenario files and filter profiles are none: Docker's default profile has 30 KiB.
const LONGEST: u64 = 1 << 20;

/// Where a scenario was written, and so what its relative paths mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The repository's `scenarios/`, as it was when the program was built.
    BuiltIn,
    /// A directory.
    Directory(PathBuf),
    /// Neither: a running container, whose filter came with its settings. Names of texts, and the texts.
    Handed(Vec<(String, String)>),
}

impl Origin {
    /// The text of a file that a scenario refers to.
    pub fn read(&self, path: &str) -> Result<String, ScenarioError> {
        let missing = |source| ScenarioError::Unreadable { path: self.display(path), source };
        match self {
            Self::BuiltIn => {
                let plain = path.trim_start_matches("./");
                built_in::FILES
                    .iter()
                    .find(|(name, _)| *name == plain)
                    .map(|(_, text)| (*text).to_owned())
                    .ok_or_else(|| missing(std::io::ErrorKind::NotFound.into()))
            }
            Self::Directory(dir) => input::read_text(&dir.join(path), LONGEST).map_err(missing),
            Self::Handed(texts) => texts
                .iter()
                .find(|(name, _)| name == path)
                .map(|(_, text)| text.clone())
                .ok_or_else(|| missing(std::io::ErrorKind::NotFound.into())),
        }
    }

    /// How to name a file of this origin in messages.
    pub fn display(&self, path: &str) -> String {
        match self {
            Self::BuiltIn => format!("scenarios/{}", path.trim_start_matches("./")),
            Self::Directory(dir) => dir.join(path).display().to_string(),
            Self::Handed(_) => path.to_owned(),
        }
    }
}

/// The ids of the built-in scenarios, in the order of the reports.
pub fn builtin_ids() -> impl Iterator<Item = &'static str> {
    built_in::SCENARIOS.iter().map(|(id, _)| *id)
}

/// The scenarios that `patterns` name: globs over the built-in ids, or paths of files. None means all.
pub fn select(patterns: &[String]) -> Result<Vec<Scenario>, ScenarioError> {
    let mut chosen: Vec<Scenario> = Vec::new();
    let all = ["*".to_owned()];
    for pattern in if patterns.is_empty() { &all[..] } else { patterns } {
        let found = if is_path(pattern) { vec![from_path(Path::new(pattern))?] } else { from_glob(pattern)? };
        for scenario in found {
            if !chosen.iter().any(|known| known.id == scenario.id) {
                chosen.push(scenario);
            }
        }
    }
    Ok(chosen)
}

fn is_path(pattern: &str) -> bool {
    pattern.contains('/') || Path::new(pattern).extension().is_some_and(|e| e == "yaml" || e == "yml")
}

fn from_path(path: &Path) -> Result<Scenario, ScenarioError> {
    let unreadable = |source| ScenarioError::Unreadable { path: path.display().to_string(), source };
    let text = input::read_text(path, LONGEST).map_err(unreadable)?;
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Scenario::parse(&id, &text, Origin::Directory(dir.to_path_buf()))
}

fn from_glob(pattern: &str) -> Result<Vec<Scenario>, ScenarioError> {
    let glob = glob(pattern).map_err(|why| ScenarioError::Pattern { pattern: pattern.to_owned(), why })?;
    let found: Result<Vec<_>, _> = built_in::SCENARIOS
        .iter()
        .filter(|(id, _)| glob.is_match(id))
        .map(|(id, text)| Scenario::parse(id, text, Origin::BuiltIn))
        .collect();
    match found {
        Ok(none) if none.is_empty() => Err(ScenarioError::Unknown {
            pattern: pattern.to_owned(),
            near: most_like(pattern, builtin_ids()),
        }),
        found => found,
    }
}

/// A matcher for ids.
pub fn glob(pattern: &str) -> Result<globset::GlobMatcher, String> {
    GlobBuilder::new(pattern)
        .literal_separator(false)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}
