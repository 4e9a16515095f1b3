//! What the kernel writes down about refusals: audit records of seccomp, SELinux, `AppArmor` and Landlock, as the
//! audit system multicasts them. Silence proves nothing: `dontaudit` and `deny` rules leave no record, and a filter's
//! errno leaves one only if the filter was installed with the flag for it.

mod record;
mod source;

pub use self::record::{Kind, Record};
pub use self::source::Audit;
use super::{Finding, Named, Scene};
use crate::mechanism::Mechanism;
use whyblocked_agent::Outcome;

/// What the audit records say about a probe: those of its own process.
pub(super) fn saw(scene: &Scene<'_>) -> Option<Finding> {
    let processes = scene.watched.processes(scene.probe.id);
    let mut own =
        scene.watched.records.iter().filter(|record| record.pid.is_some_and(|pid| processes.contains(&pid)));
    let record = own.find(|record| fits(record, scene))?;
    let refused = scene.seen.outcome == Outcome::Denied && !record.permissive;
    let named = refused.then(|| Named::only(mechanism(record.kind)));
    Some(Finding {
        method: "audit",
        named,
        says: record.words(),
        detail: record.text.clone(),
        ..Finding::default()
    })
}

/// A filter's record names the call; the others are about what the process did last, refused or not.
fn fits(record: &Record, scene: &Scene<'_>) -> bool {
    match record.kind {
        Kind::Seccomp => record.call.is_some() && record.call == scene.seen.number,
        Kind::Selinux | Kind::Apparmor | Kind::Landlock => {
            scene.seen.outcome == Outcome::Denied || record.permissive
        }
    }
}

fn mechanism(kind: Kind) -> Mechanism {
    match kind {
        Kind::Seccomp => Mechanism::Seccomp,
        Kind::Selinux => Mechanism::Selinux,
        Kind::Apparmor => Mechanism::Apparmor,
        Kind::Landlock => Mechanism::Landlock,
    }
}
