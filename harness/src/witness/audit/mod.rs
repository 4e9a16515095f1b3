//! What the kernel writes down about refusals: audit records of seccomp, SELinux, `AppArmor` and Landlock, as the
//! audit system multicasts them. Silence proves nothing: `dontaudit` and `deny` rules leave no record, and a filter's
//! errno leaves one only if the filter was installed with the flag for it.

mod record;
mod source;

use std::collections::BTreeMap;

pub use self::record::{Kind, Record};
pub use self::source::Audit;
use super::{Finding, Named, Scene};
use crate::capability::Capability;
use crate::mechanism::Mechanism;
use whyblocked_agent::{Outcome, bracket};

/// What the audit records say about a probe: those of its own processes.
pub(super) fn saw(scene: &Scene<'_>) -> Option<Finding> {
    let marked = scene.watched.processes(scene.probe.id);
    let mut own = unprovoked(&scene.watched.records, marked, scene.probe.capabilities);
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

/// The records of these processes, without those that the marks around their guarded calls have provoked: each mark makes the
/// kernel ask for a capability, and a policy that refuses it to all containers has that written down. `marked` is how many
/// guarded calls each process made; `asks` are the capabilities that the attempt itself is about.
fn unprovoked<'a>(
    records: &'a [Record],
    mut marked: BTreeMap<i32, usize>,
    asks: &[&str],
) -> impl Iterator<Item = &'a Record> {
    let asked = Capability::by_number(bracket::ASKED_CAPABILITY as u8);
    let asks_too = asked.is_some_and(|asked| asks.contains(&asked.name()));
    records.iter().filter(move |record| {
        let Some(marks) = record.pid.and_then(|pid| marked.get_mut(&pid)) else { return false };
        // The mark's question comes before the call's own.
        let provoked = record.capability == Some(bracket::ASKED_CAPABILITY) && (!asks_too || *marks > 0);
        if provoked {
            *marks = marks.saturating_sub(1);
        }
        !provoked
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn refused(pid: i32, what: &str) -> Record {
        let text = format!("audit(1.2:3): avc:  denied  {what} scontext=a tcontext=b permissive=0");
        Record::parse(1400, &text.replace("pid=", &format!("pid={pid}"))).expect("it is a refusal")
    }

    fn setpcap(pid: i32) -> Record {
        refused(pid, "{ setpcap } for  pid= capability=8  tclass=capability")
    }

    fn write(pid: i32) -> Record {
        refused(pid, "{ write } for  pid= tclass=file")
    }

    /// Seen for real: containers' type may not `setpcap`, and the clock's refusal by the filter was called SELinux's.
    #[rstest]
    #[case::the_marks_own(vec![setpcap(7)], &["CAP_SYS_TIME"], vec![])]
    #[case::and_what_came_after_it(vec![setpcap(7), write(7)], &[], vec![write(7)])]
    #[case::two_calls_of_one_process(vec![setpcap(8), setpcap(8), write(8)], &[], vec![write(8)])]
    #[case::a_mark_that_was_not_counted(vec![setpcap(7), setpcap(7)], &[], vec![])]
    #[case::the_question_is_the_attempts_too(vec![setpcap(7), setpcap(7)], &["CAP_SETPCAP"], vec![setpcap(7)])]
    #[case::of_another_process(vec![setpcap(9), write(9)], &[], vec![])]
    fn what_the_marks_provoke_is_no_evidence(
        #[case] records: Vec<Record>,
        #[case] asks: &[&str],
        #[case] left: Vec<Record>,
    ) {
        let marked = BTreeMap::from([(7, 1), (8, 2)]);
        let own = unprovoked(&records, marked, asks);
        assert_eq!(own.cloned().collect::<Vec<_>>(), left);
    }
}
