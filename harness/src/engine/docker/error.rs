//! What can go wrong with a Docker daemon: where it was looked for, what it said, and what would mend it.

use bollard::errors::Error;

/// A daemon that cannot be used, or that refuses something.
#[derive(Debug, thiserror::Error)]
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
    /// A daemon does not start with its settings.
    #[error("dockerd does not start with this configuration: {why}")]
    NotStarted {
        /// What it said.
        why: String,
    },
    /// The daemon answered, and said no.
    #[error("{doing}: the daemon says: {said}")]
    Said {
        /// What it was asked to do.
        doing: String,
        /// Its own words.
        said: String,
    },
    /// The daemon did not answer, or not so that it could be understood.
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
    pub(super) fn refused(doing: impl Into<String>, error: &Error) -> Self {
        let doing = doing.into();
        match error {
            Error::DockerResponseServerError { message, .. } => {
                Self::Said { doing, said: message.trim().to_owned() }
            }
            other => Self::Refused { doing, why: other.to_string() },
        }
    }
}

/// What the daemon itself said, if it said something.
pub(super) fn said(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => {
            format!("the daemon says: {}", message.trim())
        }
        other => other.to_string(),
    }
}
