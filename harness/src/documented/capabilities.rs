//! The manual's two tables of capabilities, those that a container keeps by default and those that it does not get, against
//! probes that need exactly one of them, and against the set that the containers of a record were given.

use whyblocked_agent::catalogue;

use super::calls::stopped_by;
use super::{SCENARIO, Source, elsewhere};
use crate::capability::Capability;
use crate::claims::Said;
use crate::conformance::Place;
use crate::conformance::cells::{Cells, Found, held};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record};

/// Where the manual has the tables.
pub const SOURCE: Source = Source {
    title: "Running containers: runtime privilege and Linux capabilities",
    url: "https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities",
    version: "https://github.com/docker/cli/blob/d5b327258fd41367accc3a27008994d1a67087e5/docs/reference/run.md",
};

/// Those that the manual says are kept by default, in its order.
pub(super) const KEPT: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// Those that it says are not granted by default, in its order.
pub(super) const NOT_GRANTED: [&str; 27] = [
    "CAP_AUDIT_CONTROL",
    "CAP_AUDIT_READ",
    "CAP_BLOCK_SUSPEND",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
    "CAP_DAC_READ_SEARCH",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_LEASE",
    "CAP_LINUX_IMMUTABLE",
    "CAP_MAC_ADMIN",
    "CAP_MAC_OVERRIDE",
    "CAP_NET_ADMIN",
    "CAP_NET_BROADCAST",
    "CAP_PERFMON",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_NICE",
    "CAP_SYS_PACCT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
];

/// A capability, and what was seen of it.
#[derive(Debug)]
pub struct CapabilityRow<'a> {
    /// Its kernel name.
    pub name: &'static str,
    /// Whether the manual says that a container keeps it by default.
    pub kept: bool,
    /// What each record shows.
    pub seen: Vec<Seen<'a>>,
}

/// What a record shows of a capability.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Whether it is as the manual says.
    pub said: Said,
    /// What that rests on, or why nothing was seen.
    pub words: String,
    /// The verdicts that it rests on.
    pub cells: Vec<&'a Cell>,
}

/// The tables, row by row: what is kept, then what is not.
pub(super) fn rows<'a>(records: &[(&'a Record, Cells<'a>)]) -> Vec<CapabilityRow<'a>> {
    let tables = KEPT.iter().map(|name| (*name, true)).chain(NOT_GRANTED.iter().map(|name| (*name, false)));
    let row = |(name, kept)| CapabilityRow {
        name,
        kept,
        seen: records.iter().map(|(record, cells)| seen(name, kept, record, cells)).collect(),
    };
    tables.map(row).collect()
}

fn seen<'a>(name: &'static str, kept: bool, record: &Record, cells: &Cells<'a>) -> Seen<'a> {
    let unseen = |words: String| Seen { said: Said::Unseen, words, cells: Vec::new() };
    if let Some(why) = elsewhere(record) {
        return unseen(why);
    }
    let Some(entry) = cells.scenario(SCENARIO) else {
        return unseen(format!("{SCENARIO} is not in this record"));
    };
    if let Some(why) = &entry.not_run {
        return unseen(format!("{SCENARIO} was not run: {why}"));
    }
    let Some(capability) = Capability::named(name) else { return unseen("an unknown capability".to_owned()) };
    if kept && !record.host.bounding_set.has(capability) {
        return unseen("the host itself lacks it".to_owned());
    }
    let tried = shown(&about(name, cells));
    let has = held(&entry.posture, record.host.bounding_set).has(capability);
    let given = if has { "in the set that the container was given" } else { "not in that set" };
    let as_said = |has| if has == kept { Said::Yes } else { Said::No };
    match tried {
        // The kernel may not have asked: seen for real, so that it contradicts nothing.
        Some((true, cells)) if !has => Seen {
            said: Said::Unseen,
            words: "it gets through, and the container was not given the capability".to_owned(),
            cells,
        },
        Some((held, cells)) => Seen { said: as_said(held), words: given.to_owned(), cells },
        None => Seen { said: as_said(has), words: format!("no probe tells; {given}"), cells: Vec::new() },
    }
}

/// The decided verdicts about probes that need this capability, and whether it is the only one that would do.
fn about<'a>(name: &str, cells: &Cells<'a>) -> Vec<(&'a Cell, bool)> {
    catalogue::all()
        .filter(|probe| probe.capabilities.contains(&name))
        .filter_map(|probe| match cells.found(Place { scenario: SCENARIO, probe: probe.id }) {
            Found::Verdict(cell) if matches!(cell.outcome, Outcome::Allowed | Outcome::Blocked) => {
                Some((cell, probe.capabilities.len() == 1))
            }
            _ => None,
        })
        .collect()
}

/// Whether a capability is held, and the verdicts that show it. That capabilities stop an attempt shows that none of those
/// is held which would do, whatever else gets through: there the kernel may not have asked. Where none is stopped, what
/// gets through and takes this one alone shows that it is held.
fn shown<'a>(about: &[(&'a Cell, bool)]) -> Option<(bool, Vec<&'a Cell>)> {
    let cells = |shows: &dyn Fn(&Cell, bool) -> bool| {
        let shown = about.iter().filter(|(cell, alone)| shows(cell, *alone));
        shown.map(|(cell, _)| *cell).collect::<Vec<&Cell>>()
    };
    let stopped = cells(&|cell, _| stopped_by(cell, Mechanism::Capabilities));
    if !stopped.is_empty() {
        return Some((false, stopped));
    }
    let through = cells(&|cell, alone| alone && cell.outcome == Outcome::Allowed);
    (!through.is_empty()).then_some((true, through))
}
