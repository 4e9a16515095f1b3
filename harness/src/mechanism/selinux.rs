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
            turns: "type:, level:, user: and role: give the container a label, with container_t for a type that is not said; disable gives it none; without one it runs with its starter's; the built-in engine gives a label only if it is asked for one, and where the kernel runs without SELinux reports the scenario as not run",
        },
        Key {
            key: "volumes: …:z",
            turns: ":z and :Z make Docker relabel the host's files, for all containers or for this one; the built-in engine cannot, and with SELinux reports the scenario as not run; without SELinux they do nothing",
        },
        Key { key: "privileged", turns: "gives the container no label of its own" },
        Key {
            key: "pid",
            turns: "host makes Docker give no label, unless security_opt has one; the built-in engine gives what security_opt says",
        },
        Key { key: "ipc", turns: "host likewise" },
        Key {
            key: "daemon: selinux-enabled",
            turns: "without it Docker gives no container a label; the built-in engine has no daemon, and reports such a scenario as not run",
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
