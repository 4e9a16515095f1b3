//! What a container without a mount namespace of its own is given of the host: its root directory, but for what a
//! container always has itself.

use std::fs;

use whyblocked_agent::layout;

/// What a container has of its own, and what is the harness's or of no use.
const OWN: [&str; 8] =
    ["/proc", "/sys", "/dev", "/fixtures", "/lost+found", layout::AGENT, layout::SCRATCH, layout::HOST];

/// The rest of the host's root directory, sorted.
#[derive(Clone, Debug, Default)]
pub(super) struct HostRoot {
    /// Directories, by their paths.
    pub(super) directories: Vec<String>,
    /// Symbolic links: name, target.
    pub(super) links: Vec<(String, String)>,
}

impl HostRoot {
    pub(super) fn read() -> std::io::Result<Self> {
        let mut found = Self::default();
        for entry in fs::read_dir("/")?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("/{name}");
            if OWN.contains(&path.as_str()) {
                continue;
            }
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                found.directories.push(path);
            } else if let (true, Ok(target)) = (kind.is_symlink(), fs::read_link(&path)) {
                found.links.push((name, target.display().to_string()));
            }
        }
        found.directories.sort();
        found.links.sort();
        Ok(found)
    }
}
