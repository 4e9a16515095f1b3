//! The user namespace: other ids, and capabilities that count only inside. It never takes a capability
//! away; that is `capabilities`.

use std::sync::Arc;

use super::{Check, Entry, Key, Mechanism};
use crate::settings::UserNamespace;

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::UserNamespace,
    title: "User namespace",
    about: "Ids inside are other ids on the host, and capabilities count only for what the namespace owns. Root inside is an ordinary user for the host's files, clock, modules and devices: EPERM, or EACCES where mode bits see the outer id.",
    checks: &[
        Check {
            function: "ns_capable",
            asks: "whether the capability is held in the user namespace that owns the object, not only in one's own",
        },
        Check {
            function: "capable_wrt_inode_uidgid",
            asks: "whether it is held, and the file's owner and group have ids in the process's namespace",
        },
        Check {
            function: "make_kuid",
            asks: "which host id an id of the namespace is; none, if it is not mapped",
        },
    ],
    errnos: &["EPERM", "EACCES", "EINVAL"],
    trace: "capability:cap_capable has ret -1 although the bit is in the task's own effective set: the target is a namespace in which the task's capabilities do not count, mostly the initial one, whose inode number is always 4026531837. Where a file's owner has no id inside, no capability check fails: the call ends with -13, and generic_permission=-13 in a kretprobe is all there is. From outside, /proc/PID/ns/user is another namespace than the host's, and /proc/PID/uid_map says which id is which. Nothing is audited.",
    keys: &[
        Key {
            key: "userns_mode",
            turns: "host keeps the container in the host's user namespace although the daemon remaps; without root it changes nothing, because every container of such a run lives in a namespace of its caller's",
        },
        Key {
            key: "daemon: userns-remap",
            turns: "NAME gives the container a user namespace whose ids are NAME's range in /etc/subuid, default that of dockremap; where the file has no line for it the built-in engine takes 100000:65536 and says so, while Docker does not start (a daemon of the run's own gets the line, in an /etc of its own)",
        },
        Key {
            key: "privileged",
            turns: "under userns-remap Docker refuses it unless userns_mode is host, and the report shows that; the built-in engine does not, and the capabilities count inside only",
        },
    ],
    open_with: "userns_mode: host   # or a daemon without userns-remap",
    sources: &[
        "https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
        "https://docs.docker.com/engine/security/userns-remap/",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/capability.c",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/user_namespace.c",
    ],
    // Without privilege every container of this run lives in a user namespace: there is no knob.
    relax: Some(|settings, reach| {
        if reach.privileged && settings.user_namespace.take().is_some() {
            // With `userns_mode: host` the image's files would still be the remapped ids'.
            settings.daemon =
                settings.daemon.take().and_then(|daemon| daemon.without_remapping()).map(Arc::new);
        }
    }),
    state: |settings| settings.user_namespace.as_ref().map_or_else(String::new, UserNamespace::describe),
};
