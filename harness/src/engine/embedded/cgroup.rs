//! Control groups of the run's own, in version 1 and version 2: device rules, number of processes, memory.
//!
//! Containers share groups, except where one has limits; those with the same device rules share one of theirs.
//! Nothing outside groups of our own name is written.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use whyblocked_agent::layout;

use super::{EngineError, RunDir, device_program};
use crate::engine::run_dir::{self, PREFIX};
use crate::host::Reach;
use crate::settings::{DeviceRule, Settings};

/// Where control groups are mounted, on every current distribution.
const MOUNT: &str = "/sys/fs/cgroup";

/// The run's control groups.
#[derive(Debug)]
pub(super) struct Cgroups {
    name: String,
    /// Whether this run may make groups at all.
    usable: bool,
    by_rules: Mutex<HashMap<Vec<DeviceRule>, PathBuf>>,
    counter: AtomicU64,
}

/// The groups that a container is to be in: one a hierarchy. Those of its own are removed when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Hierarchies by the names of their directories, `""` for version 2, and the group in each.
    places: Vec<(String, PathBuf)>,
    own: Vec<PathBuf>,
}

impl Groups {
    /// Puts a process into the groups. It must not run yet.
    pub(super) fn take(&self, pid: i32) -> Result<(), EngineError> {
        self.places.iter().try_for_each(|(_, group)| write(group, "cgroup.procs", &pid.to_string()))
    }

    /// The groups' directories.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.places.iter().map(|(_, group)| group.clone()).collect()
    }

    /// The group in a hierarchy.
    pub(super) fn in_hierarchy(&self, name: &str) -> Option<&Path> {
        self.places.iter().find(|(known, _)| known == name).map(|(_, group)| group.as_path())
    }
}

impl Cgroups {
    pub(super) fn new(dir: &RunDir, reach: &Reach) -> Self {
        Self {
            name: dir.name().to_owned(),
            usable: reach.control_groups,
            by_rules: Mutex::default(),
            counter: AtomicU64::new(0),
        }
    }

    /// Makes the groups that `settings` ask for; like runc's containers, one in every hierarchy.
    pub(super) fn groups(&self, settings: &Settings) -> Result<Groups, EngineError> {
        let mut groups = Groups::default();
        if !self.usable {
            return Ok(groups);
        }
        if version_2_only() {
            let group = self.version_2(settings, &mut groups.own)?;
            groups.places.push((String::new(), group));
            return Ok(groups);
        }
        for hierarchy in hierarchies() {
            let group = self.version_1(&hierarchy, settings, &mut groups.own)?;
            groups.places.push((hierarchy, group));
        }
        Ok(groups)
    }

    fn version_1(
        &self,
        hierarchy: &str,
        settings: &Settings,
        own: &mut Vec<PathBuf>,
    ) -> Result<PathBuf, EngineError> {
        let run = Path::new(MOUNT).join(hierarchy).join(&self.name);
        let (file, limit) = match hierarchy {
            "pids" => ("pids.max", settings.limits.pids),
            "memory" => ("memory.limit_in_bytes", settings.limits.memory),
            "devices" if settings.devices.allowed.is_some() => {
                return self.group_of_rules(settings.devices.allowed.as_deref().unwrap_or_default());
            }
            _ => ("", None),
        };
        let Some(limit) = limit else {
            let group = run.join("all");
            if !group.exists() {
                make(&group)?;
                for group in [&run, &group] {
                    inherit_processors(group);
                }
            }
            return Ok(group);
        };
        let group = run.join(self.own_name());
        make(&group)?;
        own.push(group.clone());
        write(&group, file, &limit.to_string())?;
        Ok(group)
    }

    fn version_2(&self, settings: &Settings, own: &mut Vec<PathBuf>) -> Result<PathBuf, EngineError> {
        let rules = settings.devices.allowed.as_deref();
        if settings.limits.pids.is_none() && settings.limits.memory.is_none() {
            if let Some(rules) = rules {
                return self.group_of_rules(rules);
            }
            let group = unified_root().join(&self.name).join("all");
            return make(&group).map(|()| group);
        }
        let group = self.limited_version_2(own)?;
        for (file, limit) in [("pids.max", settings.limits.pids), ("memory.max", settings.limits.memory)] {
            if let Some(limit) = limit {
                write(&group, file, &limit.to_string())?;
            }
        }
        if settings.limits.memory.is_some() {
            // Without swap accounting there is no such file, and no swap to fear.
            let _ = fs::write(group.join("memory.swap.max"), "0");
        }
        if let Some(rules) = rules {
            device_program::attach(&group, rules)?;
        }
        Ok(group)
    }

    /// A group of its own in which processes and memory are counted. The host's root group must count them
    /// already, as it does under systemd: that is the host's setting, and stays as it is.
    fn limited_version_2(&self, own: &mut Vec<PathBuf>) -> Result<PathBuf, EngineError> {
        let run = unified_root().join(&self.name);
        make(&run)?;
        for controller in ["pids", "memory"] {
            let available = fs::read_to_string(run.join("cgroup.controllers")).unwrap_or_default();
            if !available.split_whitespace().any(|known| known == controller) {
                return Err(EngineError::Outside {
                    doing: format!("limiting {controller}"),
                    source: std::io::Error::other(
                        "the host's root control group does not give this controller on",
                    ),
                });
            }
            write(&run, "cgroup.subtree_control", &format!("+{controller}"))?;
        }
        let group = run.join(self.own_name());
        make(&group)?;
        own.push(group.clone());
        Ok(group)
    }

