//! A user's own Compose file: one service of it, as it was written, variables filled in. Keys that Compose has and that
//! matter nothing are passed over by name; a key that Compose does not have is an error.

mod interpolate;
pub mod keys;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use self::interpolate::{Lookup, interpolate};
use self::keys::{KEYS, Part, TOP};
use super::look::Look;
use super::{TryError, Words, Written, host_paths};
use crate::input;
use crate::scenario::{Origin, ScenarioError, explain, most_like};

/// Longer ones are no Compose files.
const LONGEST: u64 = 1 << 20;

/// Longer ones are no `.env` files.
const LONGEST_ENV: u64 = 1 << 16;

/// Files that Compose reads as well, if it is not told which.
const OVERRIDES: [&str; 4] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
];

/// The part that is read; the rest of the file is looked at for its keys only.
#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    services: HashMap<Spanned<String>, Option<HashMap<Spanned<String>, Value>>>,
}

/// Reads a file's service; the only one, if none is named.
pub fn read(path: &Path, service: Option<&str>, look: &dyn Look) -> Result<Written, TryError> {
    let shown = path.display().to_string().escape_debug().to_string();
    let text = input::read_text(path, LONGEST)
        .map_err(|source| ScenarioError::Unreadable { path: shown.clone(), source })?;
    let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
    let env = env_file(&input::read_text(&directory.join(".env"), LONGEST_ENV).unwrap_or_default());
    let lookup = |name: &str| look.variable(name).or_else(|| env.get(name).cloned());
    let mut written = parse(&shown, &text, service, &directory, &lookup)?;
    for name in OVERRIDES {
        if look.kind(&directory.join(name)).is_some() && path.file_name().is_none_or(|own| own != name) {
            written.not_looked_at.push(format!("{name} beside it (Compose reads that too)"));
        }
    }
    Ok(written)
}

/// The same, of a file's text.
fn parse(
    path: &str,
    text: &str,
    service: Option<&str>,
    directory: &Path,
    lookup: &Lookup<'_>,
) -> Result<Written, TryError> {
    let wrong = |error: serde_saphyr::Error| TryError::File(explain(path.to_owned(), &error));
    let top: HashMap<Spanned<String>, Value> = serde_saphyr::from_str(text).map_err(wrong)?;
    let Services { services } = serde_saphyr::from_str(text).map_err(wrong)?;
    for key in in_order(top.keys()) {
        if !TOP.contains(&key.value.as_str()) && !key.value.starts_with("x-") {
            return Err(unknown(path, key, TOP.into_iter()));
        }
    }
    let names: Vec<String> = in_order(services.keys()).iter().map(|name| name.value.clone()).collect();
    let name = choose(path, &names, service)?;
    let found = services.into_iter().find(|(key, _)| key.value == name);
    let own = found.and_then(|(_, own)| own).unwrap_or_default();
    let mut written = Written {
        id: identifier(&name),
        source: format!("{path}, service {}", name.escape_debug()),
        place: path.to_owned(),
        keys: BTreeMap::new(),
        daemon: BTreeMap::new(),
        no_part: Vec::new(),
        not_looked_at: Vec::new(),
        notes: Vec::new(),
        warnings: Vec::new(),
        directory: directory.to_path_buf(),
        origin: Origin::Directory(directory.to_path_buf()),
        words: Words::Keys,
    };
    if top.keys().any(|key| key.value == "include") {
        written.not_looked_at.push("include (files that it includes are not read)".to_owned());
    }
    for key in in_order(own.keys()) {
        let value = &own[key];
        take(&mut written, path, key, value, lookup)?;
    }
    Ok(written)
}

