//! A Docker daemon of a test's own: its own data, sockets and process number, no bridge, no packet filter rules. The
//! machine's daemon, if it has one, is neither asked nor changed.

use std::ffi::CString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::Place;

/// How long a daemon may take to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that runs until the value goes.
#[derive(Debug)]
pub struct Dockerd {
    place: Place,
    child: Child,
}

impl Dockerd {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    ///
    /// If it does not answer; its last words are in the message.
    pub fn start() -> Self {
        let place = Place::new();
        let path = |name: &str| place.path(name).display().to_string();
        fs::write(place.path("daemon.json"), "{}").expect("the directory is ours");
        let log = File::create(place.path("log")).expect("the directory is ours");
        let child = Command::new("dockerd")
            .args(["--config-file", &path("daemon.json"), "--data-root", &path("data")])
            .args(["--exec-root", &path("exec"), "--pidfile", &path("pid"), "--host"])
            .arg(format!("unix://{}", path("sock")))
            // A file system that works on every other.
            .args(["--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be opened twice"))
            .stderr(log)
            .spawn()
            .expect("dockerd can be started");
        let mut daemon = Self { place, child };
        let deadline = Instant::now() + PATIENCE;
        while !daemon.docker(&["version"]).status.success() {
            let alive = daemon.child.try_wait().expect("it is our child").is_none();
            if !alive || Instant::now() > deadline {
                let log = fs::read_to_string(daemon.place.path("log")).unwrap_or_default();
                panic!("dockerd does not answer:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        daemon
    }

    /// `DOCKER_HOST` for those who are to use it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.place.path("sock").display())
    }

    /// The `docker` command with this daemon.
    pub fn docker(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.host()).stdin(Stdio::null());
        command.output().expect("docker can be started")
    }

    /// What the `docker` command says, line by line.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.docker(arguments);
        assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// A file for the daemon to read.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.end();
        self.unmount();
    }
}

impl Dockerd {
    fn end(&mut self) {
        // Its own way to end takes its containerd with it.
        // SAFETY: our own child, not yet waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().is_ok_and(|status| status.is_none()) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// It leaves the mount of a network namespace, which would keep its directory from being removed.
    fn unmount(&self) {
        let ours = self.place.path("").display().to_string();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
        for point in points.filter(|point| point.starts_with(&ours)) {
            let Ok(point) = CString::new(point) else { continue };
            // SAFETY: a string that ends in NUL.
            unsafe { libc::umount2(point.as_ptr(), libc::MNT_DETACH) };
        }
    }
}
