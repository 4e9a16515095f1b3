//! An answer in words, for a page that shows it in a cell of a table: what came of it, and what stands behind. HTML.

use super::markdown::escape;
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record};

/// What came of it; `mechanism` is how one is named.
pub(super) fn words(cell: &Cell, mechanism: impl Fn(Mechanism) -> String) -> String {
    let reason = cell.reason.as_deref().map_or_else(String::new, |reason| format!(": {}", escape(reason)));
    match (cell.outcome, cell.blocked_by) {
        (Outcome::Allowed, _) => "got through".to_owned(),
        (Outcome::Untestable, _) => format!("not testable{reason}"),
        (Outcome::Broken, _) => format!("broken{reason}"),
        (Outcome::Blocked, Some(by)) => format!("blocked by {}", mechanism(by)),
        (Outcome::Blocked, None) => "blocked".to_owned(),
    }
}

/// The errno, the depth, the layers, and what opens it; each that there is.
pub(super) fn behind(cell: &Cell, mechanism: impl Fn(Mechanism) -> String) -> Vec<String> {
    let list =
        |set: &[Mechanism], between| set.iter().map(|one| mechanism(*one)).collect::<Vec<_>>().join(between);
    let mut parts: Vec<String> = cell.errno.iter().map(|errno| escape(errno)).collect();
    parts.extend(cell.depth.map(|depth| format!("depth {depth}")));
    if !cell.layers.is_empty() {
        parts.push(format!("layers: {}", list(&cell.layers, ", ")));
    }
    if !cell.opens.is_empty() {
        let sets: Vec<String> = cell.opens.iter().map(|set| list(set, " + ")).collect();
        parts.push(format!("opened by {}", sets.join(" or ")));
    }
    parts
}

/// That a record is not whole, in a cell that is about the record; nothing, if it is.
pub(super) fn cut_short(record: &Record) -> String {
    let why = record.cut_short.as_ref();
    why.map_or_else(String::new, |why| format!("<small><b>cut short</b>: {}</small>", escape(why)))
}
