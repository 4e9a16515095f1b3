//! Ownership: user, groups and mode bits. Its knob is the user, so it turns capabilities too; that is for
//! the verdict to tell apart.

use super::{Check, Entry, Key, Mechanism};
use crate::settings::Identity;

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Ownership,
    title: "Ownership: user, group and mode bits",
    about: "Files say what their owner, their group and others may do. The knob is the container's user; a user that is not root also starts without effective capabilities, so it turns more than the mode bits: the errno is EACCES from the mode bits and EPERM from a capability check.",
    checks: &[
        Check {
            function: "generic_permission",
            asks: "whether the owner's, the group's or the others' bits allow it; if not, whether the process has CAP_DAC_OVERRIDE or CAP_DAC_READ_SEARCH",
        },
        Check {
            function: "inode_owner_or_capable",
            asks: "whether the file is the process's own, or it has CAP_FOWNER: chmod, times, hard links",
        },
        Check {
            function: "kill_ok_by_cred",
            asks: "whether the target process has the sender's user id, or the sender CAP_KILL",
        },
    ],
    errnos: &["EACCES", "EPERM"],
    trace: "capability:cap_capable has ret -1 for CAP_DAC_OVERRIDE (1) or CAP_DAC_READ_SEARCH (2) and for nothing else, and the call ends with -13: first the mode bits said no, then the capability that passes over them was not there. Kretprobes show generic_permission=-13. At signals and chmod the capability is CAP_KILL (5) or CAP_FOWNER (3) and the errno EPERM, as for any missing capability; there the trace alone cannot tell the two apart. Nothing is audited.",
    keys: &[
        Key {
            key: "user",
            turns: "another number than 0 is whom the mode bits see, and it starts with empty permitted and effective sets, whatever cap_add says: one key, two mechanisms",
        },
        Key {
            key: "group_add",
            turns: "adds supplementary groups, whose bits count where the owner's do not",
        },
        Key {
            key: "cap_drop",
            turns: "does not change the user; but without DAC_OVERRIDE, DAC_READ_SEARCH and FOWNER the mode bits bind root too; the experiment counts that as capabilities",
        },
    ],
    open_with: "user: \"0\"   # or give the file to the container's user, or open its mode bits",
    sources: &[
        "https://man7.org/linux/man-pages/man7/path_resolution.7.html",
        "https://man7.org/linux/man-pages/man7/credentials.7.html",
        "https://elixir.bootlin.com/linux/v6.12/source/fs/namei.c",
    ],
    relax: Some(|settings, _| {
        if settings.identity.uid != 0 {
            settings.identity = Identity::root();
        }
    }),
    state: |settings| format!("uid {}, gid {}", settings.identity.uid, settings.identity.gid),
};
