//! Landlock: a restriction that a program put on itself and all that it starts. It is the host's: no
//! container setting turns it, so that it only ever explains why nothing could be tested.

use super::{Check, Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Landlock,
    title: "Landlock",
    about: "A program restricts itself and its children to the directories it names. Containers started under it inherit the restriction: EACCES, and EPERM for mount calls.",
    checks: &[
        Check {
            function: "hook_file_open",
            asks: "whether the path, or a directory above it, has the rights that this open needs",
        },
        Check { function: "hook_path_mkdir", asks: "whether a directory may be made below this one" },
        Check {
            function: "hook_path_rename",
            asks: "whether a file may move between directories that have different rights",
        },
        Check {
            function: "hook_sb_mount",
            asks: "whether the process is restricted at all; if so, it may not mount",
        },
    ],
    errnos: &["EACCES", "EPERM", "EXDEV"],
    trace: "A kretprobe on the hook returns an errno, the innermost of its chain: hook_file_open=-13 below security_file_open, hook_sb_mount=-1. Since Linux 6.15 audit has records of type 1423 (what was denied) and 1424 (by which restriction), if audit is enabled. By default they are about the very program that restricted itself: a container is another one, executed later, and leaves none. Before 6.15, and without kretprobes, it cannot be seen.",
    keys: &[],
    open_with: "start the container from a program that is not restricted",
    sources: &[
        "https://docs.kernel.org/userspace-api/landlock.html",
        "https://elixir.bootlin.com/linux/v6.12/source/security/landlock/fs.c",
        "https://elixir.bootlin.com/linux/v6.15/source/security/landlock/audit.c",
    ],
    relax: None,
    state: |_| String::new(),
};
