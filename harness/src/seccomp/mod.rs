//! System-call filters: what a profile says, for which situation it says it, and the program it becomes.
//!
//! A [`Policy`] is already resolved: no condition on capabilities or kernel versions is left in it, so that
//! varying the capabilities in an experiment does not change the filter behind one's back.

mod compile;
pub mod docker_json;
mod dye;
pub mod interpreter;
mod own_form;
pub mod write_json;
mod x32;

pub use compile::{Architecture, Instruction, TooLong, compile};
pub use dye::DYE;
pub use own_form::DefaultProfile;

use crate::capability::CapabilitySet;

/// A resolved filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How to call it: `Docker 26`, or a file's name.
    pub name: String,
    /// What happens to calls that no rule matches.
    pub default: Action,
    /// The rules; the first that matches decides.
    pub rules: Vec<Rule>,
    /// Whether the 32-bit calls of the same processor go through the rules too; else they are killed.
    pub compat: bool,
    /// The errno that stands in the place of the policy's own ones, if they were changed: see [`Policy::dyed`].
    pub dye: Option<u16>,
    /// Whether the kernel writes down what the filter refuses: `SECCOMP_FILTER_FLAG_LOG`.
    pub log: bool,
}

/// Calls, conditions and what happens then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The calls' names; names that an architecture lacks say nothing there.
    pub calls: Vec<String>,
    /// Conditions on the arguments; all must hold.
    pub conditions: Vec<Condition>,
    /// What happens.
    pub action: Action,
}

/// A condition on one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// Which argument, from 0.
    pub argument: u32,
    /// What it is compared with.
    pub compare: Compare,
}

/// A comparison of an argument, unsigned, 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `argument == value`
    Equal(u64),
    /// `argument != value`
    NotEqual(u64),
    /// `argument & mask == value`
    Masked {
        /// Which bits count.
        mask: u64,
        /// What they must be.
        value: u64,
    },
    /// `argument > value`
    Greater(u64),
    /// `argument >= value`
    GreaterOrEqual(u64),
    /// `argument < value`
    Less(u64),
    /// `argument <= value`
    LessOrEqual(u64),
}

/// What a filter answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Go on.
    Allow,
    /// Go on, and log.
    Log,
    /// Return this errno.
    Errno(u16),
    /// Send `SIGSYS`.
    Trap,
    /// Tell a tracer.
    Trace(u16),
    /// End the thread.
    KillThread,
    /// End the process.
    KillProcess,
}

impl Action {
    /// `SECCOMP_RET_*` with its data, `linux/seccomp.h`.
    pub fn code(self) -> u32 {
        match self {
            Self::Allow => libc::SECCOMP_RET_ALLOW,
            Self::Log => libc::SECCOMP_RET_LOG,
            Self::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
            Self::Trap => libc::SECCOMP_RET_TRAP,
            Self::Trace(data) => libc::SECCOMP_RET_TRACE | u32::from(data),
            Self::KillThread => libc::SECCOMP_RET_KILL_THREAD,
            Self::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }

    /// Whether the call goes on to the kernel (as far as runc's stub for unknown calls is concerned).
    pub fn lets_through(self) -> bool {
        matches!(self, Self::Allow | Self::Log | Self::Trace(_))
    }
}

/// What a profile's own conditions are about.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The container's capabilities, as the scenario asks for them.
    pub capabilities: CapabilitySet,
    /// The kernel's major and minor version.
    pub kernel: (u32, u32),
}

/// Major and minor of a kernel release such as `6.12.57+deb13-amd64`; `(0, 0)` if there are none.
pub fn kernel_version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (0, 0),
    }
}

/// The names that profiles use for this program's own architecture (Go's, as Docker does).
pub(crate) const ARCHITECTURE_NAMES: &[&str] = if cfg!(target_arch = "x86_64") {
    &["amd64", "x32", "x86"]
} else if cfg!(target_arch = "aarch64") {
    &["arm64", "arm"]
} else {
    &[]
};

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("6.12.57+deb13-amd64", (6, 12))]
    #[case("4.8", (4, 8))]
    #[case("6", (0, 0))]
    #[case("", (0, 0))]
    fn kernel_versions(#[case] release: &str, #[case] version: (u32, u32)) {
        assert_eq!(kernel_version(release), version);
    }
}
