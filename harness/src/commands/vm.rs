//! `whyblocked vm`: the box, and the machines of the laboratory.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::Instant;

use clap::{Subcommand, ValueEnum};

use super::interruption::Interruption;
use super::{Exit, Failure, inside, print, say};
use crate::host::in_path;
use crate::vm::image::{self, Image};
use crate::vm::vagrant::{self, Provider, Vagrant, lab_box};
use crate::vm::way::{self, Made, Way};
use crate::vm::{Machine, VmError};

/// Options of `vm`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the box that machines are started from, from Debian's packages (as root; a few minutes), and add it to Vagrant
    Box {
        /// Remove all boxes instead, from Vagrant too
        #[arg(long)]
        remove: bool,
    },
    /// Start a machine, and wait until it answers
    Up {
        /// Which
        #[arg(value_enum, default_value_t)]
        machine: Name,
        /// What it is started with [default: Vagrant, where it works; otherwise QEMU itself]
        #[arg(long, value_enum)]
        with: Option<With>,
    },
    /// Say which machines there are
    Status,
    /// Start a shell in a machine, or a command
    Ssh {
        /// Which
        #[arg(value_enum, default_value_t)]
        machine: Name,
        /// The command
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Run this program in a machine, which is started if it is not running
    Run {
        /// Which
        #[arg(value_enum, default_value_t)]
        machine: Name,
        /// What it is started with [default: Vagrant, where it works; otherwise QEMU itself]
        #[arg(long, value_enum)]
        with: Option<With>,
        /// The program's arguments there
        #[arg(last = true, required = true)]
        arguments: Vec<String>,
    },
    /// End a machine
    Halt {
        /// Which; all if not given
        #[arg(value_enum)]
        machine: Option<Name>,
    },
    /// End a machine and remove its disk
    Destroy {
        /// Which; all if not given
        #[arg(value_enum)]
        machine: Option<Name>,
    },
}

/// What a machine is started with, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum With {
    /// Vagrant, with libvirt or `VirtualBox`
    #[value(help = "Vagrant, with libvirt or VirtualBox")]
    Vagrant,
    /// QEMU, started by this program
    Qemu,
}

impl From<With> for Way {
    fn from(with: With) -> Self {
        match with {
            With::Vagrant => Self::Vagrant,
            With::Qemu => Self::Qemu,
        }
    }
}

/// A machine's name on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Name {
    /// SELinux, enforcing
    #[default]
    Selinux,
    /// `AppArmor`.
    #[value(help = "AppArmor")]
    Apparmor,
    /// Fedora, with Vagrant only; not tested by this project's CI
    Fedora,
}

