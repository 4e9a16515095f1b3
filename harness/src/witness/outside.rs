//! The laboratory directory seen from outside: whether a file that a probe says it made is really there, and
//! whose it is on the host.

use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Outcome, layout};

use crate::engine::Canary;
use crate::record::Evidence;
use crate::verdict::Witnessed;

/// Which probe leaves its canary in which directory of the laboratory.
const LEAVES: [(&str, &str); 2] = [("file-write-host-etc", "etc"), ("file-write-readonly-bind", "var")];

/// What the laboratory's directories say about what a probe saw.
pub fn saw(probe: &str, seen: Option<&Observation>, canaries: &[Canary]) -> Vec<Witnessed> {
    let Some((_, directory)) = LEAVES.iter().find(|(id, _)| *id == probe) else { return Vec::new() };
    let Some(seen) = seen else { return Vec::new() };
    let canary =
        canaries.iter().find(|canary| canary.path.starts_with(&format!("{directory}/{}", layout::CANARY)));
    let reached = seen.outcome == Outcome::Reached;
    let (says, detail) = match canary {
        Some(Canary { path, uid, gid }) => {
            ("the file appeared on the host".to_owned(), format!("{path}, owner {uid}:{gid} on the host"))
        }
        None => ("no file appeared on the host".to_owned(), format!("looked in {directory}/")),
    };
    let evidence = Evidence { method: "outside".to_owned(), says, detail };
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
        let canary = Canary { path: "etc/whyblocked-canary-x".to_owned(), uid: 0, gid: 0 };
        let canaries = if there { vec![canary] } else { vec![] };
        let witnessed = saw("file-write-host-etc", Some(&seen(outcome)), &canaries);
        assert_eq!(witnessed[0].agrees, agrees);
    }

    #[test]
    fn other_probes_leave_nothing() {
        assert!(saw("key-add", Some(&seen(Outcome::Reached)), &[]).is_empty());
    }
}
