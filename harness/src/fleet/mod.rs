//! Very many records at once: read one by one and reduced to their answers, the hosts with the very same verdicts put
//! together, and each group held against the largest. Pure but for `load`; it formats no page, and keeps no evidence: that is
//! in a book of the one record.

pub mod history;
mod intern;
mod load;
mod reduced;
mod split;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::intern::{Interned, Lists};
pub use self::load::load;
pub use self::reduced::{Answer, Reduced};
pub use self::split::{Given, Split};
pub use self::step::Step;
use crate::record::{Cell, ProbeEntry, Record, ScenarioEntry};
use crate::side_by_side::{Named, named};

/// Up to so many records have pages of their own in one book; more are a fleet, which is told by its groups.
pub const MOST_SIDE_BY_SIDE: usize = 8;

/// Many hosts.
#[derive(Debug)]
pub struct Fleet {
    /// The hosts, one for each record, in the order in which they were named.
    pub hosts: Vec<Host>,
    /// The hosts with the very same verdicts: the largest group first, then the others, the weakest first.
    pub groups: Vec<Group>,
    /// Every scenario that a record has, as the first of them says it.
    pub scenarios: Vec<ScenarioEntry>,
    /// Every probe that a record has, likewise; family by family.
    pub probes: Vec<ProbeEntry>,
    /// Every answer that was given, once: a verdict that does not say what it is about.
    pub answers: Vec<Cell>,
    /// Who answers what, scenario by scenario and probe by probe; only where a host has a verdict.
    pub splits: Vec<Split>,
    /// Files that were to be records.
    pub unreadable: Vec<Unreadable>,
}

/// One host: one record.
#[derive(Debug)]
pub struct Host {
    /// What it is called: no two are called alike.
    pub name: String,
    /// Which of the groups.
    pub group: usize,
    /// Its record without verdicts, and without what the scenarios and probes are: the fleet has that.
    pub record: Record,
}

/// Hosts with the very same verdicts.
#[derive(Debug)]
pub struct Group {
    /// Which, in the order of the hosts; never empty. The first speaks for all.
    pub hosts: Vec<usize>,
    /// By their places in the fleet's lists; sorted.
    pub verdicts: Vec<Verdict>,
    /// How many of its verdicts are what, held against those of the largest group.
    pub against: BTreeMap<Step, usize>,
    /// Verdicts that only this group has, and that only the largest has.
    pub only: [usize; 2],
}

impl Group {
    /// How many of its verdicts took this step from the largest group's.
    pub fn steps(&self, step: Step) -> usize {
        self.against.get(&step).copied().unwrap_or(0)
    }
}

/// A file that was to be a record, and is none that this program can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The file's name.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// A verdict: the scenario, the probe and the answer, by their places in lists.
pub type Verdict = (u32, u32, u32);

/// Hosts with the same verdicts, before they are ranked.
#[derive(Debug)]
struct Members {
    verdicts: Vec<Verdict>,
    hosts: Vec<usize>,
}

/// A verdict of two groups: what it is about, and both answers.
type Pair<'a> = (usize, usize, [&'a Cell; 2]);

impl Fleet {
    /// Of these records, each called after its file.
    pub fn of(records: Vec<(std::path::PathBuf, Reduced)>, unreadable: Vec<Unreadable>) -> Self {
        let frames = records.iter().map(|(path, reduced)| (path.as_path(), &reduced.frame));
        let names: Vec<String> = named(frames).into_iter().map(|named| named.name).collect();
        Self::with_names(names.into_iter().zip(records.into_iter().map(|(_, reduced)| reduced)), unreadable)
    }

    /// Of these records, with their names.
    pub fn with_names(
        records: impl IntoIterator<Item = (String, Reduced)>,
        unreadable: Vec<Unreadable>,
    ) -> Self {
        let mut interned = Interned::default();
        let mut hosts = Vec::new();
        let mut members: Vec<Members> = Vec::new();
        let mut known = std::collections::HashMap::new();
        for (name, reduced) in records {
            let (record, verdicts) = interned.take(reduced);
            let group = *known.entry(verdicts).or_insert_with_key(|verdicts| {
                members.push(Members { verdicts: verdicts.clone(), hosts: Vec::new() });
                members.len() - 1
            });
            members[group].hosts.push(hosts.len());
            hosts.push(Host { name, group, record });
        }
        drop(known);
        let Lists { scenarios, probes, answers } = interned.done(&mut members);
        let groups = rank(members, &answers);
        for (place, group) in groups.iter().enumerate() {
            for host in &group.hosts {
                hosts[*host].group = place;
            }
        }
        let splits = split::of(&groups);
        Self { hosts, groups, scenarios, probes, answers, splits, unreadable }
    }

