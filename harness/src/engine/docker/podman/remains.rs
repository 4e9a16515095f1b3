//! What a run's Podman leaves outside the run's directory when it is killed: processes, control groups, and what the
//! container runtime has written down. Found by the run's name alone, so that what is the user's is never touched.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use whyblocked_agent::layout;

use crate::engine::embedded::cgroup;
use crate::engine::{processes, run_dir};

/// The directory in a run's directory in which its Podman has everything.
pub(super) const DIRECTORY: &str = "podman";

/// Programs that carry the run's name: the service, what keeps a container, what keeps a user's namespaces, the runtimes,
/// the agent.
const PROGRAMS: [&str; 6] = ["podman", "conmon", "catatonit", "runc", "crun", layout::AGENT];

/// How long processes may take to end that are killed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where runtimes write down what root runs.
const RUNTIMES: [&str; 2] = ["/run/runc", "/run/crun"];

/// Directories with short paths; the first is root's, or the user's own.
fn short_directories() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    own.into_iter().chain(["/run", "/tmp"].map(PathBuf::from)).collect()
}

/// A short way to a directory of the run's: a link with the run's name.
pub(super) fn link(run: &Path, directory: &Path) -> Option<PathBuf> {
    let name = run.file_name()?;
    let mut places = short_directories().into_iter().map(|short| short.join(name));
    places.find(|link| std::os::unix::fs::symlink(directory, link).is_ok())
}

/// Directories of dead runs that had a Podman of their own, as far as they are there still.
pub fn left_behind() -> Vec<PathBuf> {
    let mut left: Vec<PathBuf> =
        run_dir::left_behind().into_iter().filter(|dir| dir.join(DIRECTORY).is_dir()).collect();
    // Of a link the directory may be gone, or be in another temporary directory than ours.
    for entry in short_directories().iter().filter_map(|short| fs::read_dir(short).ok()).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(run_dir::PREFIX) || run_dir::may_be_alive(&name) {
            continue;
        }
        let target = fs::read_link(entry.path()).unwrap_or_default();
        left.extend(target.parent().filter(|run| run.ends_with(&name)).map(Path::to_owned));
    }
    left.sort();
    left.dedup();
    left
}

/// Removes everything that the Podman of the run with this directory has left, and its storage.
pub fn remove(run: &Path) -> std::io::Result<()> {
    let name = run.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Whoever outlasts it keeps its group from being removed, and that is said.
    processes::end(|| of_run(&name), PATIENCE);
    cgroup::remove_of(&name);
    let directory = run.join(DIRECTORY);
    for id in containers(&directory) {
        for runtime in RUNTIMES {
            // There is none where the container was removed, or where another runtime ran it.
            let _ = fs::remove_dir_all(Path::new(runtime).join(&id));
        }
    }
    for link in short_directories().into_iter().map(|short| short.join(&name)) {
        if fs::read_link(&link).is_ok_and(|target| target == directory) {
            let _ = fs::remove_file(&link);
        }
    }
    open_up(&directory);
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives an owner who is not root the right to remove what is in directories that Podman has closed.
fn open_up(directory: &Path) {
    let Ok(metadata) = fs::symlink_metadata(directory) else { return };
    let mode = metadata.permissions().mode();
    if !metadata.is_dir()
        || mode & 0o700 != 0o700 && fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).is_err()
    {
        return;
    }
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        open_up(&entry.path());
    }
}

/// The ids of the containers whose storage is there.
fn containers(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory.join("root").join("vfs-containers")).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())).collect()
}

/// Processes of the run with this name.
fn of_run(name: &str) -> Vec<i32> {
    let ours =
        |pid: &i32| is_of_run(&processes::read(*pid, "cmdline"), || processes::read(*pid, "environ"), name);
    processes::others().filter(ours).collect()
}

/// Whether a process with these arguments and this environment belongs to the run.
fn is_of_run(arguments: &[u8], environment: impl FnOnce() -> Vec<u8>, name: &str) -> bool {
    let program = arguments.split(|byte| *byte == 0).next().unwrap_or_default();
    let program = String::from_utf8_lossy(program).into_owned();
    let is = |known: &&str| program == **known || program.rsplit('/').next() == Some(known);
    // What follows a name: a directory in the run's, a container's number.
    let named = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.match_indices(name).any(|(at, _)| text[at + name.len()..].starts_with(['/', '-']))
    };
    !name.is_empty() && PROGRAMS.iter().any(is) && (named(arguments) || named(&environment()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_service("/usr/bin/podman\0--root\0/tmp/whyblocked-run-1-0/podman/root", "", true)]
    #[case::an_agent("/agent\0{\"token\":\"whyblocked-run-1-0-3\"}", "", true)]
    #[case::by_its_environment("catatonit\0-P", "XDG_RUNTIME_DIR=/tmp/whyblocked-run-1-0/podman/run", true)]
    #[case::another_runs("podman\0/tmp/whyblocked-run-1-01/podman", "", false)]
    #[case::another_program("less\0/tmp/whyblocked-run-1-0/podman/log", "", false)]
    #[case::the_users("/usr/bin/podman\0ps", "HOME=/root", false)]
    #[case::a_kernel_thread("", "", false)]
    fn whose_process_it_is(#[case] arguments: &str, #[case] environment: &str, #[case] ours: bool) {
        let arguments = arguments.replace("/agent", layout::AGENT);
        let environment = || environment.as_bytes().to_vec();
        assert_eq!(is_of_run(arguments.as_bytes(), environment, "whyblocked-run-1-0"), ours);
    }
}
