//! Loading and removing kernel modules. A module is code in the kernel: whoever loads one owns the host.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::layout;
use crate::probe::{Attempt, Effect, Need, Probe};
use crate::sys::{self, addr, cstring, ptr};
use crate::wire::Request;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "module-init",
        title: "Load a module from memory",
        tries: "init_module of 128 bytes of text: as long as an image must be for the kernel to ask all its questions. A shorter one is refused before a signature is asked for, by the module.sig_enforce setting or by lockdown",
        gains: "code in the kernel",
        calls: &[Sysno::init_module],
        proof: &[libc::ENOEXEC],
        // No signature, where the kernel insists on one.
        refusal: &[libc::EKEYREJECTED],
        capabilities: &["CAP_SYS_MODULE"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "text is no module: ENOEXEC, after the capability, modules_disabled, the security modules and the signature. The kernel may leave a line in its log",
        sources: &[
            "https://man7.org/linux/man-pages/man2/init_module.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/module/main.c",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/module/signing.c",
        ],
        run: init_module,
    },
    Probe {
        id: "module-finit",
        title: "Load a module from a file",
        tries: "finit_module of a line of text that the engine put there, opened for reading: with no file the kernel would answer before it asks for a signature",
        gains: "code in the kernel",
        calls: &[Sysno::finit_module],
        proof: &[libc::ENOEXEC],
        // No signature, where the kernel insists on one.
        refusal: &[libc::EKEYREJECTED],
        capabilities: &["CAP_SYS_MODULE"],
        aims: &[],
        needs: &[Need::Text],
        effect: Effect::Harmless,
        harmless_because: "text is no module: ENOEXEC, after the capability, modules_disabled, the security modules and the signature. The kernel may leave a line in its log",
        sources: &[
            "https://man7.org/linux/man-pages/man2/init_module.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/module/signing.c",
        ],
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
    // Before the next one: where the module can be removed, that one finds it gone and really loads it.
    Probe {
        id: "module-remove-dummy",
        title: "Remove a module that is loaded",
        tries: "delete_module(\"dummy\", O_NONBLOCK), of the kernel's own network driver without a device, which the harness has loaded",
        gains: "a kernel without one of its parts: a firewall, a security module, an audit driver",
        calls: &[Sysno::delete_module],
        proof: &[libc::EWOULDBLOCK],
        refusal: &[],
        capabilities: &["CAP_SYS_MODULE"],
        aims: &[],
        needs: &[Need::LoadedDummy],
        effect: Effect::Disposable,
        harmless_because: "nothing uses the module; the harness loads it before the trial and has it, after, as it was",
        sources: &[
            "https://man7.org/linux/man-pages/man2/delete_module.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/drivers/net/dummy.c",
        ],
        run: remove_dummy,
    },
    Probe {
        id: "module-load-dummy",
        title: "Load a real module",
        tries: "finit_module of the kernel's own network driver without a device, dummy.ko, with numdummies=0, so that it makes no interface. It is removed in the next line; that it is there already comes after every check",
        gains: "code in the kernel",
        calls: &[Sysno::finit_module],
        proof: &[libc::EEXIST],
        // No signature, where the kernel insists on one.
        refusal: &[libc::EKEYREJECTED],
        capabilities: &["CAP_SYS_MODULE"],
        aims: &[],
        needs: &[Need::DummyModule],
        effect: Effect::Disposable,
        harmless_because: "it is a module of the running kernel's own, does nothing by itself, and is removed in the next line; the harness looks after it from outside too",
        sources: &[
            "https://man7.org/linux/man-pages/man2/init_module.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/module/main.c",
            "https://elixir.bootlin.com/linux/v6.12/source/drivers/net/dummy.c",
        ],
        run: load_dummy,
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
    // The header of an ELF file is 64 bytes.
    let image = [b'-'; 128];
    sys::call(Sysno::init_module, &[addr(&image), image.len(), ptr(c"")]).answer()
}

fn finit_module(_: &Request) -> Attempt {
    let path = cstring(layout::TEXT);
    let file = sys::own(sys::open(&path, libc::O_RDONLY, 0).or_broken("open a line of text")?);
    sys::call(Sysno::finit_module, &[file.as_raw_fd() as usize, ptr(c""), 0]).answer()
}

fn delete_module(_: &Request) -> Attempt {
    sys::call(Sysno::delete_module, &[ptr(c"whyblocked_none"), libc::O_NONBLOCK as usize]).answer()
}

fn remove_dummy(_: &Request) -> Attempt {
    let name = cstring(layout::DUMMY);
    sys::call(Sysno::delete_module, &[ptr(&name), libc::O_NONBLOCK as usize]).answer()
}

fn load_dummy(_: &Request) -> Attempt {
    let (path, name, options) =
        (cstring(layout::DUMMY_MODULE), cstring(layout::DUMMY), cstring(layout::DUMMY_OPTIONS));
    let file = sys::own(sys::open(&path, libc::O_RDONLY, 0).or_broken("open the dummy module")?);
    let made = sys::call(Sysno::finit_module, &[file.as_raw_fd() as usize, ptr(&options), 0]);
    if made.worked() {
        // Where a filter refuses this, the harness does it.
        sys::call(Sysno::delete_module, &[ptr(&name), libc::O_NONBLOCK as usize]);
    }
    made.answer()
}

#[cfg(target_arch = "x86_64")]
fn obsolete_calls(_: &Request) -> Attempt {
    let calls = [Sysno::create_module, Sysno::query_module, Sysno::get_kernel_syms];
    sys::any_of(calls.map(|call| sys::call(call, &[])), sys::Made::worked)
}
