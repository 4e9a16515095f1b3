//! The mount namespace: which directories the container sees. What may be done with them is for other
//! mechanisms to say.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::MountNamespace,
    title: "Mount namespace",
    about: "The container sees a root directory of its own and what was mounted into it. A path of the host that was not mounted has no name inside, so there is nothing to ask permission for: ENOENT.",
    checks: &["path_lookupat", "link_path_walk"],
    keys: &["volumes", "devices"],
    open_with: "volumes: [\"/:/host\"]   # the host's own directories",
    sources: &[
        "https://man7.org/linux/man-pages/man7/mount_namespaces.7.html",
        "https://docs.docker.com/reference/compose-file/services/#volumes",
    ],
    relax: Some(|settings, _| settings.namespaces.mount = false),
    state: |_| "own".to_owned(),
};
