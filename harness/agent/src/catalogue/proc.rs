//! procfs, of which much is the host's, not the container's. What runtimes mask is read, and what they make
//! read-only is opened for writing; nothing is ever written.

use std::ffi::CStr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use syscalls::Sysno;

use crate::found::{self, Opened, PROCFS};
use crate::probe::{Answer, Attempt, Effect, Probe};
use crate::sys::{self, Made, addr_mut};
use crate::wire::Request;

/// Where Docker's masked and read-only paths are listed.
const MOBY: &str = "https://github.com/moby/moby/blob/v28.2.0/oci/defaults.go";
/// What masked and read-only paths are.
const RUNTIME_SPEC: &str = "https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md";
/// Why nothing happens when a file is opened for writing.
const NEVER_WRITTEN: &str = "the file is opened and closed again; nothing is written";
/// Why nothing happens when a file is read.
const ONLY_READ: &str = "a few bytes are read and thrown away";

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "proc-read-kcore",
        title: "Read the kernel's memory",
        tries: "open(\"/proc/kcore\", O_RDONLY) and reads 8 bytes; a mask over it reads as absent",
        gains: "everything in the machine's memory",
        calls: &[Sysno::openat, Sysno::read],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_RAWIO"],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the 8 bytes are the file's own header, not memory",
        sources: &[
            "https://man7.org/linux/man-pages/man5/proc_kcore.5.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/kcore.c",
            MOBY,
        ],
        run: read_kcore,
    },
    Probe {
        id: "proc-read-keys",
        title: "Read the list of keys",
        tries: "open(\"/proc/keys\", O_RDONLY) and reads 8 bytes; a mask over it reads as absent",
        gains: "numbers and descriptions of the keys that the host's user with the same id may see",
        calls: &[Sysno::openat, Sysno::read],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: ONLY_READ,
        sources: &["https://man7.org/linux/man-pages/man5/proc_keys.5.html", MOBY],
        run: read_keys,
    },
    Probe {
        id: "proc-read-timer-list",
        title: "Read the list of timers",
        tries: "open(\"/proc/timer_list\", O_RDONLY) and reads 8 bytes; a mask over it reads as absent",
        gains: "the host's programs by the timers they wait for, and kernel addresses",
        calls: &[Sysno::openat, Sysno::read],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: ONLY_READ,
        sources: &["https://man7.org/linux/man-pages/man5/proc_timer_list.5.html", MOBY],
        run: read_timer_list,
    },
    Probe {
        id: "proc-read-interrupts",
        title: "Read the interrupt counters",
        tries: "open(\"/proc/interrupts\", O_RDONLY) and reads 8 bytes; a mask over it reads as absent",
        gains: "when keys are struck and packets come in on the host: a channel to spy through",
        calls: &[Sysno::openat, Sysno::read],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: ONLY_READ,
        sources: &[
            "https://man7.org/linux/man-pages/man5/proc_interrupts.5.html",
            "https://github.com/moby/moby/security/advisories/GHSA-6fw5-f8r9-fgfm",
        ],
        run: read_interrupts,
    },
    Probe {
        id: "proc-read-sched-debug",
        title: "Read the scheduler's statistics",
        tries: "open and read 8 bytes of /proc/sched_debug, /proc/latency_stats or /proc/timer_stats; a mask reads as absent. Newer kernels have none of them: timer_stats went with Linux 4.11, sched_debug with 5.13, latency_stats is rarely built in",
        gains: "the names of all tasks of the host and when they run",
        calls: &[Sysno::openat, Sysno::read],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: ONLY_READ,
        sources: &["https://docs.kernel.org/scheduler/sched-stats.html", MOBY],
        run: read_sched_debug,
    },
    Probe {
        id: "proc-list-acpi",
        title: "List hardware directories",
        tries: "open(…, O_DIRECTORY) of /proc/acpi, /proc/asound or /proc/scsi; a mask over them reads as absent",
        gains: "the host's hardware, and in /proc/scsi a way to take disks away from it",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a directory is opened and closed again",
        sources: &[MOBY, RUNTIME_SPEC],
        run: list_acpi,
    },
    Probe {
        id: "proc-open-sysrq-trigger",
        title: "Open the emergency trigger",
        tries: "open(\"/proc/sysrq-trigger\", O_WRONLY). Only kernels with CONFIG_MAGIC_SYSRQ have it",
        gains: "a letter that restarts the host, kills its processes or makes its disks read-only",
        calls: &[Sysno::openat],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysrq.html", MOBY],
        run: open_sysrq_trigger,
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
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &[
            "https://man7.org/linux/man-pages/man5/core.5.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/proc_sysctl.c",
            MOBY,
        ],
        run: open_core_pattern,
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
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysctl/kernel.html", MOBY],
        run: open_modprobe_path,
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
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysctl/kernel.html", MOBY],
        run: open_hostname,
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
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/admin-guide/sysctl/vm.html", MOBY],
        run: open_panic_on_oom,
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
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: NEVER_WRITTEN,
        sources: &["https://docs.kernel.org/core-api/irq/irq-affinity.html", MOBY],
        run: open_irq,
    },
    Probe {
        id: "proc-read-kallsyms",
        title: "Read the kernel's addresses",
        tries: "open(\"/proc/kallsyms\", O_RDONLY) and reads 4096 bytes: anybody may, but to those who shall not know, every address is 0",
        gains: "where the kernel lies in memory: the end of address randomisation, which kernel exploits need first",
        calls: &[Sysno::openat, Sysno::read],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYSLOG"],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "addresses are read and thrown away",
        sources: &[
            "https://docs.kernel.org/admin-guide/sysctl/kernel.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/ksyms_common.c",
        ],
        run: read_kallsyms,
    },
];

