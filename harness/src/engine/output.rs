//! What comes out of a container, taken as the hostile text that it might be.

use whyblocked_agent::wire::Observation;

use super::EngineError;

/// Longer lines are no observation.
const LONGEST_LINE: usize = 4096;

/// One observation per line, for probes that were asked for, each once.
pub(super) fn parse(text: &[u8], asked: &[&'static str]) -> Result<Vec<Observation>, EngineError> {
    let mut seen: Vec<Observation> = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let gibberish = || EngineError::Gibberish {
            text: String::from_utf8_lossy(&line[..line.len().min(200)]).escape_debug().to_string(),
        };
        if line.len() > LONGEST_LINE {
            return Err(gibberish());
        }
        let observation: Observation = serde_json::from_slice(line).map_err(|_| gibberish())?;
        let expected = asked.contains(&observation.probe.as_str());
        if !expected || seen.iter().any(|earlier| earlier.probe == observation.probe) {
            return Err(gibberish());
        }
        seen.push(observation);
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const GOOD: &str = r#"{"probe":"key-add","outcome":"denied","call":"add_key","errno":1,"micros":3}"#;

    #[test]
    fn a_line_is_an_observation() {
        let seen = parse(format!("{GOOD}\n").as_bytes(), &["key-add"]).unwrap();
        assert_eq!(seen[0].errno, 1);
    }

    #[rstest]
    #[case::not_json("hello\n".to_owned())]
    #[case::not_asked(GOOD.replace("key-add", "key-request"))]
    #[case::twice(format!("{GOOD}\n{GOOD}\n"))]
    #[case::unknown_field(GOOD.replace("\"errno\"", "\"extra\":1,\"errno\""))]
    #[case::unknown_outcome(GOOD.replace("denied", "fine"))]
    #[case::endless("x".repeat(10_000))]
    fn anything_else_is_refused(#[case] text: String) {
        assert!(parse(text.as_bytes(), &["key-add"]).is_err());
    }

    #[test]
    fn the_message_shows_control_characters_as_escapes() {
        let error = parse(b"\x1b[2Jpwned\n", &[]).unwrap_err();
        assert!(error.to_string().contains("\\u{1b}[2Jpwned"), "{error}");
    }

    /// What agents really said: one line a probe, from a run of docker-default.
    const LINES: &str = include_str!("../../corpus/agent-lines.txt");

    #[test]
    fn what_agents_really_said_is_read() {
        let ids: Vec<&'static str> = whyblocked_agent::catalogue::all().map(|probe| probe.id).collect();
        assert_eq!(parse(LINES.as_bytes(), &ids).unwrap().len(), LINES.lines().count());
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic_or_say_more_than_was_asked(text in crate::testing::damaged(&[LINES, GOOD])) {
            let asked = ["key-add", "time-settimeofday", "file-write-host-etc"];
            if let Ok(seen) = parse(&text, &asked) {
                prop_assert!(seen.len() <= asked.len());
                prop_assert!(seen.iter().all(|one| asked.contains(&one.probe.as_str())));
            }
        }
    }
}
