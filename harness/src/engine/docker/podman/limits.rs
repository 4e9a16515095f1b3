//! The limits of the service's process: a container's are no higher unless the service may raise its own, and Podman's
//! service lowers its own when it starts.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::scenario::values;
use crate::settings::Ulimit;

/// Those that Podman sets for a container by itself.
const NAMES: [&str; 2] = ["nofile", "nproc"];

/// As the process that listens has them; as this one has them if it may not be asked.
pub(super) fn of_service(socket: &Path) -> Vec<Ulimit> {
    let process = listener(socket).unwrap_or(0);
    NAMES.into_iter().filter_map(|name| of_process(process, name).or_else(|| of_process(0, name))).collect()
}

fn of_process(process: i32, name: &str) -> Option<Ulimit> {
    let known = values::ulimit(name, 0, 0).ok()?;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: numbers, nothing to set, and a structure of ours that is filled in.
    let asked = unsafe { libc::prlimit(process, known.resource, std::ptr::null(), &raw mut limit) };
    (asked == 0).then_some(Ulimit { soft: limit.rlim_cur, hard: limit.rlim_max, ..known })
}

/// The process at the other end of a connection to the socket (`SO_PEERCRED`, `unix(7)`).
fn listener(socket: &Path) -> Option<i32> {
    let connection = UnixStream::connect(socket).ok()?;
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of_val(&peer) as libc::socklen_t;
    // SAFETY: a descriptor that is open, and a structure of ours with its size.
    let asked = unsafe {
        libc::getsockopt(
            connection.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    };
    (asked == 0 && peer.pid > 0).then_some(peer.pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_of_the_process_that_listens() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("sock");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(listener(&socket), Some(std::process::id() as i32));
        let limits = of_service(&socket);
        assert_eq!(limits.iter().map(|limit| limit.name).collect::<Vec<_>>(), NAMES);
        assert!(limits.iter().all(|limit| limit.soft <= limit.hard && limit.hard > 0));
    }
}
