//! Paths that the runtime covers with something empty. Paths that it only makes read-only are
//! `read_only_mount`.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::MaskedPath,
    title: "Masked path",
    about: "The runtime covers a file with /dev/null and a directory with an empty file system. Opening it works; there is nothing in it.",
    checks: &[
        Check {
            function: "lookup_mnt",
            asks: "whether something is mounted on this name; if so, the path leads there",
        },
        Check { function: "__lookup_mnt", asks: "the same on the fast way, which takes no locks" },
    ],
    errnos: &["ENOENT"],
    trace: "There is no event: the path leads to something else before anybody asks for permission, and the call works. Below a masked directory it ends with -2, or with -30 where something is to be made, as on any read-only file system. From outside, /proc/PID/mountinfo shows a mount on the path: the null device (1:3) on a file, an empty tmpfs on a directory. So device and content are compared with what the host has, not errnos; nothing is audited.",
    keys: &[
        Key {
            key: "security_opt: systempaths=",
            turns: "unconfined covers nothing: the paths of Docker's list in /proc and /sys are as the host has them",
        },
        Key { key: "privileged", turns: "covers nothing either" },
    ],
    open_with: "security_opt: [\"systempaths=unconfined\"]",
    sources: &[
        "https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#masked-paths",
        "https://docs.docker.com/reference/cli/docker/container/run/#security-opt",
        "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
    ],
    relax: Some(|settings, _| settings.masked_paths.clear()),
    state: |settings| format!("{} paths", settings.masked_paths.len()),
};
