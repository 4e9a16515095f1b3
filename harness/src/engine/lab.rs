//! `${LAB}`: directories like a host's, made anew for each trial that mounts them, and looked at from outside
//! afterwards. In the disposable machine they are the host's own.

use std::fs::{self, DirEntry};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use whyblocked_agent::layout;

use super::run_dir::RunDir;
use super::{Canary, EngineError};
use crate::selinux;
use crate::settings::{BindSource, Settings};

/// Directories with their modes. `shared` is what an administrator made writable for everybody.
const DIRECTORIES: [(&str, u32); 4] = [("etc", 0o755), ("root", 0o700), ("var", 0o755), (SHARED, 0o1777)];

/// The directory that no host has by itself: a trial's own also in the disposable machine, since it may be relabelled.
const SHARED: &str = "shared";

/// Files with their modes and contents. They look like a host's and hold nothing.
const FILES: [(&str, u32, &str); 4] = [
    ("etc/hostname", 0o644, "laboratory\n"),
    ("etc/passwd", 0o644, "root:x:0:0:the laboratory's root:/root:/bin/sh\n"),
    ("etc/shadow", 0o600, "root:*:20000:0:99999:7:::\n"),
    ("root/notes", 0o600, "root's own\n"),
];

/// Where the laboratory's directories are on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// `${LAB}`: `etc`, `root` and `var` are there.
    root: PathBuf,
    /// `${LAB}/shared`.
    shared: PathBuf,
}

impl Places {
    /// All in one directory.
    pub(super) fn of_its_own(root: &Path) -> Self {
        Self { root: root.to_owned(), shared: root.join(SHARED) }
    }

    /// Those of the host itself, with a directory to be shared that is the trial's own.
    pub(super) fn of_the_host(own: &Path) -> Self {
        Self { root: PathBuf::from("/"), shared: own.to_owned() }
    }

    /// A path below `${LAB}`.
    pub(super) fn of(&self, below: &Path) -> PathBuf {
        match below.strip_prefix(SHARED) {
            Ok(rest) if rest.as_os_str().is_empty() => self.shared.clone(),
            Ok(rest) => self.shared.join(rest),
            // Without a last slash.
            Err(_) if below.as_os_str().is_empty() => self.root.clone(),
            Err(_) => self.root.join(below),
        }
    }
}

/// A trial's laboratory.
#[derive(Debug)]
pub(super) struct Lab {
    /// What was made, and goes.
    own: PathBuf,
    places: Places,
    /// What the names of the probes' files begin with.
    prefix: String,
}

impl Lab {
    /// Makes it if `settings` show it to the container.
    pub(super) fn create(
        dir: &RunDir,
        number: u64,
        settings: &Settings,
        disposable: bool,
    ) -> Result<Option<Self>, EngineError> {
        let bound = settings.binds.iter().any(|bind| matches!(bind.source, BindSource::Lab(_)));
        if !bound && settings.namespaces.mount {
            return Ok(None);
        }
        let own = dir.path().join("lab").join(number.to_string());
        let places = if disposable { Places::of_the_host(&own) } else { Places::of_its_own(&own) };
        let lab = Self { own, places, prefix: layout::canary(&dir.token(number), "") };
        lab.fill(disposable).map_err(|source| EngineError::Outside {
            doing: format!("making the laboratory directory {}", lab.own.display()),
            source,
        })?;
        Ok(Some(lab))
    }

    fn fill(&self, disposable: bool) -> std::io::Result<()> {
        if disposable {
            return make(&self.own, 0o1777, Path::new("/var"));
        }
        make(&self.own, 0o755, Path::new("/"))?;
        for (name, mode) in DIRECTORIES {
            let like = if name == SHARED { "var" } else { name };
            make(&self.own.join(name), mode, &Path::new("/").join(like))?;
        }
        for (name, mode, content) in FILES {
            let path = self.own.join(name);
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
            like(&path, &Path::new("/").join(name))?;
        }
        Ok(())
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// What the container's probes left, seen from outside.
    pub(super) fn canaries(&self) -> Vec<Canary> {
        let canary = |(directory, entry): (&str, DirEntry)| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let metadata = entry.metadata().ok()?;
            Some(Canary {
                probe: name.strip_prefix(&self.prefix)?.to_owned(),
                path: format!("{directory}/{name}"),
                uid: metadata.uid(),
                gid: metadata.gid(),
            })
        };
        self.left().into_iter().filter_map(canary).collect()
    }