impl From<Name> for Machine {
    fn from(name: Name) -> Self {
        match name {
            Name::Selinux => Self::Selinux,
            Name::Apparmor => Self::Apparmor,
            Name::Fedora => Self::Fedora,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let steps = Steps::begin();
    act(&args.action, &steps).map_err(|failure| steps.or_interrupted(failure))
}

fn act(action: &Action, steps: &Steps) -> Result<Exit, Failure> {
    let tell = |step: &str| steps.tell(step);
    let text = match action {
        Action::Box { remove: true } => remove_boxes(&tell)?,
        Action::Box { remove: false } => make_box(&tell)?,
        Action::Up { machine, with } => {
            let machine = Machine::from(*machine);
            way::start(machine, with.map(Way::from), &tell)?;
            format!("the machine '{}' answers\n", machine.name())
        }
        Action::Status => status(),
        Action::Ssh { machine, command } => return ssh(Machine::from(*machine), command),
        Action::Run { machine, with, arguments } => {
            return inside::run(Machine::from(*machine), with.map(Way::from), arguments, steps);
        }
        Action::Halt { machine } => {
            let ended = each(*machine, |machine| way::halt(machine, &tell))?;
            listed("ended", ended.into_iter(), "no machine is running")
        }
        Action::Destroy { machine } => {
            let removed = each(*machine, |machine| way::destroy(machine, &tell))?;
            listed("removed", removed.into_iter(), "there is no machine")
        }
    };
    print(&text).map(|()| Exit::Expected)
}
fn make_box(tell: &dyn Fn(&str) -> bool) -> Result<String, Failure> {
    let known = Image::find().is_some();
    let image = image::make(tell)?;
    let verb = if known { "is there already" } else { "was made" };
    let mut text = format!("the box {verb}: {}\n", image.directory().display());
    if in_path("vagrant") {
        let verb = if lab_box::add(&image, tell)? { "now has it" } else { "has it already" };
        let _ = writeln!(text, "Vagrant {verb}: {} {}", lab_box::NAME, lab_box::version());
    }
    for machine in Machine::ALL.into_iter().filter(|machine| Vagrant::find(*machine).is_some() && !known) {
        let name = machine.name();
        let _ = writeln!(
            text,
            "the machine '{name}' is still of the old box; `whyblocked vm destroy {name}` lets it be made anew"
        );
    }
    Ok(text)
}

fn remove_boxes(tell: &dyn Fn(&str) -> bool) -> Result<String, Failure> {
    if let Some(machine) = Machine::ALL.into_iter().find(|machine| !way::made(*machine).is_empty()) {
        return Err(VmError::InUse { machine: machine.name() }.into());
    }
    let mut removed = lab_box::remove(tell)?;
    removed.extend(image::remove()?.iter().map(|path| path.display().to_string()));
    Ok(listed("removed", removed.into_iter(), "there is no box"))
}

/// Does it with the machine that was named, or with all; what came of it.
fn each(
    machine: Option<Name>,
    action: impl Fn(Machine) -> Result<Vec<&'static str>, VmError>,
) -> Result<Vec<String>, VmError> {
    let wanted = machine.map_or_else(|| Machine::ALL.to_vec(), |name| vec![name.into()]);
    let mut done = Vec::new();
    for machine in wanted {
        let by = action(machine)?;
        done.extend(by.iter().map(|way| format!("the machine '{}' (with {way})", machine.name())));
    }
    Ok(done)
}

fn listed(verb: &str, what: impl Iterator<Item = String>, nothing: &str) -> String {
    let mut lines = String::new();
    for what in what {
        let _ = writeln!(lines, "{verb} {what}");
    }
    if lines.is_empty() { format!("{nothing}\n") } else { lines }
}

fn status() -> String {
    let mut text = match Image::find() {
        Some(image) => format!("box       {}\n", image.directory().display()),
        None => "box       none; make it with: whyblocked vm box\n".to_owned(),
    };
    let _ = match vagrant::works() {
        Ok(Provider::Libvirt) if lab_box::is_added() => {
            writeln!(text, "Vagrant   with libvirt; it has the box")
        }
        Ok(Provider::Libvirt) => writeln!(text, "Vagrant   with libvirt; `whyblocked vm box` adds the box"),
        Ok(Provider::VirtualBox) => writeln!(text, "Vagrant   with VirtualBox, and a box from the net"),
        Err(why) => writeln!(text, "Vagrant   not used: {why}"),
    };
    for machine in Machine::ALL {
        let remark = Some(machine.remark()).filter(|remark| !remark.is_empty());
        let remark = remark.map(|remark| format!(" ({remark})")).unwrap_or_default();
        let _ = writeln!(text, "{:<9} {}{remark}", machine.name(), state(machine));
    }
    text
}

/// What a machine is doing, and who has it.
fn state(machine: Machine) -> String {
    let states: Vec<String> = way::made(machine)
        .into_iter()
        .map(|made| match made {
            Made::Qemu(qemu) => match qemu.port() {
                Some(port) => format!("running with QEMU, on port {port} of the loopback"),
                None => "not running; QEMU has its disk".to_owned(),
            },
            Made::Vagrant(vagrant) => {
                let place = vagrant.directory().display();
                let state = vagrant.check().and_then(|()| vagrant.state());
                let state = state.unwrap_or_else(|error| error.to_string());
                format!("{state} with Vagrant, in {place}")
            }
        })
        .collect();
    if states.is_empty() { "not made".to_owned() } else { states.join("; ") }
}

fn ssh(machine: Machine, command: &[String]) -> Result<Exit, Failure> {
    let mut ssh = way::reached(machine)?.command();
    if command.is_empty() && std::io::stdin().is_terminal() {
        ssh.arg("-t");
    }
    let status = ssh.args(command).status().map_err(Failure::failed)?;
    if status.success() {
        return Ok(Exit::Expected);
    }
    Err(Failure::failed(format!("in the machine '{}': {status}", machine.name())))
}

/// What is being done, on standard error, with the time it was begun.
pub(super) struct Steps {
    begun: Instant,
    interruption: Interruption,
    /// Whether the user knows that the interruption was heard: putting things away may take a while.
    heard: Cell<bool>,
}

impl Steps {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), interruption: Interruption::listen(), heard: Cell::new(false) }
    }

    /// Says it, if there is something to say; whether to go on.
    pub(super) fn tell(&self, step: &str) -> bool {
        if !step.is_empty() {
            say(format_args!("{:5.1} s  {step}", self.begun.elapsed().as_secs_f64()));
        }
        let go_on = self.interruption.flow().is_continue();
        if !go_on && !self.heard.replace(true) {
            self.tell("interrupted: putting everything away");
        }
        go_on
    }
    /// The failure itself, or, if the user has asked to end meanwhile, that.
    pub(super) fn or_interrupted(&self, failure: Failure) -> Failure {
        match self.interruption.flow() {
            ControlFlow::Break(signal) => Failure::interrupted(signal),
            ControlFlow::Continue(()) => failure,
        }
    }
}
