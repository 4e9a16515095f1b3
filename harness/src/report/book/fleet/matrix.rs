//! Every attempt at a glance: first scenarios by families of probes, then a page for each family, so that no page has more
//! cells than somebody can look through.

use std::fmt::Write as _;

use super::super::grid::family;
use super::super::markdown::{escape, link};
use super::super::verdicts::{class, label, legend};
use super::super::{Contents, Page};
use super::words::outcomes;
use super::{Family, Shelf};
use crate::fleet::Split;
use crate::side_by_side::Differs;

/// What hides the rows on which hosts agree; the style sheet does it.
const FILTER: &str = "<p class=\"filter\"><label><input type=\"checkbox\" class=\"only-differing\"> only attempts on which hosts differ</label></p>\n\n";

pub(super) fn pages(shelf: &Shelf<'_>, contents: &mut Contents) -> Vec<Page> {
    contents.chapter(0, "Matrix", "matrix.md");
    let mut pages = vec![Page::new("matrix.md", overview(shelf))];
    for family in &shelf.families {
        let path = format!("matrix/{}.md", family.slug);
        contents.chapter(1, title(family), &path);
        pages.push(Page::new(path, of_family(shelf, family)));
    }
    pages
}

fn title<'a>(of: &Family<'a>) -> &'a str {
    family(of.id).0
}

fn differs(shelf: &Shelf<'_>, split: &Split) -> bool {
    split.differs(&shelf.fleet.answers) == Differs::Answer
}

/// The scenarios in which somebody has a verdict.
fn scenarios(shelf: &Shelf<'_>) -> Vec<usize> {
    let mut there: Vec<usize> = shelf.fleet.splits.iter().map(|split| split.scenario).collect();
    there.dedup();
    there
}

fn overview(shelf: &Shelf<'_>) -> String {
    let mut text = String::from(
        "# Matrix\n\nScenarios down, families of attempts across: on how many attempts hosts differ in outcome or mechanism, of how \
         many. Each family leads to its own matrix, each scenario to its page.\n\n<div class=\"matrix\"><table>\n<thead><tr><td></td>",
    );
    for family in &shelf.families {
        let name = link(&format!("matrix/{}.md", family.slug), &escape(title(family)));
        let _ = write!(text, "<th scope=\"col\"><div>{name}</div></th>");
    }
    text.push_str("</tr></thead><tbody>\n");
    for scenario in scenarios(shelf) {
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>", shelf.scenario(scenario, ""));
        for family in &shelf.families {
            let splits = family.probes.clone().filter_map(|probe| shelf.split(scenario, probe));
            let (mut all, mut differing) = (0, 0);
            for split in splits {
                all += 1;
                differing += usize::from(differs(shelf, split));
            }
            let _ = match (all, differing) {
                (0, _) => write!(text, "<td></td>"),
                (_, 0) => write!(text, "<td class=\"quiet\">{all} alike</td>"),
                _ => write!(
                    text,
                    "<td class=\"mixed\">{}</td>",
                    link(&format!("matrix/{}.md", family.slug), &format!("{differing} of {all}"))
                ),
            };
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn of_family(shelf: &Shelf<'_>, of: &Family<'_>) -> String {
    let scenarios = scenarios(shelf);
    let mut text = format!("# Matrix: {}\n\n", escape(title(of)));
    let about = family(of.id).1;
    if !about.is_empty() {
        let _ = writeln!(text, "{}\n", escape(about));
    }
    text.push_str(
        "Where all hosts say the same, the word is the mechanism that said no, and the number is how many would have to fail. Where \
         they differ, the numbers are hosts. Each cell leads to who says what.\n\n",
    );
    text.push_str(&legend().replace("</p>", "<span class=\"mixed\">hosts differ</span></p>"));
    text.push_str(FILTER);
    text.push_str("<div class=\"matrix fleet\"><table>\n<thead><tr><td></td>");
    for scenario in &scenarios {
        let _ = write!(text, "<th scope=\"col\"><div>{}</div></th>", shelf.scenario(*scenario, "../"));
    }
    text.push_str("</tr></thead><tbody>\n");
    for probe in of.probes.clone() {
        let splits: Vec<Option<&Split>> =
            scenarios.iter().map(|scenario| shelf.split(*scenario, probe)).collect();
        let same = !splits.iter().flatten().any(|split| differs(shelf, split));
        let entry = &shelf.fleet.probes[probe];
        let _ = write!(
            text,
            "<tr{}><th scope=\"row\" title=\"{}\">{}</th>",
            if same { " class=\"same\"" } else { "" },
            escape(&entry.title),
            escape(&entry.id)
        );
        for split in splits {
            text.push_str(&split.map_or_else(|| "<td></td>".to_owned(), |split| cell(shelf, split)));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn cell(shelf: &Shelf<'_>, split: &Split) -> String {
    let answers = &shelf.fleet.answers;
    let href = format!("../scenarios/{}.md#p-{}", shelf.scenarios[split.scenario], shelf.probes[split.probe]);
    if differs(shelf, split) {
        return format!("<td class=\"mixed\">{}</td>", link(&href, &outcomes(split, answers)));
    }
    let Some(most) = split.given.first().map(|given| &answers[given.answer]) else {
        return "<td></td>".to_owned();
    };
    let not_all = if split.all() < shelf.fleet.hosts.len() {
        format!("<small>on {}</small>", split.all())
    } else {
        String::new()
    };
    format!("<td class=\"{}\">{}</td>", class(most), link(&href, &(label(most) + &not_all)))
}
