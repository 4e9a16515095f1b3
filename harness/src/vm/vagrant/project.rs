//! Where Vagrant keeps what it knows of a machine: beside a Vagrantfile. There may be several of ours: that of a checkout,
//! and the one that this program writes for those who have none. A machine is looked for in all of them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::image::INPUTS;
use super::super::{Machine, VmError, directory};

/// The repository's own.
const VAGRANTFILE: &str = include_str!("../../../../Vagrantfile");

/// By this line of it a Vagrantfile of ours is known, of whichever version.
const OURS: &str = "# The lab machines of whyblocked:";

/// Where provisioning's files are, beside it.
const FILES: &str = "harness/vm";

/// The one that no box is made of.
const FEDORA: (&str, &str) = ("provision-fedora.sh", include_str!("../../../vm/provision-fedora.sh"));

/// A directory with a Vagrantfile of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    directory: PathBuf,
}

impl Project {
    /// The one in which this machine was made; nothing, if it was made in none.
    pub fn with(machine: Machine) -> Option<Self> {
        Self::all().into_iter().find(|project| project.has(machine))
    }

    /// The one in which a machine is to be made: that of the checkout that the current directory is in, or our own.
    pub fn for_new() -> Result<Self, VmError> {
        if let Some(checkout) = Self::of_checkout() {
            return Ok(checkout);
        }
        let own = Self::own();
        let failed = |path: &Path| VmError::outside(format!("writing {}", path.display()));
        let files = own.directory.join(FILES);
        fs::create_dir_all(&files).map_err(failed(&files))?;
        let inputs = INPUTS.iter().chain([&FEDORA]).map(|(name, text)| (files.join(name), *text));
        for (path, text) in inputs.chain([(own.directory.join("Vagrantfile"), VAGRANTFILE)]) {
            if fs::read_to_string(&path).ok().as_deref() != Some(text) {
                fs::write(&path, text).map_err(failed(&path))?;
            }
        }
        Ok(own)
    }

    /// All that are known.
    pub fn all() -> Vec<Self> {
        let index = fs::read_to_string(home().join("data/machine-index/index")).unwrap_or_default();
        let known = Self::of_checkout().into_iter().chain([Self::own()]).chain(indexed(&index));
        let mut all: Vec<Self> = Vec::new();
        for project in known {
            if project.is_ours() && !all.contains(&project) {
                all.push(project);
            }
        }
        all
    }

    /// Where the Vagrantfile is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What has made this machine here, as Vagrant calls it; nothing, if it was not made here.
    pub(super) fn provider(&self, machine: Machine) -> Option<String> {
        let providers = fs::read_dir(self.directory.join(".vagrant/machines").join(machine.name()));
        // A machine that was destroyed has an empty directory.
        let made =
            |provider: &Path| fs::read_to_string(provider.join("id")).is_ok_and(|id| !id.trim().is_empty());
        let mut made = providers.into_iter().flatten().flatten().filter(|provider| made(&provider.path()));
        made.next().map(|provider| provider.file_name().to_string_lossy().into_owned())
    }

    /// Whether this machine was made here.
    fn has(&self, machine: Machine) -> bool {
        self.provider(machine).is_some()
    }

    fn own() -> Self {
        Self { directory: directory("XDG_STATE_HOME", ".local/state").join("vagrant") }
    }

    fn of_checkout() -> Option<Self> {
        let here = std::env::current_dir().ok()?;
        // The nearest one is what Vagrant itself takes.
        let directory = here.ancestors().find(|directory| directory.join("Vagrantfile").is_file())?;
        Some(Self { directory: directory.to_owned() }).filter(Self::is_ours)
    }

    fn is_ours(&self) -> bool {
        let text = fs::read_to_string(self.directory.join("Vagrantfile")).unwrap_or_default();
        text.lines().any(|line| line.starts_with(OURS))
    }

    /// Removes our own, if no machine was made in it. Whether there was anything.
    pub fn remove_own() -> Result<bool, VmError> {
        let own = Self::own();
        if !own.directory.exists() || Machine::ALL.into_iter().any(|machine| own.has(machine)) {
            return Ok(false);
        }
        let failed = VmError::outside(format!("removing {}", own.directory.display()));
        fs::remove_dir_all(&own.directory).map_err(failed).map(|()| true)
    }
}

/// Vagrant's own directory.
pub(super) fn home() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("VAGRANT_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".vagrant.d")))
        .unwrap_or_else(std::env::temp_dir)
}

/// Vagrant's index of all machines of this user (`vagrant global-status` reads it).
#[derive(Debug, Default, Deserialize)]
struct Index {
    #[serde(default)]
    machines: std::collections::BTreeMap<String, Indexed>,
}

#[derive(Debug, Deserialize)]
struct Indexed {
    vagrantfile_path: PathBuf,
}

fn indexed(text: &str) -> Vec<Project> {
    let index: Index = serde_json::from_str(text).unwrap_or_default();
    index.machines.into_values().map(|one| Project { directory: one.vagrantfile_path }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repositorys_vagrantfile_is_known_as_ours() {
        assert!(VAGRANTFILE.lines().any(|line| line.starts_with(OURS)));
    }

    #[test]
    fn it_knows_every_machine() {
        for machine in Machine::ALL {
            let name = format!("\"{}\"", machine.name());
            assert!(VAGRANTFILE.contains(&name), "{name} is not in the Vagrantfile");
            let options = machine.options().unwrap_or_default();
            assert!(VAGRANTFILE.contains(options), "{name} is told something else there");
            assert!(VAGRANTFILE.contains(machine.remark()), "{name} is not marked there");
        }
    }

    #[test]
    fn the_index_says_where_machines_were_made() {
        let text = r#"{"version":1,"machines":{"a1":{"name":"selinux","vagrantfile_path":"/a/b","state":"running"}}}"#;
        assert_eq!(indexed(text), [Project { directory: "/a/b".into() }]);
        assert_eq!(indexed(""), []);
        assert_eq!(indexed("{\"version\":2}"), []);
    }
}
