//! `whyblocked list`: what there is.

use std::fmt::Write as _;

use serde::Serialize;
use whyblocked_agent::Effect;
use whyblocked_agent::catalogue::FAMILIES;

use super::{Exit, Failure, Format, json, print};
use crate::lab;
use crate::mechanism;
use crate::scenario;

/// Options of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of what
    #[arg(value_enum)]
    what: What,
    /// How the list is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// The attempts
    Probes,
    /// How containers are set up
    Scenarios,
    /// What can say no
    Mechanisms,
    /// The workshop
    Labs,
}

/// One line of a list.
#[derive(Serialize)]
struct Item {
    id: String,
    title: String,
    about: String,
    /// Where it can be run, if not everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'static str>,
}

/// Where a probe can be run that changes its host.
const DISPOSABLE: &str = "runs in the disposable machine only";

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let items = match args.what {
        What::Probes => probes(),
        What::Scenarios => scenarios()?,
        What::Mechanisms => mechanisms(),
        What::Labs => labs()?,
    };
    let text = match args.format {
        Format::Json => json(&items)?,
        Format::Text => columns(&items),
    };
    print(&text).map(|()| Exit::Expected)
}

fn probes() -> Vec<Item> {
    FAMILIES
        .iter()
        .flat_map(|family| family.probes.iter().copied().flatten())
        .map(|probe| Item {
            id: probe.id.to_owned(),
            title: probe.title.to_owned(),
            about: probe.tries.to_owned(),
            place: (probe.effect == Effect::Disposable).then_some(DISPOSABLE),
        })
        .collect()
}

fn scenarios() -> Result<Vec<Item>, Failure> {
    let all = scenario::select(&[])?;
    Ok(all
        .into_iter()
        .map(|scenario| Item {
            id: scenario.id,
            title: scenario.file.title,
            about: scenario.file.teaches,
            place: None,
        })
        .collect())
}

fn mechanisms() -> Vec<Item> {
    mechanism::ALL
        .iter()
        .map(|entry| Item {
            id: entry.id.id(),
            title: entry.title.to_owned(),
            about: entry.about.to_owned(),
            place: None,
        })
        .collect()
}

fn labs() -> Result<Vec<Item>, Failure> {
    let all = lab::all()?;
    Ok(all
        .into_iter()
        .map(|lab| Item { id: lab.id, title: lab.file.title, about: lab.file.teaches, place: None })
        .collect())
}

fn columns(items: &[Item]) -> String {
    let width = items.iter().map(|item| item.id.len()).max().unwrap_or(0);
    items.iter().fold(String::new(), |mut text, item| {
        let place = item.place.map_or_else(String::new, |place| format!(" ({place})"));
        let _ = writeln!(text, "{:<width$}  {}{place}", item.id, item.title);
        text
    })
}
