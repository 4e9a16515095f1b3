//! Every verdict at a glance: probes down, scenarios across. Colour and words say the same, so that either will
//! do; everything is a link to where it is told in full.

use std::fmt::Write as _;

use super::grid::{Grid, family};
use super::markdown::{escape, link};
use super::verdicts::{class, label, legend};

pub(super) fn page(grid: &Grid<'_>) -> String {
    let mut text = String::from("# Matrix\n\n");
    text.push_str(
        "The word is the mechanism that said no; the number is how many would have to fail for the attempt to get \
         through. Each cell leads to its evidence, each probe and each scenario to its page.\n\n",
    );
    text.push_str(&legend());
    text.push_str("<div class=\"matrix\"><table>\n<thead><tr><td></td>");
    for (_, scenario) in grid.run() {
        let name = link(&format!("scenarios/{}.md", scenario.slug), &escape(&scenario.entry.id));
        let _ = write!(
            text,
            "<th scope=\"col\" title=\"{}\"><div>{name}</div></th>",
            escape(&scenario.entry.title)
        );
    }
    text.push_str("</tr></thead>\n");
    let width = grid.run().count() + 1;
    for (id, probes) in grid.families() {
        let _ = writeln!(
            text,
            "<tbody><tr class=\"family\"><th colspan=\"{width}\" scope=\"rowgroup\"><span>{}</span></th></tr>",
            escape(family(id).0)
        );
        for probe in probes {
            row(&mut text, grid, probe);
        }
        text.push_str("</tbody>\n");
    }
    text.push_str("</table></div>\n");
    text
}

fn row(text: &mut String, grid: &Grid<'_>, place: usize) {
    let probe = &grid.probes[place];
    let name = link(&format!("probes/{}.md", probe.slug), &escape(&probe.entry.id));
    let _ = write!(text, "<tr><th scope=\"row\" title=\"{}\">{name}</th>", escape(&probe.entry.title));
    for (column, scenario) in grid.run() {
        match grid.cell(column, place) {
            Some(cell) => {
                let href = format!("scenarios/{}.md#p-{}", scenario.slug, probe.slug);
                let _ = write!(text, "<td class=\"{}\">{}</td>", class(cell), link(&href, &label(cell)));
            }
            None => text.push_str("<td></td>"),
        }
    }
    text.push_str("</tr>\n");
}
