//! `${LAB}`: directories like a host's, made anew for each trial that mounts them, and looked at from outside
//! afterwards.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use whyblocked_agent::layout;

use super::run_dir::RunDir;
use super::{Canary, EngineError};
use crate::settings::{BindSource, Settings};

/// Directories with their modes. `shared` is what an administrator made writable for everybody.
const DIRECTORIES: [(&str, u32); 4] = [("etc", 0o755), ("root", 0o700), ("var", 0o755), ("shared", 0o1777)];

/// Files with their modes and contents. They look like a host's and hold nothing.
const FILES: [(&str, u32, &str); 4] = [
    ("etc/hostname", 0o644, "laboratory\n"),
    ("etc/passwd", 0o644, "root:x:0:0:the laboratory's root:/root:/bin/sh\n"),
    ("etc/shadow", 0o600, "root:*:20000:0:99999:7:::\n"),
    ("root/notes", 0o600, "root's own\n"),
];

/// A trial's laboratory directory.
#[derive(Debug)]
pub(super) struct Lab {
    path: PathBuf,
}

impl Lab {
    /// Makes the directory if `settings` show it to the container.
    pub(super) fn create(
        dir: &RunDir,
        number: u64,
        settings: &Settings,
    ) -> Result<Option<Self>, EngineError> {
        let bound = settings.binds.iter().any(|bind| matches!(bind.source, BindSource::Lab(_)));
        if !bound && settings.namespaces.mount {
            return Ok(None);
        }
        let path = dir.path().join("lab").join(number.to_string());
        let lab = Self { path };
        lab.fill().map_err(|source| EngineError::Outside {
            doing: format!("making the laboratory directory {}", lab.path.display()),
            source,
        })?;
        Ok(Some(lab))
    }

    fn fill(&self) -> std::io::Result<()> {
        fs::create_dir(&self.path)?;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(0o755))?;
        for (name, mode) in DIRECTORIES {
            fs::create_dir(self.path.join(name))?;
            fs::set_permissions(self.path.join(name), fs::Permissions::from_mode(mode))?;
        }
        for (name, mode, content) in FILES {
            fs::write(self.path.join(name), content)?;
            fs::set_permissions(self.path.join(name), fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the container's probes left, seen from outside.
    pub(super) fn take_canaries(&self, token: &str) -> Vec<Canary> {
        let mut canaries = Vec::new();
        for (directory, _) in DIRECTORIES {
            let Ok(entries) = fs::read_dir(self.path.join(directory)) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let Ok(metadata) = entry.metadata() else { continue };
                if let Some(probe) = name.strip_prefix(&layout::canary(token, "")) {
                    canaries.push(Canary {
                        probe: probe.to_owned(),
                        path: format!("{directory}/{name}"),
                        uid: metadata.uid(),
                        gid: metadata.gid(),
                    });
                }
            }
        }
        canaries
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What cannot be removed now goes with the run's directory.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_knows_every_directory() {
        assert_eq!(DIRECTORIES.map(|(name, _)| name), layout::LABORATORY);
    }
}
