//! What can go wrong with Podman itself: whether it is there, whether its service starts, and what would mend it.

use thiserror::Error;

/// A Podman that cannot be used, or a container that it cannot make.
#[derive(Debug, Error)]
pub enum PodmanError {
    /// There is no program of that name.
    #[error(
        "there is no podman here; install it (Debian and Ubuntu: apt install podman; Fedora: dnf install podman), or name a running service with CONTAINER_HOST=unix:///PATH"
    )]
    Missing,
    /// It is there and does not work.
    #[error(
        "podman does not start here: {why}; see whether `podman info` works for this user (without root it takes newuidmap, of the package uidmap, and a line in /etc/subuid and /etc/subgid)"
    )]
    NotStarted {
        /// What it said.
        why: String,
    },
    /// `CONTAINER_HOST` names something else than a Unix socket.
    #[error(
        "the Podman service at {address} (from CONTAINER_HOST) cannot be used: the containers must run on this machine, because what they are held against is here; name a Unix socket with CONTAINER_HOST=unix:///PATH, or unset it for a service of the run's own"
    )]
    Elsewhere {
        /// Its address.
        address: String,
    },
    /// Somebody else's service.
    #[error(
        "the Podman service at {address} (from CONTAINER_HOST) runs {theirs}, and whyblocked {ours}: its containers could not be looked at as what they are; start whyblocked as the service's user"
    )]
    OtherUser {
        /// Its address.
        address: String,
        /// How it runs.
        theirs: &'static str,
        /// How this program runs.
        ours: &'static str,
    },
    /// Its configuration cannot be read.
    #[error(
        "podman's configuration {path} cannot be used: {why}; correct it, or name another with CONTAINERS_CONF"
    )]
    Configuration {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The service said no, or something that makes no sense.
    #[error("{doing}: {why}")]
    Refused {
        /// What it was asked to do.
        doing: String,
        /// What it said.
        why: String,
    },
    /// The settings say something that Podman has no words for.
    #[error("Podman cannot start this container as it is meant: {what}")]
    Inexpressible {
        /// What, and why.
        what: String,
    },
    /// The container is not what was asked for.
    #[error("Podman has started another container than it was asked for: {what}")]
    Otherwise {
        /// What differs.
        what: String,
    },
}
