//! Capabilities that the process does not have. One that it has, but not where it counts, is
//! `user_namespace`.

use super::{Entry, Mechanism};
use crate::capability::CapabilitySet;

pub(super) const ENTRY: Entry = Entry {
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
