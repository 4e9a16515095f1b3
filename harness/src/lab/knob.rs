//! Knobs that a lab forbids: whether a learner's scenario reaches the goals by one of them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::file::Forbidden;

/// What was written under the keys of a scenario file.
pub type Settings = BTreeMap<String, Value>;

/// The first setting that has to stay as it was in `starter`, and has not.
pub fn turned<'a>(forbidden: &'a [Forbidden], starter: &Settings, own: &Settings) -> Option<&'a Forbidden> {
    forbidden.iter().find(|forbidden| {
        let (before, now) = (of(starter, &forbidden.knob), of(own, &forbidden.knob));
        match &forbidden.value {
            None => !same(before, now),
            Some(value) => has(now, value) && !has(before, value),
        }
    })
}

/// A knob in words: `user`, or `security_opt: label=disable`.
pub fn in_words(forbidden: &Forbidden) -> String {
    match &forbidden.value {
        Some(value) => format!("{}: {value}", forbidden.knob),
        None => forbidden.knob.clone(),
    }
}

fn of<'a>(settings: &'a Settings, knob: &str) -> Option<&'a Value> {
    let (part, key) = match knob.split_once('.') {
        Some((part, key)) if part == "daemon" || part == "earlier" => (part, key),
        _ => ("service", knob),
    };
    settings.get(part)?.get(key)
}

/// Whether two values mean the same: not written, `false`, an empty list and an empty mapping do.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    normal(one) == normal(other)
}

fn normal(value: Option<&Value>) -> Option<Value> {
    match value? {
        Value::Null | Value::Bool(false) => None,
        Value::Array(values) if values.is_empty() => None,
        Value::Object(values) if values.is_empty() => None,
        // The order of capabilities and options says nothing.
        Value::Array(values) => {
            let mut words: Vec<String> = values.iter().map(word).collect();
            words.sort();
            words.dedup();
            Some(words.into())
        }
        Value::String(text) => Some(text.clone().into()),
        // `user: 0` is `user: "0"`.
        other => Some(other.to_string().into()),
    }
}

fn has(value: Option<&Value>, wanted: &str) -> bool {
    let wanted = spelled(wanted);
    match value {
        Some(Value::Array(values)) => values.iter().any(|value| spelled(&word(value)) == wanted),
        Some(value) => spelled(&word(value)) == wanted,
        None => false,
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Docker takes `:` for `=` in options, a capability with and without its prefix, and either case.
fn spelled(text: &str) -> String {
    let text = text.trim().replacen(':', "=", 1).to_uppercase();
    text.strip_prefix("CAP_").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn settings(service: Value) -> Settings {
        [("service".to_owned(), service), ("daemon".to_owned(), json!({"userns-remap": "default"}))].into()
    }

    #[rstest]
    #[case::left_alone("user", None, json!({"cap_drop": ["ALL"]}), false)]
    #[case::changed("user", None, json!({"user": "1000"}), true)]
    #[case::written_as_the_default("privileged", None, json!({"privileged": false}), false)]
    #[case::turned_on("privileged", None, json!({"privileged": true}), true)]
    #[case::another_order("cap_add", None, json!({"cap_add": ["B", "A"]}), false)]
    #[case::one_more("cap_add", None, json!({"cap_add": ["A", "B", "C"]}), true)]
    #[case::another_value("security_opt", Some("label=disable"), json!({"security_opt": ["label=type:x_t"]}), false)]
    #[case::the_value("security_opt", Some("label=disable"), json!({"security_opt": ["label:disable"]}), true)]
    #[case::a_capability("cap_add", Some("SYS_ADMIN"), json!({"cap_add": ["cap_sys_admin"]}), true)]
    #[case::it_was_there_before("cap_add", Some("A"), json!({"cap_add": ["A"]}), false)]
    #[case::of_the_daemon("daemon.userns-remap", None, json!({}), false)]
    fn a_forbidden_knob_is_found(
        #[case] knob: &str,
        #[case] value: Option<&str>,
        #[case] own: Value,
        #[case] found: bool,
    ) {
        let mut starter = json!({});
        if knob == "cap_add" {
            starter = json!({"cap_add": ["A", "B"]});
        }
        let forbidden =
            [Forbidden { knob: knob.to_owned(), value: value.map(str::to_owned), because: String::new() }];
        assert_eq!(turned(&forbidden, &settings(starter), &settings(own)).is_some(), found);
    }

    #[test]
    fn a_knob_of_the_daemon_is_found() {
        let forbidden =
            [Forbidden { knob: "daemon.userns-remap".to_owned(), value: None, because: String::new() }];
        let own: Settings = [("service".to_owned(), json!({}))].into();
        assert!(turned(&forbidden, &settings(json!({})), &own).is_some());
    }
}
