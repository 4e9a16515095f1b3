//! SELinux: labels of processes and objects, and a policy. Which label a container gets is resolved in
//! `crate::scenario`.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Selinux,
    title: "SELinux",
    about: "Every process and file has a label, and a policy says which label may do what to which. It is asked after the mode bits, whatever the user is. Refusals are EACCES, sometimes EPERM, and leave an AVC record unless the policy says dontaudit.",
    checks: &[
        Check { function: "avc_has_perm", asks: "whether the policy lets this label do this to that label" },
        Check {
            function: "selinux_inode_permission",
            asks: "the same for reading, writing and executing a file or directory",
        },
        Check {
            function: "selinux_capable",
            asks: "whether this label may use the capability that is asked for",
        },
    ],
    errnos: &["EACCES", "EPERM"],
    trace: "A kretprobe on the hook returns an errno, the innermost of its chain: selinux_inode_permission=-13, or selinux_capable=-13 below security_capable. The call's own errno may be another: whoever asks for a capability turns -13 into EPERM. Audit has a record of type 1400 (avc: denied, with both labels and the class), and avc:selinux_audited fires for the same; rules that say dontaudit leave neither, and only kretprobes see them. On files the mode bits are asked first, and what they refuse leaves no trace here.",
    keys: &[
        Key {
            key: "security_opt: label=",
            turns: "type:, level:, user: and role: give the container a label, with container_t for a type that is not said; disable gives it none. Where nothing is said a container has a label if its Docker daemon has selinux-enabled, and with the built-in engine if the kernel runs with SELinux; the categories of all trials are c1,c2. Where the kernel runs without SELinux, or its policy does not know the type, the scenario is reported as not run",
        },
        Key {
            key: "volumes: …:z",
            turns: ":z and :Z relabel the host's files, for all containers or for this one; both engines refuse it for /etc and others of the host's own. What is not the laboratory's gets its labels back after each trial. Without SELinux, and without labels for containers, they do nothing",
        },
        Key { key: "privileged", turns: "gives the container no label of its own" },
        Key { key: "pid", turns: "host gives the container no label, unless security_opt has one" },
        Key { key: "ipc", turns: "host likewise" },
        Key {
            key: "daemon: selinux-enabled",
            turns: "true gives containers labels; a daemon.json without it gives none, also where SELinux is on",
        },
    ],
    open_with: "security_opt: [\"label=disable\"]   # or :z / :Z on the volume",
    sources: &[
        "https://docs.kernel.org/admin-guide/LSM/SELinux.html",
        "https://docs.docker.com/engine/storage/bind-mounts/#configure-the-selinux-label",
        "https://elixir.bootlin.com/linux/v6.12/source/security/selinux/hooks.c",
        "https://github.com/moby/moby/blob/v26.1.5/daemon/create.go",
    ],
    relax: Some(|settings, _| settings.selinux = None),
    state: |settings| settings.selinux.clone().unwrap_or_default(),
};
