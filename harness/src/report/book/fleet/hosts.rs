//! Every host with its group, and what the hosts are not alike in.

use std::fmt::Write as _;

use super::super::answer;
use super::super::date;
use super::super::markdown::escape;
use super::{Shelf, to_group};
use crate::fleet::{Fleet, Host};
use crate::record::Outcome;
use crate::report::many;
use crate::side_by_side::SideBySide;

/// So many different values of a fact are counted one by one.
const MOST: usize = 12;

pub(super) fn page(shelf: &Shelf<'_>) -> String {
    let fleet = shelf.fleet;
    let mut text = String::from("# The hosts\n\n");
    facts(&mut text, fleet);
    let _ = writeln!(
        text,
        "## All {}\n\nFor the evidence of one: `whyblocked report` with its file alone.\n\n<div class=\"wide\"><table class=\"overview hosts\">\
         <thead><tr><th>Host</th><th>Blocked</th><th>Got through</th><th>No answer</th><th>Group</th></tr></thead><tbody>",
        many(fleet.hosts.len(), "host")
    );
    for host in &fleet.hosts {
        row(&mut text, shelf, host);
    }
    text.push_str("</tbody></table></div>\n");
    text
}

fn row(text: &mut String, shelf: &Shelf<'_>, host: &Host) {
    let record = &host.record;
    let count = |outcomes: &[Outcome]| {
        let verdicts = &shelf.fleet.groups[host.group].verdicts;
        let of = |answer: u32| outcomes.contains(&shelf.fleet.answers[answer as usize].outcome);
        verdicts.iter().filter(|(_, _, answer)| of(*answer)).count()
    };
    let cut_short = answer::cut_short(record);
    let _ = writeln!(
        text,
        "<tr><td>{}<small>{}, Linux {}; {} {}, {}; {}</small>{cut_short}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escape(&host.name),
        escape(&record.host.system),
        escape(&record.host.kernel),
        escape(&record.engine.name),
        escape(&record.engine.version),
        escape(&record.engine.place),
        date::utc(record.started),
        count(&[Outcome::Blocked]),
        count(&[Outcome::Allowed]),
        count(&[Outcome::Untestable, Outcome::Broken]),
        to_group(host.group, &Fleet::name(host.group), ""),
    );
}

/// How many hosts have which value, of what is not the same on all.
fn facts(text: &mut String, fleet: &Fleet) {
    let named = fleet.named();
    let found = SideBySide::of(&named);
    let differing: Vec<_> = found.facts.iter().filter(|fact| fact.differs()).collect();
    if differing.is_empty() {
        text.push_str("They differ in nothing that the records say of them.\n\n");
        return;
    }
    text.push_str("## What they are not alike in\n\n<div class=\"wide\"><table class=\"facts\"><tbody>\n");
    for fact in differing {
        let mut values: Vec<(&str, usize)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for value in &fact.values {
            let place = *places.entry(value.as_str()).or_insert_with(|| {
                values.push((value, 0));
                values.len() - 1
            });
            values[place].1 += 1;
        }
        values.sort_by_key(|(_, hosts)| std::cmp::Reverse(*hosts));
        let mut shown: Vec<String> = values
            .iter()
            .take(MOST)
            .map(|(value, hosts)| {
                format!("<b>{hosts}</b>: {}", if value.is_empty() { "–".to_owned() } else { escape(value) })
            })
            .collect();
        if values.len() > MOST {
            shown.push(format!("and {}", many(values.len() - MOST, "more value")));
        }
        let _ = writeln!(text, "<tr><td><b>{}</b></td><td>{}</td></tr>", fact.name, shown.join("<br>"));
    }
    text.push_str("</tbody></table></div>\n\n");
}
