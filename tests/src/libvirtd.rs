//! libvirt's daemons of a test's own, in namespaces of its own: nothing of them is on the machine, in its network, or alive
//! when the value has gone. The machine's own libvirt is neither asked nor changed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};

use crate::Place;
use crate::program::{program, succeed};

/// What makes the namespaces and starts the daemons.
const SCRIPT: &str = include_str!("with-libvirtd.sh");

/// Daemons that run until the value goes.
#[derive(Debug)]
pub struct Libvirtd {
    place: Place,
    holder: Child,
    /// The first process of the namespaces.
    init: i32,
}

impl Libvirtd {
    /// Starts them and waits until they answer.
    ///
    /// # Panics
    ///
    /// If they do not; what they said is on standard error.
    pub fn start() -> Self {
        let place = Place::new();
        let script = place.path("with-libvirtd.sh");
        std::fs::write(&script, SCRIPT).expect("the place is ours");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        let mut command = Command::new("sh");
        command.arg(&script).arg(place.path("changes")).args(["sh", "-c", "echo ready; exec cat >/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("sh can be started");
        let mut line = String::new();
        let output = holder.stdout.take().expect("it is a pipe");
        BufReader::new(output).read_line(&mut line).expect("it can be read");
        assert_eq!(line, "ready\n", "libvirtd was not started");
        // `unshare` has one child, and waits for it.
        let children = format!("/proc/{0}/task/{0}/children", holder.id());
        let children = std::fs::read_to_string(children).expect("it is there");
        let init = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        Self { place, holder, init: init.expect("unshare has a child") }
    }

    /// A program in the namespaces.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.init)).args(["--mount", "--net", "--pid", "--"]).arg(program);
        // Vagrant's own directory, and this program's machines.
        command
            .env("VAGRANT_HOME", self.place.path("vagrant"))
            .env("XDG_STATE_HOME", self.place.path("state"));
        command.env("VAGRANT_CHECKPOINT_DISABLE", "1").env("TMPDIR", self.place.tmp());
        command.current_dir(self.place.path("")).stdin(Stdio::null());
        command
    }

    /// The program under test, with some arguments.
    pub fn whyblocked(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(program().to_str().expect("the path is text"));
        command.args(arguments);
        command
    }

    /// `virsh` in the namespaces, and the lines that it says.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn virsh(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = self.command("virsh");
        let output = succeed(command.args(["--quiet", "--connect", "qemu:///system"]).args(arguments));
        lines(&output)
    }

    /// Has `virsh` make something of a description.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn define(&self, what: &str, xml: &str) {
        let mut file = tempfile::NamedTempFile::new().expect("the temporary directory can be written");
        file.write_all(xml.as_bytes()).expect("the file is ours");
        self.virsh(&[what, file.path().to_str().expect("temporary paths are text")]);
    }

    /// All machines, networks, and volumes of the usual pool.
    pub fn everything(&self) -> Vec<String> {
        let mut all = self.virsh(&["list", "--all", "--name"]);
        all.extend(self.virsh(&["net-list", "--all", "--name"]));
        if self.virsh(&["pool-list", "--all", "--name"]).iter().any(|pool| pool.trim() == "default") {
            all.extend(self.virsh(&["vol-list", "default"]));
        }
        let all = all.iter().map(|line| line.trim().to_owned());
        all.filter(|line| !line.is_empty()).collect()
    }

    /// The names of the processes that live in the namespaces.
    pub fn processes(&self) -> Vec<String> {
        let output = succeed(self.command("ps").args(["-e", "-o", "comm="]));
        lines(&output)
    }

    /// A file for the programs to read.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path(name)
    }
}

impl Drop for Libvirtd {
    fn drop(&mut self) {
        // The first process ends with its input, and all others with it.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// What a program said, line by line.
pub fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
