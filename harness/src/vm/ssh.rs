//! Talking to a machine: commands in it, and files to and from it, over ssh.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::VmError;

/// How a machine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its address on this host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who.
    pub user: String,
    /// The private key.
    pub key: PathBuf,
    /// Where its own key is written down.
    pub known_hosts: PathBuf,
}

impl Reached {
    /// The `ssh` command, up to what is to be done there.
    pub fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        // Nothing of the user's own configuration has a say.
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
        command.args([
            "-o",
            "ConnectTimeout=10",
            "-o",
            "ServerAliveInterval=15",
            "-o",
            "ServerAliveCountMax=4",
        ]);
        command.args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.known_hosts.display()));
        command.arg("-i").arg(&self.key).arg("-p").arg(self.port.to_string());
        command.arg(format!("{}@{}", self.user, self.host));
        command
    }

    /// Whether it answers.
    pub fn answers(&self) -> bool {
        let mut command = self.command();
        command.arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Runs a command there; what it said.
    pub fn run(&self, what: &str) -> Result<String, VmError> {
        let output = output(self.command().arg(what).stdin(Stdio::null()), what)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Puts a file there, executable.
    pub fn put(&self, file: &Path, there: &str) -> Result<(), VmError> {
        let doing = format!("copying {}", file.display());
        let content = File::open(file).map_err(VmError::outside(&doing))?;
        let what = format!("cat >{there}.new && chmod 755 {there}.new && mv {there}.new {there}");
        output(self.command().arg(what).stdin(content), &doing).map(|_| ())
    }

    /// Gives a command there something to read.
    pub fn feed(&self, bytes: &[u8], what: &str) -> Result<(), VmError> {
        let mut command = self.command();
        command.arg(what).stdin(Stdio::piped());
        let mut child: Child = command.spawn().map_err(VmError::outside(what))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(bytes).map_err(VmError::outside(what))?;
        }
        let status = child.wait().map_err(VmError::outside(what))?;
        if status.success() {
            Ok(())
        } else {
            Err(VmError::Inside { doing: what.to_owned(), said: status.to_string() })
        }
    }

    /// A file's content from there.
    pub fn get(&self, there: &str) -> Result<Vec<u8>, VmError> {
        let what = format!("cat {there}");
        output(self.command().arg(&what).stdin(Stdio::null()), &what).map(|output| output.stdout)
    }
}

/// Runs it to its end.
fn output(command: &mut Command, doing: &str) -> Result<Output, VmError> {
    let output = command.output().map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => {
            VmError::Missing { program: "ssh", what: "talking to a machine", package: "openssh-client" }
        }
        _ => VmError::Outside { doing: doing.to_owned(), source },
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = if said.is_empty() { output.status.to_string() } else { said };
    Err(VmError::Inside { doing: doing.to_owned(), said })
}
