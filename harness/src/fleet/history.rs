//! The same host on several days: which records are of one host, and what became of its verdicts from one to the next.
//!
//! No record says which host it is of: a name would tell strangers of it. Records are of the same *kind* of host if engine,
//! place, privilege, architecture, SELinux and `AppArmor` are the same; kernel, system and versions may change with time. Of
//! these, the records of one host are those whose files are called the same but for a date, or but for the folder. Where no two
//! are, and there are only as few records as one book shows side by side, or they are all of one kind and each is of another
//! day, the kind alone has to do. It must not take hosts of one evening for days of one host.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fleet, MOST_SIDE_BY_SIDE, Step, both};
use crate::record::{Cell, Outcome, Record};

/// One host's records.
#[derive(Debug, PartialEq, Eq)]
pub struct Series {
    /// What its files are called; empty if that says nothing.
    pub name: String,
    /// What kind of host it is, in words.
    pub kind: String,
    /// The records, by their places among the hosts, the oldest first. No two began in the same second.
    pub points: Vec<usize>,
}

/// How a record's verdicts are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that were stopped.
    pub blocked: usize,
    /// Attempts that got through.
    pub through: usize,
    /// Attempts that could not be tested, or whose experiment failed.
    pub no_answer: usize,
}

/// A verdict that is not what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changed<'a> {
    /// The scenario, by its place.
    pub scenario: usize,
    /// The probe, by its place.
    pub probe: usize,
    /// What became of it.
    pub step: Step,
    /// What it was, and what it is.
    pub cells: [&'a Cell; 2],
}

const DAY: u64 = 24 * 60 * 60;

/// The hosts of which there are several records.
pub fn series(fleet: &Fleet) -> Vec<Series> {
    let mut kinds: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, host) in fleet.hosts.iter().enumerate() {
        kinds.entry(kind(&host.record)).or_default().push(place);
    }
    let only_one = kinds.len() == 1;
    let mut found = Vec::new();
    for (kind, hosts) in kinds {
        let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for host in &hosts {
            names.entry(undated(&fleet.hosts[*host].name)).or_default().push(*host);
        }
        let of = |(name, hosts): (String, Vec<usize>)| {
            let points = by_time(fleet, &hosts);
            (points.len() > 1).then(|| Series { name, kind: kind.clone(), points })
        };
        let named: Vec<Series> = names.into_iter().filter_map(of).collect();
        let days: BTreeSet<u64> = hosts.iter().map(|host| fleet.hosts[*host].record.started / DAY).collect();
        let few = fleet.hosts.len() <= MOST_SIDE_BY_SIDE;
        if named.is_empty() && (few || only_one && days.len() == hosts.len()) {
            found.extend(of((String::new(), hosts)));
        }
        found.extend(named);
    }
    found
}

fn by_time(fleet: &Fleet, hosts: &[usize]) -> Vec<usize> {
    let mut points = hosts.to_vec();
    let started = |host: &usize| fleet.hosts[*host].record.started;
    points.sort_by_key(started);
    points.dedup_by_key(|host| started(host));
    points
}

/// What a host is, as far as time does not change it.
fn kind(record: &Record) -> String {
    let Record { host, engine, .. } = record;
    let place = if engine.place == "here" { String::new() } else { format!(" in {}", engine.place) };
    format!(
        "{}{place} as {}, {}, SELinux {}, AppArmor {}{}",
        engine.name,
        host.privilege,
        host.arch,
        host.selinux,
        host.apparmor,
        if host.disposable { ", disposable" } else { "" }
    )
}

/// A record's name without its folder, its number among those that are called the same, and without date and time.
fn undated(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = match name.rsplit_once(" (") {
        Some((before, number)) if number.strip_suffix(')').is_some_and(digits) => before,
        _ => name,
    };
    // `2026-11-25T03:00:00Z` falls into numbers too.
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        match part.trim_end_matches('Z').split_once('T') {
            Some((day, time)) if digits(day) && digits(time) => parts.extend([day, time]),
            _ if digits(part.trim_end_matches('Z')) => parts.push(part.trim_end_matches('Z')),
            _ => parts.push(part),
        }
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut rest = &parts[..];
    while let [first, after @ ..] = rest {
        rest = after;
        let year = |part: &str| part.starts_with("19") || part.starts_with("20");
        let long = |part: &&str, length: usize| digits(part) && part.len() == length;
        match after {
            [month, day, ..] if long(first, 4) && year(first) && long(month, 2) && long(day, 2) => {
                rest = &after[2..];
            }
            // A day in one word, or seconds since 1970.
            _ if long(first, 8) && year(first) || long(first, 10) => {}
            _ => {
                kept.push(first);
                continue;
            }
        }
        while let [time, after @ ..] = rest
            && [2, 4, 6].iter().any(|length| long(time, *length))
        {
            rest = after;
        }
    }
    kept.join("-")
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Series {
    /// How each record's verdicts are divided, in a scenario or in all.
    pub fn counts(&self, fleet: &Fleet, scenario: Option<usize>) -> Vec<Counts> {
        let of = |host: &usize| {
            let mut counts = Counts::default();
            for (place, _, answer) in &fleet.groups[fleet.hosts[*host].group].verdicts {
                if scenario.is_some_and(|scenario| scenario != *place as usize) {
                    continue;
                }
                match fleet.answers[*answer as usize].outcome {
                    Outcome::Blocked => counts.blocked += 1,
                    Outcome::Allowed => counts.through += 1,
                    Outcome::Untestable | Outcome::Broken => counts.no_answer += 1,
                }
            }
            counts
        };
        self.points.iter().map(of).collect()
    }

    /// What changed between each record and the next, the weaker first.
    pub fn changes<'a>(&self, fleet: &'a Fleet) -> Vec<Vec<Changed<'a>>> {
        self.points.windows(2).map(|pair| changes(fleet, [pair[0], pair[1]])).collect()
    }
}

