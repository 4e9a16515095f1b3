//! Becoming somebody else: other names, other ids, and programs that the kernel runs with more power than
//! their caller has. Root gains nothing from such programs, so that a root container tries them as an ordinary user.

use syscalls::Sysno;

use crate::probe::{Aim, Answer, Attempt, Broken, Effect, Need, Probe};
use crate::sys::{self, Made, addr, cstring, ptr};
use crate::wire::Request;
use crate::{layout, roles};

/// A length that no host name has (`__NEW_UTS_LEN` is 64).
const TOO_LONG: usize = 1000;

/// Exit status of a child whose call failed: this and the errno.
pub(super) const FAILED: i32 = 128;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "identity-sethostname",
        title: "Rename the host",
        tries: "sethostname and setdomainname with a name of 1000 bytes",
        gains: "the host's name in every log line and certificate request, if the UTS namespace is the host's",
        calls: &[Sysno::sethostname, Sysno::setdomainname],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the length is refused with EINVAL, after the permission check and before the name is read",
        sources: &[
            "https://man7.org/linux/man-pages/man2/sethostname.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/sys.c",
        ],
        run: sethostname,
    },
    Probe {
        id: "identity-become-root",
        title: "Become user 0",
        tries: "setresuid(0, 0, 0); for a process that is root already the kernel has nothing to refuse",
        gains: "root's files and root's programs, and outside a user namespace the host's root",
        calls: &[Sysno::setresuid],
        proof: &[],
        // The user namespace has no user 0.
        refusal: &[libc::EINVAL],
        capabilities: &["CAP_SETUID"],
        aims: &[Aim::Id(0)],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "only the probe's own process changes, and it ends right after",
        sources: &[
            "https://man7.org/linux/man-pages/man2/setresuid.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/sys.c",
        ],
        run: become_root,
    },
    Probe {
        id: "identity-setuid-binary",
        title: "Run a set-user-id program of root's",
        tries: "execve of a copy of the agent that belongs to root and has the set-user-id bit, as an ordinary user; it looks whether its effective user id is 0",
        gains: "root, through any hole in a set-user-id program (su, mount, …) that the image brings along",
        calls: &[Sysno::setresuid, Sysno::execve],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::NewPrivileges],
        needs: &[Need::SetuidRoot],
        effect: Effect::Undone,
        harmless_because: "the program reads its own user id and ends",
        sources: &[
            "https://man7.org/linux/man-pages/man2/execve.2.html",
            "https://docs.kernel.org/userspace-api/no_new_privs.html",
        ],
        run: setuid_binary,
    },
    Probe {
        id: "identity-file-capability",
        title: "Run a program that has file capabilities",
        tries: "execve of a copy of the agent whose file grants CAP_CHOWN, as an ordinary user; it looks whether it has the capability",
        gains: "a capability that the user does not have, through any such program (ping, newuidmap, …) in the image",
        calls: &[Sysno::setresuid, Sysno::execve],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::NewPrivileges],
        needs: &[Need::FileCapability],
        effect: Effect::Undone,
        harmless_because: "the program reads its own capabilities and ends",
        sources: &[
            "https://man7.org/linux/man-pages/man7/capabilities.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/security/commoncap.c",
        ],
        run: file_capability,
    },
];

fn sethostname(_: &Request) -> Attempt {
    let name = ptr(c"whyblocked");
    sys::any_of(
        [
            sys::call(Sysno::sethostname, &[name, TOO_LONG]),
            sys::call(Sysno::setdomainname, &[name, TOO_LONG]),
        ],
        |made| made.result == Err(libc::EINVAL),
    )
}

fn become_root(_: &Request) -> Attempt {
    sys::call(Sysno::setresuid, &[0, 0, 0]).answer()
}

fn setuid_binary(_: &Request) -> Attempt {
    run_copy(layout::SETUID_ROOT, layout::SETUID_ROOT, "the program ran, but not as root")
}

fn file_capability(_: &Request) -> Attempt {
    run_copy(layout::FILE_CAPABILITY, layout::FILE_CAPABILITY, "the program ran, but without the capability")
}

/// Runs the copy of the agent at `path` as an ordinary user, in one of its roles, and asks, by its exit status,
/// what it gained.
pub(super) fn run_copy(path: &str, role: &str, withheld: &str) -> Attempt {
    // SAFETY: reads this process's own id.
    if unsafe { libc::geteuid() } == 0 {
        let id = layout::FOREIGN_ID as usize;
        let became = sys::call(Sysno::setresuid, &[id, id, id]);
        match became.result {
            Ok(_) => {}
            // Root that may not become an ordinary user can gain nothing: that is what stops the attempt.
            Err(libc::EPERM) => return became.answer(),
            Err(errno) => {
                return Ok(Answer::absent(format!(
                    "there is no ordinary user to become (setresuid: errno {errno})"
                )));
            }
        }
    }
    // What the container's user had already must not look like something gained.
    sys::call(
        Sysno::prctl,
        &[libc::PR_CAP_AMBIENT as usize, libc::PR_CAP_AMBIENT_CLEAR_ALL as usize, 0, 0, 0],
    );

    let (path, role) = (cstring(path), cstring(role));
    let arguments = [role.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null::<libc::c_char>()];
    let given = [ptr(&path), addr(&arguments), addr(&environment)];
    let end = in_child(|| {
        // Comes back only if it fails.
        FAILED + sys::call(Sysno::execve, &given).result.err().unwrap_or(0)
    })?;
    let made = |result| {
        let args = [given[0] as u64, given[1] as u64, given[2] as u64, 0, 0, 0];
        Made::new(Sysno::execve, args, result)
    };
    match end {
        End::Exit(roles::GAINED) => made(Ok(0)).answer(),
        End::Exit(roles::GAINED_NOTHING) => {
            Ok(Answer::Withheld { made: made(Ok(0)), why: withheld.to_owned() })
        }
        End::Exit(status) if status > FAILED => made(Err(status - FAILED)).answer(),
        End::Exit(status) => Err(Broken::at(format!("the program ended with status {status}"))),
        End::Signal(signal) => Ok(Answer::Killed {
            call: Sysno::execve,
            why: format!("the program was killed by signal {signal}"),
        }),
    }
}

/// How a child ended.
pub(super) enum End {
    Exit(i32),
    Signal(i32),
}

/// Forks, lets the child do `work`, whose result is its exit status, and waits for it.
pub(super) fn in_child(work: impl FnOnce() -> i32) -> Result<End, Broken> {
    // SAFETY: the agent has one thread, so that the child may do anything after fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: a time limit that ends the probe ends this child too; then it ends at once, without
        // the parent's exit handlers.
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::_exit(work())
        }
    }
    if child == -1 {
        return Err(Broken { step: "fork a child".into(), errno: sys::errno() });
    }
    let mut status = 0;
    // SAFETY: waits for our own child; `status` is ours.
    if unsafe { libc::waitpid(child, &raw mut status, 0) } != child {
        return Err(Broken { step: "wait for the child".into(), errno: sys::errno() });
    }
    if libc::WIFSIGNALED(status) {
        return Ok(End::Signal(libc::WTERMSIG(status)));
    }
    Ok(End::Exit(libc::WEXITSTATUS(status)))
}
