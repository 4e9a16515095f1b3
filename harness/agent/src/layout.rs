//! Where things are inside a container, agreed between the engine that puts them there and the probes
//! that use them.

/// The agent itself.
pub const AGENT: &str = "/agent";

/// An empty, always writable tmpfs of the container's own (`dev`, `exec` and `suid` allowed).
pub const SCRATCH: &str = "/scratch";

/// Where the laboratory host's directories are mounted, if the scenario mounts them: `/host/etc`, …
pub const HOST: &str = "/host";

/// The laboratory host's directories.
pub const LABORATORY: [&str; 4] = ["etc", "root", "var", "shared"];

/// A file of another user, mode 0600.
pub const FOREIGN_FILE: &str = "/fixtures/foreign-file";

/// A file of the container's user whose group is one that the user is not a member of, mode 0644.
pub const FOREIGN_GROUP_FILE: &str = "/fixtures/foreign-group-file";

/// A copy of the agent that is owned by root and has the set-user-id bit.
pub const SETUID_ROOT: &str = "/fixtures/setuid-root";

/// A copy of the agent whose file capabilities are [`FILE_CAPABILITY_GRANTS`], permitted and effective.
pub const FILE_CAPABILITY: &str = "/fixtures/file-capability";

/// A line of text that everybody may try to execute.
pub const TEXT: &str = "/fixtures/text";

/// The running kernel's own module [`DUMMY`], uncompressed; only in the disposable machine.
pub const DUMMY_MODULE: &str = "/fixtures/dummy.ko";

/// A network driver without a device: the most harmless module that there is.
pub const DUMMY: &str = "dummy";

/// What it is loaded with: without this it makes a network interface.
pub const DUMMY_OPTIONS: &str = "numdummies=0";

/// The name of a copy of [`TEXT`] in every tmpfs that the scenario mounts, if there is room. That it is there tells a
/// scenario's tmpfs from one of the host's.
pub const MOUNTED_TEXT: &str = "whyblocked-text";

/// The name of a copy of [`SETUID_ROOT`] in every tmpfs that the scenario mounts, if there is room.
pub const MOUNTED_SETUID_ROOT: &str = "whyblocked-setuid-root";

/// The capability that [`FILE_CAPABILITY`] grants: `CAP_CHOWN`, number 0. In every default bounding set,
/// and harmless in a program that only reads its own status.
pub const FILE_CAPABILITY_GRANTS: u32 = 0;

/// The user and group id that stand for "somebody else" inside the container.
pub const FOREIGN_ID: u32 = 4242;

/// The name (`comm`) of a process of [`FOREIGN_ID`] that the engine starts beside the agent.
pub const NEIGHBOUR_NAME: &str = "wb-neighbour";

/// A copy of the agent under that name, where the process has to be a program of its own.
pub const NEIGHBOUR: &str = "/fixtures/wb-neighbour";

/// The name (`comm`) of the process that the harness starts outside every container.
pub const VICTIM_NAME: &str = "wb-victim";

/// Names of the abstract sockets that the harness listens on outside begin with this.
pub const ABSTRACT_SOCKET: &str = "whyblocked-outside";

/// Names of canary files begin with this; the rest is the container's token, and where the harness looks for
/// the canary from outside, a dot and the probe's id ([`canary`]).
pub const CANARY: &str = "whyblocked-canary-";

/// The name of the file that `probe` leaves in a directory of the host, for the harness to see.
pub fn canary(token: &str, probe: &str) -> String {
    format!("{CANARY}{token}.{probe}")
}

/// The name that the agent has where it stands in for runc.
pub const RUNTIME_NAME: &str = "whyblocked-runtime";

/// The variable of a container's environment that names the namespaces which it is to share with the host although
/// Docker refuses that: `pid,network`. It is taken away before the container starts.
pub const SHARED_NAMESPACES: &str = "WHYBLOCKED_SHARED_NAMESPACES";