/// Takes one key of the service.
fn take(
    written: &mut Written,
    path: &str,
    key: &Spanned<String>,
    value: &Value,
    lookup: &Lookup<'_>,
) -> Result<(), TryError> {
    let name = key.value.as_str();
    if name.starts_with("x-") {
        return Ok(());
    }
    let known = keys::named(name).ok_or_else(|| unknown(path, key, KEYS.iter().map(|key| key.name)))?;
    let filled_in = |value: &Value| {
        let error = |why| TryError::Value { place: path.to_owned(), key: name.to_owned(), why };
        filled_in(value, lookup).map_err(error)
    };
    match known.part {
        Part::Used => {
            written.keys.insert(name.to_owned(), filled_in(value)?);
        }
        Part::NoPart => written.no_part.push(name.to_owned()),
        Part::NotLookedAt(why) => written.not_looked_at.push(format!("{name} ({why})")),
        Part::ApiSocket => {
            if *value == Value::Bool(true) {
                written.warnings.push(host_paths::API_SOCKET.to_owned());
            }
        }
        Part::Deploy => {
            let limits = value.get("resources").and_then(|resources| resources.get("limits"));
            for (limit, key) in [("memory", "mem_limit"), ("pids", "pids_limit")] {
                if let Some(value) = limits.and_then(|limits| limits.get(limit)) {
                    // The service's own key comes later or has come; either way it is the one that counts.
                    written.keys.entry(key.to_owned()).or_insert(filled_in(value)?);
                }
            }
            if limits.is_some_and(|limits| limits.get("cpus").is_some()) {
                written.not_looked_at.push("deploy: cpus (no attempt uses the processor up)".to_owned());
            }
            written.no_part.push("deploy, but for its limits".to_owned());
        }
    }
    Ok(())
}

fn choose(path: &str, names: &[String], wanted: Option<&str>) -> Result<String, TryError> {
    let escaped = || names.iter().map(|name| name.escape_debug().to_string()).collect();
    match (wanted, names) {
        (_, []) => {
            let why = "it has no services".to_owned();
            Err(ScenarioError::Malformed { path: path.to_owned(), line: 1, why }.into())
        }
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(TryError::WhichService { path: path.to_owned(), names: escaped() }),
        (Some(wanted), names) if names.iter().any(|name| name == wanted) => Ok(wanted.to_owned()),
        (Some(wanted), names) => Err(TryError::NoService {
            path: path.to_owned(),
            name: wanted.to_owned(),
            near: most_like(wanted, names.iter().map(String::as_str))
                .map(|near| near.escape_debug().to_string()),
            names: escaped(),
        }),
    }
}

fn unknown(path: &str, key: &Spanned<String>, known: impl Iterator<Item = &'static str>) -> TryError {
    TryError::File(ScenarioError::UnknownKey {
        path: path.to_owned(),
        line: key.referenced.line(),
        near: most_like(&key.value, known),
        key: key.value.escape_debug().to_string(),
    })
}

/// Keys in the order of the file.
fn in_order<'a>(keys: impl Iterator<Item = &'a Spanned<String>>) -> Vec<&'a Spanned<String>> {
    let mut keys: Vec<_> = keys.collect();
    keys.sort_by_key(|key| (key.referenced.line(), key.referenced.column(), key.value.as_str()));
    keys
}

/// Every text in a value with its variables filled in; keys are left as they are.
fn filled_in(value: &Value, lookup: &Lookup<'_>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(interpolate(text, lookup)?),
        Value::Array(list) => {
            Value::Array(list.iter().map(|entry| filled_in(entry, lookup)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| Ok((key.clone(), filled_in(value, lookup)?));
            Value::Object(map.iter().map(pair).collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// `NAME=VALUE`, a line each.
fn env_file(text: &str) -> HashMap<String, String> {
    let pair = |line: &str| {
        let (name, value) = line.trim().trim_start_matches("export ").split_once('=')?;
        let value = value.trim();
        let quoted = ['"', '\''].iter().find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
        (!name.starts_with('#')).then(|| (name.trim().to_owned(), quoted.unwrap_or(value).to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// A name that can be a scenario's: letters, digits and dashes.
pub(super) fn identifier(name: &str) -> String {
    let id: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).take(40).collect();
    let id = id.trim_matches('-').to_ascii_lowercase();
    if id.is_empty() { "service".to_owned() } else { id }
}

#[cfg(test)]
mod tests;
