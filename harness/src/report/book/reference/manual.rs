//! The page of the project's own book about Docker's manual: what it says, with its sources, and what the default profiles
//! that are shipped answer. What containers show of it only records can say.

use std::fmt::Write as _;

use super::super::documented::{answers, cite, gate, profile_heads};
use super::super::markdown::{code, codes, escape, link};
use super::{MADE, tests};
use crate::documented::calls::PROFILES;
use crate::documented::{Blocked, Documented, Limitation, On, SOURCES, remap};

pub(super) fn page() -> String {
    let found = Documented::of(&[]);
    let [calls, capabilities, remapping] = SOURCES.map(|source| cite(&source));
    let mut text = format!(
        "{MADE}# What Docker's manual says\n\nThe manual's tables as expectations. Whether they are so [every report](../notes.md#the-manual) \
         says of its own records; here is what the profiles answer that are shipped.\n\n## Calls that are blocked by default {{#calls}}\n\n\
         Source: {calls}.\n\n"
    );
    let profiles = profile_heads();
    let _ = writeln!(
        text,
        "<table class=\"facts\"><thead><tr><th>Call</th><th>Blocked</th>{profiles}<th>With the capability</th></tr></thead><tbody>"
    );
    for row in &found.calls {
        let blocked = match row.listed.blocked {
            Blocked::Whole => "always".to_owned(),
            Blocked::Some(which) => escape(which),
            Blocked::Before(major, minor) => format!("before Linux {major}.{minor}"),
        };
        let because = escape(row.listed.because);
        let _ = writeln!(
            text,
            "<tr><td>{}: {because}</td><td>{blocked}</td>{}<td>{}</td></tr>",
            code(row.listed.call),
            answers(row),
            gate(row)
        );
    }
    text.push_str("</tbody></table>\n\nStale in a profile:\n\n");
    for stale in found.stale() {
        let words: Vec<String> = stale
            .instead
            .iter()
            .filter_map(|(on, words)| match on {
                On::Profile(at) => Some(format!("{}, {words}", PROFILES[*at].name())),
                On::Record(_) => None,
            })
            .collect();
        let _ = writeln!(text, "- {}: {}", code(stale.about), escape(&words.join("; ")));
    }
    let names = |kept| found.capabilities.iter().filter(move |row| row.kept == kept).map(|row| row.name);
    let _ = write!(
        text,
        "\n## Capabilities by default {{#capabilities}}\n\nSource: {capabilities}.\n\nKept: {}.\n\nNot granted: {}.\n\n\
         ## With userns-remap {{#userns-remap}}\n\nSource: {remapping}.\n",
        codes(names(true)),
        codes(names(false))
    );
    for limitation in remap::ALL {
        one_of_remap(&mut text, limitation);
    }
    text
}

fn one_of_remap(text: &mut String, limitation: &Limitation) {
    let source = link(&format!("{}#{}", remap::SOURCE.url, limitation.anchor), "source");
    let _ = writeln!(
        text,
        "\n### {} {{#{}}}\n\n{} ({source})\n",
        limitation.id,
        limitation.id,
        escape(limitation.says)
    );
    match limitation.unobserved {
        Some(why) => {
            let _ = writeln!(text, "Not observed, because {}.", escape(why));
        }
        None => text.push_str(&tests(limitation.shown_by, "If it is so")),
    }
}
