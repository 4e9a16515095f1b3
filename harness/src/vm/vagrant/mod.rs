//! A machine that Vagrant starts, asks and ends. What Vagrant knows of it stays with Vagrant; nothing is kept beside it.

pub mod lab_box;
pub mod libvirt;
mod project;

use std::path::Path;
use std::process::{Command, Stdio};

pub use self::project::Project;
use self::project::home;
use super::ssh::{self, Reached};
use super::{Machine, VmError, child};
use crate::host::in_path;

/// What Vagrant has machines made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// libvirt, with the lab's own box.
    Libvirt,
    /// `VirtualBox`, with a public box.
    VirtualBox,
}

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Self::Libvirt => "libvirt",
            Self::VirtualBox => "virtualbox",
        }
    }
}

/// What Vagrant can use here; or why it cannot be used, and what would mend that.
pub fn works() -> Result<Provider, String> {
    if !in_path("vagrant") {
        return Err("it is not installed (Debian and Ubuntu: apt install vagrant vagrant-libvirt \
                    libvirt-daemon-system libvirt-clients)"
            .to_owned());
    }
    let why = match libvirt::answers() {
        Ok(()) if has_plugin() => return Ok(Provider::Libvirt),
        Ok(()) => "it has no plugin for libvirt (Debian and Ubuntu: apt install vagrant-libvirt)".to_owned(),
        Err(why) => why,
    };
    if in_path("VBoxManage") { Ok(Provider::VirtualBox) } else { Err(why) }
}

/// What is needed of a provider to ask it of a machine that it has made. Vagrant had its plugin then.
fn usable(provider: Provider) -> Result<(), String> {
    match provider {
        Provider::Libvirt => libvirt::answers(),
        Provider::VirtualBox => Ok(()),
    }
}

/// Whether Vagrant's plugin for libvirt is there.
fn has_plugin() -> bool {
    let output = command(Path::new("/")).args(["plugin", "list"]).stdin(Stdio::null()).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("vagrant-libvirt"))
}

/// The `vagrant` command, with the Vagrantfile in this directory.
fn command(directory: &Path) -> Command {
    let mut command = Command::new("vagrant");
    // It would ask its maker's server whether there is a newer one.
    command.env("VAGRANT_CWD", directory).env("VAGRANT_CHECKPOINT_DISABLE", "1");
    command.env_remove("VAGRANT_VAGRANTFILE").env_remove("VAGRANT_DOTFILE_PATH");
    command
}

/// A machine that was made, or is to be made, by Vagrant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vagrant {
    machine: Machine,
    project: Project,
}

impl Vagrant {
    /// The machine, if it was made.
    pub fn find(machine: Machine) -> Option<Self> {
        Project::with(machine).map(|project| Self { machine, project })
    }

    /// The machine, which is made when it is first started.
    pub fn new(machine: Machine) -> Result<Self, VmError> {
        Ok(match Self::find(machine) {
            Some(found) => found,
            None => Self { machine, project: Project::for_new()? },
        })
    }

    /// What has made it; nothing, if it was not made yet.
    pub fn provider(&self) -> Option<Provider> {
        let name = self.project.provider(self.machine)?;
        [Provider::Libvirt, Provider::VirtualBox].into_iter().find(|provider| provider.name() == name)
    }

    /// Fails if it was made, and what has made it cannot be asked.
    pub fn check(&self) -> Result<(), VmError> {
        let why = self.provider().map_or(Ok(()), usable);
        why.map_err(|why| VmError::NoVagrant { why })
    }

    /// Where its Vagrantfile is.
    pub fn directory(&self) -> &Path {
        self.project.directory()
    }

    /// Its state, in Vagrant's words: `running`, `shutoff`, `not_created`, …
    pub fn state(&self) -> Result<String, VmError> {
        let said = self.ask(&["status", "--machine-readable", self.machine.name()])?;
        let state = state(&said, self.machine.name());
        state.ok_or_else(|| VmError::Inside { doing: "vagrant status".to_owned(), said })
    }