    /// The verdicts in which a group and the largest are not the same.
    pub fn differing(&self, group: &Group) -> impl Iterator<Item = Pair<'_>> {
        let pairs = both(&self.groups[0].verdicts, &group.verdicts);
        let pairs: Vec<_> = pairs.filter(|(_, [one, other])| one != other).collect();
        pairs.into_iter().map(|((scenario, probe), answers)| {
            (scenario as usize, probe as usize, answers.map(|answer| &self.answers[answer as usize]))
        })
    }

    /// The first hosts of the largest group and of another, as records that have only the verdicts in which they differ:
    /// what is known of two records, and why they differ, is known of these.
    pub fn side_by_side(&self, group: &Group) -> [Record; 2] {
        let mut records = [&self.groups[0], group].map(|group| self.hosts[group.hosts[0]].record.clone());
        let mut probes = std::collections::BTreeSet::new();
        for (scenario, probe, cells) in self.differing(group) {
            let ids = (&self.scenarios[scenario].id, &self.probes[probe].id);
            probes.insert(probe);
            for (record, cell) in records.iter_mut().zip(cells) {
                record.cells.push(Cell { scenario: ids.0.clone(), probe: ids.1.clone(), ..cell.clone() });
            }
        }
        for record in &mut records {
            record.probes = probes.iter().map(|probe| self.probes[*probe].clone()).collect();
        }
        records
    }

    /// The hosts' own records, without verdicts, to be held against each other.
    pub fn named(&self) -> Vec<Named<'_>> {
        self.hosts.iter().map(|host| Named { name: host.name.clone(), record: &host.record }).collect()
    }

    /// What a group is called, by its place: the largest is 1.
    pub fn name(place: usize) -> String {
        format!("group {}", place + 1)
    }

    /// The hosts of a group, by name.
    pub fn names(&self, group: usize) -> impl Iterator<Item = &str> {
        self.groups[group].hosts.iter().map(|host| self.hosts[*host].name.as_str())
    }

    /// How many verdicts all hosts have together.
    pub fn verdicts(&self) -> usize {
        self.groups.iter().map(|group| group.hosts.len() * group.verdicts.len()).sum()
    }
}

/// A scenario and a probe of which two lists have a verdict, with both.
fn both<'a>(one: &'a [Verdict], other: &'a [Verdict]) -> impl Iterator<Item = ((u32, u32), [u32; 2])> + 'a {
    let mut rest = other.iter().peekable();
    one.iter().filter_map(move |(scenario, probe, answer)| {
        let place = (*scenario, *probe);
        while rest.next_if(|(scenario, probe, _)| (*scenario, *probe) < place).is_some() {}
        let (_, _, second) = rest.next_if(|(scenario, probe, _)| (*scenario, *probe) == place)?;
        Some((place, [*answer, *second]))
    })
}

/// The largest group first; the others by how much weaker they are than that.
fn rank(members: Vec<Members>, answers: &[Cell]) -> Vec<Group> {
    let largest =
        (0..members.len()).max_by_key(|place| (members[*place].hosts.len(), std::cmp::Reverse(*place)));
    let Some(largest) = largest else { return Vec::new() };
    let reference = members[largest].verdicts.clone();
    let group = |Members { verdicts, hosts }: Members| {
        let mut against = BTreeMap::new();
        let mut shared = 0;
        for (_, pair) in both(&reference, &verdicts) {
            shared += 1;
            let [one, other] = pair.map(|answer| &answers[answer as usize]);
            let step = if pair[0] == pair[1] { Step::Same } else { Step::between(one, other) };
            *against.entry(step).or_insert(0) += 1;
        }
        let only = [verdicts.len() - shared, reference.len() - shared];
        Group { hosts, verdicts, against, only }
    };
    let mut groups: Vec<Group> = members.into_iter().map(group).collect();
    let first = groups.remove(largest);
    groups.sort_by_key(|group| {
        let of = |step| std::cmp::Reverse(group.steps(step));
        (of(Step::Weaker), of(Step::Another), of(Step::Undecided), of(Step::Stronger))
    });
    groups.insert(0, first);
    groups
}
