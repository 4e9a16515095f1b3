//! SELinux: labels of processes and objects, and a policy. Which label a container gets is resolved in
//! `crate::scenario`.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
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
