//! Lab machines: what a laptop's own kernel cannot show (SELinux, AppArmor, real modules) is shown in a virtual machine.
//! This module makes the box and starts, asks and ends machines; it knows nothing of verdicts.

pub mod image;
pub mod qemu;
pub mod ssh;

use std::fmt::Write as _;
use std::path::PathBuf;

use thiserror::Error;

/// A machine of the laboratory. All are made of the same box; the kernel is told which module is to be active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Machine {
    /// SELinux, enforcing.
    Selinux,
    /// `AppArmor`.
    Apparmor,
}

impl Machine {
    /// Every machine.
    pub const ALL: [Self; 2] = [Self::Selinux, Self::Apparmor];

    /// As it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Selinux => "selinux",
            Self::Apparmor => "apparmor",
        }
    }

    /// The machine of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|machine| machine.name() == name)
    }

    /// What its kernel is told.
    pub(super) fn options(self) -> &'static str {
        match self {
            Self::Selinux => "security=selinux selinux=1 enforcing=1",
            Self::Apparmor => "security=apparmor apparmor=1",
        }
    }
}

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

/// A text as one word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `$VARIABLE/whyblocked`, or below the home directory.
fn directory(variable: &str, below_home: &str) -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set(variable)
        .or_else(|| set("HOME").map(|home| home.join(below_home)))
        .unwrap_or_else(std::env::temp_dir)
        .join("whyblocked")
}
