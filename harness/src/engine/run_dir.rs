//! The run's own directory, and finding what dead runs left behind.
//!
//! Everything a run puts on the host lies in this directory or carries its name (control groups). A lock file
//! in it is held for as long as the run lives, so that `clean` can tell a live run's from a dead one's.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::EngineError;

/// What the names of run directories and control groups begin with.
pub const PREFIX: &str = "whyblocked-run-";

/// The number of this process's next run. A name is never used twice: a child that another thread is about to start
/// may still hold what an ended run has listened on under it.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The directory of a run that is alive.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    name: String,
    _lock: File,
}

impl RunDir {
    /// Makes the directory, and an empty directory in it to mount on.
    pub(crate) fn create() -> Result<Self, EngineError> {
        let parent = std::env::temp_dir();
        let failed = |doing: String| move |source| EngineError::Outside { doing, source };
        let mut refused = 0;
        let (path, name) = loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}-{number}", std::process::id());
            let path = parent.join(&name);
            // Others may look in: containers with other ids do, through it.
            match fs::DirBuilder::new().mode(0o755).create(&path) {
                Ok(()) => break (path, name),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && refused < 1000 => {
                    refused += 1;
                }
                Err(error) => return Err(failed(format!("making {}", path.display()))(error)),
            }
        };
        // A umask may have narrowed it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(failed(format!("opening up {}", path.display())))?;
        let lock =
            File::create(path.join("lock")).map_err(failed(format!("writing in {}", path.display())))?;
        lock.lock().map_err(failed("locking the run's directory".to_owned()))?;
        for inner in ["root", "lab"] {
            fs::create_dir(path.join(inner)).map_err(failed(format!("writing in {}", path.display())))?;
        }
        Ok(Self { path, name, _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A name that no other live run has.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A name that no other container of any live run has.
    pub(crate) fn token(&self, number: u64) -> String {
        format!("{}-{number}", self.name)
    }

    /// The directory that containers mount their root on.
    pub(crate) fn mount_point(&self) -> PathBuf {
        self.path.join("root")
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // What cannot be removed now, `clean` finds.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Directories of runs that are no longer alive.
pub fn left_behind() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return Vec::new() };
    let mut dead: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)))
        // A symbolic link of that name is not ours.
        .filter(|path| fs::symlink_metadata(path).is_ok_and(|m| m.is_dir() && is_ours(&m)))
        .filter(|path| !is_alive(path))
        .collect();
    dead.sort();
    dead
}

/// Whether the run that made something of this name may still be alive: its directory says so, or, where that is
/// in another temporary directory than ours, its process number is in use.
pub(crate) fn may_be_alive(name: &str) -> bool {
    let dir = std::env::temp_dir().join(name);
    if dir.exists() {
        return is_alive(&dir);
    }
    let number = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
    number.is_some_and(|number| Path::new("/proc").join(number).exists())
}

fn is_ours(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == nix::unistd::geteuid().as_raw()
}

fn is_alive(dir: &Path) -> bool {
    match File::open(dir.join("lock")) {
        Ok(lock) => matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        // Killed between making the directory and its lock.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_used_twice() {
        let first = RunDir::create().expect("the temporary directory takes it").name().to_owned();
        let second = RunDir::create().expect("the temporary directory takes it").name().to_owned();
        assert_ne!(first, second);
    }
}
