//! The page that holds Docker's manual against what was seen: where it is stale comes first, then everything that it says
//! of blocked calls, of capabilities and of userns-remap, each with its source and with what every record shows.

mod calls;
mod capabilities;
mod remap;

use std::fmt::Write as _;

pub(super) use self::calls::{answers, gate};
use super::markdown::{code, escape, link};
use super::volume::Volume;
use crate::claims::Said;
use crate::documented::calls::PROFILES;
use crate::documented::{Documented, On, SOURCES, Source, Stale};
use crate::record::Record;

pub(super) const TITLE: &str = "The manual against what was seen";

pub(super) const PAGE: &str = "documented.md";

pub(super) fn page(volumes: &[Volume<'_>]) -> String {
    let records: Vec<&Record> = volumes.iter().map(|volume| volume.named.record).collect();
    let found = Documented::of(&records);
    let mut text = format!(
        "# {TITLE}\n\nWhat Docker's manual says that a container may not do by default, as expectations: each is held against the default \
         filters of Docker 20.10.24 and 26.1.5, and against what the probes met. Other records can say otherwise. Where the manual \
         and what was seen part, its words are *stale*.\n\n**{}.**\n\n",
        escape(&crate::report::documented::counts(&found, &names(volumes)))
    );
    text.push_str("## Where the manual is stale {#stale}\n\n");
    stale(&mut text, volumes, &found);
    let [calls, capabilities, remapping] = SOURCES.map(|source| format!("Source: {}.\n\n", cite(&source)));
    let _ = write!(text, "## Calls that are blocked by default {{#calls}}\n\n{calls}");
    text.push_str(&calls::table(volumes, &found));
    let _ = write!(text, "## Capabilities by default {{#capabilities}}\n\n{capabilities}");
    text.push_str(&capabilities::table(volumes, &found));
    let _ = write!(text, "## With userns-remap {{#userns-remap}}\n\n{remapping}");
    text.push_str(&remap::table(volumes, &found));
    text
}

fn names<'a>(volumes: &'a [Volume<'_>]) -> Vec<&'a str> {
    volumes.iter().map(|volume| volume.named.name.as_str()).collect()
}

/// A page of the manual, and the version of it that was read.
pub(super) fn cite(source: &Source) -> String {
    format!(
        "{}, as of {}",
        link(source.url, &escape(source.title)),
        link(source.version, &escape(&version(source)))
    )
}

/// The revision in a source's address, short.
fn version(source: &Source) -> String {
    let revision = source.version.split("/blob/").nth(1).unwrap_or(source.version);
    format!("revision {}", revision.chars().take(7).collect::<String>())
}

/// A column for each profile that is shipped.
pub(super) fn profile_heads() -> String {
    PROFILES.map(|profile| format!("<th>{}</th>", profile.name())).concat()
}

/// A column for each record, with the default filter that its containers got.
fn heads(volumes: &[Volume<'_>], found: &Documented<'_>) -> String {
    let head = |(volume, profile): (&Volume<'_>, &Option<crate::seccomp::DefaultProfile>)| {
        let filter = profile.map_or("another filter, or none", |profile| profile.name());
        format!("<th>{}<small>{filter}</small></th>", volume.name(""))
    };
    volumes.iter().zip(&found.profiles).map(head).collect()
}

fn stale(text: &mut String, volumes: &[Volume<'_>], found: &Documented<'_>) {
    let stale = found.stale();
    if stale.is_empty() {
        text.push_str("Nowhere, as far as it was seen.\n\n");
        return;
    }
    let profiles = profile_heads();
    let _ = writeln!(
        text,
        "<div class=\"wide\"><table class=\"tests stale\"><thead><tr><th>The manual says</th>{profiles}{}</tr></thead><tbody>",
        heads(volumes, found)
    );
    for one in &stale {
        let places = (0..PROFILES.len()).map(On::Profile).chain((0..volumes.len()).map(On::Record));
        let source = link(one.source.url, "source");
        let cells: String = places.map(|on| instead(one, on)).collect();
        let _ = writeln!(
            text,
            "<tr><td>{}: {}<small>{source}</small></td>{cells}</tr>",
            code(one.about),
            escape(&one.says)
        );
    }
    text.push_str("</tbody></table></div>\n\n");
}

fn instead(stale: &Stale, on: On) -> String {
    stale.instead.iter().find(|(place, _)| *place == on).map_or_else(
        || "<td class=\"unseen\">–</td>".to_owned(),
        |(_, words)| format!("<td class=\"contradicted\">{}</td>", escape(words)),
    )
}

/// The colour of what was seen, and the word that says the same.
fn class(said: Said) -> (&'static str, &'static str) {
    match said {
        Said::Yes => ("holds", "as documented"),
        Said::No => ("contradicted", "stale"),
        Said::Unseen => ("unseen", "not observed"),
    }
}

/// How many rows are as the manual says, how many are not, and how many nobody has seen, in a sentence.
fn tally(said: impl Iterator<Item = Said>) -> String {
    let all: Vec<Said> = said.collect();
    let of = |said| all.iter().filter(|one| **one == said).count();
    format!("{} as documented, {} stale, {} not observed", of(Said::Yes), of(Said::No), of(Said::Unseen))
}

/// For each record, how much of a part is as the manual says.
fn tallies<I: Iterator<Item = Said>>(volumes: &[Volume<'_>], said: impl Fn(usize) -> I) -> String {
    let mut text = String::new();
    for (place, volume) in volumes.iter().enumerate() {
        let _ = writeln!(text, "- {}: {}", volume.name(""), tally(said(place)));
    }
    text + "\n"
}
