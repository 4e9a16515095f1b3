//! Capabilities that the process does not have. One that it has, but not where it counts, is
//! `user_namespace`.

use super::{Check, Entry, Key, Mechanism};
use crate::capability::CapabilitySet;

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Capabilities,
    title: "Capabilities",
    about: "Root's power in about forty parts. Where the kernel asks for one, the process's effective set must have it. The knob is the container's list; the errno is EPERM, at a few places EACCES.",
    checks: &[
        Check {
            function: "capable",
            asks: "whether the process has this capability in the initial user namespace",
        },
        Check {
            function: "ns_capable",
            asks: "whether it has it in the user namespace that owns the object",
        },
        Check {
            function: "cap_capable",
            asks: "the answer to both: whether the bit is in the effective set, and counts in that namespace",
        },
    ],
    errnos: &["EPERM", "EACCES"],
    trace: "capability:cap_capable (Linux 6.14 and later; before that a kretprobe on the function) has ret -1 with the task's own credentials, for a bit that is not in its effective set. Several such events in one call are alternatives: CAP_BPF or CAP_SYS_ADMIN, either would do. Checks with other credentials, as overlayfs makes them, and failing checks for CAP_SYS_ADMIN in execve, mmap and brk refuse nothing. Without tracepoint and kretprobes it cannot be seen, and audit is silent unless SELinux or AppArmor refuse the capability too.",
    keys: &[
        Key {
            key: "cap_add",
            turns: "X puts X into the bounding, permitted and effective sets of user 0, ALL all of them; for another user into the bounding set only; what the host itself lacks the built-in engine leaves out, with a note",
        },
        Key {
            key: "cap_drop",
            turns: "X takes X from Docker's default 14, ALL takes all; ALL is applied first, whichever list it stands in",
        },
        Key { key: "privileged", turns: "all of them, whatever the lists say" },
        Key {
            key: "user",
            turns: "another number than 0 starts with empty permitted and effective sets; that knob is listed as ownership",
        },
    ],
    open_with: "cap_add: [ … ]   # the one capability that the attempt needs",
    sources: &[
        "https://man7.org/linux/man-pages/man7/capabilities.7.html",
        "https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities",
        "https://elixir.bootlin.com/linux/v6.12/source/security/commoncap.c",
        "https://elixir.bootlin.com/linux/v6.14/source/include/trace/events/capability.h",
    ],
    relax: Some(|settings, reach| settings.capabilities = reach.bounding_set),
    state: |settings| match settings.capabilities {
        CapabilitySet::EMPTY => "none left".to_owned(),
        set if set == CapabilitySet::DOCKER_DEFAULT => "Docker's default 14".to_owned(),
        set => format!("{} left: {set}", set.iter().count()),
    },
};
