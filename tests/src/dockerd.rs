//! A Docker daemon of a test's own: its own data, sockets and process number, no bridge, no packet filter rules. The
//! machine's daemon, if it has one, is neither asked nor changed.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use whyblocked::engine::embedded::agent;

use crate::Place;
use crate::program::succeed;

/// A shell's script that starts `"$@"` with an /etc of its own, a copy of the host's at `$0`, in mounts of its own.
pub const WITH_OWN_ETC: &str =
    "mount -t tmpfs tmpfs \"$0\" && cp -a /etc/. \"$0\" && mount --bind \"$0\" /etc && exec \"$@\"";

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
        let child = spawn(&place, Command::new("dockerd"), "{}");
        let mut daemon = Self { place, child };
        daemon.wait_until_it_answers();
        daemon
    }

    /// Ends it and starts it again with the same data, with this `daemon.json`, and with an /etc of its own: a copy of
    /// the host's at `etc`.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub fn restart_in(&mut self, etc: PathBuf, config: &str) {
        self.end();
        fs::create_dir_all(&etc).expect("the place is ours");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--", "sh", "-c", WITH_OWN_ETC]).arg(etc).arg("dockerd");
        self.child = spawn(&self.place, command, config);
        self.wait_until_it_answers();
    }

    /// Kills it, without a chance to put anything away.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.docker(&["version"]).status.success() {
            let alive = self.child.try_wait().expect("it is our child").is_none();
            if !alive || Instant::now() > deadline {
                let log = fs::read_to_string(self.place.path("log")).unwrap_or_default();
                panic!("dockerd does not answer:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
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

    /// Makes an image of the agent, and of nothing else, under a name: nothing has to be fetched.
    ///
    /// # Panics
    ///
    /// If the daemon refuses it.
    pub fn import_agent(&self, name: &str) {
        self.import_agent_with(name, &[]);
    }

    /// The same, with more arguments of `docker import`.
    ///
    /// # Panics
    ///
    /// If the daemon refuses it.
    pub fn import_agent_with(&self, name: &str, more: &[&str]) {
        let (dir, archive) = (self.path("agent-image"), self.path("agent-image.tar"));
        fs::create_dir_all(&dir).expect("the directory is ours");
        fs::write(dir.join("agent"), agent()).expect("the directory is ours");
        fs::set_permissions(dir.join("agent"), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(&dir).args(["--owner=0", "--group=0", "-cf"]).arg(&archive).arg(".");
        succeed(&mut tar);
        let archive = archive.display().to_string();
        self.lines(&[&["import"], more, &[archive.as_str(), name]].concat());
    }

    /// A file for the daemon to read.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }
}

fn spawn(place: &Place, mut command: Command, config: &str) -> Child {
    let path = |name: &str| place.path(name).display().to_string();
    fs::write(place.path("daemon.json"), config).expect("the directory is ours");
    let log = File::create(place.path("log")).expect("the directory is ours");
    command
        .args(["--config-file", &path("daemon.json"), "--data-root", &path("data")])
        .args(["--exec-root", &path("exec"), "--pidfile", &path("pid"), "--host"])
        .arg(format!("unix://{}", path("sock")))
        // A file system that works on every other.
        .args(["--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false"])
        .arg("--ip-forward=false")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be opened twice"))
        .stderr(log)
        .spawn()
        .expect("dockerd can be started")
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.end();
        self.unmount();
    }
}

impl Dockerd {
    fn end(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            self.end_processes();
            return;
        }
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

    /// What a daemon leaves that was killed: its containerd and the containers' shims.
    fn end_processes(&self) {
        let ours = self.place.path("").display().to_string();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let pid = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
            if let Some(pid) = pid.filter(|pid| *pid != std::process::id() as i32)
                && String::from_utf8_lossy(&line).contains(&ours)
            {
                // SAFETY: a number, of a process that names a directory of this test's own.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
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
