//! What a probe saw, in words: shared by whoever tells of it.

use nix::errno::Errno;
use whyblocked_agent::Outcome as Seen;
use whyblocked_agent::wire::Observation;

/// An observation in words: `settimeofday: EPERM`.
pub fn answer(seen: &Observation) -> String {
    let call = if seen.call.is_empty() { "no call was made" } else { &seen.call };
    let result = match (seen.call.is_empty(), seen.errno) {
        (true, _) => String::new(),
        (false, 0) if seen.number.is_none() => " was made".to_owned(),
        (false, 0) => ": it worked".to_owned(),
        (false, errno) => format!(": {}", errno_name(errno)),
    };
    let how = match seen.outcome {
        Seen::Reached if seen.errno != 0 => ", which comes only after every permission check",
        Seen::Denied if seen.errno == 0 && seen.number.is_none() => ", and the process was ended for it",
        Seen::Denied if seen.errno == 0 => ", and the kernel withheld what was asked",
        _ => "",
    };
    let detail = if seen.detail.is_empty() { String::new() } else { format!(" ({})", seen.detail) };
    format!("{call}{result}{how}{detail}")
}

/// `EPERM`; a number where it has no name.
pub fn errno_name(errno: i32) -> String {
    match Errno::from_raw(errno) {
        Errno::UnknownErrno => format!("errno {errno}"),
        known => format!("{known:?}"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1, "EPERM")]
    #[case(30, "EROFS")]
    #[case(4000, "errno 4000")]
    fn errnos_have_names(#[case] errno: i32, #[case] name: &str) {
        assert_eq!(errno_name(errno), name);
    }
}
