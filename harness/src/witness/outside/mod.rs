//! The container seen from the host: what its process can reach, before anything is tried, and what its control groups
//! counted. Says who answered where nothing was refused, because nothing was there.

pub mod canary;
mod look;
mod node;

use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Aim, Outcome, layout};

pub use self::look::{Counts, Look, PathLook};
pub use self::node::Node;
use super::{Finding, Named, Scene};
use crate::capability::{Capability, CapabilitySet};
use crate::mechanism::Mechanism;

/// What the look from outside says about an attempt that did not get through.
pub(super) fn saw(scene: &Scene<'_>) -> Option<Finding> {
    if scene.seen.outcome == Outcome::Reached {
        return None;
    }
    let look = scene.watched.look.as_ref()?;
    let found = scene.probe.aims.iter().find_map(|aim| explain(*aim, scene.seen, look));
    let (named, says, detail) = found
        .or_else(|| counted(scene.seen, &scene.watched.counts))
        .or_else(|| lacks_capability(scene, look.effective?))?;
    Some(Finding { method: "outside", named: Some(named), says, detail, ..Finding::default() })
}

type Explained = (Named, String, String);

/// Errnos of calls that looked for something and did not find it.
fn nothing_found(seen: &Observation) -> bool {
    seen.outcome == Outcome::Absent
        || matches!(seen.errno, libc::ENOENT | libc::ESRCH | libc::ECONNREFUSED | libc::ENOTDIR)
}

fn explain(aim: Aim, seen: &Observation, look: &Look) -> Option<Explained> {
    match aim {
        Aim::Path(path) => explain_path(path, look.paths.get(path)?, seen, look),
        Aim::Victim if nothing_found(seen) => {
            other_namespace(look, "pid", Mechanism::PidNamespace, "the harness's victim has no number in it")
        }
        Aim::Listener if nothing_found(seen) => {
            other_namespace(look, "net", Mechanism::NetworkNamespace, "the harness's socket is not in it")
        }
        Aim::Namespace(name) => {
            other_namespace(look, name, namespace_mechanism(name)?, "what is asked for is the host's")
        }
        Aim::Disk if nothing_found(seen) => {
            look.disks.filter(|disks| disks.inside == 0 && disks.host > 0).map(|disks| {
                (
                    Named::only(Mechanism::MountNamespace),
                    "the host's disks are not in the container's /dev".to_owned(),
                    format!("no block device there, {} in the host's", disks.host),
                )
            })
        }
        Aim::Id(id) if seen.errno == libc::EINVAL => {
            let mapped = look::host_id(&look.uid_map, id).is_some();
            (!mapped).then(|| {
                (
                    Named::only(Mechanism::UserNamespace),
                    format!("id {id} does not exist in the container"),
                    format!("its uid_map is {}", look::words(&look.uid_map)),
                )
            })
        }
        Aim::Device(major, minor, access) if seen.errno == libc::EPERM => device(look, major, minor, access),
        Aim::WithoutFlag(flag) if seen.outcome == Outcome::Denied => {
            let mount = look.in_memory.iter().find(|mount| mount.has(flag))?;
            Some((
                Named::check(Mechanism::ReadOnlyMount),
                format!("{} is mounted {flag} in the container", mount.point),
                format!("its options there are {}", mount.options),
            ))
        }
        Aim::NewPrivileges if seen.outcome == Outcome::Denied && look.no_new_privileges => Some((
            Named::only(Mechanism::NoNewPrivileges),
            "the process may gain nothing by executing a program".to_owned(),
            "NoNewPrivs: 1 in its /proc/PID/status".to_owned(),
        )),
        _ => None,
    }
}

fn namespace_mechanism(name: &str) -> Option<Mechanism> {
    Some(match name {
        "ipc" => Mechanism::IpcNamespace,
        "cgroup" => Mechanism::CgroupNamespace,
        "net" => Mechanism::NetworkNamespace,
        "pid" => Mechanism::PidNamespace,
        "user" => Mechanism::UserNamespace,
        "uts" => Mechanism::UtsNamespace,
        _ => return None,
    })
}

fn other_namespace(look: &Look, name: &str, mechanism: Mechanism, why: &str) -> Option<Explained> {
    let namespace = look.namespaces.get(name)?;
    (namespace.container != namespace.host).then(|| {
        (
            Named::only(mechanism),
            format!("the container's {name} namespace is not the host's: {why}"),
            format!("{name}:[{}], the host's is {name}:[{}]", namespace.container, namespace.host),
        )
    })
}

