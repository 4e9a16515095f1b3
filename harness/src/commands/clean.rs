//! `whyblocked clean`: removes what killed runs have left behind, and says what.

use std::fmt::Write as _;

use super::{Exit, Failure, print};
use crate::engine::embedded::{cgroup, run_dir};

/// Options of `clean`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let groups = cgroup::left_behind();
    let directories = run_dir::left_behind();
    let mut text = String::new();
    let mut failures = Vec::new();
    let verb = if args.dry_run { "would remove" } else { "removed" };
    for (kind, path) in
        groups.iter().map(|p| ("control group", p)).chain(directories.iter().map(|p| ("directory", p)))
    {
        let removed = match kind {
            _ if args.dry_run => Ok(()),
            "control group" => cgroup::remove(path),
            _ => std::fs::remove_dir_all(path),
        };
        match removed {
            Ok(()) => {
                let _ = writeln!(text, "{verb} the {kind} {}", path.display());
            }
            Err(error) => failures.push(format!("cannot remove the {kind} {}: {error}", path.display())),
        }
    }
    if groups.is_empty() && directories.is_empty() {
        text.push_str("nothing was left behind\n");
    }
    print(&text)?;
    if failures.is_empty() { Ok(Exit::Expected) } else { Err(Failure::failed(failures.join("; "))) }
}
