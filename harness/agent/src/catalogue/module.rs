//! Loading and removing kernel modules. A module is code in the kernel: whoever loads one owns the host.

use syscalls::Sysno;

use crate::probe::{Attempt, Effect, Probe};
use crate::sys::{self, NO_FD, ptr};
use crate::wire::Request;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "module-init",
        title: "Load a module from memory",
        tries: "init_module(NULL, 0, \"\"): an empty image",
        gains: "code in the kernel",
        calls: &[Sysno::init_module],
        proof: &[libc::ENOEXEC, libc::EFAULT],
        refusal: &[],
        capabilities: &["CAP_SYS_MODULE"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "an image of 0 bytes is refused with ENOEXEC, after the permission checks",
        sources: &[
            "https://man7.org/linux/man-pages/man2/init_module.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/module/main.c",
        ],
        run: init_module,
    },
    Probe {
        id: "module-finit",
        title: "Load a module from a file",
        tries: "finit_module(-1, \"\", 0): no file",
        gains: "code in the kernel",
        calls: &[Sysno::finit_module],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &["CAP_SYS_MODULE"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no file to load; EBADF comes after the permission checks",
        sources: &["https://man7.org/linux/man-pages/man2/init_module.2.html"],
        run: finit_module,
    },
    Probe {
        id: "module-delete",
        title: "Remove a module",
        tries: "delete_module(\"whyblocked_none\", O_NONBLOCK): a module that does not exist",
        gains: "a kernel without one of its parts: a firewall, a security module, an audit driver",
        calls: &[Sysno::delete_module],
        proof: &[libc::ENOENT],
        refusal: &[],
        capabilities: &["CAP_SYS_MODULE"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "no module has that name; ENOENT comes after the permission check",
        sources: &["https://man7.org/linux/man-pages/man2/delete_module.2.html"],
        run: delete_module,
    },
    #[cfg(target_arch = "x86_64")]
    Probe {
        id: "module-obsolete-calls",
        title: "Use the module calls of Linux 2.4",
        tries: "create_module(NULL, 0), query_module(NULL, 0, …) and get_kernel_syms(NULL), which no kernel since 2.6 has: absent, or refused by a filter before the kernel can say so. Never reached, on any kernel that runs today",
        gains: "nothing: it shows whether a filter answers for calls that are not there",
        calls: &[Sysno::create_module, Sysno::query_module, Sysno::get_kernel_syms],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the calls do not exist, and their arguments are empty",
        sources: &[
            "https://man7.org/linux/man-pages/man2/unimplemented.2.html",
            "https://docs.docker.com/engine/security/seccomp/",
        ],
        run: obsolete_calls,
    },
];

fn init_module(_: &Request) -> Attempt {
    sys::call(Sysno::init_module, &[0, 0, ptr(c"")]).answer()
}

fn finit_module(_: &Request) -> Attempt {
    sys::call(Sysno::finit_module, &[NO_FD, ptr(c""), 0]).answer()
}

fn delete_module(_: &Request) -> Attempt {
    sys::call(Sysno::delete_module, &[ptr(c"whyblocked_none"), libc::O_NONBLOCK as usize]).answer()
}

#[cfg(target_arch = "x86_64")]
fn obsolete_calls(_: &Request) -> Attempt {
    let calls = [Sysno::create_module, Sysno::query_module, Sysno::get_kernel_syms];
    sys::any_of(calls.map(|call| sys::call(call, &[])), sys::Made::worked)
}
