//! For tests of your own: containers, attempts in them, and what you expect. Each question is answered by the same experiment as
//! in `whyblocked run`; a container's experiment is made once, when the first case asks, and its answers are shared.
//!
//! With `rstest`, or any other harness of `cargo test`:
//!
//! ```
//! use std::sync::LazyLock;
//! use whyblocked::cases::{Container, Expect};
//! use whyblocked::mechanism::Mechanism::Seccomp;
//!
//! static DEFAULT: LazyLock<Container> =
//!     LazyLock::new(|| Container::built_in("docker-default").expect("it is built in"));
//!
//! // #[rstest]
//! // #[case::settimeofday("time-settimeofday", Expect::blocked_by([Seccomp]))]
//! // #[case::raw_socket("net-raw-socket", Expect::allowed())]
//! fn docker_default(probe: &str, expect: Expect) {
//!     DEFAULT.check(probe, &expect).assert();
//! }
//! # docker_default("time-settimeofday", Expect::blocked_by([Seccomp]));
//! # docker_default("identity-sethostname", Expect::blocked());
//! ```
//!
//! A case that cannot be decided on this machine is [`Checked::Ignored`], with the reason: the scenario needs what this host has
//! not, or the attempt cannot be tested here. [`Checked::assert`] says so on standard error, and passes, because `cargo test`'s own
//! harness cannot ignore a test that has begun; with `libtest-mimic`, which can, use the value itself. In a lane that is to have
//! everything, [`REQUIRE`] makes such a case fail.
//!
//! Containers run one experiment at a time in a process. As root every mechanism can be looked at; an ordinary user's containers
//! all live in a user namespace, as in `whyblocked run`.

mod agreed;
mod container;
mod expect;
mod promise;

pub use agreed::{Agreed, AgreedError, Case};
pub use container::{CaseError, Container};
pub use expect::Expect;
pub use promise::REQUIRE;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a case that nobody looks at tests nothing: call `assert`"]
pub enum Checked {
    /// As expected.
    Passed,
    /// It cannot be decided here; and why.
    Ignored(String),
    /// Not as expected; what was seen instead.
    Failed(String),
}

impl Checked {
    /// Passes, says why nothing was decided, or panics with what was seen instead.
    ///
    /// # Panics
    ///
    /// If it failed.
    #[track_caller]
    pub fn assert(self) {
        match self {
            Self::Passed => {}
            Self::Ignored(reason) => eprintln!("ignored: {reason}"),
            Self::Failed(message) => panic!("{message}"),
        }
    }
}
