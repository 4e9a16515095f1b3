//! Mounts that nobody may write to. A path that is covered by something else is `masked_path`.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::ReadOnlyMount,
    title: "Read-only mount",
    about: "A mount that is read-only refuses every write to what lies below it, whoever asks: EROFS. Docker mounts sysfs, the control groups and parts of /proc so, and a bind or the root directory on request.",
    checks: &["__mnt_want_write", "mnt_get_write_access", "sb_permission"],
    keys: &["read_only", "volumes: …:ro", "security_opt: systempaths=", "privileged"],
    open_with: "read_only: false, and no :ro on the volume   # /proc and /sys: systempaths=unconfined, privileged",
    sources: &[
        "https://man7.org/linux/man-pages/man2/mount.2.html",
        "https://docs.docker.com/reference/compose-file/services/#read_only",
    ],
    relax: Some(|settings, _| {
        settings.read_only_root = false;
        settings.read_only_kernel_mounts = false;
        settings.read_only_paths.clear();
        for bind in &mut settings.binds {
            bind.read_only = false;
        }
        for tmpfs in &mut settings.tmpfs {
            tmpfs.flags &= !libc::MS_RDONLY;
        }
    }),
    state: |settings| {
        let binds = settings.binds.iter().filter(|bind| bind.read_only).map(|bind| bind.target.as_str());
        let mut parts: Vec<String> = Vec::new();
        if settings.read_only_root {
            parts.push("the root directory".to_owned());
        }
        parts.extend(binds.map(str::to_owned));
        if settings.read_only_kernel_mounts {
            parts.push("/sys".to_owned());
        }
        if !settings.read_only_paths.is_empty() {
            parts.push(format!("{} paths in /proc", settings.read_only_paths.len()));
        }
        parts.join(", ")
    },
};
