//! The diff pages: what became of the first record's verdicts in each further one, by class, each with its reason and with
//! links to the evidence on both sides. A class of many rows has pages of its own, so that every page stays usable.

mod filter;
mod rows;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use self::filter::Filter;
use super::markdown::{escape, link};
use super::volume::Volume;
use super::{Contents, Page};
use crate::baseline::Class;
use crate::report::side_by_side::what_is_other;
use crate::side_by_side::{Diff, Difference, Fact, SideBySide};

/// So many rows stand on a page.
const MOST: usize = 500;

pub(super) fn pages(volumes: &[Volume<'_>], found: &SideBySide<'_>, contents: &mut Contents) -> Vec<Page> {
    let mut pages = Vec::new();
    for diff in &found.diffs {
        let [first, other] = [0, diff.to].map(|at: usize| &volumes[at]);
        contents.chapter(0, &format!("{} against {}", other.named.name, first.named.name), &path(other));
        pages.extend(of_one(first, other, found, diff, contents));
    }
    pages
}

/// The page about what became of the first record's verdicts in this one.
pub(super) fn path(volume: &Volume<'_>) -> String {
    format!("diff-{}.md", slug(volume))
}

fn slug<'a>(volume: &'a Volume<'_>) -> &'a str {
    volume.folder.trim_start_matches("records/").trim_end_matches('/')
}

/// A class in an address and in a style sheet.
fn id(class: Class) -> &'static str {
    match class {
        Class::Weaker => "weaker",
        Class::Untestable => "untestable",
        Class::Gone => "gone",
        Class::Another => "another",
        Class::New => "new",
        Class::Stronger => "stronger",
    }
}

fn of_one(
    first: &Volume<'_>,
    other: &Volume<'_>,
    found: &SideBySide<'_>,
    diff: &Diff<'_>,
    contents: &mut Contents,
) -> Vec<Page> {
    let kinds = what_is_other(found, diff.to);
    let mut text = format!(
        "# {} against {}: {}\n\n",
        escape(&other.named.name),
        escape(&first.named.name),
        escape(&kinds)
    );
    let sides = [first, other];
    facts(&mut text, sides, &found.facts, diff.to);
    let here = fitting(diff);
    let parts = parts(other, diff, &here);
    counts(&mut text, diff, &parts);
    by_scenario(&mut text, diff);
    text.push_str("## What differs {#rows}\n\n");
    if !parts.is_empty() {
        text.push_str("Classes of very many verdicts have pages of their own, above.\n\n");
    }
    let rows: Vec<&Difference<'_>> = diff.rows.iter().filter(|row| here.contains(&row.class)).collect();
    if !rows.is_empty() || parts.is_empty() {
        text.push_str(&filtered(sides, &rows, ""));
    }
    let mut pages = vec![Page::new(path(other), text)];
    for part in parts {
        contents.chapter(1, &part.title, &part.path);
        let text = format!(
            "# {}\n\nOf {}.\n\n{}",
            escape(&part.title),
            link(
                &format!("../{}", path(other)),
                &format!("{} against {}", escape(&other.named.name), escape(&first.named.name))
            ),
            filtered(sides, &part.rows, "../")
        );
        pages.push(Page::new(part.path, text));
    }
    pages
}

/// Some of a diff's rows, on a page of their own.
struct Part<'d, 'a> {
    class: Class,
    title: String,
    path: String,
    rows: Vec<&'d Difference<'a>>,
}

/// The classes whose rows stand on the diff's first page: the worst first, as long as there is room.
fn fitting(diff: &Diff<'_>) -> Vec<Class> {
    let mut room = MOST;
    let mut fits = |class: &Class| {
        let count = diff.of_class(*class).count();
        let fits = count <= room;
        room -= if fits { count } else { 0 };
        fits
    };
    Class::ALL.into_iter().filter(|class| fits(class)).collect()
}

/// The pages of the other classes, cut between two scenarios where one is too long.
fn parts<'d, 'a>(other: &Volume<'_>, diff: &'d Diff<'a>, here: &[Class]) -> Vec<Part<'d, 'a>> {
    let mut parts: Vec<Part<'d, 'a>> = Vec::new();
    for of_class in diff.rows.chunk_by(|one, next| one.class == next.class) {
        let class = of_class[0].class;
        if here.contains(&class) {
            continue;
        }
        let mut cut: Vec<Vec<&Difference<'a>>> = Vec::new();
        for of_scenario in of_class.chunk_by(|one, next| one.place.scenario == next.place.scenario) {
            match cut.last_mut() {
                Some(last) if last.len() + of_scenario.len() <= MOST => last.extend(of_scenario),
                _ => cut.push(of_scenario.iter().collect()),
            }
        }
        let many = cut.len();
        for (number, rows) in (1..).zip(cut) {
            let (title, file) = match many {
                1 => (class.in_words().to_owned(), id(class).to_owned()),
                _ => (format!("{}, {number} of {many}", class.in_words()), format!("{}-{number}", id(class))),
            };
            parts.push(Part { class, title, path: format!("diff-{}/{file}.md", slug(other)), rows });
        }
    }
    parts
}

