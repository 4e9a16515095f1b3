//! Paths that the runtime covers with something empty. Paths that it only makes read-only are
//! `read_only_mount`.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::MaskedPath,
    title: "Masked path",
    about: "The runtime covers a file with /dev/null and a directory with an empty file system. Opening it works; there is nothing in it.",
    checks: &["lookup_mnt"],
    keys: &["security_opt: systempaths=", "privileged"],
    open_with: "security_opt: [\"systempaths=unconfined\"]",
    sources: &[
        "https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config-linux.md#masked-paths",
        "https://docs.docker.com/reference/cli/docker/container/run/#security-opt",
    ],
    relax: Some(|settings, _| settings.masked_paths.clear()),
    state: |settings| format!("{} paths", settings.masked_paths.len()),
};
