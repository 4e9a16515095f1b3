//! A Podman service of the run's own: its storage, sockets, locks and configuration lie in the run's directory, so that
//! what the user's Podman has is neither read nor changed. It ends with the run.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use toml::Table;

use super::error::PodmanError;
use super::remains;

/// How long it may take until the service answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where image data that root has seen is written down, whatever the storage is.
const CACHE: &str = "/var/lib/containers";

/// The directory for what does not outlive the machine's next start, and how long its path may be: Podman refuses a
/// longer one (`libpod/runtime.go`).
const STATE: &str = "runroot";
const LONGEST: usize = 50;

/// Where a run's Podman keeps everything, and how it is to be started.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Below the run's directory, or a link to there.
    dir: PathBuf,
    privileged: bool,
    /// Whether several ids can be mapped; else all files are the one user's.
    many_ids: bool,
}

impl Place {
    pub(super) fn make(run: &Path, privileged: bool, many_ids: bool) -> std::io::Result<Self> {
        let dir = run.join(remains::DIRECTORY);
        // Containers with other ids get through, and read nothing. Podman would make the inner ones for the owner of the
        // newest container alone.
        for open in ["", "root", "root/vfs", "root/vfs/dir"] {
            fs::create_dir(dir.join(open))?;
            fs::set_permissions(dir.join(open), fs::Permissions::from_mode(0o711))?;
        }
        for inner in ["run", "data", "networks", "containers", "temporary"] {
            fs::DirBuilder::new().mode(0o700).create(dir.join(inner))?;
        }
        let mut place = Self { dir, privileged, many_ids };
        if place.path(STATE).as_os_str().len() > LONGEST
            && let Some(link) = remains::link(run, &place.dir)
        {
            place.dir = link;
        }
        Ok(place)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path("sock")
    }

    fn command(&self) -> Command {
        let mut command = Command::new("podman");
        for (option, name) in [
            ("--root", "root"),
            ("--runroot", STATE),
            ("--tmpdir", "tmp"),
            ("--network-config-dir", "networks"),
        ] {
            command.arg(option).arg(self.path(name));
        }
        // A file system that works on every other.
        command.args(["--storage-driver", "vfs", "--events-backend", "none"]);
        if !self.many_ids {
            command.args(["--storage-opt", "vfs.ignore_chown_errors=true"]);
        }
        // Whoever watches a container for it leaves a file where it is, when memory was short.
        command.current_dir(&self.dir);
        // It forgets files there.
        command.env("TMPDIR", self.path("temporary"));
        command.env("CONTAINERS_CONF", self.path("containers.conf"));
        command.env("CONTAINERS_STORAGE_CONF", self.path("storage.conf"));
        for other in
            ["CONTAINER_HOST", "CONTAINER_CONNECTION", "DOCKER_HOST", "STORAGE_DRIVER", "STORAGE_OPTS"]
        {
            command.env_remove(other);
        }
        if self.privileged {
            command.args(["--cgroup-manager", "cgroupfs"]);
        } else {
            keep_the_bus(&mut command);
            command.env("XDG_RUNTIME_DIR", self.path("run")).env("XDG_DATA_HOME", self.path("data"));
        }
        command
    }

    fn write_configuration(&self, configuration: &Table) -> std::io::Result<()> {
        fs::write(self.path("containers.conf"), configuration.to_string())?;
        let storage = [
            ("driver", "vfs".to_owned()),
            ("graphroot", self.path("root").display().to_string()),
            ("runroot", self.path(STATE).display().to_string()),
        ];
        let storage: Table = storage.map(|(key, value)| (key.to_owned(), value.into())).into_iter().collect();
        let storage = Table::from_iter([("storage".to_owned(), storage.into())]);
        fs::write(self.path("storage.conf"), storage.to_string())
    }
}

/// A user's control groups are asked for over the session's bus, which is found by the directory that is replaced.
fn keep_the_bus(command: &mut Command) {
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none()
        && let Some(directory) = std::env::var_os("XDG_RUNTIME_DIR")
    {
        let bus = PathBuf::from(directory).join("bus");
        if bus.exists() {
            command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()));
        }
    }
}

/// The service's process.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
}

impl Service {
    /// Starts it with this configuration, and waits until it answers.
    pub(super) fn start(place: &Place, configuration: &Table) -> Result<Self, PodmanError> {
        let not_started = |why: String| PodmanError::NotStarted { why };
        let io = |error: std::io::Error| not_started(error.to_string());
        place.write_configuration(configuration).map_err(io)?;
        let log = place.path("log");
        let output = File::create(&log).map_err(io)?;
        let socket = place.socket();
        // One that has ended leaves it.
        let _ = fs::remove_file(&socket);
        let mut command = place.command();
        command.args(["system", "service", "--time", "0"]).arg(format!("unix://{}", socket.display()));
        command.stdin(Stdio::null()).stdout(output.try_clone().map_err(io)?).stderr(output);
        // A terminal's Ctrl-C is for the run: the service is needed to put things away.
        command.process_group(0);
        let apart =
            if place.privileged { Some(Apart::new(&place.path("containers")).map_err(io)?) } else { None };
        // SAFETY: raw system calls alone, with strings that were made before.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) != 0 {
                    return Err(std::io::Error::last_os_error());
                }
                apart.as_ref().map_or(Ok(()), Apart::enter)
            });
        }
        let child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => PodmanError::Missing,
            _ => not_started(error.to_string()),
        })?;
        let mut service = Self { child };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(&socket).is_err() {
            let ended = service.child.try_wait().map_err(io)?;
            if ended.is_some() || Instant::now() > deadline {
                return Err(not_started(last_words(&log)));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has nothing to save: what it was told to remove is removed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of what the service wrote.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    match lines.as_slice() {
        [] => "it does not answer, and says nothing".to_owned(),
        lines => lines[lines.len().saturating_sub(3)..].join("; "),
    }
}

/// A mount namespace in which the directory that Podman writes to whatever it is told is the run's own.
struct Apart {
    own: CString,
    usual: CString,
}

impl Apart {
    fn new(own: &Path) -> std::io::Result<Self> {
        // A mount needs something to lie over.
        fs::create_dir_all(CACHE)?;
        Ok(Self { own: CString::new(own.as_os_str().as_bytes())?, usual: CString::new(CACHE)? })
    }

    fn enter(&self) -> std::io::Result<()> {
        let none = std::ptr::null();
        let slave = libc::MS_SLAVE | libc::MS_REC;
        // SAFETY: strings that end in NUL, and numbers; they affect the calling process alone.
        let entered = unsafe {
            libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(c"none".as_ptr(), c"/".as_ptr(), none, slave, none.cast()) == 0
                && libc::mount(self.own.as_ptr(), self.usual.as_ptr(), none, libc::MS_BIND, none.cast()) == 0
        };
        if entered { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    }
}
