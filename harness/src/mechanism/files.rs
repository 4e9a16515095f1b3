//! Mechanisms that lie in how something is mounted.

use super::{Entry, Mechanism};

pub(super) const READ_ONLY_MOUNT: Entry = Entry {
    id: Mechanism::ReadOnlyMount,
    title: "Read-only mount, and other mount flags",
    about: "A mount that is read-only refuses every write to what lies below it, whoever asks: EROFS. Docker mounts sysfs, the control groups and parts of /proc so, and a bind or the root directory on request. A tmpfs comes with three more flags, which this knob turns as well: noexec refuses to execute what lies there (EACCES), nodev to open device nodes (EACCES), and nosuid lets a set-user-id program run without what it promises.",
    checks: &[
        "__mnt_want_write",
        "mnt_get_write_access",
        "sb_permission",
        "path_noexec",
        "mnt_may_suid",
        "may_open_dev",
    ],
    keys: &["read_only", "volumes: …:ro", "tmpfs", "security_opt: systempaths=", "privileged"],
    open_with: "read_only: false, and no :ro on the volume   # /proc and /sys: systempaths=unconfined, privileged; a tmpfs: [\"/tmp:exec,suid,dev\"]",
    sources: &[
        "https://man7.org/linux/man-pages/man2/mount.2.html",
        "https://docs.docker.com/reference/compose-file/services/#read_only",
        "https://docs.docker.com/engine/storage/tmpfs/",
    ],
    relax: Some(|settings, _| {
        settings.read_only_root = false;
        settings.read_only_kernel_mounts = false;
        settings.read_only_paths.clear();
        for bind in &mut settings.binds {
            bind.read_only = false;
        }
        for tmpfs in &mut settings.tmpfs {
            tmpfs.flags &= !(libc::MS_RDONLY | libc::MS_NOEXEC | libc::MS_NOSUID | libc::MS_NODEV);
        }
    }),
    state: |settings| {
        let binds = settings.binds.iter().filter(|bind| bind.read_only).map(|bind| bind.target.as_str());
        let mut parts: Vec<String> = Vec::new();
        if settings.read_only_root {
            parts.push("the root directory".to_owned());
        }
        parts.extend(binds.map(str::to_owned));
        parts
            .extend(settings.tmpfs.iter().filter(|tmpfs| tmpfs.flags != 0).map(|tmpfs| tmpfs.target.clone()));
        if settings.read_only_kernel_mounts {
            parts.push("/sys".to_owned());
        }
        if !settings.read_only_paths.is_empty() {
            parts.push(format!("{} paths in /proc", settings.read_only_paths.len()));
        }
        parts.join(", ")
    },
};

pub(super) const MASKED_PATH: Entry = Entry {
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
