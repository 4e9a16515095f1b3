//! SARIF 2.1.0 (OASIS): a rule for each attempt, with its text of the catalogue, and a result for
//! each difference, at the line of the baseline that says otherwise.

use serde_json::{Value, json};
use whyblocked_agent::catalogue;

use super::Check;
use crate::baseline::{self, Class, Difference};

/// The whole log. `place` and `text` are the baseline's path and what stands there.
pub fn sarif(check: &Check<'_>, place: &str, text: &str) -> Value {
    let Check { compared, baseline, failing } = *check;
    let mut rules: Vec<&str> = Vec::new();
    for difference in &compared.differences {
        if !rules.contains(&difference.probe.as_str()) {
            rules.push(&difference.probe);
        }
    }
    let results: Vec<Value> = compared
        .differences
        .iter()
        .map(|difference| {
            let mut result = json!({
                "ruleId": difference.probe,
                "ruleIndex": rules.iter().position(|rule| *rule == difference.probe),
                "level": level(difference, failing),
                "message": { "text": sentence(difference) },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": uri(place) },
                        "region": { "startLine": line(text, compared.host, difference) }
                    },
                    "logicalLocations": [{
                        "name": difference.probe,
                        "fullyQualifiedName": format!("{}/{}", difference.scenario, difference.probe),
                        "kind": "resource"
                    }]
                }],
                "partialFingerprints": {
                    "whyblocked/v1": format!("{}/{}/{:?}", difference.scenario, difference.probe, difference.class)
                },
                "properties": { "class": difference.class, "scenario": difference.scenario }
            });
            if let Some(waiver) = baseline.waivers.iter().find(|waiver| difference.waived.as_ref() == Some(&waiver.id)) {
                result["suppressions"] = json!([{ "kind": "external", "justification": waiver.reason }]);
            }
            result
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "whyblocked",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|id| rule(id)).collect::<Vec<_>>()
            }},
            "results": results
        }]
    })
}

/// An attempt as a rule; one that this program does not know has its id only.
fn rule(id: &str) -> Value {
    let Some(probe) = catalogue::find(id) else { return json!({ "id": id }) };
    let asks = match probe.capabilities {
        [] => String::new(),
        capabilities => format!(" The kernel asks for {}.", capabilities.join(" or ")),
    };
    json!({
        "id": id,
        "shortDescription": { "text": format!("{}.", probe.title) },
        "fullDescription": { "text": format!("What is tried: {}.", probe.tries) },
        "help": { "text": format!(
            "What it would gain: {}.{asks} See layer by layer who stops it: whyblocked explain SCENARIO {id}",
            probe.gains
        )},
        "properties": { "tags": ["security", "container", probe.family()] }
    })
}

fn level(difference: &Difference, failing: &[Class]) -> &'static str {
    match difference.class {
        class if failing.contains(&class) => "error",
        Class::Weaker | Class::Untestable | Class::Gone | Class::Another => "warning",
        Class::New | Class::Stronger => "note",
    }
}

fn sentence(difference: &Difference) -> String {
    let said = |words: &Option<String>| words.clone().unwrap_or_else(|| "nothing".to_owned());
    format!(
        "{} in {}: {}. It was: {}. It is: {}.",
        difference.probe,
        difference.scenario,
        difference.class.in_words(),
        said(&difference.was),
        said(&difference.is)
    )
}

/// The line of a verdict in a baseline as this program writes it; the first, if it has none.
fn line(text: &str, host: &str, difference: &Difference) -> usize {
    let table = format!("[cells.{}.{}]", baseline::key(host), baseline::key(&difference.scenario));
    let begins = format!("{} = ", baseline::key(&difference.probe));
    let lines = || text.lines().zip(1..);
    let Some((_, at)) = lines().find(|(line, _)| *line == table) else { return 1 };
    lines()
        .skip(at)
        .take_while(|(line, _)| !line.starts_with('['))
        .find(|(line, _)| line.starts_with(&begins))
        .map_or(1, |(_, at)| at)
}

/// A path as a relative reference (RFC 3986): what is not plain is encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let path = path.strip_prefix("./").unwrap_or(path);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
