//! Where the manual's words are not so: each with what was seen instead, on which profile or record.

use super::calls::{PROFILES, stopped_by_the_filter};
use super::{Answer, Blocked, Documented, SOURCES, Source};
use crate::claims::Said;
use crate::observation::errno_name;

/// Where something is otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// In a default profile that is shipped: its place in [`PROFILES`].
    Profile(usize),
    /// In a record: its place among them.
    Record(usize),
}

/// A sentence of the manual that is not so somewhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Stale {
    /// What it is about: a call, a capability, a limitation's id.
    pub about: &'static str,
    /// What the manual says.
    pub says: String,
    /// Where it says so.
    pub source: Source,
    /// What is so instead, as far as it was seen, and where.
    pub instead: Vec<(On, String)>,
}

impl Documented<'_> {
    /// Everything that the manual says and that is otherwise.
    pub fn stale(&self) -> Vec<Stale> {
        let mut stale = Vec::new();
        self.blocked_calls(&mut stale);
        self.gates(&mut stale);
        self.capability_lists(&mut stale);
        self.remapping(&mut stale);
        stale
    }

    /// How much of the manual is otherwise on a profile or in a record.
    pub fn count(&self, on: On) -> usize {
        self.stale().iter().filter(|stale| stale.instead.iter().any(|(place, _)| *place == on)).count()
    }

    fn blocked_calls(&self, stale: &mut Vec<Stale>) {
        for row in &self.calls {
            let mut instead: Vec<(On, String)> = (0..PROFILES.len())
                .filter(|at| row.by_profile[*at] == Said::No)
                .map(|at| (On::Profile(at), format!("the profile: {}", in_words(row.answers[at]))))
                .collect();
            let records = row.seen.iter().enumerate().filter(|(_, seen)| seen.blocked == Said::No);
            instead.extend(records.map(|(at, seen)| {
                let words = match &seen.cells[..] {
                    [] => "the filter of its containers answers otherwise".to_owned(),
                    cells => {
                        let late = matches!(row.listed.blocked, Blocked::Before(..));
                        let otherwise = cells.iter().filter(|cell| stopped_by_the_filter(cell) == late);
                        let names: Vec<&str> = otherwise.map(|cell| cell.probe.as_str()).collect();
                        let words = if late { "the filter still stops" } else { "the filter does not stop" };
                        format!("{words} {}", names.join(", "))
                    }
                };
                (On::Record(at), words)
            }));
            push(stale, SOURCES[0], row.listed.call, "the default profile blocks it".to_owned(), instead);
        }
    }

    fn gates(&self, stale: &mut Vec<Stale>) {
        for row in &self.calls {
            let Some(gate) = row.listed.gate else { continue };
            let records = row.seen.iter().enumerate().filter(|(_, seen)| seen.gate == Said::No);
            let words = "the kernel asks for no capability";
            let instead = records.map(|(at, _)| (On::Record(at), words.to_owned())).collect();
            push(stale, SOURCES[0], row.listed.call, format!("it takes {gate} anyway"), instead);
        }
    }

    fn capability_lists(&self, stale: &mut Vec<Stale>) {
        for row in &self.capabilities {
            let says = if row.kept { "kept by default" } else { "not granted by default" };
            let records = row.seen.iter().enumerate().filter(|(_, seen)| seen.said == Said::No);
            let instead = records.map(|(at, seen)| {
                let names: Vec<&str> = seen.cells.iter().map(|cell| cell.probe.as_str()).collect();
                let held = if row.kept { "not held" } else { "held" };
                let tried = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
                (On::Record(at), format!("{held}{tried}; {}", seen.words))
            });
            push(stale, SOURCES[1], row.name, says.to_owned(), instead.collect());
        }
    }

    fn remapping(&self, stale: &mut Vec<Stale>) {
        for row in &self.limitations {
            let records = row.said.iter().enumerate().filter(|(_, said)| **said == Said::No);
            let instead = records.map(|(at, _)| {
                let found = row.observed.iter().map(|observed| &observed.found[at]);
                let words = found.filter(|found| found.said == Said::No).map(|found| found.words.as_str());
                (On::Record(at), words.collect::<Vec<_>>().join("; "))
            });
            push(stale, SOURCES[2], row.limitation.id, row.limitation.says.to_owned(), instead.collect());
        }
    }
}

fn push(
    stale: &mut Vec<Stale>,
    source: Source,
    about: &'static str,
    says: String,
    instead: Vec<(On, String)>,
) {
    if !instead.is_empty() {
        stale.push(Stale { about, says, source, instead });
    }
}

/// What a filter does, in a few words.
pub(crate) fn in_words(answer: Answer) -> String {
    match answer {
        Answer::Refuses(0) => "refused".to_owned(),
        Answer::Refuses(errno) => format!("refused: {}", errno_name(i32::from(errno))),
        Answer::ByArguments => "by its arguments".to_owned(),
        Answer::LetsThrough => "let through".to_owned(),
    }
}
