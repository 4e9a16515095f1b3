//! What can go wrong with a Docker daemon: where it was looked for, what it said, and what would mend it.

use thiserror::Error;

/// A daemon that cannot be used, or that refuses something.
#[derive(Debug, Error)]
pub enum DockerError {
    /// Nobody answers.
    #[error(
        "no Docker daemon answers at {address} ({origin}): {why}; start one (as root: dockerd), or name another with DOCKER_HOST=unix:///PATH"
    )]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// Who said so.
        origin: String,
        /// What came of it.
        why: String,
    },
    /// The daemon is on another machine, or may be.
    #[error(
        "the Docker daemon at {address} ({origin}) cannot be used: the containers must run on this machine, because what they are held against is here; name a Unix socket with DOCKER_HOST=unix:///PATH"
    )]
    Elsewhere {
        /// Its address.
        address: String,
        /// Who said so.
        origin: String,
    },
    /// The daemon runs under another kernel: in a virtual machine.
    #[error(
        "the Docker daemon at {address} runs under another kernel ({theirs}) than this program ({ours}), probably in a virtual machine; start whyblocked there"
    )]
    OtherKernel {
        /// Its address.
        address: String,
        /// Its kernel.
        theirs: String,
        /// The kernel of this program.
        ours: String,
    },
    /// A context that the Docker command line would use cannot be read.
    #[error(
        "the Docker context '{name}' cannot be used: {why}; see `docker context ls`, or set DOCKER_HOST=unix:///PATH"
    )]
    Context {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
    /// This process may not look at the containers.
    #[error(
        "the Docker engine needs root (CAP_SYS_ADMIN), to look at the containers from outside; start whyblocked as root, or use --engine embedded"
    )]
    NeedsRoot,
    /// The settings say something that Docker has no words for.
    #[error("Docker cannot start this container as it is meant: {what}")]
    Inexpressible {
        /// What, and why.
        what: String,
    },
    /// The daemon said no, or nothing at all.
    #[error("{doing}: {why}")]
    Refused {
        /// What it was asked to do.
        doing: String,
        /// What it said.
        why: String,
    },
}

impl DockerError {
    /// What the client library reports, in words of ours.
    pub(super) fn refused(doing: impl Into<String>, error: &bollard::errors::Error) -> Self {
        Self::Refused { doing: doing.into(), why: said(error) }
    }
}

/// What the daemon itself said, if it said something.
pub(super) fn said(error: &bollard::errors::Error) -> String {
    match error {
        bollard::errors::Error::DockerResponseServerError { message, .. } => {
            format!("the daemon says: {}", message.trim())
        }
        other => other.to_string(),
    }
}
