//! Talking to a machine: commands in it, and files to and from it, over ssh.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::{VmError, quoted};

/// What ssh ends with if it is ssh that failed, and not the command (ssh(1), "EXIT STATUS").
pub(crate) const LOST: i32 = 255;

/// How a machine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which machine, for messages.
    pub(super) machine: &'static str,
    /// Options of ssh: where it is, with which keys.
    pub(super) options: Vec<OsString>,
    /// Who, and its address or name.
    pub(super) destination: String,
    /// Whether that user is root; if not, `sudo` makes it one.
    pub(super) root: bool,
}

impl Reached {
    /// The `ssh` command, up to what is to be done there.
    pub fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        // Nothing of the user's own configuration has a say.
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]);
        command.args(["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4"]);
        command.args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"]);
        command.args(&self.options).arg(&self.destination);
        command
    }

    /// The `ssh` command with which root's shell there does this.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = self.command();
        if self.root {
            command.arg(script);
        } else {
            command.arg(format!("sudo -n sh -c {}", quoted(script)));
        }
        command
    }

    /// Whether it answers.
    pub fn answers(&self) -> bool {
        let mut command = self.command();
        command.arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Runs a command there, as root; what it said.
    pub fn run(&self, what: &str) -> Result<String, VmError> {
        let output = self.output(self.shell(what).stdin(Stdio::null()), what)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Puts a file there, executable: all of it, or, if the disk there is full, nothing.
    pub fn put(&self, file: &Path, there: &str) -> Result<(), VmError> {
        let doing = format!("copying {}", file.display());
        let content = File::open(file).map_err(VmError::outside(&doing))?;
        let what = format!(
            "{{ cat >{there}.new && chmod 755 {there}.new && mv {there}.new {there}; }} || {{ rm -f {there}.new; exit 1; }}"
        );
        self.output(self.shell(&what).stdin(content), &doing).map(|_| ())
    }

    /// Gives a command there something to read.
    pub fn feed(&self, bytes: &[u8], what: &str) -> Result<(), VmError> {
        let mut command = self.shell(what);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child: Child = command.spawn().map_err(VmError::outside(what))?;
        // If it is not read, how the command ended says why.
        let _ = child.stdin.take().map(|mut input| input.write_all(bytes));
        let output = child.wait_with_output().map_err(VmError::outside(what))?;
        self.ended(output, what).map(|_| ())
    }

    /// A file's content from there.
    pub fn get(&self, there: &str) -> Result<Vec<u8>, VmError> {
        let what = format!("cat {there}");
        self.output(self.shell(&what).stdin(Stdio::null()), &what).map(|output| output.stdout)
    }

    /// That there is no connection any more.
    pub(crate) fn lost(&self) -> VmError {
        VmError::Lost { machine: self.machine }
    }

    /// Runs it to its end.
    fn output(&self, command: &mut Command, doing: &str) -> Result<Output, VmError> {
        let output = command.output().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => {
                VmError::Missing { program: "ssh", what: "talking to a machine", package: "openssh-client" }
            }
            _ => VmError::Outside { doing: doing.to_owned(), source },
        })?;
        self.ended(output, doing)
    }

    fn ended(&self, output: Output, doing: &str) -> Result<Output, VmError> {
        if output.status.success() {
            return Ok(output);
        }
        if output.status.code() == Some(LOST) {
            return Err(self.lost());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let said = if said.is_empty() { output.status.to_string() } else { said };
        Err(VmError::Inside { doing: doing.to_owned(), said })
    }
}

/// What `vagrant ssh-config` says, as options of ssh. Its `Host` line is a name for people.
pub(super) fn options(config: &str) -> Vec<OsString> {
    let lines = config.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("Host "))
        // This program says itself what ssh is to say.
        .filter(|line| !line.starts_with("LogLevel "))
        .flat_map(|line| [OsString::from("-o"), OsString::from(line)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_vagrant_says_becomes_options() {
        let config = "Host selinux\n  HostName 192.0.2.7\n  User vagrant\n  IdentityFile \"/a b/key\"\n  LogLevel FATAL\n\n";
        assert_eq!(
            options(config),
            ["-o", "HostName 192.0.2.7", "-o", "User vagrant", "-o", "IdentityFile \"/a b/key\""]
        );
    }

    #[test]
    fn an_ordinary_user_becomes_root_there() {
        let reached =
            Reached { machine: "selinux", options: Vec::new(), destination: "a".to_owned(), root: false };
        let shell = reached.shell("echo 'x'");
        assert_eq!(shell.get_args().last().unwrap(), "sudo -n sh -c 'echo '\\''x'\\'''");
    }
}