/// What changed between these two hosts.
fn changes(fleet: &Fleet, hosts: [usize; 2]) -> Vec<Changed<'_>> {
    let [before, now] = hosts.map(|host| &fleet.groups[fleet.hosts[host].group].verdicts);
    let mut changes = Vec::new();
    for ((scenario, probe), answers) in both(before, now).filter(|(_, [before, now])| before != now) {
        let cells = answers.map(|answer| &fleet.answers[answer as usize]);
        let step = Step::between(cells[0], cells[1]);
        if step != Step::Same {
            changes.push(Changed { scenario: scenario as usize, probe: probe as usize, step, cells });
        }
    }
    changes.sort_by_key(|change| change.step);
    changes
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::fleet::Reduced;
    use crate::mechanism::Mechanism;
    use crate::testing::record;

    #[rstest]
    #[case("web-1", "web-1")]
    #[case("web-1-2026-11-25", "web-1")]
    #[case("2026-11-25-web-1", "web-1")]
    #[case("web_20261125", "web")]
    #[case("web-2026-11-25T03:00:00Z", "web")]
    #[case("web.2026-11-25_03-00", "web")]
    #[case("web-1795479382", "web")]
    #[case("monday/web-1", "web-1")]
    #[case("web-1 (2)", "web-1")]
    #[case("2026-11-25", "")]
    #[case("rack-2026-web", "rack-2026-web")]
    #[case("", "")]
    fn a_name_without_its_date(#[case] name: &str, #[case] undated_name: &str) {
        assert_eq!(undated(name), undated_name);
    }

    /// Records called so, begun at these hours, each blocked by so many layers.
    fn fleet(records: &[(&str, u64, &[Mechanism])]) -> Fleet {
        let of = |(name, hour, layers): &(&str, u64, &[Mechanism])| {
            let outcome = if layers.is_empty() { Outcome::Allowed } else { Outcome::Blocked };
            let mut record = record().with_cells(&[
                ("docker-default", "time-settimeofday", outcome, layers),
                ("docker-default", "time-adjtimex", Outcome::Allowed, &[]),
                ("cap-drop-all", "time-adjtimex", Outcome::Untestable, &[]),
            ]);
            record.started = hour * 60 * 60;
            ((*name).to_owned(), Reduced::of(&record))
        };
        Fleet::with_names(records.iter().map(of), Vec::new())
    }

    const NONE: &[Mechanism] = &[];

    #[rstest]
    #[case::before_and_after(&[("before", 1, NONE), ("after", 2, NONE)], &[" [0, 1]"])]
    #[case::the_oldest_first(&[("b", 2, NONE), ("a", 1, NONE)], &[" [1, 0]"])]
    #[case::one_and_the_same(&[("a", 1, NONE), ("b", 1, NONE)], &[])]
    #[case::by_name(&[("web-2026-11-01", 1, NONE), ("db-2026-11-01", 2, NONE), ("web-2026-11-02", 30, NONE)], &["web [0, 2]"])]
    fn which_records_are_of_one_host(
        #[case] records: &[(&str, u64, &[Mechanism])],
        #[case] expected: &[&str],
    ) {
        let found = series(&fleet(records));
        let found: Vec<String> = found.iter().map(|one| format!("{} {:?}", one.name, one.points)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn many_hosts_of_one_evening_are_no_history_and_many_days_of_one_kind_are() {
        let names: Vec<String> = (0..20).map(|number| format!("h{number}")).collect();
        let evening: Vec<_> =
            names.iter().zip(0..).map(|(name, hour)| (name.as_str(), hour / 2, NONE)).collect();
        assert_eq!(series(&fleet(&evening)), []);
        let days: Vec<_> = names.iter().zip(0..).map(|(name, day)| (name.as_str(), day * 24, NONE)).collect();
        assert_eq!(series(&fleet(&days)).len(), 1);
    }

    #[test]
    fn another_kind_of_host_is_another_host() {
        let mut fleet = fleet(&[("a", 1, NONE), ("b", 2, NONE)]);
        fleet.hosts[1].record.host.selinux = "enforcing".to_owned();
        assert_eq!(series(&fleet), []);
        fleet.hosts[1].record.host.selinux = "absent".to_owned();
        fleet.hosts[1].record.host.kernel = "7.0".to_owned();
        assert_eq!(series(&fleet).len(), 1, "the kernel is what may have changed");
    }

    #[test]
    fn counts_and_changes_from_record_to_record() {
        let both = &[Mechanism::Seccomp, Mechanism::Capabilities];
        let fleet = fleet(&[("1", 1, both), ("2", 2, &both[..1]), ("3", 3, NONE), ("4", 4, NONE)]);
        let found = series(&fleet);
        let counts = |blocked, through, no_answer| Counts { blocked, through, no_answer };
        assert_eq!(
            found[0].counts(&fleet, None),
            [counts(1, 1, 1), counts(1, 1, 1), counts(0, 2, 1), counts(0, 2, 1)]
        );
        assert_eq!(found[0].counts(&fleet, Some(1))[0], counts(0, 0, 1));
        let steps: Vec<Vec<Step>> = found[0]
            .changes(&fleet)
            .iter()
            .map(|changes| changes.iter().map(|change| change.step).collect())
            .collect();
        assert_eq!(steps, [vec![Step::Weaker], vec![Step::Weaker], vec![]]);
    }
}
