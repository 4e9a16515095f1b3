//! What stands in for the host's own paths. No attempt is ever made on a real one: a directory like it, made for the
//! run, is mounted in its place, or it is left out; either is said.

use std::path::{Component, Path, PathBuf};

use super::look::{Kind, Look};

/// A host's path that somebody mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mounted {
    /// As it was written.
    pub(super) source: String,
    /// Where, inside.
    pub(super) target: String,
    /// Whether it is mounted read-only.
    pub(super) read_only: bool,
    /// `z` or `Z`.
    pub(super) relabel: Option<&'static str>,
}

/// What becomes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The laboratory's directory that stands in for it: `etc`, or nothing at all for the whole laboratory.
    pub(super) laboratory: Option<&'static str>,
    /// What was done, and why.
    pub(super) note: String,
    /// What this mount gives away, whatever the attempts show.
    pub(super) warning: Option<String>,
}

/// `--use-api-socket` names no path.
pub(super) const API_SOCKET: &str = "the Docker daemon's socket is mounted: whoever can write to this socket is root on the host; no attempt touches it";

/// A directory of the host's that is known by name.
struct Place {
    path: &'static str,
    /// What stands in for it and for what is below.
    laboratory: Option<&'static str>,
    /// What a mount that can be written gives away.
    writable: Option<&'static str>,
    /// What a read-only one gives away.
    read_only: Option<&'static str>,
    /// Whether a directory below gives as much away.
    below: bool,
}

/// Of two that fit, the longer path counts.
const PLACES: [Place; 10] = [
    Place {
        path: "/",
        laboratory: Some(""),
        writable: Some(
            "the host's whole file system can be written: root in the container is root on the host, unless a user namespace makes it somebody else",
        ),
        read_only: Some(
            "the host's whole file system can be read, secrets included, and a socket on it is no less open for being mounted read-only",
        ),
        below: false,
    },
    Place {
        path: "/boot",
        laboratory: None,
        writable: Some("the kernel that the host starts next can be replaced"),
        read_only: None,
        below: true,
    },
    Place {
        path: "/dev",
        laboratory: None,
        writable: Some(
            "the host's device nodes are there; only the device cgroup and the mode bits decide which of them open",
        ),
        read_only: Some(
            "the host's device nodes are there, and a read-only mount does not keep a device from being written; only the device cgroup and the mode bits decide which of them open",
        ),
        below: false,
    },
    Place { path: "/etc", laboratory: Some("etc"), writable: None, read_only: None, below: false },
    Place {
        path: "/proc",
        laboratory: None,
        writable: Some(
            "the host's kernel settings can be written by root there, the program that handles core dumps among them: that is root on the host",
        ),
        read_only: None,
        below: true,
    },
    Place { path: "/root", laboratory: Some("root"), writable: None, read_only: None, below: false },
    Place {
        path: "/run",
        laboratory: None,
        writable: Some(
            "the sockets of the host's daemons are there, Docker's among them: whoever can write to that one is root on the host",
        ),
        read_only: Some(
            "the sockets of the host's daemons are there, Docker's among them: whoever can write to that one is root on the host, and a read-only mount does not keep a socket from being used",
        ),
        below: false,
    },
    Place {
        path: "/sys",
        laboratory: None,
        writable: Some(
            "the host's devices and control groups can be set up by root there, the program that handles device events among them: that is root on the host",
        ),
        read_only: None,
        below: true,
    },
    Place { path: "/var", laboratory: Some("var"), writable: None, read_only: None, below: false },
    Place {
        path: "/var/lib/docker",
        laboratory: None,
        writable: Some("every container's and image's files can be written there"),
        read_only: Some("every container's files can be read there, their secrets included"),
        below: true,
    },
];

/// Sockets whose listener does as root what it is told.
const SOCKETS: [&str; 6] =
    ["containerd.sock", "crio.sock", "docker.sock", "dockershim.sock", "podman.sock", "buildkitd.sock"];

/// What becomes of a mount of the host's.
pub(super) fn place(mounted: &Mounted, directory: &Path, look: &dyn Look) -> Placed {
    let written = absolute(&mounted.source, directory, look);
    // A link is what it leads to, and what it is called.
    let real = look.real(&written).map_or_else(|| written.clone(), |real| without_var_run(&real));
    let said = format!("volume {} at {}", mounted.source.escape_debug(), mounted.target.escape_debug());
    let left_out = |why: &str| format!("{said}: left out; {why}");
    let is_socket =
        |path: &PathBuf| path.file_name().is_some_and(|name| SOCKETS.iter().any(|known| name == *known));
    if is_socket(&written) || is_socket(&real) {
        let ro = if mounted.read_only { "; 'ro' does not keep a socket from being used" } else { "" };
        return Placed {
            laboratory: None,
            note: left_out("no attempt is made on a real socket"),
            warning: Some(format!(
                "{} is mounted: whoever can write to this socket is root on the host, whatever else is set{ro}",
                mounted.source.escape_debug()
            )),
        };
    }
    let known = known(&written).into_iter().chain(known(&real)).max_by_key(|place| place.path.len());
    let kind = look.kind(&real);
    let warning = warning(mounted, &written).or_else(|| warning(mounted, &real));
    let (laboratory, note) = match (known, kind) {
        (_, Some(Kind::Socket)) => {
            (None, left_out("it is a socket; what its listener does is not for an attempt to find out"))
        }
        (_, Some(Kind::File | Kind::Device)) => {
            (None, left_out("it is a single file, and attempts are made on directories only"))
        }
        (Some(Place { laboratory: Some(""), .. }), _) => (
            Some(""),
            format!(
                "{said}: an etc, a root, a var and a directory for everybody, made for the run, stand in for it, at /host"
            ),
        ),
        (Some(Place { laboratory: Some(name), .. }), _) => (
            Some(*name),
            format!("{said}: a directory like /{name}, made for the run, stands in for it, at /host/{name}"),
        ),
        (Some(Place { laboratory: None, .. }), _) => (
            None,
            left_out("nothing like it can be made for the run, and no attempt is made on the real one"),
        ),
        (None, _) => (
            Some("shared"),
            format!(
                "{said}: a directory that everybody may write to, made for the run, stands in for it, at /host/shared; its own mode bits are not looked at"
            ),
        ),
    };
    Placed { laboratory, note, warning }
}

