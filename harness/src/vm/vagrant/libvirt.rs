//! libvirt's side of Vagrant's machines, asked with `virsh`: whether it answers, and what of ours it still has when Vagrant
//! has forgotten it.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::{Machine, VmError};
use crate::host::in_path;

/// Where the daemon listens: the one for everything, and the newer one for QEMU alone
/// (<https://libvirt.org/daemons.html>).
const SOCKETS: [&str; 2] = ["/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"];

/// What the names of domains and networks begin with.
const OURS: &str = "whyblocked-";

/// The networks that the Vagrantfile names.
const NETWORKS: [&str; 2] = ["whyblocked-isolated", "whyblocked-net"];

/// Vagrant's plugin calls a box's volume so, and then says which version.
const BOX_VOLUME: &str = "whyblocked-VAGRANTSLASH-lab_vagrant_box_image_";

/// Vagrant's plugin puts volumes there, unless told otherwise.
const POOL: &str = "default";

/// Whether libvirt's daemon can be used; if not, why, and what mends it.
pub fn answers() -> Result<(), String> {
    let mut refused = false;
    for socket in SOCKETS {
        match UnixStream::connect(socket) {
            Ok(_) => return Ok(()),
            Err(error) => refused |= error.kind() == ErrorKind::PermissionDenied,
        }
    }
    Err(if refused {
        "this user may not use libvirt: be root, or join the group libvirt".to_owned()
    } else {
        "libvirt's daemon is not running (start it: systemctl start libvirtd; without systemd, as root: \
         virtlogd -d, libvirtd -d)"
            .to_owned()
    })
}

/// Something that libvirt has of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A machine.
    Domain(String),
    /// The disk of a machine, or of a box.
    Volume(String),
    /// A network.
    Network(String),
}

impl Thing {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Domain(name) => format!("libvirt domain {name}"),
            Self::Volume(name) => format!("libvirt volume {name}"),
            Self::Network(name) => format!("libvirt network {name}"),
        }
    }

    /// Removes it, running or not.
    pub fn remove(&self) -> std::io::Result<()> {
        match self {
            Self::Domain(name) => {
                // It may not be running.
                let _ = virsh(&["destroy", name]);
                virsh(&["undefine", "--managed-save", "--snapshots-metadata", name])
            }
            Self::Volume(name) => virsh(&["vol-delete", "--pool", POOL, name]),
            Self::Network(name) => {
                let _ = virsh(&["net-destroy", name]);
                virsh(&["net-undefine", name])
            }
        }
        .map(|_| ())
    }
}