    /// Starts it, if it is not running, and waits until it answers.
    pub fn start(&self, provider: Provider, tell: &dyn Fn(&str) -> bool) -> Result<Reached, VmError> {
        let known = self.provider().is_some();
        if known
            && let Ok(reached) = self.reached()
            && reached.answers()
        {
            return Ok(reached);
        }
        tell(&format!("vagrant up {}, in {}", self.machine.name(), self.directory().display()));
        let up = ["up", self.machine.name(), "--provider", provider.name()];
        if let Err(error) = self.act(&up, tell) {
            // What it has made by then is of no use to anybody.
            if !known && Self::find(self.machine).is_some() {
                tell("removing what there is of the machine");
                self.destroy(&|_| true)?;
            }
            return Err(error);
        }
        self.reached()
    }

    /// How it is reached, if it is running.
    pub fn reached(&self) -> Result<Reached, VmError> {
        let machine = self.machine.name();
        let said = self.ask(&["ssh-config", machine]).map_err(|_| VmError::NotRunning { machine })?;
        let root = said.lines().any(|line| line.trim() == "User root");
        Ok(Reached { machine, options: ssh::options(&said), destination: machine.to_owned(), root })
    }

    /// Ends it.
    pub fn halt(&self, tell: &dyn Fn(&str) -> bool) -> Result<(), VmError> {
        self.act(&["halt", self.machine.name()], tell)
    }

    /// Ends it, and removes its disk.
    pub fn destroy(&self, tell: &dyn Fn(&str) -> bool) -> Result<(), VmError> {
        self.act(&["destroy", "--force", self.machine.name()], tell)
    }

    /// Has Vagrant do something; what it says is passed on as it comes.
    fn act(&self, arguments: &[&str], tell: &dyn Fn(&str) -> bool) -> Result<(), VmError> {
        act(command(self.directory()).args(arguments), arguments[0], tell)
    }

    /// Has Vagrant say something.
    fn ask(&self, arguments: &[&str]) -> Result<String, VmError> {
        let doing = format!("vagrant {}", arguments[0]);
        let output = command(self.directory()).args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(VmError::outside(&doing))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(VmError::Vagrant { doing, said: first_words(said.lines()) })
    }
}

/// Runs a `vagrant` command; what it says is passed on, and, if it fails, said again.
fn act(command: &mut Command, name: &str, tell: &dyn Fn(&str) -> bool) -> Result<(), VmError> {
    let doing = format!("vagrant {name}");
    // These are not for what is asked of Vagrant: there they would undo `--machine-readable`.
    command.args(["--no-tty", "--no-color"]);
    let mut complaint = Vec::new();
    let mut heard = |line: &str| {
        // Vagrant tells of its progress with an arrow, or set in; a complaint begins a line.
        if !line.is_empty() && !line.starts_with("==>") && !line.starts_with("    ") {
            complaint.push(line.to_owned());
        }
        // Forty settings of the machine are no news.
        if !line.contains(":  -- ") {
            tell(line);
        }
    };
    let status = child::run(command, &doing, &mut heard, &|| tell(""))?;
    if status.success() {
        return Ok(());
    }
    let said =
        first_words(complaint.iter().map(String::as_str).filter(|line| !line.starts_with("Bringing ")));
    Err(VmError::Vagrant { doing, said })
}

/// Vagrant explains at length; the first paragraph says what is wrong.
fn first_words<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let said: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).take(4).collect();
    if said.is_empty() { "it said nothing".to_owned() } else { said.join(" ") }
}

/// `time,machine,type,data`, a line each
/// (<https://developer.hashicorp.com/vagrant/docs/cli/machine-readable>).
fn state(said: &str, machine: &str) -> Option<String> {
    said.lines().find_map(|line| match line.splitn(4, ',').collect::<Vec<_>>()[..] {
        [_, name, "state", state] if name == machine => Some(state.to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_that_of_the_machine() {
        let said = "1,selinux,metadata,provider,libvirt\n1,apparmor,state,shutoff\n1,selinux,state,running\n";
        assert_eq!(state(said, "selinux").as_deref(), Some("running"));
        assert_eq!(state(said, "apparmor").as_deref(), Some("shutoff"));
        assert_eq!(state(said, "fedora"), None);
    }

    #[test]
    fn a_long_complaint_is_cut() {
        let said = "The box could not be found.\n\nLook.\n\n a\n b\n c\n d\n";
        assert_eq!(first_words(said.lines()), "The box could not be found. Look. a b");
        assert_eq!(first_words("".lines()), "it said nothing");
    }
}
