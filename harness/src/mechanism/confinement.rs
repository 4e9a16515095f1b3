//! Mechanisms that confine a program whatever its user: the system-call filter and the labelling modules.

use super::{Entry, Mechanism};

pub(super) const SECCOMP: Entry = Entry {
    id: Mechanism::Seccomp,
    title: "seccomp",
    about: "A filter program that the runtime installs sees the number and the arguments of every system call before the kernel does. What it does not allow never starts: the errno is the filter's, EPERM in Docker's default profile, ENOSYS for calls that the profile does not know.",
    checks: &["__seccomp_filter", "seccomp_run_filters"],
    keys: &["security_opt: seccomp=", "privileged"],
    open_with: "security_opt: [\"seccomp=unconfined\"]   # or a profile of your own that allows this one call",
    sources: &[
        "https://man7.org/linux/man-pages/man2/seccomp.2.html",
        "https://docs.docker.com/engine/security/seccomp/",
    ],
    relax: Some(|settings, _| settings.seccomp = None),
    state: |settings| settings.seccomp.as_ref().map_or_else(String::new, |policy| policy.name.clone()),
};

pub(super) const SELINUX: Entry = Entry {
    id: Mechanism::Selinux,
    title: "SELinux",
    about: "Every process and file has a label, and a policy says which label may do what to which. It is asked after the mode bits, whatever the user is. Refusals are EACCES, sometimes EPERM, and leave an AVC record unless the policy says dontaudit.",
    checks: &["avc_has_perm", "selinux_inode_permission", "selinux_capable"],
    keys: &["security_opt: label="],
    open_with: "security_opt: [\"label=disable\"]   # or :z / :Z on the volume",
    sources: &[
        "https://docs.kernel.org/admin-guide/LSM/SELinux.html",
        "https://docs.docker.com/engine/storage/bind-mounts/#configure-the-selinux-label",
    ],
    relax: Some(|settings, _| settings.selinux = None),
    state: |settings| settings.selinux.clone().unwrap_or_default(),
};

pub(super) const APPARMOR: Entry = Entry {
    id: Mechanism::Apparmor,
    title: "AppArmor",
    about: "A profile names the paths, capabilities, mounts and signals that a program may use. Refusals are EACCES or EPERM; those of deny rules leave no record.",
    checks: &["apparmor_file_open", "apparmor_sb_mount", "apparmor_capable"],
    keys: &["security_opt: apparmor="],
    open_with: "security_opt: [\"apparmor=unconfined\"]   # or a profile of your own",
    sources: &[
        "https://docs.kernel.org/admin-guide/LSM/apparmor.html",
        "https://docs.docker.com/engine/security/apparmor/",
    ],
    relax: Some(|settings, _| settings.apparmor = None),
    state: |settings| settings.apparmor.clone().unwrap_or_default(),
};