/// What libvirt has of ours that no Vagrantfile knows any more, domains first; and once there is no machine, the copy of the
/// box's disk and the networks, which the next one gets anew.
pub fn forgotten() -> Vec<Thing> {
    if answers().is_err() || !in_path("virsh") {
        return Vec::new();
    }
    let names = |arguments: &[&str]| -> Vec<String> {
        let said = virsh(arguments).unwrap_or_default();
        said.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let all = names(&["list", "--all", "--name"]);
    let (alive, dead): (Vec<String>, Vec<String>) =
        all.into_iter().filter(|name| machine(name).is_some()).partition(|name| is_known(name));
    let mut things: Vec<Thing> = dead.into_iter().map(Thing::Domain).collect();
    let volumes = names(&["vol-list", "--pool", POOL]);
    let volumes = volumes.iter().filter_map(|line| line.split_whitespace().next());
    things.extend(volumes.filter(|name| is_left(name, &alive)).map(|name| Thing::Volume(name.to_owned())));
    if alive.is_empty() {
        let networks = names(&["net-list", "--all", "--name"]);
        things.extend(
            networks.into_iter().filter(|name| NETWORKS.contains(&name.as_str())).map(Thing::Network),
        );
    }
    things
}

/// Removes all that; what it was.
pub fn remove_forgotten() -> Result<Vec<Thing>, VmError> {
    let things = forgotten();
    for thing in &things {
        thing.remove().map_err(VmError::outside(format!("removing the {}", thing.describe())))?;
    }
    Ok(things)
}

/// Whether nobody uses this volume of ours; others are not looked at.
fn is_left(volume: &str, alive: &[String]) -> bool {
    if volume.starts_with(BOX_VOLUME) {
        // A machine's disk is a layer over it, and it may be that of an older box.
        return alive.is_empty();
    }
    let name = volume.strip_suffix(".img").unwrap_or(volume);
    machine(name).is_some() && !alive.iter().any(|alive| alive == name)
}

/// The machine that a domain of ours is: `whyblocked-`, six digits of the directory, and its name.
fn machine(domain: &str) -> Option<Machine> {
    let (digits, name) = domain.strip_prefix(OURS)?.split_once('-')?;
    let digits = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Machine::named(name).filter(|_| digits)
}

/// Whether the Vagrantfile that a domain was made from knows it; one that may not be looked at is another user's.
fn is_known(domain: &str) -> bool {
    let source = virsh(&["desc", domain]).ok().and_then(|said| source(&said));
    let (Some(directory), Some(machine)) = (source, machine(domain)) else { return false };
    let id = directory.join(".vagrant/machines").join(machine.name()).join("libvirt/id");
    match std::fs::read_to_string(id) {
        Ok(id) => virsh(&["domuuid", domain]).is_ok_and(|uuid| uuid.trim() == id.trim()),
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}

/// The directory of the Vagrantfile in what Vagrant's plugin has a domain say of itself.
fn source(description: &str) -> Option<PathBuf> {
    let path = description.lines().find_map(|line| line.trim().strip_prefix("Source: "))?;
    Path::new(path.trim()).parent().map(Path::to_owned)
}

/// Has `virsh` do something with the system's libvirt.
fn virsh(arguments: &[&str]) -> std::io::Result<String> {
    let mut command = Command::new("virsh");
    command.args(["--quiet", "--connect", "qemu:///system"]).args(arguments).stdin(Stdio::null());
    // What it says is read.
    let output = command.env("LC_ALL", "C").output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("whyblocked-0703a5-selinux", Some(Machine::Selinux))]
    #[case("whyblocked-0703a5-apparmor", Some(Machine::Apparmor))]
    #[case::somebodys("whyblocked-selinux", None)]
    #[case::somebodys("whyblocked-0703a5-mail", None)]
    #[case::somebodys("my-0703a5-selinux", None)]
    fn a_domain_is_ours_by_its_name(#[case] name: &str, #[case] expected: Option<Machine>) {
        assert_eq!(machine(name), expected);
    }

    #[rstest]
    #[case::of_a_machine("whyblocked-0703a5-selinux.img", &["whyblocked-0703a5-selinux"], false)]
    #[case::of_none("whyblocked-0703a5-selinux.img", &[], true)]
    #[case::of_another("whyblocked-0703a5-selinux.img", &["whyblocked-0703a5-apparmor"], true)]
    #[case::a_box("whyblocked-VAGRANTSLASH-lab_vagrant_box_image_0.7_box.img", &[], true)]
    #[case::a_box_in_use(
        "whyblocked-VAGRANTSLASH-lab_vagrant_box_image_0.7_box.img", &["whyblocked-0703a5-apparmor"], false
    )]
    #[case::somebodys("debian.img", &[], false)]
    fn a_volume_that_nobody_uses(#[case] name: &str, #[case] alive: &[&str], #[case] expected: bool) {
        let alive: Vec<String> = alive.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(is_left(name, &alive), expected);
    }

    #[test]
    fn a_domain_says_where_it_was_made() {
        assert_eq!(source("Source: /a/b/Vagrantfile\n"), Some("/a/b".into()));
        assert_eq!(source("No description for domain: x"), None);
    }
}
