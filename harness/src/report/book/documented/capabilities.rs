//! The table of the capabilities of which the manual says that a container keeps them, or does not get them.

use std::fmt::Write as _;

use super::super::markdown::{code, escape, link};
use super::super::volume::Volume;
use super::{class, heads, tallies};
use crate::documented::Documented;
use crate::documented::capabilities::Seen;

pub(super) fn table(volumes: &[Volume<'_>], found: &Documented<'_>) -> String {
    let mut html = String::from(
        "That an attempt gets through which takes one capability alone shows that it is held; that capabilities stop it shows that \
         it is not. Where no attempt tells, it is the set that the container was given.\n\n",
    );
    html.push_str(&tallies(volumes, |place| found.capabilities.iter().map(move |row| row.seen[place].said)));
    let _ = writeln!(
        html,
        "<div class=\"wide\"><table class=\"tests\"><thead><tr><th>Capability</th><th>The manual says</th>{}</tr></thead><tbody>",
        heads(volumes, found)
    );
    for row in &found.capabilities {
        let seen: String =
            volumes.iter().zip(&row.seen).map(|(volume, seen)| observed(volume, seen)).collect();
        let says = if row.kept { "kept by default" } else { "not granted by default" };
        let _ = writeln!(html, "<tr><td>{}</td><td>{says}</td>{seen}</tr>", code(row.name));
    }
    html.push_str("</tbody></table></div>\n\n");
    html
}

fn observed(volume: &Volume<'_>, seen: &Seen<'_>) -> String {
    let (class, word) = class(seen.said);
    let probes = seen.cells.iter().map(|cell| {
        let probe = escape(&cell.probe);
        volume.verdict(&cell.scenario, &cell.probe).map_or(probe.clone(), |page| link(&page, &probe))
    });
    let probes: Vec<String> = probes.collect();
    let words = escape(&seen.words);
    let below = if probes.is_empty() { words } else { format!("{}; {words}", probes.join(", ")) };
    format!("<td class=\"{class}\">{word}<small>{below}</small></td>")
}
