//! The groups, and for each a page: its hosts, and what differs from the largest group, with the reasons that the records
//! themselves say.

use std::fmt::Write as _;

use super::super::date;
use super::super::markdown::escape;
use super::super::{Contents, Page};
use super::words::{answered, members};
use super::{MOST_GROUPS, Shelf, to_group};
use crate::fleet::{Fleet, Group, Step};
use crate::report::many;
use crate::side_by_side::{Named, Row, SideBySide};

/// So many verdicts of a kind are on a page.
const MOST: usize = 400;

/// So many hosts of a group are named on its page, with what they are.
const MOST_HOSTS: usize = 1000;

pub(super) fn pages(shelf: &Shelf<'_>, contents: &mut Contents) -> Vec<Page> {
    let groups = &shelf.fleet.groups;
    contents.chapter(0, "Groups", "groups.md");
    let mut pages = vec![Page::new("groups.md", list(shelf))];
    for place in 0..groups.len().min(MOST_GROUPS) {
        let path = format!("groups/{}.md", place + 1);
        contents.chapter(1, &heading(shelf, place), &path);
        pages.push(Page::new(path, page(shelf, place)));
    }
    pages
}

/// The title of a group's page, as text.
fn heading(shelf: &Shelf<'_>, place: usize) -> String {
    let mut names = shelf.fleet.names(place);
    let first = names.next().unwrap_or_default();
    match names.count() {
        0 => format!("Group {}: {first}", place + 1),
        more => format!("Group {}: {first} and {more} more", place + 1),
    }
}