fn explain_path(path: &str, found: &PathLook, seen: &Observation, look: &Look) -> Option<Explained> {
    match (&found.host, &found.inside) {
        (Some(host), Err(_)) if nothing_found(seen) => Some((
            Named::only(Mechanism::MountNamespace),
            format!("{path} is on the host and not in the container"),
            format!("on the host it is {host}"),
        )),
        (Some(host), Ok(inside)) if nothing_found(seen) && masked(host, inside) => Some((
            Named::only(Mechanism::MaskedPath),
            format!("something empty covers {path} in the container"),
            format!("there it is {inside}, on the host {host}"),
        )),
        (Some(host), Ok(inside)) if nothing_found(seen) && host.file_system != inside.file_system => Some((
            Named::only(Mechanism::MountNamespace),
            format!("what the host has mounted at {path} is not mounted in the container"),
            format!("there it is {inside}, on the host {host}"),
        )),
        (_, Ok(inside)) if seen.errno == libc::EROFS && inside.read_only => Some((
            Named::check(Mechanism::ReadOnlyMount),
            format!("{path} is read-only in the container"),
            format!("it is {inside}"),
        )),
        // The laboratory's directories exist for every scenario; which are mounted is what differs.
        (None, Err(libc::ENOENT)) if nothing_found(seen) && path.starts_with(layout::HOST) => Some((
            Named::only(Mechanism::MountNamespace),
            format!("nothing is mounted at {path} in the container"),
            "the laboratory's host has that directory".to_owned(),
        )),
        (_, Ok(inside)) if refused(seen) && !look.maps(inside) => Some((
            // Root's way past mode bits does not lead past an owner whom the namespace does not know.
            Named::of(Mechanism::UserNamespace, &[Mechanism::Ownership, Mechanism::Capabilities]),
            format!("the owner of {path} has no id in the container"),
            format!("it is {inside}, and the container's uid_map is {}", look::words(&look.uid_map)),
        )),
        (_, Ok(inside))
            if seen.errno == libc::EACCES && look.mode_bits_let(inside, writes(seen)) == Some(false) =>
        {
            Some((
                Named::check(Mechanism::Ownership),
                format!(
                    "the mode bits of {path} do not let this user {}",
                    if writes(seen) { "write" } else { "read" }
                ),
                format!(
                    "it is {inside}, and the process is user {} on the host",
                    look.user.unwrap_or_default()
                ),
            ))
        }
        _ => None,
    }
}

fn refused(seen: &Observation) -> bool {
    matches!(seen.errno, libc::EACCES | libc::EPERM)
}

/// Whether the attempt opens its file for writing.
fn writes(seen: &Observation) -> bool {
    let flags = seen.args.filter(|_| seen.call == "openat").map_or(0, |args| args[2]);
    flags & libc::O_ACCMODE as u64 != libc::O_RDONLY as u64
}

/// A mask is the null device over a file, or an empty tmpfs over a directory.
fn masked(host: &Node, inside: &Node) -> bool {
    inside.is_null_device() && !host.is_null_device()
        || inside.file_system == libc::TMPFS_MAGIC && host.file_system != libc::TMPFS_MAGIC
}

/// The list of allowed devices, read back from the kernel.
fn device(look: &Look, major: u32, minor: u32, access: &str) -> Option<Explained> {
    let list = look.devices.as_ref()?;
    let allowed = list.iter().any(|rule| allows(rule, major, minor, access));
    (!allowed).then(|| {
        (
            Named::only(Mechanism::DeviceCgroup),
            format!("no rule of the container's device list allows c {major}:{minor} {access}"),
            format!("its devices.list is: {}", list.join(", ")),
        )
    })
}

/// Whether a line of `devices.list` (`c 1:3 rwm`, `a *:* rwm`) allows something.
fn allows(rule: &str, major: u32, minor: u32, access: &str) -> bool {
    let mut fields = rule.split_ascii_whitespace();
    let (Some(kind), Some(numbers), Some(granted)) = (fields.next(), fields.next(), fields.next()) else {
        return false;
    };
    let Some((of_major, of_minor)) = numbers.split_once(':') else { return false };
    let fits = |text: &str, number: u32| text == "*" || text.parse() == Ok(number);
    matches!(kind, "a" | "c")
        && fits(of_major, major)
        && fits(of_minor, minor)
        && access.chars().all(|wanted| granted.contains(wanted))
}

/// What the container's control groups had counted when it ended.
fn counted(seen: &Observation, counts: &Counts) -> Option<Explained> {
    let named = Named::check(Mechanism::ResourceLimit);
    if seen.call == "clone" && seen.errno == libc::EAGAIN && counts.forks_refused > 0 {
        let says = "the container's control group refused a new process".to_owned();
        return Some((named, says, format!("pids.events: max {}", counts.forks_refused)));
    }
    if seen.outcome == Outcome::Denied && seen.number.is_none() && counts.killed_for_memory > 0 {
        let says = "the container's control group was out of memory".to_owned();
        return Some((named, says, format!("processes killed for it: {}", counts.killed_for_memory)));
    }
    None
}

/// Refused, and the process had none of the capabilities that the kernel is known to ask for.
fn lacks_capability(scene: &Scene<'_>, effective: CapabilitySet) -> Option<Explained> {
    let wanted = scene.probe.capabilities;
    let holds = |name: &&str| Capability::named(name).is_some_and(|capability| effective.has(capability));
    (scene.seen.errno == libc::EPERM && !wanted.is_empty() && !wanted.iter().any(holds)).then(|| {
        (
            Named::of(Mechanism::Capabilities, &[Mechanism::Ownership]),
            format!("the process has no {}", wanted.join(" and no ")),
            format!("its effective set: {effective}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("c 1:3 rwm", true)]
    #[case("c 1:* rw", true)]
    #[case("a *:* rwm", true)]
    #[case("b 1:3 rwm", false)]
    #[case("c 1:3 r", false)]
    #[case("c 1:5 rwm", false)]
    #[case("", false)]
    fn device_rules(#[case] rule: &str, #[case] allowed: bool) {
        assert_eq!(allows(rule, 1, 3, "w"), allowed);
    }
}
