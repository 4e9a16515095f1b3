//! `whyblocked clean`: removes what killed runs have left behind, and says what.

use std::fmt::Write as _;
use std::rc::Rc;

use super::{Exit, Failure, print};
use crate::engine::docker::clean::Remains;
use crate::engine::docker::{self, DockerError, podman};
use crate::engine::embedded::cgroup;
use crate::engine::run_dir;
use crate::vm::Machine;
use crate::vm::image;
use crate::vm::qemu::Qemu;
use crate::vm::vagrant::libvirt;
use crate::witness::trace;

/// Options of `clean`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Something that a dead run has left, and how it is removed.
struct Left {
    what: String,
    remove: Box<dyn FnOnce() -> std::io::Result<()>>,
}

impl Left {
    fn new(what: String, remove: impl FnOnce() -> std::io::Result<()> + 'static) -> Self {
        Self { what, remove: Box::new(remove) }
    }
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut text = String::new();
    let mut failures = Vec::new();
    let mut do_all = |left: Vec<Left>, failures: &mut Vec<String>| {
        for Left { what, remove } in left {
            let removed = if args.dry_run { Ok(()) } else { remove() };
            match removed {
                Ok(()) => {
                    let verb = if args.dry_run { "would remove" } else { "removed" };
                    let _ = writeln!(text, "{verb} the {what}");
                }
                Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                    let _ = writeln!(text, "left the {what}: a run that is alive uses it");
                }
                Err(error) => failures.push(format!("cannot remove the {what}: {error}")),
            }
        }
    };
    // Whoever could make more of the rest goes first; the directories come last: by them it is known whose it is.
    do_all(daemons(), &mut failures);
    do_all(services(), &mut failures);
    do_all(traces_and_groups(), &mut failures);
    for (whose, remains) in [("a Docker daemon", of_docker()), ("a Podman service", of_podman())] {
        match remains {
            Ok(left) => do_all(left, &mut failures),
            Err(error) => failures.push(format!("what {whose} may have cannot be looked at: {error}")),
        }
    }
    do_all(machines(), &mut failures);
    do_all(directories(), &mut failures);
    if text.is_empty() && failures.is_empty() {
        text.push_str("nothing was left behind\n");
    }
    print(&text)?;
    if failures.is_empty() { Ok(Exit::Expected) } else { Err(Failure::failed(failures.join("; "))) }
}

/// Docker daemons of runs that are no longer alive.
fn daemons() -> Vec<Left> {
    let daemons = docker::clean::daemons_left_behind().into_iter();
    daemons
        .map(|dir| {
            let what = format!("Docker daemon in {}", dir.display());
            Left::new(what, move || docker::clean::end_daemon(&dir))
        })
        .collect()
}

/// Podman services of runs that are no longer alive.
fn services() -> Vec<Left> {
    let services = podman::remains::left_behind().into_iter();
    services
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let what = format!("Podman service and storage of {name}");
            Left::new(what, move || podman::remains::remove(&path))
        })
        .collect()
}

fn traces_and_groups() -> Vec<Left> {
    let traces = trace::left_behind().into_iter();
    let traces =
        traces.map(|name| Left::new(format!("kernel trace instance {name}"), move || trace::remove(&name)));
    let groups = cgroup::left_behind().into_iter();
    let groups = groups
        .map(|path| Left::new(format!("control group {}", path.display()), move || cgroup::remove(&path)));
    traces.chain(groups).collect()
}

/// What the Docker daemon has; nothing if there is no daemon.
fn of_docker() -> Result<Vec<Left>, DockerError> {
    Remains::of_the_daemon()?.map_or(Ok(Vec::new()), of)
}

/// What the Podman service has that is named; nothing if none is.
fn of_podman() -> Result<Vec<Left>, DockerError> {
    Remains::of_the_named_podman()?.map_or(Ok(Vec::new()), of)
}

fn of(remains: Remains) -> Result<Vec<Left>, DockerError> {
    let remains = Rc::new(remains);
    let left = remains.left_behind()?.into_iter();
    Ok(left
        .map(|one| {
            let what = remains.describe(&one);
            let remains = Rc::clone(&remains);
            Left::new(what, move || remains.remove(&one))
        })
        .collect())
}

/// Machines that died or were never finished, boxes that were never finished, and what libvirt has of ours that Vagrant has
/// forgotten.
fn machines() -> Vec<Left> {
    let mut left = Vec::new();
    for machine in Machine::ALL {
        let qemu = Qemu::new(machine);
        if qemu.is_left_behind() {
            let what = format!("dead machine '{}' in {}", machine.name(), qemu.directory().display());
            left.push(Left::new(what, move || qemu.destroy().map(|_| ()).map_err(std::io::Error::other)));
        }
    }
    for path in image::left_behind() {
        let what = format!("unfinished box {}", path.display());
        left.push(Left::new(what, move || image::remove_left_behind(&path)));
    }
    for thing in libvirt::forgotten() {
        left.push(Left::new(thing.describe(), move || thing.remove()));
    }
    left
}

fn directories() -> Vec<Left> {
    let directories = run_dir::left_behind().into_iter();
    directories
        .map(|path| {
            let what = format!("directory {}", path.display());
            Left::new(what, move || std::fs::remove_dir_all(&path))
        })
        .collect()
}

/// How many things dead runs have left.
pub(super) fn count() -> usize {
    let docker = [of_docker(), of_podman()].into_iter().flatten().map(|left| left.len()).sum::<usize>();
    let others = daemons().len() + services().len() + traces_and_groups().len() + machines().len();
    others + docker + directories().len()
}
