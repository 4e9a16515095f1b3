//! Restarting the machine, replacing its kernel, reading its images. Whoever restarts or replaces the kernel
//! owns what runs next; there is one kernel for all containers.

use std::ffi::CStr;

use syscalls::Sysno;

use crate::found;
use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys::{self, NO_FD, addr_mut, ptr};
use crate::wire::Request;

/// One more than `KEXEC_SEGMENT_MAX`, `linux/kexec.h`.
const TOO_MANY_SEGMENTS: usize = 17;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "boot-kexec-load",
        title: "Load another kernel",
        tries: "kexec_load(0, 17, NULL, 0): more segments than the 16 that a kernel image may have",
        gains: "the next kernel, at once and without the firmware's checks",
        calls: &[Sysno::kexec_load],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_BOOT"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "more than 16 segments are refused with EINVAL, after the capability, kexec_load_disabled and lockdown; even a loaded kernel would wait for a reboot",
        sources: &[
            "https://man7.org/linux/man-pages/man2/kexec_load.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/kexec.c",
        ],
        run: kexec_load,
    },
    Probe {
        id: "boot-kexec-file-load",
        title: "Load another kernel from a file",
        tries: "kexec_file_load(-1, -1, 0, NULL, 0): no image and no initial RAM disk",
        gains: "the next kernel, as with kexec_load",
        calls: &[Sysno::kexec_file_load],
        proof: &[libc::EBADF],
        refusal: &[],
        capabilities: &["CAP_SYS_BOOT"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no image to load; EBADF comes after the capability and kexec_load_disabled, and before the image's signature, which is where lockdown would look",
        sources: &[
            "https://man7.org/linux/man-pages/man2/kexec_load.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/kexec_file.c",
        ],
        run: kexec_file_load,
    },
    Probe {
        id: "boot-reboot",
        title: "Restart the machine",
        tries: "reboot(0, 0, …): without the magic numbers that the call asks for. In a pid namespace of its own the capability counts in that namespace's owner, and a reboot would only end the container",
        gains: "an end to everything that runs on the host",
        calls: &[Sysno::reboot],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_BOOT"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "wrong magic numbers are refused with EINVAL, after the permission check and before the command is looked at; the command is none that exists",
        sources: &[
            "https://man7.org/linux/man-pages/man2/reboot.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/reboot.c",
        ],
        run: reboot,
    },
    Probe {
        id: "boot-read-modules-dir",
        title: "List the host's kernel files",
        tries: "open(\"/lib/modules\") or open(\"/boot\"), and reads the directory; one that is not there or empty is absent",
        gains: "the exact kernel of the host and, in /boot, its images and settings: what to prepare an attack or a module for",
        calls: &[Sysno::openat, Sysno::getdents64],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/lib/modules"), Aim::Path("/boot")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the names in a directory are read",
        sources: &[
            "https://man7.org/linux/man-pages/man7/hier.7.html",
            "https://docs.docker.com/engine/storage/bind-mounts/",
        ],
        run: read_modules_dir,
    },
];

fn kexec_load(_: &Request) -> Attempt {
    sys::call(Sysno::kexec_load, &[0, TOO_MANY_SEGMENTS, 0, 0]).answer()
}

fn kexec_file_load(_: &Request) -> Attempt {
    sys::call(Sysno::kexec_file_load, &[NO_FD, NO_FD, 0, 0, 0]).answer()
}

fn reboot(_: &Request) -> Attempt {
    // 0 would be LINUX_REBOOT_CMD_CAD_OFF: a command that exists is not even written down here.
    sys::call(Sysno::reboot, &[0, 0, 0x7762, ptr(c"")]).answer()
}

fn read_modules_dir(_: &Request) -> Attempt {
    found::any_real([c"/lib/modules", c"/boot"].into_iter().map(list))
}

/// Opens a directory and reads its first names.
fn list(path: &CStr) -> Attempt {
    let opened = sys::open(path, libc::O_RDONLY | libc::O_DIRECTORY, 0);
    let Ok(fd) = opened.result else { return opened.answer() };
    let _directory = sys::own(fd);
    let mut names = [0u64; 128];
    let read = sys::call(Sysno::getdents64, &[fd as usize, addr_mut(&mut names), size_of_val(&names)]);
    match read.result {
        // "." and ".." take 24 bytes each.
        Ok(0..=48) => {
            Ok(Answer::Hollow { made: opened, why: format!("{} is empty", path.to_string_lossy()) })
        }
        Ok(_) => opened.answer(),
        Err(_) => read.answer(),
    }
}
