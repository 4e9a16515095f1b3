//! What there is to know of each record's host and run, one row a fact, so that a reader sees what could make two
//! verdicts differ.

use crate::capability::CapabilitySet;
use crate::conformance::cells::state;
use crate::mechanism::Mechanism;
use crate::record::Record;

/// One thing to know, record by record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// How it is on each host.
    pub values: Vec<String>,
}

impl Fact {
    /// Whether the hosts differ in it.
    pub fn differs(&self) -> bool {
        self.values.iter().any(|value| *value != self.values[0])
    }
}

type Read = fn(&Record) -> String;

const FACTS: &[(&str, Read)] = &[
    ("System", |record| record.host.system.clone()),
    ("Kernel", |record| record.host.kernel.clone()),
    ("Architecture", |record| record.host.arch.clone()),
    ("Security modules", |record| record.host.lsm.join(", ")),
    ("SELinux", |record| record.host.selinux.clone()),
    ("AppArmor", |record| record.host.apparmor.clone()),
    ("Kernel modules", |record| record.host.modules.clone()),
    ("Lockdown", |record| record.host.lockdown.clone()),
    ("Control groups", |record| record.host.cgroup.clone()),
    ("Run as", |record| record.host.privilege.clone()),
    ("Bounding set", |record| bounding_set(record.host.bounding_set)),
    ("Engine", |record| format!("{} {}", record.engine.name, record.engine.version)),
    ("Place", |record| record.engine.place.clone()),
    ("Filter by default", filter),
    ("Versions", versions),
    ("Kernel trace", |record| record.witness.trace.clone()),
    ("Installed filters read", |record| yes(record.witness.filter)),
    ("Audit records read", |record| yes(record.witness.audit)),
    ("Scenarios run", |record| {
        record.scenarios.iter().filter(|scenario| scenario.not_run.is_none()).count().to_string()
    }),
    ("Probes", |record| record.probes.len().to_string()),
];

/// The facts about these records.
pub(super) fn of(records: &[&Record]) -> Vec<Fact> {
    let fact = |(name, read): &(&'static str, Read)| Fact {
        name,
        values: records.iter().map(|record| read(record)).collect(),
    };
    FACTS.iter().map(fact).collect()
}

/// A host's bounding set by what it lacks: that is shorter, and what matters.
fn bounding_set(set: CapabilitySet) -> String {
    let lacking = CapabilitySet::ALL.without(set);
    let count = set.iter().count();
    if lacking.is_empty() { format!("all {count}") } else { format!("{count}, without {lacking}") }
}

/// The filter of the scenario that asks for nothing; of the first that has one, where that was not run.
fn filter(record: &Record) -> String {
    let first = record.scenarios.iter().find(|scenario| scenario.id == "docker-default");
    first
        .into_iter()
        .chain(&record.scenarios)
        .find_map(|scenario| state(&scenario.posture, Mechanism::Seccomp))
        .unwrap_or("none")
        .to_owned()
}

fn versions(record: &Record) -> String {
    let versions = record.host.versions.iter().map(|one| format!("{} {}", one.name, one.version));
    versions.collect::<Vec<_>>().join(", ")
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}
