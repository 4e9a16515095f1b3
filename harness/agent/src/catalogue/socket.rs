//! A container runtime's socket is root on the host: who may talk to it may start a container with
//! everything of the host's inside. The attempts connect; Docker alone is asked whether it is there.

use std::os::fd::{AsRawFd, OwnedFd};

use syscalls::Sysno;

use super::net::connect_unix;
use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys::{self, Made, addr, addr_mut};
use crate::wire::Request;

/// Where Docker listens, and where that is if the host's root or `/run` is mounted.
const DOCKER: &[Aim] = &[
    Aim::Path("/var/run/docker.sock"),
    Aim::Path("/run/docker.sock"),
    Aim::Path("/host/var/run/docker.sock"),
    Aim::Path("/host/run/docker.sock"),
];

/// Where containerd, CRI-O and Podman listen.
const OTHERS: &[Aim] = &[
    Aim::Path("/run/containerd/containerd.sock"),
    Aim::Path("/run/docker/containerd/containerd.sock"),
    Aim::Path("/run/crio/crio.sock"),
    Aim::Path("/var/run/crio/crio.sock"),
    Aim::Path("/run/podman/podman.sock"),
    Aim::Path("/run/k3s/containerd/containerd.sock"),
];

/// A request that changes nothing and that every version answers.
const PING: &[u8] = b"GET /_ping HTTP/1.0\r\n\r\n";

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "socket-docker",
        title: "Talk to the Docker daemon",
        tries: "connect to docker.sock at its usual places, and GET /_ping",
        gains: "root on the host: a container with the host's root directory and all capabilities is one request away",
        calls: &[Sysno::socket, Sysno::connect],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: DOCKER,
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a ping changes nothing",
        sources: &[
            "https://docs.docker.com/engine/security/#docker-daemon-attack-surface",
            "https://docs.docker.com/engine/security/protect-access/",
        ],
        run: docker,
    },
    Probe {
        id: "socket-containerd",
        title: "Talk to another container runtime",
        tries: "connect to the sockets of containerd, CRI-O and Podman at their usual places",
        gains: "root on the host, below the rules of the orchestrator",
        calls: &[Sysno::socket, Sysno::connect],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: OTHERS,
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the connection is closed without a word",
        sources: &[
            "https://github.com/containerd/containerd/blob/main/docs/ops.md",
            "https://man7.org/linux/man-pages/man7/unix.7.html",
        ],
        run: containerd,
    },
];

fn docker(_: &Request) -> Attempt {
    let (socket, made) = match connect_any(DOCKER) {
        Ok(connected) => connected,
        Err(answer) => return Ok(answer),
    };
    if answers_http(&socket) {
        return made.answer();
    }
    Ok(Answer::Hollow { made, why: "something listens there, but it does not answer a ping".into() })
}

fn containerd(_: &Request) -> Attempt {
    match connect_any(OTHERS) {
        Ok((_, made)) => made.answer(),
        Err(answer) => Ok(answer),
    }
}

/// Connects to the first path of `aims` that lets it, or tells the refusal that says most.
fn connect_any(aims: &[Aim]) -> Result<(OwnedFd, Made), Answer> {
    let mut told: Option<Made> = None;
    for aim in aims {
        let Aim::Path(path) = aim else { continue };
        let socket = sys::own(sys::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).or_answer()?);
        let made = connect_unix(&socket, path.as_bytes());
        if made.worked() {
            return Ok((socket, made));
        }
        // Whatever else a path says tells more than that it is not there.
        if told.as_ref().is_none_or(|t| matches!(t.result, Err(libc::ENOENT | libc::ENOTDIR))) {
            told = Some(made);
        }
    }
    Err(told.map_or_else(|| Answer::absent("no path to try"), Answer::Made))
}

/// Whether whoever listens answers a ping, soon, the way a web server does. A daemon on a busy, emulated machine was seen to take more
/// than 300 ms, and was then taken for nobody.
fn answers_http(socket: &OwnedFd) -> bool {
    let fd = socket.as_raw_fd() as usize;
    let soon = libc::timeval { tv_sec: 2, tv_usec: 0 };
    let mut reply = [0u8; 5];
    sys::call(
        Sysno::setsockopt,
        &[fd, libc::SOL_SOCKET as usize, libc::SO_RCVTIMEO as usize, addr(&soon), size_of_val(&soon)],
    );
    sys::call(Sysno::write, &[fd, addr(PING), PING.len()]);
    sys::call(Sysno::read, &[fd, addr_mut(&mut reply), reply.len()]);
    &reply == b"HTTP/"
}
