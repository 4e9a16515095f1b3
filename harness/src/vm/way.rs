//! Vagrant, or QEMU itself: which of them a machine is started with, and which one has it now.

use super::image::Image;
use super::qemu::Qemu;
use super::ssh::Reached;
use super::vagrant::{self, Provider, Vagrant, lab_box};
use super::{Machine, VmError};

/// What machines are started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Vagrant, with libvirt or `VirtualBox`.
    Vagrant,
    /// QEMU, started by this program.
    Qemu,
}

/// A machine with what has it, or will.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// Vagrant, and what it has machines made by.
    Vagrant(Vagrant, Provider),
    /// QEMU.
    Qemu(Qemu),
}

/// A machine that was made.
#[derive(Clone, Debug)]
pub enum Made {
    /// By Vagrant.
    Vagrant(Vagrant),
    /// By this program.
    Qemu(Qemu),
}

/// Who has this machine; nobody, or one, or both.
pub fn made(machine: Machine) -> Vec<Made> {
    let qemu = Some(Qemu::new(machine)).filter(Qemu::exists).map(Made::Qemu);
    Vagrant::find(machine).map(Made::Vagrant).into_iter().chain(qemu).collect()
}

/// Starts the machine, if it is not running, and waits until it answers. `asked` is what the user wants it to be started
/// with; `tell` hears what is done and why, and answers whether to go on.
pub fn start(machine: Machine, asked: Option<Way>, tell: &dyn Fn(&str) -> bool) -> Result<Reached, VmError> {
    match choose(machine, asked, tell)? {
        Chosen::Qemu(qemu) => qemu.start(tell),
        Chosen::Vagrant(vagrant, provider) => {
            if provider == Provider::Libvirt
                && let Some(image) = Image::find()
            {
                lab_box::add(&image, tell)?;
            }
            vagrant.start(provider, tell)
        }
    }
}

/// What the machine is to be started with: what the user wants; what has it already; Vagrant, where it works with what is on
/// this machine; QEMU.
fn choose(machine: Machine, asked: Option<Way>, tell: &dyn Fn(&str) -> bool) -> Result<Chosen, VmError> {
    let qemu = Qemu::new(machine);
    if asked != Some(Way::Vagrant) && qemu.pid().is_some() {
        return Ok(Chosen::Qemu(qemu));
    }
    if asked == Some(Way::Qemu) {
        if let Some(vagrant) = Vagrant::find(machine) {
            tell(&format!("Vagrant has this machine too, in {}", vagrant.directory().display()));
        }
        return Ok(Chosen::Qemu(qemu));
    }
    if let Some(vagrant) = Vagrant::find(machine)
        && let Some(provider) = vagrant.provider()
    {
        vagrant.check()?;
        return Ok(Chosen::Vagrant(vagrant, provider));
    }
    let wanted = asked == Some(Way::Vagrant) || machine.options().is_none();
    let why = match vagrant::works() {
        Ok(provider) if wanted => return Ok(Chosen::Vagrant(Vagrant::new(machine)?, provider)),
        Ok(Provider::Libvirt) if Image::find().is_some() || lab_box::is_there() => {
            tell("with Vagrant and libvirt: both are here");
            return Ok(Chosen::Vagrant(Vagrant::new(machine)?, Provider::Libvirt));
        }
        Ok(Provider::Libvirt) => return Err(VmError::NoBox),
        Ok(Provider::VirtualBox) => {
            "VirtualBox would take a box from the net; `--with vagrant` has it do so".to_owned()
        }
        Err(why) if wanted => return Err(VmError::NoVagrant { why }),
        Err(why) => format!("Vagrant cannot be used: {why}"),
    };
    tell(&format!("with QEMU itself: {why}"));
    Ok(Chosen::Qemu(qemu))
}

/// How the machine is reached, if it is running, whoever has it.
pub fn reached(machine: Machine) -> Result<Reached, VmError> {
    let mut why = VmError::NotRunning { machine: machine.name() };
    for made in made(machine) {
        let found = match made {
            Made::Qemu(qemu) => qemu.reached(),
            Made::Vagrant(vagrant) => vagrant.check().and_then(|()| vagrant.reached()),
        };
        match found {
            Ok(reached) => return Ok(reached),
            Err(VmError::NotRunning { .. }) => {}
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// Ends the machine, whoever has it. By what; nothing, if it was not running.
pub fn halt(machine: Machine, tell: &dyn Fn(&str) -> bool) -> Result<Vec<&'static str>, VmError> {
    let mut ended = Vec::new();
    for made in made(machine) {
        match made {
            Made::Qemu(qemu) => {
                if qemu.halt()? {
                    ended.push("QEMU");
                }
            }
            Made::Vagrant(vagrant) => {
                vagrant.check()?;
                if vagrant.state()? == "running" {
                    vagrant.halt(tell)?;
                    ended.push("Vagrant");
                }
            }
        }
    }
    Ok(ended)
}

/// Ends the machine and removes its disk, whoever has it. By what; nothing, if there was none.
pub fn destroy(machine: Machine, tell: &dyn Fn(&str) -> bool) -> Result<Vec<&'static str>, VmError> {
    let mut removed = Vec::new();
    for made in made(machine) {
        match made {
            Made::Qemu(qemu) => {
                if qemu.destroy()? {
                    removed.push("QEMU");
                }
            }
            Made::Vagrant(vagrant) => {
                vagrant.check()?;
                vagrant.destroy(tell)?;
                removed.push("Vagrant");
            }
        }
    }
    vagrant::libvirt::remove_forgotten()?;
    vagrant::Project::remove_own()?;
    Ok(removed)
}
