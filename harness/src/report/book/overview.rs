//! The first page of a book of several records: which they are, what differs, where to look first.

use std::fmt::Write as _;

use super::grid::{Counts, Grade};
use super::markdown::{escape, link};
use super::volume::Volume;
use super::{answer, beside, diff, documented, history, notes};
use crate::conformance::Comparison;
use crate::documented::Documented;
use crate::record::{Outcome, Proof};
use crate::report::conformance::{counts, name};
use crate::report::side_by_side;
use crate::side_by_side::SideBySide;

pub(super) fn page(
    volumes: &[Volume<'_>],
    side_by_side: &SideBySide<'_>,
    comparisons: &[Comparison<'_>],
    has_history: bool,
) -> String {
    let mut text = String::from("# Who said no, and where?\n\n");
    let _ = writeln!(
        text,
        "The same attempts in the same scenarios, in {} records: other hosts, other engines, or other days. Each has its own pages, \
         with the evidence for every verdict.\n",
        volumes.len()
    );
    conflicts(&mut text, volumes);
    records(&mut text, volumes);
    let _ = writeln!(
        text,
        "- **[Side by side]({})**: {}",
        beside::PAGE,
        escape(&side_by_side::differences(side_by_side))
    );
    for diff in &side_by_side.diffs {
        let [first, other] = [0, diff.to].map(|at: usize| escape(&volumes[at].named.name));
        let page = diff::path(&volumes[diff.to]);
        let words = side_by_side::classes(diff);
        let _ = writeln!(text, "- **[{other} against {first}]({page})**: {}", escape(&words));
    }
    let records: Vec<_> = volumes.iter().map(|volume| volume.named.record).collect();
    let _ = writeln!(text, "- **[{}](notes.md)**: {}", notes::TITLE, escape(&notes::counts(&records)));
    let names: Vec<&str> = volumes.iter().map(|volume| volume.named.name.as_str()).collect();
    let manual = crate::report::documented::counts(&Documented::of(&records), &names);
    let _ = writeln!(text, "- **[{}]({})**: {}", documented::TITLE, documented::PAGE, escape(&manual));
    for comparison in comparisons {
        let other = escape(&name(comparison.sides[1]));
        let _ = writeln!(
            text,
            "- **[Conformance](conformance.md)** with {other}: {}",
            escape(&counts(comparison))
        );
    }
    if has_history {
        let _ = writeln!(text, "- **[History]({})**: the same host on several days.", history::PAGE);
    }
    text.push_str("- [How to read this book](reading.md) explains the words.\n");
    text
}

/// Verdicts in which methods disagree stand before everything else here too.
fn conflicts(text: &mut String, volumes: &[Volume<'_>]) {
    let conflicts = |volume: &&Volume<'_>| conflicts_of(volume) > 0;
    if !volumes.iter().any(|volume| conflicts(&volume)) {
        return;
    }
    text.push_str("<div class=\"conflicts\"><b>Conflict: the methods disagree.</b> Look at these before anything else.<ul>");
    for volume in volumes.iter().filter(conflicts) {
        let _ = write!(text, "<li>{}: {}</li>", volume.name(""), conflicts_of(volume));
    }
    text.push_str("</ul></div>\n\n");
}

fn conflicts_of(volume: &Volume<'_>) -> usize {
    volume.grid.all().filter(|(_, _, cell)| cell.proof == Some(Proof::Conflict)).count()
}

fn records(text: &mut String, volumes: &[Volume<'_>]) {
    text.push_str(
        "<div class=\"wide\"><table class=\"overview records\"><thead><tr><th>Record</th><th>Blocked</th><th>Got through</th>\
         <th>Not testable</th><th>Conflicts</th><th></th></tr></thead><tbody>\n",
    );
    for volume in volumes {
        let counts = Counts::of(volume.grid.all().map(|(_, _, cell)| cell));
        let record = volume.named.record;
        let conflicts = conflicts_of(volume);
        let cut_short = answer::cut_short(record);
        let _ = writeln!(
            text,
            "<tr><td>{}<small>{}</small>{cut_short}</td><td>{}</td><td>{}</td><td>{}</td>{}<td>{}</td></tr>",
            volume.name(""),
            volume.about(),
            counts.blocked(),
            counts.number(Grade::Through),
            record.count(Outcome::Untestable),
            if conflicts > 0 {
                format!("<td class=\"conflict\">{conflicts}</td>")
            } else {
                "<td>0</td>".to_owned()
            },
            link(&format!("{}matrix.md", volume.folder), "matrix"),
        );
    }
    text.push_str("</tbody></table></div>\n\n");
}
