//! Files that this program writes: all at once, so that no reader ever sees half of one.

use std::io::{Result, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file beside its place and then moves it there.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    write_with(path, content, |_| {})
}

/// The same, with something done to the file before anybody sees it.
pub fn write_with(path: &Path, content: &[u8], before: impl FnOnce(&Path)) -> Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(parent)?;
    file.write_all(content)?;
    // What `File::create` would have given, and a temporary file does not.
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    before(file.path());
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
