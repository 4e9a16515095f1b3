//! Files of procfs that set how the host works. They are opened for writing, which is where a read-only mount and
//! the mode bits are asked; nothing is written.

use std::ffi::CStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use syscalls::Sysno;

use super::MOBY;
use crate::found::{self, PROCFS};
use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys;
use crate::wire::Request;

/// Why nothing happens when a file is opened for writing.
const NEVER_WRITTEN: &str = "the file is opened and closed again; nothing is written";

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "proc-open-sysrq-trigger",
        title: "Open the emergency trigger",
        tries: "open(\"/proc/sysrq-trigger\", O_WRONLY). Only kernels with CONFIG_MAGIC_SYSRQ have it",
        gains: "a letter that restarts the host, kills its processes or makes its disks read-only",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/sysrq-trigger")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysrq.html", MOBY],
        run: |_| open_for_writing(c"/proc/sysrq-trigger"),
    },
    Probe {
        id: "proc-open-core-pattern",
        title: "Open the core dump handler",
        tries: "open(\"/proc/sys/kernel/core_pattern\", O_WRONLY)",
        gains: "a program of one's choice, run as root on the host when any process crashes",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/sys/kernel/core_pattern")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &[
            "https://man7.org/linux/man-pages/man5/core.5.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/proc_sysctl.c",
            MOBY,
        ],
        run: |_| open_for_writing(c"/proc/sys/kernel/core_pattern"),
    },
    Probe {
        id: "proc-open-modprobe-path",
        title: "Open the path of the module loader",
        tries: "open(\"/proc/sys/kernel/modprobe\", O_WRONLY). Only kernels with loadable modules have it",
        gains: "a program of one's choice, run as root on the host when the kernel wants a module",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/sys/kernel/modprobe")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysctl/kernel.html", MOBY],
        run: |_| open_for_writing(c"/proc/sys/kernel/modprobe"),
    },
    Probe {
        id: "proc-open-hostname",
        title: "Open the host name setting",
        tries: "open(\"/proc/sys/kernel/hostname\", O_WRONLY)",
        gains: "another name for the container, or for the host if they share the UTS namespace",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/sys/kernel/hostname")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysctl/kernel.html", MOBY],
        run: |_| open_for_writing(c"/proc/sys/kernel/hostname"),
    },
    Probe {
        id: "proc-open-panic-on-oom",
        title: "Open the setting for lack of memory",
        tries: "open(\"/proc/sys/vm/panic_on_oom\", O_WRONLY)",
        gains: "a host that stops when one process asks for too much memory",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/sys/vm/panic_on_oom")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysctl/vm.html", MOBY],
        run: |_| open_for_writing(c"/proc/sys/vm/panic_on_oom"),
    },
    Probe {
        id: "proc-open-bus",
        title: "Open a bus device",
        tries: "open(FILE, O_WRONLY) of the first writable file in /proc/bus: a PCI device's registers, as a rule",
        gains: "the registers of the host's devices, and memory through them",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/bus")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://man7.org/linux/man-pages/man5/proc_bus.5.html", MOBY],
        run: open_bus,
    },
    Probe {
        id: "proc-open-fs",
        title: "Open a file system's settings",
        tries: "open(FILE, O_WRONLY) of the first writable file in /proc/fs, or else of the first file",
        gains: "settings of the host's file systems and file servers",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/fs")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://man7.org/linux/man-pages/man5/proc_fs.5.html", MOBY],
        run: open_fs,
    },
    Probe {
        id: "proc-open-irq",
        title: "Open the interrupts' settings",
        tries: "open(\"/proc/irq/default_smp_affinity\", O_WRONLY)",
        gains: "the choice of the processors that serve the host's interrupts",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/proc/irq/default_smp_affinity")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/core-api/irq/irq-affinity.html", MOBY],
        run: |_| open_for_writing(c"/proc/irq/default_smp_affinity"),
    },
];

fn open_for_writing(path: &CStr) -> Attempt {
    found::try_open_real(path, libc::O_WRONLY, PROCFS)
}

fn open_bus(_: &Request) -> Attempt {
    open_file_in(c"/proc/bus")
}

fn open_fs(_: &Request) -> Attempt {
    open_file_in(c"/proc/fs")
}

/// Opens some file below a directory for writing: which files there are depends on the machine.
fn open_file_in(directory: &CStr) -> Attempt {
    if let Err(attempt) = found::open_real(directory, libc::O_RDONLY | libc::O_DIRECTORY, PROCFS) {
        return attempt;
    }
    let top = directory.to_string_lossy();
    let file = [0o200, 0o444].into_iter().find_map(|mode| first_file(Path::new(&*top), mode, 3));
    match file.as_deref().and_then(Path::to_str) {
        Some(path) => open_for_writing(&sys::cstring(path)),
        None => Ok(Answer::absent(format!("no file in {top}"))),
    }
}

/// The first file, by name, with one of the bits in its mode; not on another file system.
fn first_file(directory: &Path, mode: u32, depth: u32) -> Option<PathBuf> {
    let here = directory.metadata().ok()?.dev();
    let mut entries: Vec<_> = directory.read_dir().ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.into_iter().find_map(|path| {
        let found = path.symlink_metadata().ok().filter(|found| found.dev() == here)?;
        if found.is_dir() && depth > 1 {
            return first_file(&path, mode, depth - 1);
        }
        (found.is_file() && found.mode() & mode != 0).then_some(path)
    })
}
