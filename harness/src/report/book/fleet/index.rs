//! The first page: how many hosts, what could not be read, who is weaker than most, and where hosts differ.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::super::markdown::link;
use super::words::{members, outcomes, said, which};
use super::{Shelf, to_group, unreadable};
use crate::fleet::history::Series;
use crate::fleet::{Fleet, Split, Step};
use crate::record::{Outcome, Proof};
use crate::report::many;
use crate::side_by_side::Differs;

/// So many rows of a table are on this page; the rest is on the others.
const MOST: usize = 40;

pub(super) fn page(shelf: &Shelf<'_>, history: &[Series]) -> String {
    let fleet = shelf.fleet;
    let mut text = String::from("# Who said no, and on which hosts?\n\n");
    text.push_str(&unreadable(&fleet.unreadable));
    conflicts(&mut text, shelf);
    let differing = differing(fleet);
    let _ = writeln!(
        text,
        "<div class=\"numbers\"><div><b>{}</b>{}</div><div><b>{}</b>{}</div><div><b>{}</b>of {} attempts on which hosts differ in \
         outcome or mechanism</div></div>\n",
        fleet.hosts.len(),
        if fleet.hosts.len() == 1 { "host" } else { "hosts" },
        fleet.groups.len(),
        if fleet.groups.len() == 1 {
            "group: its verdicts are the very same"
        } else {
            "groups with the very same verdicts"
        },
        differing.len(),
        fleet.splits.len(),
    );
    text.push_str(
        "A host is a record, called after its file. Hosts with the very same verdicts are one group; the largest is held to be what \
         is meant, and the others are held against it. This book has no evidence: for that, `whyblocked report` makes a book of the \
         one record.\n\n",
    );
    weakest(&mut text, shelf);
    places(&mut text, shelf, &differing);
    text.push_str("## Where to look next\n\n");
    text.push_str("- [The hosts](hosts.md): each with its group, and what they are not alike in\n");
    text.push_str("- [The groups](groups.md): each held against the largest, with reasons\n");
    text.push_str(
        "- [The matrix](matrix.md): every attempt, how many hosts block it and how many let it through\n",
    );
    text.push_str("- [The scenarios](scenarios.md): who answers what\n");
    if !history.is_empty() {
        text.push_str("- [History](history.md): the same host on several days\n");
    }
    text.push_str("- [How to read this book](reading.md) explains the words\n");
    text
}

/// Verdicts in which methods disagree stand before everything else here too.
fn conflicts(text: &mut String, shelf: &Shelf<'_>) {
    let fleet = shelf.fleet;
    let conflicts = |group: usize| {
        let verdicts = &fleet.groups[group].verdicts;
        let of = |answer: u32| fleet.answers[answer as usize].proof == Some(Proof::Conflict);
        verdicts.iter().filter(|(_, _, answer)| of(*answer)).count()
    };
    let groups: Vec<(usize, usize)> = (0..fleet.groups.len())
        .map(|group| (group, conflicts(group)))
        .filter(|(_, conflicts)| *conflicts > 0)
        .collect();
    if groups.is_empty() {
        return;
    }
    text.push_str("<div class=\"conflicts\"><b>Conflict: the methods disagree.</b> Look at these before anything else.<ul>");
    for (group, conflicts) in groups.iter().take(MOST) {
        let name = to_group(*group, &members(shelf, *group), "");
        let _ = write!(text, "<li>{name}: {}</li>", many(*conflicts, "verdict"));
    }
    if groups.len() > MOST {
        let _ = write!(text, "<li>and {}</li>", many(groups.len() - MOST, "more group"));
    }
    text.push_str("</ul></div>\n\n");
}

fn weakest(text: &mut String, shelf: &Shelf<'_>) {
    let fleet = shelf.fleet;
    let weaker: Vec<usize> =
        (1..fleet.groups.len()).filter(|group| fleet.groups[*group].steps(Step::Weaker) > 0).collect();
    text.push_str("## Weaker than most\n\n");
    if weaker.is_empty() {
        text.push_str("No host: wherever they differ from the largest group, they are not weaker.\n\n");
        return;
    }
    text.push_str(
        "<div class=\"wide\"><table class=\"overview\"><thead><tr><th>Hosts</th><th>Weaker</th><th>Stronger</th><th>By another</th><th></th></tr></thead><tbody>\n",
    );
    for place in weaker.iter().take(MOST) {
        let group = &fleet.groups[*place];
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            to_group(*place, &members(shelf, *place), ""),
            group.steps(Step::Weaker),
            group.steps(Step::Stronger),
            group.steps(Step::Another),
            to_group(*place, &Fleet::name(*place), ""),
        );
    }
    text.push_str("</tbody></table></div>\n\n");
    if weaker.len() > MOST {
        let _ = writeln!(
            text,
            "And {}: {}.\n",
            many(weaker.len() - MOST, "more group"),
            link("groups.md", "all groups")
        );
    }
}

/// Where hosts differ in outcome or mechanism: first where something gets through on some and not on others, and of
/// these what the fewest let through: that is more likely a mistake than another kind of host.
fn differing(fleet: &Fleet) -> Vec<&Split> {
    let of = |split: &&Split| split.differs(&fleet.answers) == Differs::Answer;
    let mut differing: Vec<&Split> = fleet.splits.iter().filter(of).collect();
    differing.sort_by_key(|split| {
        let [through, blocked] = [Outcome::Allowed, Outcome::Blocked].map(|o| split.hosts(o, &fleet.answers));
        let open_on_some = through > 0 && blocked > 0;
        (Reverse(open_on_some), if open_on_some { through } else { 0 }, Reverse(split.given.len()))
    });
    differing
}

fn places(text: &mut String, shelf: &Shelf<'_>, differing: &[&Split]) {
    if differing.is_empty() {
        return;
    }
    text.push_str(
        "## Where hosts differ\n\nFirst what gets through on the fewest hosts, and is blocked on others.\n\n\
         <div class=\"wide\"><table class=\"verdicts compared\"><thead><tr><th>Attempt</th><th>Hosts</th><th>The fewest</th></tr></thead><tbody>\n",
    );
    for split in differing.iter().take(MOST) {
        let answers = &shelf.fleet.answers;
        let through = split.given.iter().filter(|given| answers[given.answer].outcome == Outcome::Allowed);
        let fewest = through.min_by_key(|given| given.hosts).filter(|given| given.hosts * 2 <= split.all());
        let fewest = fewest.or_else(|| split.given.last()).map_or_else(String::new, |given| {
            format!("{}: {}", said(&answers[given.answer]), which(shelf, given, ""))
        });
        let _ = writeln!(
            text,
            "<tr><td>{}<small>in {}</small></td><td class=\"hosts\">{}</td><td>{fewest}</td></tr>",
            shelf.probe(split.scenario, split.probe, ""),
            shelf.scenario(split.scenario, ""),
            outcomes(split, answers),
        );
    }
    text.push_str("</tbody></table></div>\n\n");
    if differing.len() > MOST {
        let _ = writeln!(
            text,
            "And {}: {} has them, and {}.\n",
            many(differing.len() - MOST, "more attempt"),
            link("matrix.md", "the matrix"),
            link("scenarios.md", "the scenarios")
        );
    }
}
