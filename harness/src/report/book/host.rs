//! The facts about the host and the run: what another run would have to have in common with this one to be
//! compared with it.

use std::collections::BTreeMap;

use super::date;
use super::markdown::{codes, escape, facts};
use crate::record::Record;

pub(super) fn page(record: &Record) -> String {
    let host = &record.host;
    let text = |value: &str| escape(value);
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let held: Vec<String> = host.bounding_set.iter().map(|capability| capability.name().to_owned()).collect();
    let versions: Vec<String> =
        host.versions.iter().map(|v| format!("{} {}", escape(&v.name), escape(&v.version))).collect();
    let mut page = String::from("# The host\n\n");
    page.push_str(&facts(&[
        ("System", text(&host.system)),
        ("Kernel", text(&host.kernel)),
        ("Architecture", text(&host.arch)),
        ("Security modules", codes(&host.lsm)),
        ("SELinux", text(&host.selinux)),
        ("AppArmor", text(&host.apparmor)),
        ("Kernel modules", text(&host.modules)),
        ("Lockdown", text(&host.lockdown)),
        ("Control groups", text(&host.cgroup)),
        ("Run as", text(&host.privilege)),
        ("Disposable machine", yes(host.disposable)),
        ("Capabilities that a container can have at most", codes(held)),
        ("Versions", versions.join(", ")),
    ]));
    page.push_str("\n## The run\n\n");
    let timing = &record.timing;
    page.push_str(&facts(&[
        ("Began", date::utc(record.started)),
        ("Took", format!("{:.1} s", timing.seconds)),
        (
            "Engine",
            format!(
                "{} {}, {}",
                text(&record.engine.name),
                text(&record.engine.version),
                text(&record.engine.place)
            ),
        ),
        ("Attempts that were not made", left_out(record)),
        ("Different settings tried", timing.trials.to_string()),
        ("Containers", timing.containers.to_string()),
        ("Observations", timing.observations.to_string()),
    ]));
    page.push_str("\n## Witnesses\n\nEvidence that does not come from the probes themselves.\n\n");
    page.push_str(&facts(&[
        ("Kernel trace", text(&record.witness.trace)),
        ("Installed filters read", yes(record.witness.filter)),
        ("Audit records read", yes(record.witness.audit)),
        ("Because", text(&record.witness.reason)),
    ]));
    page
}

/// Ids, by their reasons.
fn left_out(record: &Record) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for left_out in &record.left_out {
        by_reason.entry(&left_out.reason).or_default().push(&left_out.probe);
    }
    let parts: Vec<String> =
        by_reason.into_iter().map(|(reason, ids)| format!("{}: {}", codes(ids), escape(reason))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join("; ") }
}
