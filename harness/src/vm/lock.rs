//! Locks on directories: who works in one holds its lock, and the lock goes with the process, however that ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Takes the lock; nothing, if somebody has it.
pub(super) fn take(directory: &Path) -> io::Result<Option<File>> {
    let file = File::open(directory)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether somebody has it.
pub(super) fn is_taken(directory: &Path) -> bool {
    matches!(take(directory), Ok(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_it_goes() {
        let directory = tempfile::tempdir().unwrap();
        let lock = take(directory.path()).unwrap();
        assert!(lock.is_some() && is_taken(directory.path()));
        drop(lock);
        assert!(!is_taken(directory.path()));
        assert!(!is_taken(Path::new("/nonexistent")));
    }
}
