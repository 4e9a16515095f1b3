//! What `:z` and `:Z` do to the host's files under SELinux, as Docker does it (`Relabel` in opencontainers/selinux,
//! `go-selinux/label/label_linux.go`), and the way back: what is not the run's own gets the label that it had.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::EngineError;
use super::lab::Places;
use crate::selinux;
use crate::settings::{Bind, BindSource, Relabel, Settings};

/// Two containers that relabel the same files of the host would take turns with their labels.
static HOSTS_FILES: Mutex<()> = Mutex::new(());

/// Files whose labels are given back when the value goes.
#[derive(Debug, Default)]
pub(super) struct Relabelled {
    before: Vec<(PathBuf, String)>,
    _alone: Option<MutexGuard<'static, ()>>,
}

impl Relabelled {
    /// Labels what the settings say, the earlier container's first, where the kernel has SELinux (`active`); also for a
    /// container without a label, or its trials would find something else than the scenario does.
    pub(super) fn for_container(
        settings: &Settings,
        places: Option<&Places>,
        active: bool,
    ) -> Result<Option<Self>, EngineError> {
        if !active {
            return Ok(None);
        }
        let own = settings.selinux.as_deref().and_then(selinux::level).unwrap_or(selinux::LEVEL);
        let mut relabelled = Self::before(settings, places)?;
        let earlier = settings.earlier.iter().map(|bind| (bind, selinux::ANOTHER_LEVEL));
        for (bind, private) in earlier.chain(settings.binds.iter().map(|bind| (bind, own))) {
            let (Some(level), Some(path)) = (level(bind.relabel, private), source(bind, places)) else {
                continue;
            };
            let label = selinux::of_files(level);
            each(&path, &mut |file| selinux::label_file(file, &label)).map_err(failed("labelling", &path))?;
            relabelled.get_or_insert_default();
        }
        Ok(relabelled)
    }

    /// Remembers the labels of what somebody else is about to label.
    pub(super) fn before(settings: &Settings, places: Option<&Places>) -> Result<Option<Self>, EngineError> {
        let all = settings.earlier.iter().chain(&settings.binds);
        let hosts: Vec<&Bind> = all
            .filter(|bind| bind.relabel != Relabel::No && matches!(bind.source, BindSource::Host(_)))
            .collect();
        if hosts.is_empty() {
            return Ok(None);
        }
        let alone = HOSTS_FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = Vec::new();
        for path in hosts.into_iter().filter_map(|bind| source(bind, places)) {
            each(&path, &mut |file| {
                before.extend(selinux::of_file(file)?.map(|label| (file.to_owned(), label)));
                Ok(())
            })
            .map_err(failed("reading the labels of", &path))?;
        }
        Ok(Some(Self { before, _alone: Some(alone) }))
    }
}

impl Drop for Relabelled {
    fn drop(&mut self) {
        for (path, label) in &self.before {
            // What is gone needs none.
            let _ = selinux::label_file(path, label);
        }
    }
}

/// The level of the files' new label; `private` is the container's own.
fn level(relabel: Relabel, private: &str) -> Option<&str> {
    match relabel {
        Relabel::No => None,
        Relabel::Shared => Some(selinux::SHARED_LEVEL),
        Relabel::Private => Some(private),
    }
}

fn source(bind: &Bind, places: Option<&Places>) -> Option<PathBuf> {
    match &bind.source {
        BindSource::Host(path) => Some(path.clone()),
        BindSource::Lab(below) => places.map(|places| places.of(below)),
    }
}

/// Does something to everything below a path, links themselves included, and to the path last.
fn each(path: &Path, act: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        for entry in path.read_dir()? {
            each(&entry?.path(), act)?;
        }
    }
    act(path)
}

fn failed<'a>(doing: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> EngineError + 'a {
    move |source| EngineError::Outside { doing: format!("{doing} {} for :z or :Z", path.display()), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_label_has_the_containers_categories_and_a_shared_one_none() {
        assert_eq!(level(Relabel::Private, "s0:c1,c2"), Some("s0:c1,c2"));
        assert_eq!(level(Relabel::Shared, "s0:c1,c2"), Some("s0"));
        assert_eq!(level(Relabel::No, "s0:c1,c2"), None);
    }

    #[test]
    fn everything_below_is_reached_and_the_path_itself_last() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("a/b"), "").unwrap();
        std::os::unix::fs::symlink("/", dir.path().join("link")).unwrap();
        let mut seen = Vec::new();
        each(dir.path(), &mut |path| {
            seen.push(path.strip_prefix(dir.path()).unwrap().display().to_string());
            Ok(())
        })
        .unwrap();
        assert_eq!(seen.pop().as_deref(), Some(""));
        seen.sort();
        assert_eq!(seen, ["a", "a/b", "link"]);
    }
}
