//! Files and directories of procfs that tell of the host, most of them masked by default. A mask opens fine, so what
//! counts is which file system was opened.

use std::ffi::CStr;
use std::os::fd::AsRawFd;

use syscalls::Sysno;

use super::{MOBY, RUNTIME_SPEC};
use crate::found::{self, Opened, PROCFS};
use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys::{self, Made, addr_mut};
use crate::wire::Request;

/// Why nothing happens when a file is read.
const ONLY_READ: &str = "a few bytes are read and thrown away";

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
        aims: &[Aim::Path("/proc/kcore")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the 8 bytes are the file's own header, not memory",
        sources: &[
            "https://man7.org/linux/man-pages/man5/proc_kcore.5.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/proc/kcore.c",
            MOBY,
        ],
        run: |_| read(c"/proc/kcore"),
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
        aims: &[Aim::Path("/proc/keys")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: ONLY_READ,
        sources: &["https://man7.org/linux/man-pages/man5/proc_keys.5.html", MOBY],
        run: |_| read(c"/proc/keys"),
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
        aims: &[Aim::Path("/proc/timer_list")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: ONLY_READ,
        sources: &["https://man7.org/linux/man-pages/man5/proc_timer_list.5.html", MOBY],
        run: |_| read(c"/proc/timer_list"),
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
        aims: &[Aim::Path("/proc/interrupts")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: ONLY_READ,
        sources: &[
            "https://man7.org/linux/man-pages/man5/proc_interrupts.5.html",
            "https://github.com/moby/moby/security/advisories/GHSA-6fw5-f8r9-fgfm",
        ],
        run: |_| read(c"/proc/interrupts"),
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
        aims: &[
            Aim::Path("/proc/sched_debug"),
            Aim::Path("/proc/latency_stats"),
            Aim::Path("/proc/timer_stats"),
        ],
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
        aims: &[Aim::Path("/proc/acpi"), Aim::Path("/proc/asound"), Aim::Path("/proc/scsi")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a directory is opened and closed again",
        sources: &[MOBY, RUNTIME_SPEC],
        run: list_acpi,
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
        aims: &[Aim::Path("/proc/kallsyms")],
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
