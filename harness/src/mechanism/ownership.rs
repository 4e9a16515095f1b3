//! Ownership: user, groups and mode bits. Its knob is the user, so it turns capabilities too; that is for
//! the verdict to tell apart.

use super::{Entry, Mechanism};
use crate::settings::Identity;

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Ownership,
    title: "Ownership: user, group and mode bits",
    about: "Files say what their owner, their group and others may do. The knob is the container's user; a user that is not root also starts without effective capabilities, so it turns more than the mode bits: the errno is EACCES from the mode bits and EPERM from a capability check.",
    checks: &["generic_permission", "inode_owner_or_capable", "kill_ok_by_cred"],
    keys: &["user", "group_add"],
    open_with: "user: \"0\"   # or give the file to the container's user, or open its mode bits",
    sources: &[
        "https://man7.org/linux/man-pages/man7/path_resolution.7.html",
        "https://man7.org/linux/man-pages/man7/credentials.7.html",
    ],
    relax: Some(|settings, _| {
        if settings.identity.uid != 0 {
            settings.identity = Identity::root();
        }
    }),
    state: |settings| format!("uid {}, gid {}", settings.identity.uid, settings.identity.gid),
};
