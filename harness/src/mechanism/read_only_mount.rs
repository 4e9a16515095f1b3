//! Mounts that nobody may write to. A path that is covered by something else is `masked_path`.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::ReadOnlyMount,
    title: "Read-only mount, and other mount flags",
    about: "A mount that is read-only refuses every write to what lies below it, whoever asks: EROFS. Docker mounts sysfs, the control groups and parts of /proc so, and a bind or the root directory on request. A tmpfs comes with three more flags, which this knob turns as well: noexec refuses to execute what lies there (EACCES), nodev to open device nodes (EACCES), and nosuid lets a set-user-id program run without what it promises.",
    checks: &[
        Check {
            function: "__mnt_want_write",
            asks: "whether the mount or its file system is read-only, in Linux 6.1",
        },
        Check { function: "mnt_get_write_access", asks: "the same by its name in Linux 6.12" },
        Check {
            function: "sb_permission",
            asks: "whether the whole file system is read-only, where an existing file is to be written",
        },
        Check { function: "path_noexec", asks: "whether what lies on the mount may be executed" },
        Check {
            function: "mnt_may_suid",
            asks: "whether set-user-id bits and file capabilities count on the mount",
        },
        Check { function: "may_open_dev", asks: "whether device nodes on the mount may be opened" },
    ],
    errnos: &["EROFS", "EACCES"],
    trace: "The call is entered, no capability fails, and it ends with -30, which nothing else gives (the other flags' EACCES leaves no event of its own). A kretprobe shows __mnt_want_write=-30 or mnt_get_write_access=-30 below the function that wanted to write; without kretprobes the errno has to do, and it does. From outside, /proc/PID/mountinfo has ro among the options of the mount, or of its file system. Nothing is audited.",
    keys: &[
        Key {
            key: "read_only",
            turns: "true mounts the root directory read-only; volumes and tmpfs in it keep options of their own",
        },
        Key {
            key: "volumes: …:ro",
            turns: "mounts this volume read-only, with all that is mounted below it (Docker: since version 25); in the long form read_only: true",
        },
        Key {
            key: "tmpfs",
            turns: "mounts a file system in memory with noexec, nosuid and nodev, unless it says exec, suid and dev; :ro makes it read-only",
        },
        Key {
            key: "security_opt: systempaths=",
            turns: "unconfined leaves parts of /proc writable that are mounted read-only over themselves otherwise; /sys and the control groups stay read-only",
        },
        Key {
            key: "privileged",
            turns: "leaves those parts of /proc writable too, and /sys and the control groups",
        },
    ],
    open_with: "read_only: false, and no :ro on the volume   # /proc and /sys: systempaths=unconfined, privileged; a tmpfs: [\"/tmp:exec,suid,dev\"]",
    sources: &[
        "https://man7.org/linux/man-pages/man2/mount.2.html",
        "https://docs.docker.com/reference/compose-file/services/#read_only",
        "https://docs.docker.com/engine/storage/tmpfs/",
        "https://elixir.bootlin.com/linux/v6.12/source/fs/namespace.c",
        "https://elixir.bootlin.com/linux/v6.12/source/fs/namei.c",
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
