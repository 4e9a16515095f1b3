//! The table of the calls that Docker's manual lists as blocked: what each shipped profile answers, and what the probes
//! met that make the call.

use std::fmt::Write as _;

use super::super::markdown::{code, escape, link};
use super::super::volume::Volume;
use super::{class, heads, profile_heads, tallies, tally};
use crate::claims::Said;
use crate::documented::calls::{PROFILES, Seen, stopped_by_the_filter};
use crate::documented::{Blocked, CallRow, Documented, in_words};
use crate::record::{Cell, Outcome};

pub(super) fn table(volumes: &[Volume<'_>], found: &Documented<'_>) -> String {
    let mut html = String::from(
        "The profiles are looked at as a container gets them that asks for nothing, and again with the capability of which the \
         manual says that the kernel wants it anyway. What a record shows is from docker-default; where no probe makes the call, \
         it is the filter of that record's containers that tells.\n\n",
    );
    for (place, profile) in PROFILES.iter().enumerate() {
        let said = found.calls.iter().map(|row| row.by_profile[place]);
        let _ = writeln!(html, "- the profile of {}: {}", profile.name(), tally(said));
    }
    html.push_str(&tallies(volumes, |place| found.calls.iter().map(move |row| row.seen[place].blocked)));
    let profiles = profile_heads();
    let _ = writeln!(
        html,
        "<div class=\"wide\"><table class=\"tests calls\"><thead><tr><th>Call</th>{profiles}<th>With the capability</th>{}</tr>\
         </thead><tbody>",
        heads(volumes, found)
    );
    for row in &found.calls {
        let seen: String =
            volumes.iter().zip(&row.seen).map(|(volume, seen)| observed(volume, seen)).collect();
        let _ = writeln!(
            html,
            "<tr><td>{}<small>{}</small></td>{}<td>{}</td>{seen}</tr>",
            code(row.listed.call),
            escape(&said(row)),
            answers(row),
            gate(row)
        );
    }
    html.push_str("</tbody></table></div>\n\n");
    html
}

/// What the manual says of a call.
fn said(row: &CallRow<'_>) -> String {
    let how_far = match row.listed.blocked {
        Blocked::Whole => String::new(),
        Blocked::Some(which) => format!("; blocked {which}"),
        Blocked::Before(major, minor) => format!("; blocked before Linux {major}.{minor}"),
    };
    let native = if row.native { "" } else { "; 64-bit programs have no such call" };
    format!("{}{how_far}{native}", row.listed.because)
}

/// What each profile answers, a cell for each.
pub(in super::super) fn answers(row: &CallRow<'_>) -> String {
    let cell = |profile: usize| {
        let before = row.on_old_kernels.map(|answers| answers[profile]);
        let before = before.filter(|answer| *answer != row.answers[profile]);
        let before = before.map_or_else(String::new, |answer| {
            format!("<small>before Linux 4.8: {}</small>", escape(&in_words(answer)))
        });
        let (class, _) = class(row.by_profile[profile]);
        format!("<td class=\"{class}\">{}{before}</td>", escape(&in_words(row.answers[profile])))
    };
    (0..PROFILES.len()).map(cell).collect()
}

/// The capability that the manual names, and what the profiles answer to a container that has it.
pub(in super::super) fn gate(row: &CallRow<'_>) -> String {
    let Some(gate) = row.listed.gate else { return "none is named".to_owned() };
    let Some(answers) = row.with_gate else { return code(gate) };
    let words = |answer| escape(&in_words(answer));
    let said = match answers {
        [one, other] if one == other => words(one),
        [one, other] => format!("{} (20.10), {} (26)", words(one), words(other)),
    };
    format!("{}<small>{said}</small>", code(gate))
}

/// What a record shows.
fn observed(volume: &Volume<'_>, seen: &Seen<'_>) -> String {
    let (class, word) = class(seen.blocked);
    let asked = match seen.gate {
        Said::Yes => "<small>the kernel asks for the capability too</small>",
        Said::No => "<small>the kernel asks for no capability</small>",
        Said::Unseen => "",
    };
    if seen.cells.is_empty() {
        let by = if seen.blocked == Said::Unseen {
            "no probe makes it"
        } else {
            "by the filter; no probe makes it"
        };
        return format!("<td class=\"{class}\">{word}<small>{by}</small></td>");
    }
    let lines: String = seen.cells.iter().map(|cell| line(volume, cell)).collect();
    format!("<td class=\"{class}\">{word}{lines}{asked}</td>")
}

fn line(volume: &Volume<'_>, cell: &Cell) -> String {
    let words = match (cell.outcome, cell.blocked_by) {
        (Outcome::Allowed, _) => "got through".to_owned(),
        (_, Some(mechanism)) if stopped_by_the_filter(cell) => format!("blocked by {mechanism}"),
        (_, Some(mechanism)) => format!("blocked by {mechanism}, and the filter lets it through"),
        (_, None) => "blocked".to_owned(),
    };
    let probe = escape(&cell.probe);
    let probe = volume.verdict(&cell.scenario, &cell.probe).map_or(probe.clone(), |page| link(&page, &probe));
    format!("<small>{probe}: {words}</small>")
}
