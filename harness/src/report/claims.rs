//! What came of the claims, for a terminal: the counts, and what does not hold.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::terminal::{moved, wrapped};
use crate::claims::{Judged, Verdict};

const CONTRADICTED: Style = AnsiColor::Red.on_default();

/// How many claims hold and how many do not, in a sentence without its full stop.
pub fn counts(judged: &[Judged<'_>]) -> String {
    let of = |verdict| judged.iter().filter(|one| one.verdict == verdict).count();
    let verb =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    format!(
        "{} claims: {}, {}, {} as far as it could be seen, {} not observable in these records",
        judged.len(),
        verb(of(Verdict::Holds), "holds", "hold"),
        verb(of(Verdict::DoesNotHold), "does not hold", "do not hold"),
        verb(of(Verdict::InPart), "holds", "hold"),
        verb(of(Verdict::NotObservable), "was", "were"),
    )
}

/// The summary.
pub fn text(judged: &[Judged<'_>], width: usize) -> String {
    let width = width.min(100);
    let mut text = wrapped(&counts(judged), width, 2);
    for one in judged.iter().filter(|one| one.verdict == Verdict::DoesNotHold) {
        let claim = one.claim;
        let _ = writeln!(
            text,
            "  {CONTRADICTED}does not hold{CONTRADICTED:#}: {}. {}",
            claim.number, claim.title
        );
        for (instead, _) in &one.instead {
            text.push_str(&moved(instead.says, width, 4, 0));
        }
    }
    text
}
