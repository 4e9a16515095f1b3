//! Lab machines: what a laptop's own kernel cannot show (SELinux, AppArmor, real modules) is shown in a virtual machine.
//! This module makes the box and starts, asks and ends machines, with Vagrant or with QEMU itself; it knows nothing of
//! verdicts.

pub(crate) mod child;
mod error;
pub mod image;
mod kvm;
mod lock;
mod monitor;
pub mod qemu;
pub mod ssh;
pub mod vagrant;
pub mod way;

use std::fmt::Write as _;
use std::path::PathBuf;

pub use error::VmError;

/// A machine of the laboratory. Those of Debian are made of the same box; the kernel is told which module is to be active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Machine {
    /// SELinux, enforcing.
    Selinux,
    /// `AppArmor`.
    Apparmor,
    /// Fedora, with SELinux enforcing: from a public box, so only with Vagrant.
    Fedora,
}

impl Machine {
    /// Every machine.
    pub const ALL: [Self; 3] = [Self::Selinux, Self::Apparmor, Self::Fedora];

    /// As it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Selinux => "selinux",
            Self::Apparmor => "apparmor",
            Self::Fedora => "fedora",
        }
    }

    /// What is to be known of it, wherever it is shown.
    pub fn remark(self) -> &'static str {
        match self {
            Self::Selinux | Self::Apparmor => "",
            Self::Fedora => "not tested by this project's CI",
        }
    }

    /// The machine of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|machine| machine.name() == name)
    }

    /// What its kernel is told; nothing, if it is not made of the lab's box.
    pub(super) fn options(self) -> Option<&'static str> {
        match self {
            Self::Selinux => Some("security=selinux selinux=1 enforcing=1"),
            Self::Apparmor => Some("security=apparmor apparmor=1"),
            Self::Fedora => None,
        }
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