    /// The probes' files, and the names of the directories that they are in.
    fn left(&self) -> Vec<(&'static str, DirEntry)> {
        let directories = DIRECTORIES.map(|(name, _)| (name, self.places.of(Path::new(name))));
        // The one that the host itself has.
        let whole = (SHARED, self.places.root.join(SHARED));
        let more = (!directories.contains(&whole)).then_some(whole);
        let all = directories.into_iter().chain(more);
        all.flat_map(|(name, path)| {
            fs::read_dir(path).into_iter().flatten().flatten().map(move |entry| (name, entry))
        })
        .filter(|(_, entry)| entry.file_name().to_string_lossy().starts_with(&self.prefix))
        .collect()
    }
}

/// A directory with the SELinux label of one that the host has.
fn make(path: &Path, mode: u32, model: &Path) -> std::io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    like(path, model)
}

/// Gives a file the SELinux label that one of the host's has, or the directory that it would be in.
fn like(path: &Path, model: &Path) -> std::io::Result<()> {
    if !selinux::is_active() {
        return Ok(());
    }
    let of_model = selinux::of_file(model).or_else(|_| selinux::of_file(model.parent().unwrap_or(model)))?;
    of_model.map_or(Ok(()), |label| selinux::label_file(path, &label))
}

impl Drop for Lab {
    fn drop(&mut self) {
        // In the disposable machine they are in the host's own directories.
        for (_, entry) in self.left() {
            let _ = fs::remove_file(entry.path());
        }
        // What cannot be removed now goes with the run's directory.
        let _ = fs::remove_dir_all(&self.own);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_agent_knows_every_directory() {
        assert_eq!(DIRECTORIES.map(|(name, _)| name), layout::LABORATORY);
    }

    #[test]
    fn what_probes_leave_in_the_hosts_own_directories_is_seen_and_goes() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir(host.path().join("etc")).unwrap();
        let places = Places { root: host.path().to_owned(), shared: host.path().join("own") };
        let lab = Lab { own: host.path().join("own"), places, prefix: layout::canary("t-1", "") };
        let (of_ours, anothers) = (layout::canary("t-1", "a-probe"), layout::canary("t-12", "a-probe"));
        for name in [&of_ours, &anothers] {
            fs::write(host.path().join("etc").join(name), "").unwrap();
        }
        let seen = lab.canaries();
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!((seen[0].probe.as_str(), &seen[0].path), ("a-probe", &format!("etc/{of_ours}")));
        drop(lab);
        assert!(!host.path().join("etc").join(&of_ours).exists());
        assert!(host.path().join("etc").join(&anothers).exists());
    }

    #[rstest]
    #[case::all("", "/run/lab/0", "/")]
    #[case::etc("etc", "/run/lab/0/etc", "/etc")]
    #[case::below("etc/passwd", "/run/lab/0/etc/passwd", "/etc/passwd")]
    #[case::shared("shared", "/run/lab/0/shared", "/run/lab/0")]
    #[case::below_shared("shared/a", "/run/lab/0/shared/a", "/run/lab/0/a")]
    fn where_the_directories_are(#[case] below: &str, #[case] own: &str, #[case] in_the_machine: &str) {
        let lab = Path::new("/run/lab/0");
        let at = |places: Places| places.of(Path::new(below)).display().to_string();
        assert_eq!(
            (at(Places::of_its_own(lab)).as_str(), at(Places::of_the_host(lab)).as_str()),
            (own, in_the_machine)
        );
    }
}
