//! What a run has left on the machine: processes, mounts, directories, control groups, traces.

use std::path::{Path, PathBuf};
use std::time::Duration;

use whyblocked::witness::trace;

use crate::Place;
use crate::processes::Nursery;

/// Processes may take this long to end after the run that started them.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a run has left.
#[derive(Debug)]
pub struct Left<'a> {
    nursery: &'a Nursery,
    place: PathBuf,
    /// In its temporary directory.
    pub directories: Vec<PathBuf>,
    /// Control groups of its name.
    pub groups: Vec<PathBuf>,
    /// Instances of the kernel's trace, and groups of its probes, by the run's name.
    pub traces: Vec<String>,
}

impl<'a> Left<'a> {
    /// Looks for it: the run had this process number, and its place.
    pub fn by(nursery: &'a Nursery, place: &Place, pid: i32) -> Self {
        let ours = format!("whyblocked-run-{pid}-");
        let hierarchies = entries(Path::new("/sys/fs/cgroup"));
        let mut groups: Vec<PathBuf> = hierarchies.iter().flat_map(|hierarchy| entries(hierarchy)).collect();
        groups.extend(hierarchies);
        groups.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&ours)));
        // `cpu` and `cpuacct` may be two names of one directory.
        groups.retain(|path| path.canonicalize().is_ok_and(|real| real == *path));
        let mut traces = trace::left_behind();
        traces.retain(|name| name.starts_with(&ours));
        Self { nursery, place: place.path(""), directories: entries(&place.tmp()), groups, traces }
    }

    /// No process lives any more, and nothing is mounted.
    ///
    /// # Panics
    ///
    /// If that is not so.
    pub fn assert_no_process_and_no_mount(&self) {
        let orphans = self.nursery.wait_for_orphans(PATIENCE);
        assert!(orphans.is_empty(), "still alive after {PATIENCE:?}: {orphans:#?}");
        let place = self.place.to_str().expect("temporary paths are text").trim_end_matches('/');
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
        let mounts: Vec<&str> = mounts.lines().filter(|line| line.contains(place)).collect();
        assert!(mounts.is_empty(), "still mounted: {mounts:#?}");
    }

    /// The same, and no directory, control group or trace either.
    ///
    /// # Panics
    ///
    /// If that is not so.
    pub fn assert_nothing_at_all(&self) {
        self.assert_no_process_and_no_mount();
        let nothing = self.directories.is_empty() && self.groups.is_empty() && self.traces.is_empty();
        assert!(nothing, "{self:#?}");
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.path()).collect()
}
