//! Memory: who handles its faults, where it lies, whether it can be executed. Each attempt uses memory of its own only.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::probe::{Attempt, Effect, Probe};
use crate::sys::{self, Made, addr, cstring, ptr};
use crate::wire::Request;

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "kernel-userfaultfd",
        title: "Handle page faults itself",
        tries: "userfaultfd(O_CLOEXEC): the kernel's own faults too; allowed to everybody where vm.unprivileged_userfaultfd is 1",
        gains: "the kernel stopped in the middle of a call for as long as wanted, which makes races easy to win",
        calls: &[Sysno::userfaultfd],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_PTRACE"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "no memory is registered, and the descriptor is closed",
        sources: &[
            "https://man7.org/linux/man-pages/man2/userfaultfd.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/userfaultfd.c",
        ],
        run: userfaultfd,
    },
    Probe {
        id: "kernel-mempolicy",
        title: "Choose memory by NUMA node",
        tries: "get_mempolicy, set_mempolicy(MPOL_DEFAULT), or mbind of no memory; Docker's filter opens them with CAP_SYS_NICE, the kernel asks for nothing",
        gains: "knowledge of, and pressure on, the memory that others use",
        calls: &[Sysno::get_mempolicy, Sysno::set_mempolicy, Sysno::mbind],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the default policy is set where it is, in the probe's own process",
        sources: &["https://man7.org/linux/man-pages/man2/set_mempolicy.2.html"],
        run: mempolicy,
    },
    Probe {
        id: "kernel-move-pages",
        title: "Move pages between NUMA nodes",
        tries: "move_pages of no pages of its own, or migrate_pages between no nodes; the kernel asks for a capability only for other processes' pages",
        gains: "where memory lies, and time: each page is copied by the kernel",
        calls: &[Sysno::move_pages, Sysno::migrate_pages],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is nothing to move",
        sources: &[
            "https://man7.org/linux/man-pages/man2/move_pages.2.html",
            "https://man7.org/linux/man-pages/man2/migrate_pages.2.html",
        ],
        run: move_pages,
    },
    Probe {
        id: "kernel-memfd-secret",
        title: "Make memory that the kernel cannot see",
        tries: "memfd_secret(0)",
        gains: "memory that no debugger or scanner on the host can read",
        calls: &[Sysno::memfd_secret],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a file without content, closed again",
        sources: &["https://man7.org/linux/man-pages/man2/memfd_secret.2.html"],
        run: memfd_secret,
    },
    Probe {
        id: "kernel-mmap-rwx",
        title: "Map memory that is writable and executable",
        tries: "mmap of one anonymous page with PROT_READ, PROT_WRITE and PROT_EXEC",
        gains: "code written at run time: the next step after most memory errors",
        calls: &[Sysno::mmap],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the page stays empty and is unmapped in the next line",
        sources: &["https://man7.org/linux/man-pages/man2/mmap.2.html"],
        run: mmap_rwx,
    },
    Probe {
        id: "kernel-memfd-exec",
        title: "Execute a file that is in memory only",
        tries: "memfd_create, and execveat of it, or execve by its path in /proc; the file is a line of text",
        gains: "programs that no file system, and so no read-only or noexec mount, ever saw",
        calls: &[Sysno::memfd_create, Sysno::execveat, Sysno::execve],
        proof: &[libc::ENOEXEC],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a line of text is no program; ENOEXEC comes after the permission checks",
        sources: &[
            "https://man7.org/linux/man-pages/man2/memfd_create.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/exec.c",
        ],
        run: memfd_exec,
    },
];

fn userfaultfd(_: &Request) -> Attempt {
    sys::closing(sys::call(Sysno::userfaultfd, &[libc::O_CLOEXEC as usize])).answer()
}

fn mempolicy(_: &Request) -> Attempt {
    sys::any_of(
        [
            sys::call(Sysno::get_mempolicy, &[0, 0, 0, 0, 0]),
            sys::call(Sysno::set_mempolicy, &[libc::MPOL_DEFAULT as usize, 0, 0]),
            sys::call(Sysno::mbind, &[0, 0, libc::MPOL_DEFAULT as usize, 0, 0, 0]),
        ],
        Made::worked,
    )
}

fn move_pages(_: &Request) -> Attempt {
    sys::any_of(
        [sys::call(Sysno::move_pages, &[0, 0, 0, 0, 0, 0]), sys::call(Sysno::migrate_pages, &[0, 0, 0, 0])],
        |made| matches!(made.result, Ok(_) | Err(libc::EINVAL)),
    )
}

fn memfd_secret(_: &Request) -> Attempt {
    sys::closing(sys::call(Sysno::memfd_secret, &[0])).answer()
}

fn mmap_rwx(_: &Request) -> Attempt {
    let access = (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC) as usize;
    let kind = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    let made = sys::call(Sysno::mmap, &[0, 4096, access, kind, sys::NO_FD, 0]);
    if let Ok(page) = made.result {
        sys::call(Sysno::munmap, &[page as usize, 4096]).or_broken("unmap the page")?;
    }
    made.answer()
}

fn memfd_exec(_: &Request) -> Attempt {
    // Printable, or older kernels would look for a module that can run it.
    const TEXT: &[u8] = b"whyblocked: a line of text, not a program\n";
    let create = |flags: u32| {
        let made =
            sys::call(Sysno::memfd_create, &[ptr(c"whyblocked"), (libc::MFD_CLOEXEC | flags) as usize]);
        made.or_answer()
    };
    // MFD_EXEC is known since Linux 6.3; before, every such file may be executed.
    let created = match create(libc::MFD_EXEC) {
        Err(crate::Answer::Made(Made { result: Err(libc::EINVAL), .. })) => create(0),
        other => other,
    };
    let file = match created {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    let fd = file.as_raw_fd() as usize;
    sys::call(Sysno::write, &[fd, addr(TEXT), TEXT.len()]).or_broken("write to the file")?;
    let path = cstring(&format!("/proc/self/fd/{fd}"));
    let argv = [path.as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null::<libc::c_char>()];
    let (argv, environment) = (addr(&argv), addr(&environment));
    sys::any_of(
        [
            sys::call(Sysno::execveat, &[fd, ptr(c""), argv, environment, libc::AT_EMPTY_PATH as usize]),
            sys::call(Sysno::execve, &[ptr(&path), argv, environment]),
        ],
        |made| made.result == Err(libc::ENOEXEC),
    )
}
