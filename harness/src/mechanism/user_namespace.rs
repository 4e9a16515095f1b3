//! The user namespace: other ids, and capabilities that count only inside. It never takes a capability
//! away; that is `capabilities`.

use super::{Entry, Mechanism};
use crate::settings::UserNamespace;

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::UserNamespace,
    title: "User namespace",
    about: "Ids inside are other ids on the host, and capabilities count only for what the namespace owns. Root inside is an ordinary user for the host's files, clock, modules and devices: EPERM, or EACCES where mode bits see the outer id.",
    checks: &["ns_capable", "capable_wrt_inode_uidgid", "make_kuid"],
    keys: &["userns_mode", "daemon: userns-remap"],
    open_with: "userns_mode: host   # or a daemon without userns-remap",
    sources: &[
        "https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
        "https://docs.docker.com/engine/security/userns-remap/",
    ],
    // Without privilege every container of this run lives in a user namespace: there is no knob.
    relax: Some(|settings, reach| {
        if reach.privileged {
            settings.user_namespace = None;
        }
    }),
    state: |settings| settings.user_namespace.as_ref().map_or_else(String::new, UserNamespace::describe),
};
