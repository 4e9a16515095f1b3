//! Namespaces: making new ones, which open more of the kernel to attack, and joining old ones, which lead to the
//! host. What is made or joined belongs to the probe's own process and ends with it.

use std::ffi::CStr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use syscalls::Sysno;

use crate::found;
use crate::probe::{Aim, Answer, Attempt, Effect, Need, Probe};
use crate::sys::{self, CWD, Made, NO_FD, addr, addr_mut, ptr};
use crate::wire::Request;

/// The namespaces that a process can join with `CAP_SYS_ADMIN` alone, by their names in `/proc/PID/ns`; then those
/// that want more.
const NAMES: [&str; 8] = ["net", "uts", "ipc", "cgroup", "pid", "time", "mnt", "user"];

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "namespace-unshare-nothing",
        title: "Unshare nothing",
        tries: "unshare(0): the kernel lets everybody, so that EPERM can only be a filter's",
        gains: "nothing by itself: it shows whether a filter lets unshare through",
        calls: &[Sysno::unshare],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "no namespace is asked for",
        sources: &[
            "https://man7.org/linux/man-pages/man2/unshare.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/fork.c",
        ],
        run: unshare_nothing,
    },
    Probe {
        id: "namespace-unshare-each",
        title: "Make a new namespace",
        tries: "unshare of a UTS, IPC, control group, mount, pid, time or network namespace, one after the other until one is made",
        gains: "mounts, network devices and filters of one's own: much more of the kernel to attack",
        calls: &[Sysno::unshare],
        proof: &[],
        refusal: &[libc::ENOSPC],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the namespace is empty, belongs to the probe's own process and ends with it",
        sources: &[
            "https://man7.org/linux/man-pages/man2/unshare.2.html",
            "https://man7.org/linux/man-pages/man7/namespaces.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/nsproxy.c",
        ],
        run: unshare_each,
    },
    Probe {
        id: "namespace-unshare-user",
        title: "Make a new user namespace",
        tries: "unshare(CLONE_NEWUSER), and if that is refused clone(CLONE_NEWUSER): no capability is wanted, but a system setting, the limit on namespaces (ENOSPC) or AppArmor may refuse",
        gains: "every capability inside the new namespace, and with them the parts of the kernel that only root may use",
        calls: &[Sysno::unshare, Sysno::clone],
        proof: &[],
        refusal: &[libc::ENOSPC, libc::EUSERS],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the namespace belongs to the probe's own process and ends with it",
        sources: &[
            "https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/user_namespace.c",
            "https://docs.docker.com/engine/security/seccomp/",
        ],
        run: unshare_user,
    },
    Probe {
        id: "namespace-clone3",
        title: "Make a process with clone3",
        tries: "clone3(NULL, 0): no arguments. A filter cannot see through the pointer that clone3 takes, so Docker's answers ENOSYS, which makes programs fall back to clone; every kernel since 5.3 has the call, so that ENOSYS is a refusal",
        gains: "new namespaces past a filter that looks at the flags of clone only",
        calls: &[Sysno::clone3],
        proof: &[libc::EINVAL],
        refusal: &[libc::ENOSYS],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "arguments of 0 bytes are refused with EINVAL",
        sources: &[
            "https://man7.org/linux/man-pages/man2/clone.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/fork.c",
            "https://github.com/moby/moby/pull/42681",
        ],
        run: clone3,
    },
    Probe {
        id: "namespace-clone3-new",
        title: "Make a process in a new namespace with clone3",
        tries: "clone3({CLONE_NEWUTS}): a child that ends at once, in a UTS namespace of its own",
        gains: "new namespaces past a filter that looks at the flags of clone only",
        calls: &[Sysno::clone3],
        proof: &[],
        // A filter's answer for calls it cannot judge; every kernel since 5.3 has the call. A limit on namespaces.
        refusal: &[libc::ENOSYS, libc::ENOSPC],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the namespace is the child's own, and the child ends without doing anything",
        sources: &[
            "https://man7.org/linux/man-pages/man2/clone.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/nsproxy.c",
            "https://github.com/moby/moby/pull/42681",
        ],
        run: clone3_new,
    },
    Probe {
        id: "namespace-setns",
        title: "Join no namespace",
        tries: "setns(-1, 0): the kernel looks for the file before it asks for permission, so that EPERM can only be a filter's",
        gains: "nothing by itself: it shows whether a filter lets setns through",
        calls: &[Sysno::setns],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no namespace to join",
        sources: &[
            "https://man7.org/linux/man-pages/man2/setns.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/nsproxy.c",
        ],
        run: setns,
    },
    Probe {
        id: "namespace-join-own",
        title: "Join the namespace that one is in",
        tries: "open(\"/proc/self/ns/uts\") and setns: the kernel wants the capability in the namespace's owner and in its own user namespace, whether anything changes or not",
        gains: "nothing by itself: whoever may do this may join any namespace that he can open",
        calls: &[Sysno::openat, Sysno::setns],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the probe's process is in that namespace already",
        sources: &[
            "https://man7.org/linux/man-pages/man2/setns.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/utsname.c",
        ],
        run: join_own,
    },
    Probe {
        id: "namespace-join-host",
        title: "Join a namespace of the host",
        tries: "open(\"/proc/VICTIM/ns/NAME\") and setns, for each namespace that the container does not share with the host, where VICTIM is the harness's process outside; it counts only if the number is the host's. Opening takes the right to trace the victim, joining takes the capability. A container that shares them all joins the network namespace that it is in, which takes the same checks",
        gains: "the host's network, processes or files, as if there were no container",
        calls: &[Sysno::openat, Sysno::setns],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[Aim::Victim],
        needs: &[Need::Victim],
        effect: Effect::Harmless,
        harmless_because: "only the probe's own process joins, does nothing there, and ends",
        sources: &[
            "https://man7.org/linux/man-pages/man2/setns.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/nsproxy.c",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/namespaces.c",
        ],
        run: join_host,
    },
    Probe {
        id: "namespace-read-host-links",
        title: "Read the numbers of a host process's namespaces",
        tries: "readlink(\"/proc/VICTIM/ns/net\"), where VICTIM is the harness's process outside: /proc must show it, and the kernel asks for the right to trace it",
        gains: "which namespaces are the host's, and the first step to join them",
        calls: &[Sysno::openat, Sysno::readlinkat],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        aims: &[Aim::Victim],
        needs: &[Need::Victim],
        effect: Effect::Harmless,
        harmless_because: "a number is read",
        sources: &[
            "https://man7.org/linux/man-pages/man2/ptrace.2.html",
            "https://man7.org/linux/man-pages/man7/namespaces.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/namespaces.c",
        ],
        run: read_host_links,
    },
];

