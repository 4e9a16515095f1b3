//! A Docker daemon of the run's own, for scenarios that say what its `daemon.json` says. It ends with the run, and it
//! has mounts, an /etc, a /run and an /opt of its own, so that nothing of the host changes and nothing stays mounted.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use whyblocked_agent::layout;

use super::connect::Daemon;
use super::error::DockerError;
use super::runtime;
use crate::disposable;
use crate::engine::{processes, run_dir};
use crate::remap::Prepared;

/// What directories of daemons are called, in the run's own.
pub(super) const PREFIX: &str = "daemon-";

/// How long a daemon may take to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(180);

/// Directories of the host that a daemon writes in, whatever it is told. It gets a copy of them, written where it writes.
const OWN: [&str; 3] = ["/etc", "/run", "/opt"];

/// What it is told beside its `daemon.json`, which may therefore not say it.
pub(crate) const RESERVED: [&str; 14] = [
    "bridge",
    "cgroup-parent",
    "containerd",
    "data-root",
    "exec-opts",
    "exec-root",
    "graph",
    "group",
    "hosts",
    "ip-forward",
    "ip6tables",
    "iptables",
    "pidfile",
    "runtimes",
];

/// A daemon that runs until the value goes.
#[derive(Debug)]
pub(super) struct Private {
    child: Child,
    /// The kernel ends the daemon with the thread that has started it: this one lives until then.
    _keeper: mpsc::Sender<()>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// It stopped by itself; what it said.
    Refused(String),
    /// Anything else.
    Failed(DockerError),
}

