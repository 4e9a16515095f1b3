//! What waits outside the containers to be reached: a victim process, and listening sockets, all the harness's
//! own and all on this machine.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use whyblocked_agent::layout;
use whyblocked_agent::wire::Request;

use super::fixtures::AGENT;
use super::run_dir::RunDir;
use super::{EngineError, Job, Watch, probe_limit};

/// The targets outside.
#[derive(Debug)]
pub(super) struct Outside {
    victim: Child,
    // Connections need not be accepted to succeed, as long as not too many wait.
    loopback: TcpListener,
    abstract_socket: UnixListener,
    abstract_name: String,
    namespaces: Vec<(String, u64)>,
}

impl Outside {
    pub(super) fn start(dir: &RunDir) -> Result<Self, EngineError> {
        let failed = |doing: &str| {
            let doing = doing.to_owned();
            move |source| EngineError::Outside { doing, source }
        };
        let loopback =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed("listening on the loopback"))?;
        let abstract_name = format!("{}-{}", layout::ABSTRACT_SOCKET, dir.name());
        let address = SocketAddr::from_abstract_name(&abstract_name).map_err(failed("naming a socket"))?;
        let listener =
            UnixListener::bind_addr(&address).map_err(failed("listening on an abstract socket"))?;
        loopback.set_nonblocking(true).map_err(failed("listening on the loopback"))?;
        listener.set_nonblocking(true).map_err(failed("listening on an abstract socket"))?;
        Ok(Self {
            victim: start_victim().map_err(failed("starting the victim process"))?,
            loopback,
            abstract_socket: listener,
            abstract_name,
            namespaces: own_namespaces(),
        })
    }

    /// What the agent is told: what it is to do in a container that is called `token`, and what waits here.
    pub(super) fn request(&self, job: &Job<'_>, token: &str) -> Request {
        let Job { settings, probes, watch } = *job;
        self.make_room();
        Request {
            probes: probes.iter().map(|&probe| probe.to_owned()).collect(),
            token: token.to_owned(),
            limit_ms: probe_limit().as_millis() as u64,
            laboratory: settings.laboratory(),
            disposable: crate::disposable::is_here(),
            watched: watch.map(Watch::number),
            dye: settings.seccomp.as_ref().and_then(|policy| policy.dye).map(i32::from),
            victim: Some(self.victim.id() as i32),
            loopback_port: self.loopback.local_addr().ok().map(|address| address.port()),
            abstract_socket: Some(self.abstract_name.clone()),
            host_namespaces: self.namespaces.clone(),
            ..Request::default()
        }
    }
}

impl Outside {
    /// Takes the connections that wait: the kernel lets the next one hang when there are 128.
    fn make_room(&self) {
        while self.loopback.accept().is_ok() {}
        while self.abstract_socket.accept().is_ok() {}
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// The agent in its role as victim: it ends when its standard input does, so it cannot outlive the harness.
fn start_victim() -> std::io::Result<Child> {
    let program = program_in_memory()?;
    Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
        .arg0(layout::VICTIM_NAME)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// The agent as an executable that lies in no directory: the temporary directory may be mounted `noexec`.
fn program_in_memory() -> std::io::Result<OwnedFd> {
    // SAFETY: a constant name; the result is checked and then owned.
    let fd = unsafe {
        let fd = libc::memfd_create(c"whyblocked-agent".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(fd)
    };
    fs::File::from(fd.try_clone()?).write_all(AGENT)?;
    Ok(fd)
}

fn own_namespaces() -> Vec<(String, u64)> {
    ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
        .iter()
        .filter_map(|name| {
            Some(((*name).to_owned(), fs::metadata(format!("/proc/self/ns/{name}")).ok()?.ino()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;
    use crate::testing;

    #[test]
    fn the_sockets_answer_however_many_containers_there_are() {
        let dir = RunDir::create().unwrap();
        let outside = Outside::start(&dir).unwrap();
        let settings = testing::settings("docker-default");
        let name = SocketAddr::from_abstract_name(&outside.abstract_name).unwrap();
        for _ in 0..600 {
            let request = outside.request(&Job::unwatched(&settings, &[]), "token");
            let port = request.loopback_port.unwrap();
            TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_secs(1)).unwrap();
            UnixStream::connect_addr(&name).unwrap();
        }
    }
}