/// The place that a path is, or is in.
fn known(path: &Path) -> Option<&'static Place> {
    let is_in =
        |place: &&Place| path.starts_with(place.path) && (place.path != "/" || path == Path::new("/"));
    PLACES.iter().filter(is_in).max_by_key(|place| place.path.len())
}

/// What a mount of this path gives away: the place that it is, or one that is in it.
fn warning(mounted: &Mounted, path: &Path) -> Option<String> {
    let source = mounted.source.escape_debug();
    let gives = |place: &Place| if mounted.read_only { place.read_only } else { place.writable };
    let own = known(path).filter(|place| place.below || path == Path::new(place.path));
    if let Some(gives) = own.and_then(gives) {
        return Some(format!("{source} is mounted: {gives}"));
    }
    let mut inside =
        PLACES.iter().filter(|place| Path::new(place.path).starts_with(path) && path != Path::new("/"));
    let (place, gives) = inside.find_map(|place| Some((place.path, gives(place)?)))?;
    Some(format!("{source} is mounted, and with it {place}: {gives}"))
}

/// Whether a volume's source is a path of the host, and not the name of a volume.
pub(super) fn is_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~']) || source.contains('/')
}

/// A path without `.`, `..` and `~`, and `/var/run` by its real name. Pure: links are not followed.
fn absolute(source: &str, directory: &Path, look: &dyn Look) -> PathBuf {
    let home = source.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let written = match home {
        Some(rest) => PathBuf::from(look.variable("HOME").unwrap_or_else(|| "/root".to_owned()) + rest),
        None => directory.join(source),
    };
    let mut path = PathBuf::from("/");
    for part in written.components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                path.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    without_var_run(&path)
}

fn without_var_run(path: &Path) -> PathBuf {
    match path.strip_prefix("/var/run") {
        Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from("/run"),
        Ok(rest) => Path::new("/run").join(rest),
        Err(_) => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::look::Scripted;
    use super::*;

    fn placed(source: &str, read_only: bool) -> Placed {
        let mounted =
            Mounted { source: source.to_owned(), target: "/t".to_owned(), read_only, relabel: None };
        place(&mounted, Path::new("/w"), &Scripted)
    }

    #[rstest]
    #[case("/", Some(""))]
    #[case("//", Some(""))]
    #[case("/etc", Some("etc"))]
    #[case("/etc/", Some("etc"))]
    #[case("/etc/nginx/../ssl", Some("etc"))]
    #[case("/etcetera", Some("shared"))]
    #[case("/root/.ssh", Some("root"))]
    #[case("/var/log", Some("var"))]
    #[case("/srv/data", Some("shared"))]
    #[case("./html", Some("shared"))]
    #[case("../../../etc", Some("etc"))]
    #[case("/etc/localtime", None)]
    #[case("/proc", None)]
    #[case("/sys/fs/cgroup", None)]
    #[case("/var/run/docker.sock", None)]
    #[case("/run/user/1000/podman/podman.sock", None)]
    #[case("/var/run", None)]
    #[case("/var/lib/docker/volumes", None)]
    #[case("/home/me/link", None)]
    fn what_stands_in_for_the_hosts_paths(#[case] source: &str, #[case] laboratory: Option<&str>) {
        assert_eq!(placed(source, false).laboratory, laboratory);
    }

    #[rstest]
    #[case("/var/run/docker.sock", true, true)]
    #[case("/run/../var/run/docker.sock", false, true)]
    #[case("/var/run", true, true)]
    #[case("/", true, true)]
    #[case("/proc", false, true)]
    #[case("/proc", true, false)]
    #[case("/proc/sys", false, true)]
    #[case("/sys/fs/cgroup", true, false)]
    #[case("/var", false, true)]
    #[case("/var/lib", true, true)]
    #[case("/var/log", false, false)]
    #[case("/dev/shm", false, false)]
    #[case("/home/me/link", true, true)]
    #[case("/etc", false, false)]
    #[case("/srv/docker.socks", false, false)]
    fn what_gives_everything_away_is_said(
        #[case] source: &str,
        #[case] read_only: bool,
        #[case] warned: bool,
    ) {
        assert_eq!(placed(source, read_only).warning.is_some(), warned);
    }

    #[test]
    fn no_real_path_ever_becomes_a_bind() {
        for place in PLACES {
            assert!(place.laboratory.is_none_or(|name| ["", "etc", "root", "var"].contains(&name)));
        }
    }
}