impl Private {
    /// Starts one in `dir`, which must not exist yet, and waits until it answers.
    pub(super) fn start(
        dir: &Path,
        run: &str,
        config: &str,
        etc: &[Prepared],
    ) -> Result<(Self, Daemon), NotStarted> {
        let doing = "starting a Docker daemon of the run's own";
        let failed = |why: String| NotStarted::Failed(DockerError::Refused { doing: doing.to_owned(), why });
        let (command, log) =
            prepare(dir, run, config, etc).map_err(|error| failed(format!("{}: {error}", dir.display())))?;
        let (child, keeper) = spawn(command).map_err(|error| {
            let said = last_words(&log, dir);
            failed(match error.kind() {
                io::ErrorKind::NotFound if said.is_empty() => {
                    "there is no dockerd in PATH; install Docker (Debian: apt install docker.io)".to_owned()
                }
                _ => format!("{said}{}{error}", if said.is_empty() { "" } else { ": " }),
            })
        })?;
        let mut private = Self { child, _keeper: keeper };
        let socket = dir.join("sock");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if socket.exists()
                && let Ok(daemon) = Daemon::at(&socket, "the run's own")
            {
                return Ok((private, daemon));
            }
            if !matches!(private.child.try_wait(), Ok(None)) {
                return Err(NotStarted::Refused(last_words(&log, dir)));
            }
            if Instant::now() > deadline {
                return Err(failed(format!("it does not answer within {} s", PATIENCE.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // Its own way to end takes its containerd with it.
        // SAFETY: our own child, not yet waited for.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let deadline = Instant::now() + PATIENCE;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Directories of daemons whose run is no longer alive.
pub fn left_behind() -> Vec<PathBuf> {
    let runs = run_dir::left_behind().into_iter();
    let entries = runs.filter_map(|run| fs::read_dir(run).ok()).flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(|dir| dir.join("daemon.json").exists())
        .collect();
    found.sort();
    found
}

/// Ends what still runs of such a daemon: itself, its containerd, and the containers' shims. They have been told to end
/// by the kernel, with the run; its mounts end with them.
pub fn end(dir: &Path) -> io::Result<()> {
    match processes::end(|| processes_of(dir), PATIENCE) {
        none if none.is_empty() => Ok(()),
        left => Err(io::Error::other(format!("the processes {left:?} do not end"))),
    }
}

/// Processes of this user that were told of the directory.
fn processes_of(dir: &Path) -> Vec<i32> {
    let words = format!("{}/", dir.display());
    let user = nix::unistd::geteuid().as_raw();
    let is_one = |pid: &i32| {
        let line = processes::read(*pid, "cmdline");
        let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let known = [&b"dockerd"[..], b"containerd"].contains(&name) || name.starts_with(b"containerd-shim");
        known && String::from_utf8_lossy(&line).contains(&words)
    };
    let ours = |pid: &i32| fs::metadata(format!("/proc/{pid}")).is_ok_and(|process| process.uid() == user);
    processes::others().filter(is_one).filter(ours).collect()
}

fn prepare(dir: &Path, run: &str, config: &str, etc: &[Prepared]) -> io::Result<(Command, PathBuf)> {
    fs::create_dir(dir)?;
    fs::create_dir(dir.join("own"))?;
    fs::write(dir.join("daemon.json"), config)?;
    let log = dir.join("log");
    let output = File::create(&log)?;
    let path = |name: &str| dir.join(name);
    let mut command = Command::new("dockerd");
    command.arg("--config-file").arg(path("daemon.json"));
    command.arg("--data-root").arg(path("data")).arg("--exec-root").arg(path("exec"));
    command.arg("--pidfile").arg(path("pid"));
    command.arg("--host").arg(format!("unix://{}", path("sock").display()));
    command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]);
    runtime::install(&path(layout::RUNTIME_NAME))?;
    let runtime = path(layout::RUNTIME_NAME);
    command.arg(format!("--add-runtime={}={}", runtime::NAME, runtime.display()));
    // By its name `clean` finds what is left of it.
    command.args(["--exec-opt", "native.cgroupdriver=cgroupfs"]).arg(format!("--cgroup-parent=/{run}"));
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    // Ctrl-C is for the harness, which ends the daemon when its containers have ended.
    command.process_group(0);
    let own = Own::new(dir, etc)?;
    // SAFETY: only system calls with arguments that exist already.
    unsafe { command.pre_exec(move || own.set_up()) };
    Ok((command, log))
}

/// Starts it from a thread that lives as long as the sender.
fn spawn(mut command: Command) -> io::Result<(Child, mpsc::Sender<()>)> {
    let (keeper, ended) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new().name("daemon".to_owned()).spawn(move || {
        let _ = tell.send(command.spawn());
        let _ = ended.recv();
    })?;
    told.recv().map_err(|_| io::Error::other("the thread has ended"))?.map(|child| (child, keeper))
}

/// Where dockerd looks for a containerd that runs already (`systemContainerdRunning` in moby's `cmd/dockerd`).
const CONTAINERD: &std::ffi::CStr = c"/run/containerd/containerd.sock";

/// The mounts that are the daemon's own, prepared so that nothing needs memory between fork and exec.
#[derive(Debug)]
struct Own {
    place: CString,
    /// Directory for what is written, directory for work, options, target.
    overlays: Vec<(CString, CString, CString, CString)>,
    /// What is added to files in /etc.
    etc: Vec<(CString, Vec<u8>)>,
}

impl Own {
    fn new(dir: &Path, etc: &[Prepared]) -> io::Result<Self> {
        let overlay = |target: &&str| {
            let name = &target[1..];
            Ok((
                CString::new(format!("{name}-upper"))?,
                CString::new(format!("{name}-work"))?,
                CString::new(format!("lowerdir={target},upperdir={name}-upper,workdir={name}-work"))?,
                CString::new(*target)?,
            ))
        };
        let lines = |one: &Prepared| Ok((CString::new(one.file)?, format!("{}\n", one.line).into_bytes()));
        Ok(Self {
            place: CString::new(dir.join("own").display().to_string())?,
            overlays: OWN
                .iter()
                .filter(|target| Path::new(target).is_dir())
                // The disposable machine's own is what containers are to see, and may be written.
                .filter(|target| **target != "/etc" || !etc.is_empty() || !disposable::is_here())
                .map(overlay)
                .collect::<io::Result<_>>()?,
            etc: etc.iter().map(lines).collect::<io::Result<_>>()?,
        })
    }

    /// In the child.
    fn set_up(&self) -> io::Result<()> {
        let null = std::ptr::null();
        // SAFETY: strings that end in NUL, all of them made before.
        unsafe {
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM), b"asking for an end with the harness")?;
            check(libc::unshare(libc::CLONE_NEWNS), b"giving the daemon mounts of its own")?;
            let slave = libc::MS_REC | libc::MS_SLAVE;
            check(libc::mount(null, c"/".as_ptr(), null, slave, null.cast()), b"keeping mounts private")?;
            let tmpfs = c"tmpfs".as_ptr();
            check(libc::mount(tmpfs, self.place.as_ptr(), tmpfs, 0, c"mode=755".as_ptr().cast()), b"tmpfs")?;
            check(libc::chdir(self.place.as_ptr()), b"going to the daemon's own directory")?;
            let overlay = c"overlay".as_ptr();
            for (upper, work, options, target) in &self.overlays {
                check(libc::mkdir(upper.as_ptr(), 0o755), b"making a directory")?;
                check(libc::mkdir(work.as_ptr(), 0o755), b"making a directory")?;
                let mounted = libc::mount(overlay, target.as_ptr(), overlay, 0, options.as_ptr().cast());
                check(
                    mounted,
                    b"giving the daemon an /etc of its own (overlayfs), so that the host's stays as it is",
                )?;
            }
            // A containerd that runs already is the host's, and would not be reached through an overlay: sockets are not.
            // Where there is none dockerd starts its own.
            libc::unlink(CONTAINERD.as_ptr());
            for (file, line) in &self.etc {
                let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
                let fd = libc::open(file.as_ptr(), flags, 0o644);
                check(fd, b"preparing the daemon's own /etc")?;
                let written = libc::write(fd, line.as_ptr().cast(), line.len());
                check(if written < 0 { -1 } else { 0 }, b"preparing the daemon's own /etc")?;
                libc::close(fd);
            }
        }
        Ok(())
    }
}

/// The log says what failed: the parent sees an errno only.
fn check(result: i32, doing: &[u8]) -> io::Result<()> {
    if result >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    // SAFETY: a buffer and its length.
    unsafe { libc::write(2, doing.as_ptr().cast(), doing.len()) };
    Err(error)
}

/// Why a daemon has stopped: it says so in its last line.
fn last_words(log: &Path, dir: &Path) -> String {
    words(&fs::read_to_string(log).unwrap_or_default(), &format!("{}/", dir.display()))
}

fn words(log: &str, dir: &str) -> String {
    let line = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().replace(dir, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_says_why_without_our_own_path() {
        let log = "time=x level=info msg=\"Starting up\"\n\
            unable to configure the Docker daemon with file /tmp/d-0/daemon.json: json: cannot\n\n";
        assert_eq!(
            words(log, "/tmp/d-0/"),
            "unable to configure the Docker daemon with file daemon.json: json: cannot"
        );
        assert_eq!(words("", "/tmp/d-0/"), "");
    }
}
