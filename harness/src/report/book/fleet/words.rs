//! Answers and names of hosts in words and colours, the same on every page.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::answer;
use super::super::markdown::escape;
use super::super::verdicts::class;
use super::{Shelf, to_group};
use crate::fleet::{Given, Split};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome};
use crate::report::many;

/// A cell of a table that says an answer, in its colour.
pub(super) fn answered(cell: &Cell) -> String {
    format!("<td class=\"{}\">{}<small>{}</small></td>", class(cell), said(cell), behind(cell))
}

/// What came of it.
pub(super) fn said(cell: &Cell) -> String {
    answer::words(cell, Mechanism::id)
}

/// What stands behind it, and that the methods disagree: a fleet's answer has no other proof.
fn behind(cell: &Cell) -> String {
    let mut parts = answer::behind(cell, Mechanism::id);
    if cell.proof.is_some() {
        parts.push("the methods disagree".to_owned());
    }
    parts.join("; ")
}

/// How many hosts came to what: `2 got through, 297 blocked, 1 without an answer`.
pub(super) fn outcomes(split: &Split, answers: &[Cell]) -> String {
    let of = |outcome| split.hosts(outcome, answers);
    let numbers = [
        (of(Outcome::Allowed), "got through"),
        (of(Outcome::Blocked), "blocked"),
        (of(Outcome::Untestable) + of(Outcome::Broken), "without an answer"),
    ];
    let mechanisms: BTreeSet<_> = split.given.iter().map(|given| answers[given.answer].blocked_by).collect();
    if of(Outcome::Blocked) == split.all() && mechanisms.len() > 1 {
        return format!("blocked by {} mechanisms", mechanisms.len());
    }
    let parts =
        numbers.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// So many hosts are named; of more, the groups.
const FEW: usize = 6;

/// Which hosts gave an answer: by name where they are few, else by group.
pub(super) fn which(shelf: &Shelf<'_>, given: &Given, up: &str) -> String {
    let fleet = shelf.fleet;
    let mut html = String::new();
    if given.hosts <= FEW {
        for group in &given.groups {
            for name in fleet.names(*group) {
                let between = if html.is_empty() { "" } else { ", " };
                let _ = write!(html, "{between}{}", to_group(*group, &escape(name), up));
            }
        }
        return html;
    }
    let named = given.groups.iter().take(FEW).map(|group| {
        let hosts = fleet.groups[*group].hosts.len();
        format!("{} ({hosts})", to_group(*group, &crate::fleet::Fleet::name(*group), up))
    });
    let _ = write!(html, "{}", named.collect::<Vec<_>>().join(", "));
    if given.groups.len() > FEW {
        let _ = write!(html, " and {} more", many(given.groups.len() - FEW, "group"));
    }
    html
}

/// A group by its number, and whom it is of.
pub(super) fn members(shelf: &Shelf<'_>, group: usize) -> String {
    let mut names = shelf.fleet.names(group);
    let first = names.next().map_or_else(String::new, escape);
    match names.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