fn unshare_nothing(_: &Request) -> Attempt {
    sys::call(Sysno::unshare, &[0]).answer()
}

fn unshare_each(_: &Request) -> Attempt {
    // Cheap ones first: one is enough.
    let kinds = [
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWTIME,
        libc::CLONE_NEWNET,
    ];
    sys::any_of(kinds.into_iter().map(|kind| sys::call(Sysno::unshare, &[kind as usize])), Made::worked)
}

fn unshare_user(_: &Request) -> Attempt {
    let ways = [unshare_new_user, clone_new_user];
    sys::any_of(ways.into_iter().map(|way| way()), Made::worked)
}

fn unshare_new_user() -> Made {
    sys::call(Sysno::unshare, &[libc::CLONE_NEWUSER as usize])
}

fn clone_new_user() -> Made {
    let flags = libc::CLONE_NEWUSER | libc::SIGCHLD;
    ending_the_child(sys::call(Sysno::clone, &[flags as usize, 0, 0, 0, 0]))
}

/// Hands on a call that makes a process as `fork` does, in the process that made it; the new one ends here.
fn ending_the_child(made: Made) -> Made {
    match made.result {
        // SAFETY: this is the new process, which has nothing to do but to end.
        Ok(0) => unsafe { libc::_exit(0) },
        Ok(child) => {
            // SAFETY: waits for our own child and asks for no status.
            unsafe { libc::waitpid(child as i32, std::ptr::null_mut(), 0) };
        }
        Err(_) => {}
    }
    made
}

fn clone3(_: &Request) -> Attempt {
    sys::call(Sysno::clone3, &[0, 0]).answer()
}

fn clone3_new(_: &Request) -> Attempt {
    // `struct clone_args`, version 0: flags, four places for numbers, the exit signal, and a stack's two.
    let mut arguments = [0u64; 8];
    arguments[0] = libc::CLONE_NEWUTS as u64;
    arguments[4] = libc::SIGCHLD as u64;
    ending_the_child(sys::call(Sysno::clone3, &[addr(&arguments), size_of_val(&arguments)])).answer()
}

fn setns(_: &Request) -> Attempt {
    sys::call(Sysno::setns, &[NO_FD, 0]).answer()
}

/// The number of a namespace of this process.
fn own(name: &str) -> Option<u64> {
    std::fs::metadata(format!("/proc/self/ns/{name}")).ok().map(|link| link.ino())
}

fn join_own(_: &Request) -> Attempt {
    let opened = sys::open(c"/proc/self/ns/uts", libc::O_RDONLY, 0);
    let Ok(fd) = opened.result else { return opened.answer() };
    sys::call(Sysno::setns, &[sys::own(fd).as_raw_fd() as usize, 0]).answer()
}

fn join_host(request: &Request) -> Attempt {
    let host = |name: &&str| {
        request.host_namespaces.iter().find(|(known, _)| known == name).map(|&(_, inode)| inode)
    };
    let known: Vec<(&str, u64)> = NAMES.iter().filter_map(|name| Some((*name, host(name)?))).collect();
    if known.is_empty() {
        return Ok(Answer::absent("the harness did not say which namespaces are the host's"));
    }
    let mut foreign =
        known.into_iter().filter(|&(name, inode)| own(name).is_some_and(|own| own != inode)).peekable();
    if foreign.peek().is_none() {
        return join(c"/proc/self/ns/net", None);
    }
    let (victim, _) = match found::victim(request) {
        Ok(seen) => seen,
        Err(attempt) => return attempt,
    };
    found::any_real(foreign.map(|(name, inode)| {
        let path = sys::cstring(&format!("/proc/{victim}/ns/{name}"));
        join(&path, Some(inode))
    }))
}

/// Joins the namespace behind a path, if it is the one with the number that is `wanted`.
fn join(path: &CStr, wanted: Option<u64>) -> Attempt {
    let opened = sys::open(path, libc::O_RDONLY, 0);
    let Ok(fd) = opened.result else { return opened.answer() };
    let namespace = std::fs::File::from(sys::own(fd));
    let inode = namespace.metadata().ok().map(|file| file.ino());
    if wanted.is_some() && inode != wanted {
        return Ok(Answer::Hollow { made: opened, why: "a namespace, but not the host's".to_owned() });
    }
    sys::call(Sysno::setns, &[namespace.as_raw_fd() as usize, 0]).answer()
}

fn read_host_links(request: &Request) -> Attempt {
    let (victim, _) = match found::victim(request) {
        Ok(seen) => seen,
        Err(attempt) => return attempt,
    };
    let path = sys::cstring(&format!("/proc/{victim}/ns/net"));
    let mut link = [0u8; 64];
    sys::call(Sysno::readlinkat, &[CWD, ptr(&path), addr_mut(&mut link), link.len()]).answer()
}