/// What is different about the two hosts and runs.
fn facts(text: &mut String, sides: [&Volume<'_>; 2], facts: &[Fact], to: usize) {
    let differing: Vec<&Fact> = facts.iter().filter(|fact| fact.values[0] != fact.values[to]).collect();
    if differing.is_empty() {
        text.push_str("The hosts and runs differ in nothing that the records say.\n\n");
        return;
    }
    let [first, other] = sides.map(|volume| volume.name(""));
    let _ = writeln!(
        text,
        "<div class=\"wide\"><table class=\"beside\"><thead><tr><th></th><th>{first}</th><th>{other}</th></tr></thead><tbody>"
    );
    for fact in differing {
        let [was, is] = [0, to].map(|at: usize| match fact.values[at].as_str() {
            "" => "–".to_owned(),
            value => escape(value),
        });
        let _ = writeln!(text, "<tr><th scope=\"row\">{}</th><td>{was}</td><td>{is}</td></tr>", fact.name);
    }
    text.push_str("</tbody></table></div>\n\n");
}

/// How many of each class, and where they are.
fn counts(text: &mut String, diff: &Diff<'_>, parts: &[Part<'_, '_>]) {
    let _ = writeln!(
        text,
        "## By class {{#classes}}\n\n{} verdicts differ, {} are the same.\n",
        diff.rows.len(),
        diff.same
    );
    for class in Class::ALL {
        let count = diff.of_class(class).count();
        let links: Vec<String> = parts
            .iter()
            .filter(|part| part.class == class)
            .map(|part| link(&part.path, &escape(&part.title)))
            .collect();
        let name = if links.is_empty() { class.in_words().to_owned() } else { links.join("; ") };
        let _ = writeln!(text, "- **{name}**: {count}. {}", meaning(class));
    }
    text.push('\n');
}

fn meaning(class: Class) -> &'static str {
    match class {
        Class::Weaker => "It was stopped and gets through, or fewer mechanisms have to fail",
        Class::Untestable => "There was an answer, and there is none any more",
        Class::Gone => "Only the first record has a verdict",
        Class::Another => "As many mechanisms have to fail, but not the same ones",
        Class::New => "Only this record has a verdict, or an answer",
        Class::Stronger => "More mechanisms have to fail, or it got through and is stopped",
    }
}

/// How many of each class in each scenario, folded.
fn by_scenario(text: &mut String, diff: &Diff<'_>) {
    let mut scenarios: Vec<&str> = Vec::new();
    for row in &diff.rows {
        if !scenarios.contains(&row.place.scenario) {
            scenarios.push(row.place.scenario);
        }
    }
    if scenarios.len() < 2 {
        return;
    }
    let heads = Class::ALL.map(|class| format!("<th>{}</th>", class.in_words())).concat();
    let _ = writeln!(
        text,
        "<details><summary>By scenario ({})</summary>\n<div class=\"wide\"><table class=\"beside\"><thead><tr><th>Scenario</th>{heads}\
         </tr></thead><tbody>",
        scenarios.len()
    );
    for scenario in scenarios {
        let numbers = Class::ALL.map(|class| {
            let count = diff.of_class(class).filter(|row| row.place.scenario == scenario).count();
            format!("<td>{count}</td>")
        });
        let _ = writeln!(text, "<tr><th scope=\"row\">{}</th>{}</tr>", escape(scenario), numbers.concat());
    }
    text.push_str("</tbody></table></div>\n</details>\n\n");
}

fn filtered<'a>(sides: [&Volume<'a>; 2], rows: &[&Difference<'a>], up: &str) -> String {
    if rows.is_empty() {
        return "Nothing.\n\n".to_owned();
    }
    let filter = Filter::of(sides, rows);
    let table = rows::table(sides, rows, &filter, up);
    format!("<div class=\"diff\">\n{}{table}</div>\n\n", filter.html())
}