    fn group_of_rules(&self, rules: &[DeviceRule]) -> Result<PathBuf, EngineError> {
        let mut known = self.by_rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(group) = known.get(rules) {
            return Ok(group.clone());
        }
        let name = format!("devices-{}", known.len());
        let version_1 = !version_2_only() && Path::new(MOUNT).join("devices").exists();
        let root = if version_1 { Path::new(MOUNT).join("devices") } else { unified_root() };
        let group = root.join(&self.name).join(name);
        make(&group)?;
        if version_1 {
            write(&group, "devices.deny", "a")?;
            for rule in rules {
                write(&group, "devices.allow", &notation(rule))?;
            }
        } else {
            device_program::attach(&group, rules)?;
        }
        known.insert(rules.to_vec(), group.clone());
        Ok(group)
    }

    fn own_name(&self) -> String {
        self.counter.fetch_add(1, Ordering::Relaxed).to_string()
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        remove_of(&self.name);
    }
}

/// Removes a run's groups, in every hierarchy. What cannot be removed now, `clean` finds.
pub(crate) fn remove_of(run: &str) {
    for root in roots() {
        let _ = remove(&root.join(run));
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.own {
            let _ = remove(group);
        }
    }
}

/// Groups that dead runs left behind: those of our name whose run's directory is gone or dead.
pub fn left_behind() -> Vec<PathBuf> {
    let mut dead: Vec<PathBuf> = roots()
        .iter()
        .filter_map(|root| fs::read_dir(root).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            of_a_run(&name).is_some_and(|run| !run_dir::may_be_alive(run))
        })
        .collect();
    dead.sort();
    dead.dedup();
    dead
}

/// The run that a group's name names: a run's own group, or one that a probe made and did not live to remove.
fn of_a_run(name: &str) -> Option<&str> {
    let run = name.strip_prefix(layout::CANARY).unwrap_or(name);
    run.starts_with(PREFIX).then_some(run)
}

/// Removes a group, the groups in it, and any process that is still in them.
pub fn remove(group: &Path) -> std::io::Result<()> {
    if let Ok(entries) = fs::read_dir(group) {
        for inner in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            remove(&inner.path())?;
        }
    }
    let mut attempts = 50;
    loop {
        match fs::remove_dir(group) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) if attempts == 0 => return Err(error),
            Err(_) => attempts -= 1,
        }
        let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
        for pid in processes.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0) {
            // SAFETY: a number; only processes that this program's runs put there are in the group.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        // A dying process leaves its group a little after its parent was told.
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn version_2_only() -> bool {
    Path::new(MOUNT).join("cgroup.controllers").exists()
}

fn unified_root() -> PathBuf {
    let hybrid = Path::new(MOUNT).join("unified");
    if hybrid.join("cgroup.procs").exists() { hybrid } else { PathBuf::from(MOUNT) }
}

/// The version 1 hierarchies, by the names of their directories; not their aliases.
fn hierarchies() -> Vec<String> {
    let Ok(entries) = fs::read_dir(MOUNT) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| entry.path().join("cgroup.procs").exists() && entry.file_name() != "unified")
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn roots() -> Vec<PathBuf> {
    if version_2_only() {
        return vec![unified_root()];
    }
    hierarchies().iter().map(|name| Path::new(MOUNT).join(name)).chain([unified_root()]).collect()
}

/// Whether this process may make groups.
pub(crate) fn writable() -> bool {
    let root = roots().into_iter().next().unwrap_or_else(unified_root);
    root.join("cgroup.procs").exists() && nix::unistd::access(&root, nix::unistd::AccessFlags::W_OK).is_ok()
}

/// A cpuset group takes no process before it has processors and memory; they are its parent's.
fn inherit_processors(group: &Path) {
    let Some(parent) = group.parent() else { return };
    for file in ["cpuset.cpus", "cpuset.mems"] {
        // Other hierarchies have no such files.
        if let Ok(text) = fs::read_to_string(parent.join(file)) {
            let _ = fs::write(group.join(file), text.trim());
        }
    }
}

fn make(group: &Path) -> Result<(), EngineError> {
    fs::create_dir_all(group).map_err(|source| EngineError::Outside {
        doing: format!("making the control group {}", group.display()),
        source,
    })
}

fn write(group: &Path, file: &str, text: &str) -> Result<(), EngineError> {
    let path = group.join(file);
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| EngineError::Outside {
            doing: format!("writing '{text}' to {}", path.display()),
            source,
        })
}

/// `c 1:3 rwm`.
fn notation(rule: &DeviceRule) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
    format!("{} {}:{} {}", rule.kind, number(rule.major), number(rule.minor), rule.access)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_runs_own("whyblocked-run-17-0", Some("whyblocked-run-17-0"))]
    #[case::a_probes("whyblocked-canary-whyblocked-run-17-0-3", Some("whyblocked-run-17-0-3"))]
    #[case::somebody_elses("docker", None)]
    #[case::a_canary_of_nobody("whyblocked-canary-x", None)]
    fn whose_group_it_is(#[case] name: &str, #[case] run: Option<&str>) {
        assert_eq!(of_a_run(name), run);
    }
}
