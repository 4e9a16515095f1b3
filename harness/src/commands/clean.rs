//! `whyblocked clean`: removes what killed runs have left behind, and says what.

use std::fmt::Write as _;
use std::rc::Rc;

use super::{Exit, Failure, print};
use crate::engine::docker::clean::Remains;
use crate::engine::docker::podman;
use crate::engine::embedded::cgroup;
use crate::engine::run_dir;
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
    for Left { what, remove } in left_behind() {
        let removed = if args.dry_run { Ok(()) } else { remove() };
        match removed {
            Ok(()) => {
                let verb = if args.dry_run { "would remove" } else { "removed" };
                let _ = writeln!(text, "{verb} the {what}");
            }
            Err(error) => failures.push(format!("cannot remove the {what}: {error}")),
        }
    }
    if text.is_empty() && failures.is_empty() {
        text.push_str("nothing was left behind\n");
    }
    print(&text)?;
    if failures.is_empty() { Ok(Exit::Expected) } else { Err(Failure::failed(failures.join("; "))) }
}

/// The directories come last: by them it is known whose the rest is.
fn left_behind() -> Vec<Left> {
    let traces = trace::left_behind().into_iter();
    let traces =
        traces.map(|name| Left::new(format!("kernel trace instance {name}"), move || trace::remove(&name)));
    let groups = cgroup::left_behind().into_iter();
    let groups = groups
        .map(|path| Left::new(format!("control group {}", path.display()), move || cgroup::remove(&path)));
    let directories = run_dir::left_behind().into_iter();
    let directories = directories.map(|path| {
        Left::new(format!("directory {}", path.display()), move || std::fs::remove_dir_all(&path))
    });
    let services = podman::remains::left_behind().into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Left::new(format!("Podman service and storage of {name}"), move || podman::remains::remove(&path))
    });
    // A service's containers go with it; their control groups are empty then.
    services.chain(traces).chain(groups).chain(of_daemons()).chain(directories).collect()
}

/// What the Docker daemon has, and the Podman service that is named; nothing where there is none.
fn of_daemons() -> Vec<Left> {
    let daemons = [Remains::of_the_daemon(), Remains::of_the_named_podman()];
    daemons
        .into_iter()
        .flatten()
        .map(Rc::new)
        .flat_map(|remains| {
            let left = remains.left_behind().unwrap_or_default().into_iter();
            left.map(move |one| {
                let remains = Rc::clone(&remains);
                Left::new(remains.describe(&one), move || remains.remove(&one).map_err(std::io::Error::other))
            })
        })
        .collect()
}

/// How many things dead runs have left.
pub(super) fn count() -> usize {
    left_behind().len()
}
