//! A comparison with a baseline, for a terminal: the worst first, and what it comes to.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::check::Check;
use super::terminal::{moved, plain, wrapped};
use crate::baseline::{Baseline, Class, Difference, Used};

const HEADING: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// More differences of one class nobody reads; they are in the JSON.
const MOST: usize = 40;

/// The whole report.
pub fn text(check: &Check<'_>, width: usize) -> String {
    let Check { compared, failing, .. } = *check;
    let width = width.min(100);
    let mut text = String::new();
    for class in Class::ALL {
        let of: Vec<&Difference> =
            compared.differences.iter().filter(|difference| difference.class == class).collect();
        if of.is_empty() {
            continue;
        }
        let style = if failing.contains(&class) { BAD } else { HEADING };
        let _ = writeln!(text, "{style}{} ({}){style:#}", class.in_words(), of.len());
        for difference in of.iter().take(MOST) {
            one(&mut text, difference, width);
        }
        if of.len() > MOST {
            let _ = writeln!(text, "  and {} more: --format json has them all", of.len() - MOST);
        }
    }
    waivers(&mut text, check, width);
    let (good, what) = check.in_words();
    let style = if good { GOOD } else { BAD };
    let _ = writeln!(
        text,
        "{style}{what}{style:#}: {} verdicts compared with the host '{}', {} differ",
        compared.compared.len(),
        plain(compared.host),
        compared.differences.len()
    );
    text
}

fn one(text: &mut String, difference: &Difference, width: usize) {
    let waived =
        difference.waived.as_ref().map_or_else(String::new, |id| format!(" [waived: {}]", plain(id)));
    let _ = writeln!(text, "  {} / {}{waived}", plain(&difference.scenario), plain(&difference.probe));
    let mut side = |name: &str, words: &Option<String>| {
        if let Some(words) = words {
            let _ =
                write!(text, "{QUIET}{}{QUIET:#}", moved(&format!("{name} {}", plain(words)), width, 6, 4));
        }
    };
    side("was", &difference.was);
    side("is", &difference.is);
}

fn waivers(text: &mut String, check: &Check<'_>, width: usize) {
    for (waiver, used) in check.waivers() {
        let id = &waiver.id;
        let words = match used {
            Used::Covers(count) => {
                format!("waiver {id}: accepts {count} until {}: {}", waiver.until, waiver.reason)
            }
            Used::NotNeeded => {
                format!("waiver {id} is not needed any more: nothing differs that it is about")
            }
            Used::Expired(count) => format!(
                "waiver {id} has EXPIRED on {}, and {count} differences would need it: {}",
                waiver.until, waiver.reason
            ),
        };
        text.push_str(&wrapped(&plain(&words), width, 4));
    }
}

/// What a baseline holds, in a few lines for each kind of host.
pub fn summary(baseline: &Baseline) -> String {
    let mut text = String::new();
    for (name, kind) in &baseline.hosts {
        let scenarios = baseline.cells.get(name);
        let expected = || scenarios.into_iter().flatten().flat_map(|(_, probes)| probes.values());
        let with = |outcome| expected().filter(|expected| expected.outcome == outcome).count();
        let _ = writeln!(text, "{HEADING}{}{HEADING:#}: {}", plain(name), plain(&kind.in_words()));
        let _ = writeln!(
            text,
            "  {} scenarios, {} verdicts: {} blocked, {} got through, {} untestable",
            scenarios.map_or(0, std::collections::BTreeMap::len),
            expected().count(),
            with(crate::record::Outcome::Blocked),
            with(crate::record::Outcome::Allowed),
            with(crate::record::Outcome::Untestable)
        );
    }
    for waiver in &baseline.waivers {
        let words = format!(
            "waiver {}: {} / {} until {}: {}",
            waiver.id, waiver.scenario, waiver.probe, waiver.until, waiver.reason
        );
        text.push_str(&wrapped(&plain(&words), 98, 4));
    }
    text
}