fn list(shelf: &Shelf<'_>) -> String {
    let mut text = String::from(
        "# Groups\n\nHosts with the very same verdicts: the same outcomes, mechanisms, layers, and what opens them. The largest stands \
         first; the others are held against it, and what is weakest comes first.\n\n<div class=\"wide\"><table class=\"overview groups\"><thead><tr><th>Group</th>\
         <th>Hosts</th><th>Weaker</th><th>Stronger</th><th>By another</th><th>No answer</th><th>Behind</th></tr></thead><tbody>\n",
    );
    for (place, group) in shelf.fleet.groups.iter().enumerate() {
        let numbers: Vec<String> = if place == 0 {
            vec!["<td>–</td>".to_owned(); Step::DIFFERENT.len()]
        } else {
            Step::DIFFERENT.iter().map(|step| format!("<td>{}</td>", group.steps(*step))).collect()
        };
        let _ = writeln!(
            text,
            "<tr><td>{}<small>{}</small></td><td>{}</td>{}</tr>",
            to_group(place, &format!("Group {}", place + 1), ""),
            members(shelf, place),
            group.hosts.len(),
            numbers.concat()
        );
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn page(shelf: &Shelf<'_>, place: usize) -> String {
    let fleet = shelf.fleet;
    let group = &fleet.groups[place];
    let mut text = format!("# {}\n\n", escape(&heading(shelf, place)));
    if place == 0 {
        text.push_str("The largest group: the others are held against it.\n\n");
    } else {
        against(&mut text, shelf, place, group);
    }
    let _ =
        writeln!(text, "## Its hosts\n\nFor the evidence of one: `whyblocked report` with its file alone.\n");
    for host in group.hosts.iter().take(MOST_HOSTS) {
        let record = &fleet.hosts[*host].record;
        let cut_short = record
            .cut_short
            .as_ref()
            .map_or_else(String::new, |why| format!("; **cut short**: {}", escape(why)));
        let _ = writeln!(
            text,
            "- {}: {}, Linux {}; {}{cut_short}",
            escape(&fleet.hosts[*host].name),
            escape(&record.host.system),
            escape(&record.host.kernel),
            date::utc(record.started)
        );
    }
    if group.hosts.len() > MOST_HOSTS {
        let _ = writeln!(text, "- and {}", many(group.hosts.len() - MOST_HOSTS, "more host"));
    }
    text
}

/// What differs from the largest group.
fn against(text: &mut String, shelf: &Shelf<'_>, place: usize, group: &Group) {
    let fleet = shelf.fleet;
    let records = fleet.side_by_side(group);
    let hosts = [fleet.groups[0].hosts[0], group.hosts[0]];
    let names = hosts.map(|host| fleet.hosts[host].name.clone());
    let named: Vec<Named<'_>> =
        names.iter().zip(&records).map(|(name, record)| Named { name: name.clone(), record }).collect();
    let found = SideBySide::of(&named);
    let [largest, this] = names.each_ref().map(|name| escape(name));
    let counts: Vec<String> = Step::DIFFERENT
        .iter()
        .filter(|step| group.steps(**step) > 0)
        .map(|step| format!("{} {}", group.steps(*step), step.words()))
        .collect();
    let _ = writeln!(
        text,
        "Held against {}: **{}**; {} the same, {} only here, {} only there.\n",
        to_group(0, &Fleet::name(0), "../"),
        if counts.is_empty() { "nothing differs".to_owned() } else { counts.join(", ") },
        group.steps(Step::Same),
        group.only[0],
        group.only[1]
    );
    let differing: Vec<_> =
        found.facts.iter().filter(|fact| fact.differs() && fact.name != "Probes").collect();
    if !differing.is_empty() {
        let _ = writeln!(
            text,
            "<div class=\"wide\"><table class=\"beside\"><thead><tr><th></th><th>{largest} ({})</th><th>{this} ({})</th></tr></thead><tbody>",
            Fleet::name(0),
            Fleet::name(place)
        );
        for fact in differing {
            let _ = writeln!(
                text,
                "<tr class=\"differs\"><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
                fact.name,
                escape(&fact.values[0]),
                escape(&fact.values[1])
            );
        }
        text.push_str("</tbody></table></div>\n\n");
    }
    verdicts(text, shelf, place, &found);
    for scenario in &found.scenarios {
        for (name, missing) in names.iter().zip(&scenario.missing) {
            if let Some(why) = missing {
                let _ = writeln!(text, "- {} on {}: {}", escape(scenario.id), escape(name), escape(why));
            }
        }
    }
    text.push('\n');
}

/// The verdicts that differ, one kind of difference after another.
fn verdicts(text: &mut String, shelf: &Shelf<'_>, place: usize, found: &SideBySide<'_>) {
    let rows: Vec<(Step, &Row<'_>)> = found
        .scenarios
        .iter()
        .flat_map(|scenario| &scenario.rows)
        .filter_map(|row| Some((Step::between(row.cells[0]?, row.cells[1]?), row)))
        .collect();
    for step in Step::DIFFERENT {
        let rows: Vec<&Row<'_>> = rows.iter().filter(|(one, _)| *one == step).map(|(_, row)| *row).collect();
        if rows.is_empty() {
            continue;
        }
        let mut title = step.words().to_owned();
        title[..1].make_ascii_uppercase();
        let _ = writeln!(
            text,
            "## {title}\n\n<div class=\"wide table-wrapper\"><table class=\"verdicts compared\"><thead><tr><th>Attempt</th><th>{}</th><th>{}</th></tr>\
             </thead><tbody>",
            Fleet::name(0),
            Fleet::name(place)
        );
        for row in rows.iter().take(MOST) {
            let why: Vec<String> = row
                .why
                .iter()
                .map(|why| {
                    why.as_ref().map_or("<b>not explained</b>".to_owned(), |why| escape(&why.to_string()))
                })
                .collect();
            let Some((scenario, probe)) = shelf.place(row.place.scenario, row.place.probe) else { continue };
            let _ = writeln!(
                text,
                "<tr><td>{} in {}<small>{}</small></td>{}</tr>",
                shelf.probe(scenario, probe, "../"),
                shelf.scenario(scenario, "../"),
                why.join("<br>"),
                row.cells.iter().flatten().map(|cell| answered(cell)).collect::<String>()
            );
        }
        text.push_str("</tbody></table></div>\n\n");
        if rows.len() > MOST {
            let _ = writeln!(text, "And {} more.\n", rows.len() - MOST);
        }
    }
}
