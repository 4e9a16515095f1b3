//! What a test needs of the machine. A test that lacks something is shown as ignored, with the reason; where
//! `WHYBLOCKED_REQUIRE` (ids, separated by commas) promises the facility, it fails instead.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use whyblocked::capability::CapabilitySet;
use whyblocked::engine::run_dir::PREFIX;
use whyblocked::host::{Host, Reach};
use whyblocked::vm::image::Image;
use whyblocked::witness::trace;

/// The variable in which a machine says what it promises to have.
pub const REQUIRE: &str = "WHYBLOCKED_REQUIRE";

/// An account that owns nothing, on every distribution.
pub const NOBODY: u32 = 65_534;

/// Something that a test needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// `CAP_SYS_ADMIN`: containers can be started outside a user namespace.
    Root,
    /// An ordinary user: this process is one, or can start processes as one; and may make user namespaces.
    User,
    /// `newuidmap`, with which an ordinary user maps more ids than its own.
    Uidmap,
    /// The `runc` of the distribution.
    Runc,
    /// Docker's programs; a test starts a daemon of its own.
    Docker,
    /// Perl's reader of TAP, which `prove` uses.
    Prove,
    /// Podman; a test starts a service of its own.
    Podman,
    /// Vagrant with its plugin for libvirt, libvirt's daemons, which a test starts for itself, and the lab's box, or what
    /// makes it.
    Vagrant,
    /// Control groups that can be made here, and that can limit processes and memory.
    ControlGroups,
    /// The kernel's trace: tracefs, and capability checks in it.
    Trace,
    /// A kernel that loads modules, signed or not.
    Modules,
    /// A kernel that has no modules.
    NoModules,
    /// Every capability that the kernel knows is in this process's bounding set.
    AllCapabilities,
    /// The laboratory's box, and QEMU to start the `AppArmor` machine of it.
    Machine,
}

use Facility::{
    AllCapabilities, ControlGroups, Docker, Machine, Modules, NoModules, Podman, Prove, Root, Runc, Trace,
    Uidmap, User, Vagrant,
};

impl Facility {
    /// Every facility.
    pub const ALL: [Self; 14] = [
        Root,
        User,
        Uidmap,
        Runc,
        Docker,
        Podman,
        Prove,
        Vagrant,
        ControlGroups,
        Trace,
        Modules,
        NoModules,
        AllCapabilities,
        Machine,
    ];

    /// The id, as `WHYBLOCKED_REQUIRE` names it.
    pub fn id(self) -> &'static str {
        match self {
            Root => "root",
            User => "user",
            Uidmap => "uidmap",
            Runc => "runc",
            Docker => "docker",
            Podman => "podman",
            Prove => "prove",
            Vagrant => "vagrant",
            ControlGroups => "control-groups",
            Trace => "trace",
            Modules => "modules",
            NoModules => "no-modules",
            AllCapabilities => "all-capabilities",
            Machine => "machine",
        }
    }

    /// Why this machine lacks it, and what would mend that; `None` if it is there.
    pub fn missing(self) -> Option<String> {
        match self {
            Root => (!is_root()).then(|| "it needs CAP_SYS_ADMIN; run it as root".to_owned()),
            User => no_user_namespace(),
            Uidmap => ["newuidmap", "newgidmap"]
                .into_iter()
                .find(|name| in_path(name).is_none())
                .map(|name| format!("there is no {name}; install the package uidmap (Fedora: shadow-utils)")),
            Runc => {
                in_path("runc").is_none().then(|| "there is no runc; install the package runc".to_owned())
            }
            Docker => ["dockerd", "docker", "containerd", "runc"]
                .into_iter()
                .find(|name| in_path(name).is_none())
                .map(|name| format!("there is no {name}; install the package docker.io")),
            Podman => in_path("podman")
                .is_none()
                .then(|| "there is no podman; install the package podman".to_owned()),
            Prove => {
                in_path("prove").is_none().then(|| "there is no prove; install the package perl".to_owned())
            }
            Vagrant => no_vagrant(),
            ControlGroups => no_control_groups(),
            Trace => no_trace(),
            Modules => no_unsigned_modules(),
            NoModules => (modules() != "absent").then(|| "this kernel has modules".to_owned()),
            AllCapabilities => {
                let missing = CapabilitySet::ALL.without(Host::read().bounding_set);
                (!missing.is_empty()).then(|| format!("this machine's bounding set lacks {missing}"))
            }
            Machine => no_machine(),
        }
    }
}

/// Why a test that needs all of `needs` cannot be run here.
///
/// # Panics
///
/// If the machine promises a facility that it has not, or if what it promises is no facility.
pub fn missing(needs: &[Facility]) -> Option<String> {
    let promised = promised(&std::env::var(REQUIRE).unwrap_or_default());
    needs.iter().find_map(|facility| {
        let reason = facility.missing()?;
        assert!(!promised.contains(facility), "{REQUIRE} promises '{}', but {reason}", facility.id());
        Some(reason)
    })
}

