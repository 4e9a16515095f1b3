//! What was seen of an attempt, for somebody who is to say who answered: what each witness rests on, and not what it concludes.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::columns;
use crate::record::{Cell, Record};
use crate::report::evidence::{by_method, parts};
use crate::report::terminal::{moved, plain};

const HEADING: Style = Style::new().bold();
const QUIET: Style = AnsiColor::BrightBlack.on_default();

/// The call, its answer, how the container stands, and what the witnesses saw.
pub fn evidence(cell: &Cell, record: &Record) -> String {
    let mut text = String::from("\n");
    let errno = cell.errno.as_deref().map_or_else(String::new, |errno| format!(" → {}", plain(errno)));
    let _ = writeln!(
        text,
        "{HEADING}What was seen{HEADING:#}\n  {}{errno}",
        plain(cell.call.as_deref().unwrap_or("no call"))
    );
    for (method, said) in by_method(cell).into_iter().filter(|(method, _)| *method != "the experiment") {
        let _ = writeln!(text, "  {method}");
        for part in said.into_iter().flat_map(parts) {
            text.push_str(&moved(&plain(part), columns(), 6, 2));
        }
    }
    if let Some(scenario) = record.scenarios.iter().find(|scenario| scenario.id == cell.scenario) {
        let _ = writeln!(text, "  what is on in this container");
        for posture in &scenario.posture {
            let state = if posture.state.is_empty() {
                String::new()
            } else {
                format!(" [{}]", plain(&posture.state))
            };
            let _ = writeln!(text, "      {QUIET}{}{state}{QUIET:#}", posture.mechanism);
        }
    }
    text
}
