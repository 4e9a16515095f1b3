//! Labels, whatever the user: what SELinux refuses to a container's root. Where SELinux is not what
//! labels this process, the attempts have nothing to aim at.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::found;
use crate::layout;
use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys::{self, CWD, addr_mut, cstring, ptr};
use crate::wire::Request;

/// The directory that may be relabelled.
const SHARED: &str = "shared";

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "selinux-write-unlabelled-bind",
        title: "Write to a mounted directory that was not relabelled",
        tries: "open(O_CREAT | O_EXCL) of a canary in /host/etc, mounted without :z or :Z, where SELinux is on",
        gains: "the host's configuration: accounts, services, scheduled commands",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/host/etc")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "an empty file with a name of the container's own, removed in the next line",
        sources: &[
            "https://docs.docker.com/engine/storage/bind-mounts/#configure-the-selinux-label",
            "https://man7.org/linux/man-pages/man8/selinux.8.html",
        ],
        run: write_unlabelled_bind,
    },
    Probe {
        id: "selinux-write-shared-label",
        title: "Write to a mounted directory that containers share",
        tries: "open(O_CREAT | O_EXCL) of a canary in /host/shared, mounted with :z: its label has the type of containers' files and no categories. Absent where SELinux is off, and where the directory's label is another one",
        gains: "the files of every container that has the same directory",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/host/shared")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "an empty file with a name of the container's own, removed in the next line",
        sources: &[
            "https://docs.docker.com/engine/storage/bind-mounts/#configure-the-selinux-label",
            "https://docs.podman.io/en/latest/markdown/podman-run.1.html",
        ],
        run: write_shared_label,
    },
    Probe {
        id: "selinux-write-private-label",
        title: "Write to a mounted directory that is one container's own",
        tries: "open(O_CREAT | O_EXCL) of a canary in /host/shared, mounted with :Z, into this container or into another one first: its label has the type of containers' files and that container's categories. Absent where SELinux is off, and where the directory's label is another one",
        gains: "the files of another container, whatever their owner and mode",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/host/shared")],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "an empty file with a name of the container's own, removed in the next line",
        sources: &[
            "https://docs.docker.com/engine/storage/bind-mounts/#configure-the-selinux-label",
            "https://docs.podman.io/en/latest/markdown/podman-run.1.html",
        ],
        run: write_private_label,
    },
    Probe {
        id: "selinux-change-own-label",
        title: "Choose the label of the next program",
        tries: "write of its own label to /proc/self/attr/exec: whether it may choose at all is asked before what it chooses",
        gains: "with a policy that allows the transition, a domain with more rights",
        calls: &[Sysno::openat, Sysno::write],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the choice is the label that it has, and the probe's process, whose choice it is, executes nothing more",
        sources: &["https://elixir.bootlin.com/linux/v6.12/source/security/selinux/hooks.c"],
        run: change_own_label,
    },
];

/// This process's label, `user:role:type` and perhaps a level, if SELinux gave it one.
fn own_label() -> Option<String> {
    let label = std::fs::read_to_string("/proc/self/attr/current").ok()?;
    let label = label.trim_end_matches(['\0', '\n']);
    // AppArmor's names are of another form: `docker-default (enforce)`.
    let fields: Vec<&str> = label.splitn(4, ':').collect();
    let labelled = fields.len() >= 3 && !label.contains(' ') && fields.iter().all(|field| !field.is_empty());
    labelled.then(|| label.to_owned())
}

fn no_selinux() -> Answer {
    Answer::absent("/proc/self/attr/current shows no SELinux label")
}

fn write_unlabelled_bind(request: &Request) -> Attempt {
    if own_label().is_none() {
        return Ok(no_selinux());
    }
    make_file("etc", request)
}

fn write_shared_label(request: &Request) -> Attempt {
    write_labelled(":z", |categories| !categories, request)
}

fn write_private_label(request: &Request) -> Attempt {
    write_labelled(":Z", |categories| categories, request)
}

/// Makes a file in the shared directory, if its label is one that the volume's `option` gives: `fits` says so of whether
/// it has categories.
fn write_labelled(option: &str, fits: fn(bool) -> bool, request: &Request) -> Attempt {
    if own_label().is_none() {
        return Ok(no_selinux());
    }
    let path = format!("{}/{SHARED}", layout::HOST);
    match label_of(&path) {
        Some(label) if !has_categories(&label).is_some_and(fits) => {
            Ok(Answer::absent(format!("{path} is labelled {label}, not as a volume with {option}")))
        }
        // One whose label cannot be read is tried: that may be the same refusal.
        _ => make_file(SHARED, request),
    }
}

/// A file's label, if it has one that can be read.
fn label_of(path: &str) -> Option<String> {
    let mut label = [0u8; 512];
    let path = cstring(path);
    let args = [ptr(&path), ptr(c"security.selinux"), addr_mut(&mut label), label.len()];
    let length = sys::call(Sysno::getxattr, &args).result.ok()? as usize;
    Some(String::from_utf8_lossy(&label[..length]).trim_end_matches('\0').to_owned())
}

/// Whether a label with the type of containers' files has categories; `None` if its type is another one.
fn has_categories(label: &str) -> Option<bool> {
    let mut fields = label.splitn(4, ':').skip(2);
    // The second is the type's older name.
    let containers = matches!(fields.next()?, "container_file_t" | "svirt_sandbox_file_t");
    containers.then(|| fields.next().is_some_and(|level| level.contains(":c")))
}

/// Makes an empty file in a directory of the host, and removes it.
fn make_file(directory: &str, request: &Request) -> Attempt {
    let directory = match found::laboratory(directory, request) {
        Ok(directory) => directory,
        Err(answer) => return Ok(answer),
    };
    let path = cstring(&format!("{directory}/{}{}-selinux", layout::CANARY, request.token));
    let made = sys::closing(sys::open(&path, libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY, 0o600));
    if made.worked() {
        sys::call(Sysno::unlinkat, &[CWD, ptr(&path), 0]).or_broken("remove the canary")?;
    }
    made.answer()
}

fn change_own_label(_: &Request) -> Attempt {
    let Some(label) = own_label() else {
        return Ok(no_selinux());
    };
    let file = match sys::open(c"/proc/self/attr/exec", libc::O_WRONLY, 0).or_answer() {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    sys::call(Sysno::write, &[file.as_raw_fd() as usize, label.as_ptr() as usize, label.len()]).answer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_categories_is_a_private_volumes() {
        assert_eq!(has_categories("system_u:object_r:container_file_t:s0"), Some(false));
        assert_eq!(has_categories("system_u:object_r:container_file_t:s0:c1,c2"), Some(true));
        assert_eq!(has_categories("system_u:object_r:etc_t:s0"), None);
        assert_eq!(has_categories("no label"), None);
    }
}