fn promised(text: &str) -> Vec<Facility> {
    let known = || Facility::ALL.map(Facility::id).join(", ");
    text.split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| {
            let found = Facility::ALL.into_iter().find(|facility| facility.id() == id);
            found.unwrap_or_else(|| panic!("{REQUIRE}: '{id}' is no facility; known: {}", known()))
        })
        .collect()
}

/// Whether this process holds `CAP_SYS_ADMIN`.
pub fn is_root() -> bool {
    Host::read().privilege == "root"
}

fn modules() -> String {
    Host::read().modules
}

fn no_unsigned_modules() -> Option<String> {
    let host = Host::read();
    if host.modules != "loadable" {
        return Some(format!("module loading is {}", host.modules));
    }
    let enforced = std::fs::read_to_string("/sys/module/module/parameters/sig_enforce").unwrap_or_default();
    let locked = !matches!(host.lockdown.as_str(), "none" | "absent");
    (locked || enforced.trim() == "Y").then(|| "this kernel loads no module without a signature".to_owned())
}

/// Where the shell would find a program.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn no_control_groups() -> Option<String> {
    let host = Host::read();
    if !Reach::of(&host).control_groups {
        return Some("control groups cannot be made here".to_owned());
    }
    let mount = Path::new("/sys/fs/cgroup");
    let given = std::fs::read_to_string(mount.join("cgroup.subtree_control")).unwrap_or_default();
    let has = |name: &&str| match host.cgroup.as_str() {
        "v2" => given.split_whitespace().any(|known| known == *name),
        _ => mount.join(name).is_dir(),
    };
    let lacks = ["pids", "memory"].into_iter().find(|name| !has(name))?;
    Some(format!("the root control group does not give the controller '{lacks}' on"))
}

/// Asked once: Vagrant takes a while to say which plugins it has.
fn no_vagrant() -> Option<String> {
    static REASON: LazyLock<Option<String>> = LazyLock::new(|| {
        let needed = [
            ("vagrant", "vagrant"),
            ("libvirtd", "libvirt-daemon-system"),
            ("virtlogd", "libvirt-daemon-system"),
            ("virsh", "libvirt-clients"),
            ("qemu-system-x86_64", "qemu-system-x86"),
            ("dnsmasq", "dnsmasq-base"),
        ];
        let lacks = |(name, package): (&str, &str)| {
            in_path(name).is_none().then(|| format!("there is no {name}; install the package {package}"))
        };
        if let Some(reason) = needed.into_iter().find_map(lacks) {
            return Some(reason);
        }
        let mut plugins = Command::new("vagrant");
        plugins.args(["plugin", "list"]).env("VAGRANT_CHECKPOINT_DISABLE", "1").stdin(Stdio::null());
        let output = plugins.output().ok()?;
        if !String::from_utf8_lossy(&output.stdout).contains("vagrant-libvirt") {
            return Some("Vagrant has no plugin for libvirt; install the package vagrant-libvirt".to_owned());
        }
        (Image::find().is_none() && in_path("mmdebstrap").is_none())
            .then(|| "there is no box; make it with `whyblocked vm box`, or install mmdebstrap".to_owned())
    });
    REASON.clone()
}

/// Tries what the program does as an ordinary user.
fn no_user_namespace() -> Option<String> {
    let mut command = Command::new("true");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    // SAFETY: one system call, in the child, that affects only it.
    unsafe {
        command.pre_exec(|| match libc::unshare(libc::CLONE_NEWUSER) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("'true' ended with {status}")),
        Err(error) => Some(format!("an ordinary user cannot make a user namespace here: {error}")),
    }
}

fn no_machine() -> Option<String> {
    let emulator = format!("qemu-system-{}", std::env::consts::ARCH);
    if in_path(&emulator).is_none() {
        return Some(format!("there is no {emulator}; install the packages qemu-system-x86 and qemu-utils"));
    }
    (Image::find().is_none() && (!is_root() || in_path("mmdebstrap").is_none())).then(|| {
        "there is no box; make it with `whyblocked vm box`, as root, or install mmdebstrap".to_owned()
    })
}

/// Asked once: setting a trace up takes a while.
fn no_trace() -> Option<String> {
    static REASON: LazyLock<Option<String>> = LazyLock::new(|| {
        let name = format!("{PREFIX}{}-facility", std::process::id());
        match trace::Trace::open(&name) {
            Ok(trace) if trace.kind() == "none" => Some(
                "this kernel's trace shows no capability checks: it takes Linux 6.14, or kprobes".to_owned(),
            ),
            Ok(_) => None,
            Err(reason) => Some(reason),
        }
    });
    REASON.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_separated_by_commas_and_spaces_do_not_matter() {
        assert_eq!(promised("root, runc,"), [Root, Runc]);
        assert_eq!(promised(""), []);
    }

    #[test]
    #[should_panic(
        expected = "'rnuc' is no facility; known: root, user, uidmap, runc, docker, podman, prove, vagrant, control-groups"
    )]
    fn a_promise_of_something_unknown_is_a_mistake() {
        promised("rnuc");
    }

    #[test]
    fn no_two_facilities_share_an_id() {
        let mut ids = Facility::ALL.map(Facility::id);
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