fn read_kcore(_: &Request) -> Attempt {
    read(c"/proc/kcore")
}

fn read_keys(_: &Request) -> Attempt {
    read(c"/proc/keys")
}

fn read_timer_list(_: &Request) -> Attempt {
    read(c"/proc/timer_list")
}

fn read_interrupts(_: &Request) -> Attempt {
    read(c"/proc/interrupts")
}

fn read_sched_debug(_: &Request) -> Attempt {
    found::any_real(
        [c"/proc/sched_debug", c"/proc/latency_stats", c"/proc/timer_stats"].into_iter().map(read),
    )
}

/// Opens a file and reads 8 bytes; a file that is empty is as real as any.
fn read(path: &CStr) -> Attempt {
    let mut bytes = [0u8; 8];
    match read_into(path, &mut bytes) {
        Ok((opened, _)) => opened.made.answer(),
        Err(attempt) => attempt,
    }
}

fn read_into(path: &CStr, bytes: &mut [u8]) -> Result<(Opened, usize), Attempt> {
    let opened = found::open_real(path, libc::O_RDONLY, PROCFS)?;
    let read: Made = sys::call(Sysno::read, &[opened.fd.as_raw_fd() as usize, addr_mut(bytes), bytes.len()]);
    match read.result {
        Ok(count) => Ok((opened, count as usize)),
        Err(_) => Err(read.answer()),
    }
}

fn read_kallsyms(_: &Request) -> Attempt {
    let mut bytes = [0u8; 4096];
    let (opened, count) = match read_into(c"/proc/kallsyms", &mut bytes) {
        Ok(read) => read,
        Err(attempt) => return attempt,
    };
    // Some symbols really lie at 0, but not all that fit here.
    let shows = |line: &[u8]| line.iter().take(16).any(|digit| !matches!(digit, b'0' | b' '));
    if bytes[..count].split(|&byte| byte == b'\n').any(|line| line.len() > 16 && shows(line)) {
        return opened.made.answer();
    }
    Ok(Answer::Withheld { made: opened.made, why: "every address is 0".to_owned() })
}

fn list_acpi(_: &Request) -> Attempt {
    let list = |path| found::try_open_real(path, libc::O_RDONLY | libc::O_DIRECTORY, PROCFS);
    found::any_real([c"/proc/acpi", c"/proc/asound", c"/proc/scsi"].into_iter().map(list))
}

fn open_sysrq_trigger(_: &Request) -> Attempt {
    open_for_writing(c"/proc/sysrq-trigger")
}

fn open_core_pattern(_: &Request) -> Attempt {
    open_for_writing(c"/proc/sys/kernel/core_pattern")
}

fn open_modprobe_path(_: &Request) -> Attempt {
    open_for_writing(c"/proc/sys/kernel/modprobe")
}

fn open_hostname(_: &Request) -> Attempt {
    open_for_writing(c"/proc/sys/kernel/hostname")
}

fn open_panic_on_oom(_: &Request) -> Attempt {
    open_for_writing(c"/proc/sys/vm/panic_on_oom")
}

fn open_irq(_: &Request) -> Attempt {
    open_for_writing(c"/proc/irq/default_smp_affinity")
}

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
