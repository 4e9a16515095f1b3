//! Settings as a Compose file would have them: mappings in lines, everything below them as JSON, which is YAML
//! too.

use std::fmt::Write as _;

use serde_json::Value;

/// A mapping, indented by `depth` levels; `{}` if there is nothing in it.
pub(in crate::report) fn mapping<'a>(
    entries: impl Iterator<Item = (&'a String, &'a Value)>,
    depth: usize,
) -> String {
    let mut yaml = String::new();
    for (key, value) in entries {
        let key = if is_plain(key) { key.clone() } else { Value::from(key.as_str()).to_string() };
        match value {
            Value::Object(inner) if !inner.is_empty() && depth == 0 => {
                let _ = write!(yaml, "{:depth$}{key}:\n{}", "", mapping(inner.iter(), depth + 2));
            }
            value => {
                let _ = writeln!(yaml, "{:depth$}{key}: {}", "", flow(value));
            }
        }
    }
    yaml
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{}: {}", flow(&Value::from(key.as_str())), flow(value))
            };
            format!("{{{}}}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// Whether a text needs no quotes: a word that YAML does not take for something else.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null"
        )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"service": {"cap_drop": ["ALL"], "read_only": true}}), "service:\n  cap_drop: [ALL]\n  read_only: true\n")]
    #[case(json!({"service": {"user": "1000:1000"}}), "service:\n  user: \"1000:1000\"\n")]
    #[case(json!({"service": {"pid": "no"}}), "service:\n  pid: \"no\"\n")]
    #[case(json!({"service": {"ulimits": {"nofile": 256}}}), "service:\n  ulimits: {nofile: 256}\n")]
    #[case(json!({"daemon": {}}), "daemon: {}\n")]
    #[case(json!({"a: b": "x\ny"}), "\"a: b\": \"x\\ny\"\n")]
    fn settings_as_compose_writes_them(#[case] settings: Value, #[case] yaml: &str) {
        assert_eq!(mapping(settings.as_object().unwrap().iter(), 0), yaml);
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let settings = json!({"service": {"volumes": ["${LAB}/etc:/host/etc:ro"], "sysctls": {"net.core.somaxconn": "10"},
            "security_opt": ["seccomp=a b", "x\"y'z", "- a", "# b", "null", ""]}});
        let yaml = mapping(settings.as_object().unwrap().iter(), 0);
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), settings);
    }
}
