//! The rows of a diff page: what was, what is, why, and the way to the evidence on both sides.

use std::fmt::Write as _;

use super::super::markdown::{code, escape, link};
use super::super::verdicts::class;
use super::super::volume::Volume;
use super::filter::Filter;
use crate::baseline::Expected;
use crate::record::Cell;
use crate::side_by_side::Difference;

pub(super) fn table(
    sides: [&Volume<'_>; 2],
    rows: &[&Difference<'_>],
    filter: &Filter<'_>,
    up: &str,
) -> String {
    let [first, other] = sides.map(|volume| volume.name(up));
    let mut html = format!(
        "<div class=\"wide table-wrapper\"><table class=\"verdicts compared changes\"><thead><tr><th>Attempt</th><th>was: {first}</th>\
         <th>is: {other}</th><th>Why</th></tr></thead><tbody>\n"
    );
    for row in rows {
        let [was, is] =
            [(sides[0], row.was), (sides[1], row.is)].map(|(volume, cell)| side(volume, row, cell, up));
        let why = row.why.as_ref().map_or_else(|| "<b>not explained</b>".to_owned(), |why| escape(why));
        let _ = writeln!(
            html,
            "<tr class=\"{}\"><td><b>{}</b><small>{} / {}</small></td>{was}{is}<td>{why}</td></tr>",
            filter.marks(row),
            row.class.in_words(),
            name(sides.map(|volume| volume.scenario_page(row.place.scenario)), row.place.scenario, up),
            name(sides.map(|volume| volume.probe_page(row.place.probe)), row.place.probe, up),
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// An id, linked to its page in the first record that has one.
fn name(pages: [Option<String>; 2], id: &str, up: &str) -> String {
    let page = pages.into_iter().flatten().next();
    page.map_or_else(|| code(id), |page| link(&format!("{up}{page}"), &escape(id)))
}

fn side(volume: &Volume<'_>, row: &Difference<'_>, cell: Option<&Cell>, up: &str) -> String {
    let Some(cell) = cell else { return "<td class=\"unseen\">–</td>".to_owned() };
    let words = escape(&Expected::of(cell).in_words());
    let page = volume.verdict(row.place.scenario, row.place.probe);
    let words = page.map_or_else(|| words.clone(), |page| link(&format!("{up}{page}"), &words));
    format!("<td class=\"{}\">{words}</td>", class(cell))
}
