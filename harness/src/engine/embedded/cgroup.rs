//! Control groups of the run's own, in version 1 and version 2: device rules, number of processes, memory.
//!
//! Groups for device rules are shared by containers with the same rules; a container with limits has groups of
//! its own. Nothing outside groups of our own name is written.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::run_dir::PREFIX;
use super::{EngineError, RunDir, device_program, run_dir};
use crate::settings::{DeviceRule, Settings};

/// Where control groups are mounted, on every current distribution.
const MOUNT: &str = "/sys/fs/cgroup";

/// The run's control groups.
#[derive(Debug)]
pub(super) struct Cgroups {
    name: String,
    by_rules: Mutex<HashMap<Vec<DeviceRule>, PathBuf>>,
    counter: AtomicU64,
}

/// A container's own groups; removed when dropped.
#[derive(Debug, Default)]
pub(super) struct Membership(Vec<PathBuf>);

impl Cgroups {
    pub(super) fn new(dir: &RunDir) -> Self {
        Self { name: dir.name().to_owned(), by_rules: Mutex::default(), counter: AtomicU64::new(0) }
    }

    /// Puts a process into the groups that `settings` ask for. It must not run yet.
    pub(super) fn enter(&self, pid: i32, settings: &Settings) -> Result<Membership, EngineError> {
        let mut own = Membership::default();
        let version_2 = version_2_only();
        let limited = settings.limits.pids.is_some() || settings.limits.memory.is_some();
        if version_2 && limited {
            let rules = settings.devices.allowed.as_deref();
            let group = self.unified(&mut own)?;
            write_limit(&group, "pids.max", settings.limits.pids)?;
            write_limit(&group, "memory.max", settings.limits.memory)?;
            if settings.limits.memory.is_some() {
                // Without swap accounting there is no such file, and no swap to fear.
                let _ = fs::write(group.join("memory.swap.max"), "0");
            }
            if let Some(rules) = rules {
                device_program::attach(&group, rules)?;
            }
            return join(&group, pid).map(|()| own);
        }
        if let Some(pids) = settings.limits.pids {
            let group = self.version_1("pids", &mut own)?;
            write_limit(&group, "pids.max", Some(pids))?;
            join(&group, pid)?;
        }
        if let Some(memory) = settings.limits.memory {
            let group = self.version_1("memory", &mut own)?;
            write_limit(&group, "memory.limit_in_bytes", Some(memory))?;
            join(&group, pid)?;
        }
        if let Some(rules) = &settings.devices.allowed {
            join(&self.group_of_rules(rules)?, pid)?;
        }
        Ok(own)
    }

    fn group_of_rules(&self, rules: &[DeviceRule]) -> Result<PathBuf, EngineError> {
        let mut known = self.by_rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(group) = known.get(rules) {
            return Ok(group.clone());
        }
        let name = format!("devices-{}", known.len());
        let group = if let Some(devices) = controller("devices") {
            let group = devices.join(&self.name).join(name);
            make(&group)?;
            write(&group, "devices.deny", "a")?;
            for rule in rules {
                write(&group, "devices.allow", &notation(rule))?;
            }
            group
        } else {
            let group = unified_root().join(&self.name).join(name);
            make(&group)?;
            device_program::attach(&group, rules)?;
            group
        };
        known.insert(rules.to_vec(), group.clone());
        Ok(group)
    }

    fn own_name(&self) -> String {
        self.counter.fetch_add(1, Ordering::Relaxed).to_string()
    }

    fn version_1(&self, name: &str, own: &mut Membership) -> Result<PathBuf, EngineError> {
        let root = controller(name).ok_or_else(|| missing(name))?;
        let group = root.join(&self.name).join(self.own_name());
        make(&group)?;
        own.0.push(group.clone());
        Ok(group)
    }

    /// A group in which the controllers of `pids` and `memory` are switched on, as far as the host has them.
    fn unified(&self, own: &mut Membership) -> Result<PathBuf, EngineError> {
        let parent = unified_root().join(&self.name);
        make(&parent)?;
        for group in [unified_root(), parent.clone()] {
            for name in ["pids", "memory"] {
                let available = fs::read_to_string(group.join("cgroup.controllers")).unwrap_or_default();
                if !available.split_whitespace().any(|known| known == name) {
                    return Err(missing(name));
                }
                write(&group, "cgroup.subtree_control", &format!("+{name}"))?;
            }
        }
        let group = parent.join(self.own_name());
        make(&group)?;
        own.0.push(group.clone());
        Ok(group)
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        for root in roots() {
            // What cannot be removed now, `clean` finds.
            let _ = remove(&root.join(&self.name));
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        for group in &self.0 {
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
            name.starts_with(PREFIX) && !run_dir::may_be_alive(&name)
        })
        .collect();
    dead.sort();
    dead.dedup();
    dead
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

/// A version 1 hierarchy.
fn controller(name: &str) -> Option<PathBuf> {
    let root = Path::new(MOUNT).join(name);
    (!version_2_only() && root.join("cgroup.procs").exists()).then_some(root)
}

fn roots() -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> =
        ["pids", "memory", "devices"].iter().filter_map(|name| controller(name)).collect();
    roots.push(unified_root());
    roots
}

fn missing(name: &str) -> EngineError {
    EngineError::Outside {
        doing: format!("limiting {name}"),
        source: std::io::Error::other(format!("this host has no control-group controller '{name}' to give")),
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

fn write_limit(group: &Path, file: &str, limit: Option<u64>) -> Result<(), EngineError> {
    limit.map_or(Ok(()), |limit| write(group, file, &limit.to_string()))
}

fn join(group: &Path, pid: i32) -> Result<(), EngineError> {
    write(group, "cgroup.procs", &pid.to_string())
}

/// `c 1:3 rwm`.
fn notation(rule: &DeviceRule) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
    format!("{} {}:{} {}", rule.kind, number(rule.major), number(rule.minor), rule.access)
}
