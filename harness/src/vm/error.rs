//! What can go wrong with machines and their box.

use std::path::PathBuf;

use thiserror::Error;

/// Something that went wrong with a machine.
#[derive(Debug, Error)]
pub enum VmError {
    /// A program is missing.
    #[error("{program} is not installed, and {what} needs it; Debian and Ubuntu: apt install {package}")]
    Missing {
        /// The program.
        program: &'static str,
        /// What needs it.
        what: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// Only root can make a box: labels are written into its files.
    #[error("making the box needs root: files of all owners, with SELinux labels, are made in it")]
    NeedsRoot,
    /// There is no box yet.
    #[error(
        "there is no box yet; make it with `whyblocked vm box` (as root, from Debian packages, a few minutes)"
    )]
    NoBox,
    /// Not enough room.
    #[error("{} has {free} MiB free, and {what} takes {needed} MiB; make room, or set {variable} to a directory elsewhere", place.display())]
    NoRoom {
        /// Where.
        place: PathBuf,
        /// How much is free.
        free: u64,
        /// How much is needed.
        needed: u64,
        /// For what.
        what: &'static str,
        /// What says where else.
        variable: &'static str,
    },
    /// A program that was started failed.
    #[error("{doing} failed: {said}; the whole output is in {}", log.display())]
    Program {
        /// What it was to do.
        doing: &'static str,
        /// Its last words.
        said: String,
        /// Everything that it said.
        log: PathBuf,
    },
    /// The machine does not answer.
    #[error("the machine '{machine}' did not answer within {seconds} s; what it said is in {}", log.display())]
    Silent {
        /// Its name.
        machine: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// Its console.
        log: PathBuf,
    },
    /// The machine is not running.
    #[error("the machine '{machine}' is not running; start it with `whyblocked vm up {machine}`")]
    NotRunning {
        /// Its name.
        machine: &'static str,
    },
    /// ssh has no connection any more.
    #[error("the connection to the machine '{machine}' was lost: was it halted? `whyblocked vm status` says")]
    Lost {
        /// Its name.
        machine: &'static str,
    },
    /// Vagrant is wanted, and cannot be used.
    #[error("Vagrant cannot be used: {why}")]
    NoVagrant {
        /// Why not, and what mends it.
        why: String,
    },
    /// Vagrant failed.
    #[error("{doing} failed: {said}")]
    Vagrant {
        /// What it was to do.
        doing: String,
        /// How it explains that.
        said: String,
    },
    /// Only Vagrant has this machine.
    #[error("the machine '{machine}' is not made of the lab's own box: it takes Vagrant, and a public box")]
    OnlyVagrant {
        /// Its name.
        machine: &'static str,
    },
    /// Machines are made of the box that is to be removed.
    #[error("the machine '{machine}' is made of the box; remove it first: `whyblocked vm destroy`")]
    InUse {
        /// Its name.
        machine: &'static str,
    },
    /// Somebody else starts or ends the same machine.
    #[error(
        "the machine '{machine}' is being started or ended by another whyblocked; try again when that is done"
    )]
    Busy {
        /// Its name.
        machine: &'static str,
    },
    /// A command in the machine failed.
    #[error("in the machine, {doing}: {said}")]
    Inside {
        /// What was done.
        doing: String,
        /// What came of it.
        said: String,
    },
    /// Anything else outside.
    #[error("{doing}: {source}")]
    Outside {
        /// What was done.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Asked to end.
    #[error("interrupted")]
    Interrupted,
}

impl VmError {
    pub(super) fn outside(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Outside { doing, source }
    }
}
