//! A baseline as a file: TOML, one line per verdict, in an order that does not change, so that a review sees what did.

use std::fmt::Write as _;
use std::path::Path;

use super::{Baseline, BaselineError, Expected, FORMAT};
use crate::record::Outcome;
use crate::{input, output};

/// Longer files are no baseline.
const LONGEST: u64 = 64 << 20;

/// Reads a baseline.
pub fn read(path: &Path) -> Result<Baseline, BaselineError> {
    parse(&path.display().to_string(), &read_text(path)?)
}

/// What stands in its file.
pub fn read_text(path: &Path) -> Result<String, BaselineError> {
    input::read_text(path, LONGEST)
        .map_err(|source| BaselineError::Unreadable { path: path.display().to_string(), source })
}

/// Parses the text of one; `path` is for messages.
pub fn parse(path: &str, text: &str) -> Result<Baseline, BaselineError> {
    let malformed = |error: &toml::de::Error| BaselineError::Malformed {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        why: error.message().lines().next().unwrap_or("it is no TOML").escape_debug().to_string(),
    };
    // The format first: a newer file may have what this program does not know.
    let table: toml::Table = toml::from_str(text).map_err(|error| malformed(&error))?;
    match table.get("format").and_then(toml::Value::as_str) {
        Some(FORMAT) => {}
        Some(other) => {
            return Err(BaselineError::Format {
                path: path.to_owned(),
                format: other.escape_debug().to_string(),
            });
        }
        None => {
            let why = format!("not a baseline: it does not begin with format = \"{FORMAT}\"");
            return Err(BaselineError::Malformed { path: path.to_owned(), line: 1, why });
        }
    }
    toml::from_str(text).map_err(|error| malformed(&error))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// A baseline's text.
pub fn text(baseline: &Baseline) -> String {
    let mut text = format!(
        "# What was observed and agreed on. `whyblocked check --baseline FILE` compares; `whyblocked baseline update` takes what is.\nformat = {}\n",
        quoted(&baseline.format)
    );
    for waiver in &baseline.waivers {
        let _ = write!(
            text,
            "\n[[waiver]]\nid = {}\nscenario = {}\nprobe = {}\nreason = {}\nuntil = {}\n",
            quoted(&waiver.id),
            quoted(&waiver.scenario),
            quoted(&waiver.probe),
            quoted(&waiver.reason),
            quoted(&waiver.until.to_string())
        );
    }
    for (name, kind) in &baseline.hosts {
        let _ = write!(
            text,
            "\n[host.{}]\nengine = {}\nprivilege = {}\nselinux = {}\napparmor = {}\nmodules = {}\n",
            key(name),
            quoted(&kind.engine),
            quoted(&kind.privilege),
            quoted(&kind.selinux),
            quoted(&kind.apparmor),
            quoted(&kind.modules)
        );
    }
    for (host, scenarios) in &baseline.cells {
        for (scenario, probes) in scenarios {
            let _ = write!(text, "\n[cells.{}.{}]\n", key(host), key(scenario));
            for (probe, expected) in probes {
                let _ = writeln!(text, "{} = {}", key(probe), line(expected));
            }
        }
    }
    text
}

/// A key: bare, where TOML lets it be.
pub fn key(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !text.is_empty() && text.chars().all(bare) { text.to_owned() } else { quoted(text) }
}

/// A text as TOML's basic string, on one line. JSON's strings are that, but for DEL.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A verdict on its line.
fn line(expected: &Expected) -> String {
    let outcome = match expected.outcome {
        Outcome::Allowed => "allowed",
        Outcome::Blocked => "blocked",
        Outcome::Untestable => "untestable",
        Outcome::Broken => "broken",
    };
    let mut parts = vec![format!("outcome = \"{outcome}\"")];
    parts.extend(expected.by.map(|by| format!("by = \"{by}\"")));
    parts.extend(expected.depth.map(|depth| format!("depth = {depth}")));
    if !expected.layers.is_empty() {
        let layers: Vec<String> = expected.layers.iter().map(|layer| format!("\"{layer}\"")).collect();
        parts.push(format!("layers = [{}]", layers.join(", ")));
    }
    format!("{{ {} }}", parts.join(", "))
}

/// Writes a baseline.
pub fn write(baseline: &Baseline, path: &Path) -> Result<(), BaselineError> {
    output::write(path, text(baseline).as_bytes())
        .map_err(|source| BaselineError::Unwritable { path: path.display().to_string(), source })
}
