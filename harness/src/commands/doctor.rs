//! `whyblocked doctor`: what this machine can and cannot show.
use super::{Exit, Failure};
/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}
pub(super) fn run(_args: &Args) -> Result<Exit, Failure> {
    Ok(Exit::Expected)
}
