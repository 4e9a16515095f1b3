//! The laboratory directory seen from outside: whether a file that a probe says it made is really there, and
//! whose it is on the host.

use whyblocked_agent::Outcome;
use whyblocked_agent::wire::Observation;

use crate::engine::Canary;
use crate::witness::Finding;

/// Probes that leave a canary where the harness can see it.
const LEAVE_CANARIES: [&str; 3] =
    ["file-write-host-etc", "file-write-readonly-bind", "userns-file-owner-on-host"];

/// What the laboratory's directories say about what a probe saw.
pub(in crate::witness) fn saw(probe: &str, seen: &Observation, canaries: &[Canary]) -> Option<Finding> {
    if !LEAVE_CANARIES.contains(&probe) || seen.outcome == Outcome::Broken {
        return None;
    }
    let canary = canaries.iter().find(|canary| canary.probe == probe);
    let (says, detail) = match canary {
        Some(Canary { path, uid, gid, .. }) => {
            ("the file appeared on the host".to_owned(), format!("{path}, owner {uid}:{gid} on the host"))
        }
        None => ("no file appeared on the host".to_owned(), "in no directory of the laboratory".to_owned()),
    };
    Some(Finding { method: "outside", through: Some(canary.is_some()), says, detail, ..Finding::default() })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn seen(outcome: Outcome) -> Observation {
        Observation {
            probe: "file-write-host-etc".to_owned(),
            outcome,
            call: "openat".to_owned(),
            number: None,
            args: None,
            door: None,
            returned: None,
            errno: 0,
            detail: String::new(),
            micros: 1,
        }
    }

    #[rstest]
    #[case::there(Outcome::Reached, true)]
    #[case::not_there(Outcome::Denied, false)]
    #[case::said_to_be_there(Outcome::Reached, false)]
    #[case::said_not_to_be_there(Outcome::Denied, true)]
    fn the_file_counts_and_not_what_the_probe_says(#[case] outcome: Outcome, #[case] there: bool) {
        let probe = "file-write-host-etc".to_owned();
        let canary = Canary { probe, path: "etc/canary".to_owned(), uid: 0, gid: 0 };
        let canaries = if there { vec![canary] } else { vec![] };
        let finding = saw("file-write-host-etc", &seen(outcome), &canaries).unwrap();
        assert_eq!(finding.through, Some(there));
    }

    #[test]
    fn other_probes_leave_nothing() {
        assert!(saw("key-add", &seen(Outcome::Reached), &[]).is_none());
    }
}
