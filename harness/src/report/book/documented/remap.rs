//! The table of what the manual says of userns-remap, and of what shows it, or why nothing does.

use std::fmt::Write as _;

use super::super::markdown::{escape, link};
use super::super::volume::{self, Volume};
use super::{class, heads, tallies};
use crate::claims::Found;
use crate::documented::remap::SOURCE;
use crate::documented::{Documented, LimitationRow};

pub(super) fn table(volumes: &[Volume<'_>], found: &Documented<'_>) -> String {
    let mut html = tallies(volumes, |place| found.limitations.iter().map(move |row| row.said[place]));
    let _ = writeln!(
        html,
        "<div class=\"wide\"><table class=\"tests\"><thead><tr><th>The manual says</th>{}</tr></thead><tbody>",
        heads(volumes, found)
    );
    for row in &found.limitations {
        let limitation = row.limitation;
        let source = link(&format!("{}#{}", SOURCE.url, limitation.anchor), "source");
        let seen: String =
            volumes.iter().enumerate().map(|(place, volume)| observed(volumes, volume, row, place)).collect();
        let _ = writeln!(html, "<tr><td>{}<small>{source}</small></td>{seen}</tr>", escape(limitation.says));
    }
    html.push_str("</tbody></table></div>\n\n");
    html
}

fn observed(volumes: &[Volume<'_>], volume: &Volume<'_>, row: &LimitationRow<'_>, place: usize) -> String {
    let (class, word) = class(row.said[place]);
    if let Some(why) = row.limitation.unobserved {
        return format!("<td class=\"{class}\">{word} here, because {}</td>", escape(why));
    }
    let lines: Vec<String> = row
        .observed
        .iter()
        .map(|observed| {
            let test = observed.test;
            let found: &Found<'_> = &observed.found[place];
            let words = escape(&found.words);
            let page = match test.look.probe() {
                Some(probe) => found.cell.and_then(|_| volume.verdict(test.scenario, probe)),
                None => volume.scenario_page(test.scenario),
            };
            let words = page.map_or_else(|| words.clone(), |page| link(&page, &words));
            let scenario = volume::scenario(volumes, test.scenario, "");
            format!("<small>{} (in {scenario}): {words}</small>", escape(test.what))
        })
        .collect();
    format!("<td class=\"{class}\">{word}{}</td>", lines.concat())
}
