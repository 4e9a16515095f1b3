//! `whyblocked vm`: the box, and the machines of the laboratory.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Instant;

use clap::{Subcommand, ValueEnum};

use super::interruption::Interruption;
use super::{Exit, Failure, print};
use crate::vm::image::{self, Image};
use crate::vm::qemu::Qemu;
use crate::vm::{Machine, VmError};

/// Options of `vm`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the box that machines are started from, from Debian's packages (as root; a few minutes)
    Box {
        /// Remove all boxes instead
        #[arg(long)]
        remove: bool,
    },
    /// Start a machine, and wait until it answers
    Up {
        /// Which
        #[arg(value_enum, default_value_t)]
        machine: Name,
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
    /// End a machine; the next start takes seconds
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

/// A machine's name on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Name {
    /// SELinux, enforcing
    #[default]
    Selinux,
    /// `AppArmor`.
    #[value(help = "AppArmor")]
    Apparmor,
}

impl From<Name> for Machine {
    fn from(name: Name) -> Self {
        match name {
            Name::Selinux => Self::Selinux,
            Name::Apparmor => Self::Apparmor,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let steps = Steps::begin();
    let tell = |step: &str| steps.tell(step);
    let text = match &args.action {
        Action::Box { remove: true } => {
            let removed = image::remove()?;
            listed("removed", removed.iter().map(|path| path.display().to_string()), "there is no box")
        }
        Action::Box { remove: false } => {
            let known = Image::find().is_some();
            let image = image::make(&tell)?;
            let verb = if known { "is there already" } else { "was made" };
            format!("the box {verb}: {}\n", image.directory().display())
        }
        Action::Up { machine } => {
            let machine = Machine::from(*machine);
            Qemu::new(machine).start(&tell)?;
            format!("the machine '{}' answers\n", machine.name())
        }
        Action::Status => status(),
        Action::Ssh { machine, command } => return ssh(Machine::from(*machine), command),
        Action::Halt { machine } => {
            let ended = each(*machine, Qemu::halt)?;
            listed("ended", ended.into_iter(), "no machine is running")
        }
        Action::Destroy { machine } => {
            let removed = each(*machine, Qemu::destroy)?;
            listed("removed", removed.into_iter(), "there is no machine")
        }
    };
    print(&text).map(|()| Exit::Expected)
}

fn each(machine: Option<Name>, action: fn(&Qemu) -> Result<bool, VmError>) -> Result<Vec<String>, VmError> {
    let wanted = machine.map_or_else(|| Machine::ALL.to_vec(), |name| vec![name.into()]);
    let mut done = Vec::new();
    for machine in wanted {
        if action(&Qemu::new(machine))? {
            done.push(format!("the machine '{}'", machine.name()));
        }
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
    for machine in Machine::ALL {
        let state = match Qemu::new(machine).reached() {
            Ok(reached) => format!("running, on port {} of the loopback", reached.port),
            Err(_) => "not running".to_owned(),
        };
        let _ = writeln!(text, "{:<9} {state}", machine.name());
    }
    text
}

fn ssh(machine: Machine, command: &[String]) -> Result<Exit, Failure> {
    let mut ssh = Qemu::new(machine).reached()?.command();
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
}

impl Steps {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), interruption: Interruption::listen() }
    }

    /// Says it, if there is something to say; whether to go on.
    pub(super) fn tell(&self, step: &str) -> bool {
        if !step.is_empty() {
            anstream::eprintln!("{:5.1} s  {step}", self.begun.elapsed().as_secs_f64());
        }
        self.interruption.flow().is_continue()
    }
}
