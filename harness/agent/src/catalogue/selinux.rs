//! Labels, whatever the user: what SELinux refuses to a container's root. Where SELinux is not what
//! labels this process, the attempts have nothing to aim at.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::layout;
use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys::{self, CWD, cstring, ptr};
use crate::wire::Request;

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
    let path = cstring(&format!("{}/etc/{}{}-selinux", layout::HOST, layout::CANARY, request.token));
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
