//! Who the process is: user and groups, capabilities, and the user namespace that both count in.

use super::{Entry, Mechanism};
use crate::capability::CapabilitySet;
use crate::settings::{Identity, UserNamespace};

pub(super) const OWNERSHIP: Entry = Entry {
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

pub(super) const CAPABILITIES: Entry = Entry {
    id: Mechanism::Capabilities,
    title: "Capabilities",
    about: "Root's power in about forty parts. Where the kernel asks for one, the process's effective set must have it. The knob is the container's list; the errno is EPERM, at a few places EACCES.",
    checks: &["capable", "ns_capable", "cap_capable"],
    keys: &["cap_add", "cap_drop", "privileged"],
    open_with: "cap_add: [ … ]   # the one capability that the attempt needs",
    sources: &[
        "https://man7.org/linux/man-pages/man7/capabilities.7.html",
        "https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities",
    ],
    relax: Some(|settings, reach| settings.capabilities = reach.bounding_set),
    state: |settings| match settings.capabilities {
        CapabilitySet::EMPTY => "none left".to_owned(),
        set if set == CapabilitySet::DOCKER_DEFAULT => "Docker's default 14".to_owned(),
        set => format!("{} left: {set}", set.iter().count()),
    },
};

pub(super) const USER_NAMESPACE: Entry = Entry {
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

pub(super) const NO_NEW_PRIVILEGES: Entry = Entry {
    id: Mechanism::NoNewPrivileges,
    title: "no_new_privs",
    about: "Once set, executing a program gives nothing that the process did not have: set-user-id bits and file capabilities are ignored. The program still runs, so there is no errno; the privilege is just not there.",
    checks: &["mnt_may_suid", "bprm_fill_uid", "cap_bprm_creds_from_file"],
    keys: &["security_opt: no-new-privileges"],
    open_with: "security_opt: [\"no-new-privileges:false\"]",
    sources: &["https://docs.kernel.org/userspace-api/no_new_privs.html"],
    relax: Some(|settings, _| settings.no_new_privileges = false),
    state: |_| "set".to_owned(),
};
