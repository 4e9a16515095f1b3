//! The image: the agent, its fixtures and empty directories, `FROM scratch`, made in memory. Its tag is a hash of
//! its content, so that it is made once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptions};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};
use whyblocked_agent::layout;

use super::LABEL;
use super::connect::Daemon;
use super::error::DockerError;
use crate::engine::EngineError;
use crate::engine::fixtures::{self, AGENT, CAPABILITY_ATTRIBUTE, Fixture, file_capability};
use crate::settings::Settings;

/// The repository of our images.
const REPOSITORY: &str = "whyblocked-agent";

/// What differs between images.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Recipe {
    /// The owner of the file whose group is another's.
    uid: u32,
    /// Symbolic links in the root directory: name, target.
    links: Vec<(String, String)>,
}

impl Recipe {
    /// The image for a container of root's with its own root directory.
    pub(super) fn plain() -> Self {
        Self { uid: 0, links: Vec::new() }
    }

    /// The image for some settings; `links` are those of the host's root directory.
    pub(super) fn new(settings: &Settings, links: &[(String, String)]) -> Self {
        let links = if settings.namespaces.mount { Vec::new() } else { links.to_vec() };
        Self { uid: settings.identity.uid, links }
    }
}

/// The images of a run.
#[derive(Debug)]
pub(super) struct Images {
    repository: &'static str,
    tags: Mutex<HashMap<Recipe, String>>,
    /// Those that this run has made, and removes.
    made: Mutex<Vec<String>>,
}

impl Default for Images {
    fn default() -> Self {
        Self::of_repository(REPOSITORY)
    }
}

impl Images {
    /// None yet.
    pub(super) fn of_repository(repository: &'static str) -> Self {
        Self { repository, tags: Mutex::default(), made: Mutex::default() }
    }

    /// The image's name; it is made if the daemon has not got it.
    pub(super) fn of(&self, daemon: &Daemon, recipe: &Recipe, run: &str) -> Result<String, EngineError> {
        // Held meanwhile, so that nobody makes it twice.
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tag) = tags.get(recipe) {
            return Ok(tag.clone());
        }
        let failed = |source| EngineError::Outside { doing: "making the agent's image".to_owned(), source };
        let content = content(recipe).map_err(failed)?;
        let tag = tag(&content);
        let name = format!("{}:{tag}", self.repository);
        if daemon.ask("looking for an image", daemon.client.inspect_image(&name)).is_err() {
            import(daemon, &name, content, run)?;
            self.made.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        }
        tags.insert(recipe.clone(), name.clone());
        Ok(name)
    }

    /// Forgets what was known: another run may have removed an image that it had made.
    pub(super) fn forget(&self) {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Removes what this run has made, unless another run's container uses it.
    pub(super) fn remove(&self, daemon: &Daemon) {
        for name in self.made.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let removed = daemon.client.remove_image(&name, None::<RemoveImageOptions>, None);
            // What cannot be removed now, `clean` finds.
            let _ = daemon.ask("removing an image", removed);
        }
    }
}

fn import(daemon: &Daemon, name: &str, content: Vec<u8>, run: &str) -> Result<(), DockerError> {
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        // With its tag: Podman drops one that is said beside it.
        .repo(name)
        .changes(vec![format!("LABEL {LABEL}={run}")])
        .build();
    let body = bollard::body_full(content.into());
    let said = daemon.client.create_image(Some(options), Some(body), None).try_collect::<Vec<_>>();
    daemon.ask("importing the agent's image", said).map(|_| ())
}

fn tag(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

/// The root directory as a tar archive.
fn content(recipe: &Recipe) -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (path, mode) in [
        // Podman's storage would take the right to write from its owner.
        ("/./", 0o755),
        ("/proc", 0o755),
        ("/sys", 0o755),
        ("/dev", 0o755),
        ("/fixtures", 0o755),
        (layout::HOST, 0o755),
        // A tmpfs gets the mode of the directory that it is mounted on.
        (layout::SCRATCH, 0o1777),
    ] {
        entry(&mut tar, EntryType::Directory, path, mode, (0, 0), b"")?;
    }
    entry(&mut tar, EntryType::Regular, layout::AGENT, 0o755, (0, 0), AGENT)?;
    for Fixture { path, content, mode, owner, capability, .. } in fixtures::in_root_directory(recipe.uid) {
        if let Some(number) = capability {
            let name = format!("SCHILY.xattr.{CAPABILITY_ATTRIBUTE}");
            tar.append_pax_extensions([(name.as_str(), file_capability(number).as_slice())])?;
        }
        entry(&mut tar, EntryType::Regular, path, mode, owner, content)?;
    }
    for (name, target) in &recipe.links {
        let mut header = header(EntryType::Symlink, 0o777, (0, 0), 0);
        tar.append_link(&mut header, name, target)?;
    }
    tar.into_inner()
}

fn entry(
    tar: &mut Builder<Vec<u8>>,
    kind: EntryType,
    path: &str,
    mode: u32,
    owner: (u32, u32),
    content: &[u8],
) -> std::io::Result<()> {
    let mut header = header(kind, mode, owner, content.len() as u64);
    tar.append_data(&mut header, &path[1..], content)
}

fn header(kind: EntryType, mode: u32, (uid, gid): (u32, u32), size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(u64::from(uid));
    header.set_gid(u64::from(gid));
    header.set_mtime(0);
    header.set_size(size);
    header
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;
    use crate::testing;

    fn of(uid: u32, mount: bool) -> Vec<u8> {
        let mut settings = testing::settings("docker-default");
        settings.identity.uid = uid;
        settings.namespaces.mount = mount;
        content(&Recipe::new(&settings, &[("bin".to_owned(), "usr/bin".to_owned())])).unwrap()
    }

    #[test]
    fn owners_modes_and_capabilities_are_those_that_the_probes_rely_on() {
        let content = of(1000, true);
        let mut archive = tar::Archive::new(content.as_slice());
        let mut seen = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = format!("/{}", entry.path().unwrap().display());
            let xattr = entry.pax_extensions().unwrap().is_some();
            let header = entry.header().clone();
            let mut text = Vec::new();
            entry.read_to_end(&mut text).unwrap();
            let numbers = (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
            seen.insert(path, (numbers, xattr, text.len()));
        }
        assert_eq!(seen[layout::SETUID_ROOT], ((0o4755, 0, 0), false, AGENT.len()));
        assert_eq!(seen[layout::FILE_CAPABILITY], ((0o755, 0, 0), true, AGENT.len()));
        assert_eq!(seen[layout::FOREIGN_FILE].0, (0o600, 4242, 4242));
        assert_eq!(seen[layout::FOREIGN_GROUP_FILE].0, (0o644, 1000, 4242));
        assert_eq!(seen[layout::SCRATCH].0.0, 0o1777);
        assert!(!seen.contains_key("/bin"));
    }

    #[test]
    fn the_same_content_has_the_same_tag_and_no_other() {
        assert_eq!(tag(&of(0, true)), tag(&of(0, true)));
        assert_ne!(tag(&of(0, true)), tag(&of(1000, true)));
        assert_ne!(tag(&of(0, true)), tag(&of(0, false)));
    }
}
