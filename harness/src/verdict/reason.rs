//! Why an attempt is stopped even with everything relaxed: the host itself is the reason, and this says what
//! about it.

use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Need, Outcome as Seen};

use super::Case;
use crate::capability::Capability;
use crate::observation::answer;

/// The reason's id, and the reason in words.
pub(super) fn untestable(case: &Case<'_>) -> (String, String) {
    let Some(control) = case.control else { return ("engine".to_owned(), "it was never tried".to_owned()) };
    let seen = answer(control);
    let (id, words) = match control.outcome {
        Seen::Denied => denied(case, control),
        _ => absent(case, control),
    };
    (id.to_owned(), format!("with everything relaxed: {seen}. {words}"))
}

fn absent(case: &Case<'_>, control: &Observation) -> (&'static str, String) {
    let other_ids = [Need::ForeignFiles, Need::Neighbour, Need::SetuidRoot, Need::FileCapability];
    if !case.reach.many_ids && case.probe.needs.iter().any(|need| other_ids.contains(need)) {
        return (
            "user-namespace",
            "It takes a second user id, and a container of this run has one: install uidmap and give this user a line in /etc/subuid and /etc/subgid, or run as root.".to_owned(),
        );
    }
    let words = match control.errno {
        libc::ENOSYS => "This kernel has no such call.",
        _ => "There is no such target or feature here, whatever the container's settings.",
    };
    ("kernel", words.to_owned())
}

fn denied(case: &Case<'_>, control: &Observation) -> (&'static str, String) {
    let wanted: Vec<Capability> =
        case.probe.capabilities.iter().filter_map(|name| Capability::named(name)).collect();
    let names = || wanted.iter().map(|c| c.name()).collect::<Vec<_>>().join(" or ");
    if !case.reach.privileged {
        return (
            "user-namespace",
            "Without root every container of this run lives in a user namespace, and what is asked for belongs to the host; run as root to test it.".to_owned(),
        );
    }
    if !wanted.is_empty() && !wanted.iter().any(|capability| case.reach.bounding_set.has(*capability)) {
        return (
            "capabilities",
            format!("This host itself lacks {}: it is not in its bounding set.", names()),
        );
    }
    if !matches!(case.host.lockdown.as_str(), "none" | "absent") {
        return ("lockdown", format!("This kernel is locked down ({}).", case.host.lockdown));
    }
    if case.host.selinux == "enforcing" && control.errno == libc::EACCES {
        return ("selinux", "SELinux is enforcing, and confines this run itself.".to_owned());
    }
    ("kernel", "The host refuses it to root as well: a kernel parameter or a build option.".to_owned())
}
