//! The laboratory directory seen from outside: whether a file that a probe says it made is really there, and
//! whose it is on the host.

use whyblocked_agent::Outcome;
use whyblocked_agent::wire::Observation;

use crate::engine::Canary;
use crate::record::Evidence;
use crate::verdict::Witnessed;

/// Probes that leave a canary where the harness can see it.
const LEAVE_CANARIES: [&str; 3] =
    ["file-write-host-etc", "file-write-readonly-bind", "userns-file-owner-on-host"];

/// What the laboratory's directories say about what a probe saw.
pub fn saw(probe: &str, seen: Option<&Observation>, canaries: &[Canary]) -> Vec<Witnessed> {
    let Some(seen) = seen.filter(|_| LEAVE_CANARIES.contains(&probe)) else { return Vec::new() };
    let canary = canaries.iter().find(|canary| canary.probe == probe);
    let (says, detail) = match canary {
        Some(Canary { path, uid, gid, .. }) => {
            ("the file appeared on the host".to_owned(), format!("{path}, owner {uid}:{gid} on the host"))
        }
        None => ("no file appeared on the host".to_owned(), "in no directory of the laboratory".to_owned()),
    };
    let evidence = Evidence { method: "outside".to_owned(), says, detail };
    let reached = seen.outcome == Outcome::Reached;
    vec![Witnessed { evidence, answered: None, agrees: reached == canary.is_some() }]
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
    #[case::wrote_and_there(Outcome::Reached, true, true)]
    #[case::refused_and_not_there(Outcome::Denied, false, true)]
    #[case::wrote_but_not_there(Outcome::Reached, false, false)]
    #[case::refused_but_there(Outcome::Denied, true, false)]
    fn the_probe_and_the_outside_must_agree(
        #[case] outcome: Outcome,
        #[case] there: bool,
        #[case] agrees: bool,
    ) {
        let probe = "file-write-host-etc".to_owned();
        let canary = Canary { probe, path: "etc/canary".to_owned(), uid: 0, gid: 0 };
        let canaries = if there { vec![canary] } else { vec![] };
        let witnessed = saw("file-write-host-etc", Some(&seen(outcome)), &canaries);
        assert_eq!(witnessed[0].agrees, agrees);
    }

    #[test]
    fn other_probes_leave_nothing() {
        assert!(saw("key-add", Some(&seen(Outcome::Reached)), &[]).is_empty());
    }
}
