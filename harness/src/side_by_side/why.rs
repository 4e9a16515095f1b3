//! Why two records disagree about a place: from what they themselves say of their hosts, engines and containers. A
//! reason is given only for the mechanism by which they differ: that the hosts are different ones is none.

use std::fmt;

use whyblocked_agent::catalogue;

use super::Named;
use crate::capability::{Capability, CapabilitySet};
use crate::conformance::cells::{Cells, held, state};
use crate::conformance::{Pair, Place, known, other_engine};
use crate::mechanism::{self, Mechanism};
use crate::record::{Cell, Outcome, Posture, Proof, Record};

/// A reason: a sentence without its full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why(String);

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Knows the records.
#[derive(Debug)]
pub(super) struct Judge<'b, 'a> {
    records: &'a [Named<'a>],
    cells: &'b [Cells<'a>],
    /// Known reasons between the engines of two records, where they are different ones.
    engines: Vec<Vec<Option<known::Reasons>>>,
}

/// One record at the place.
#[derive(Clone, Copy, Debug)]
struct Side<'a> {
    name: &'a str,
    record: &'a Record,
    cell: &'a Cell,
    posture: &'a [Posture],
}

impl<'a> Side<'a> {
    fn stops(&self, mechanism: Mechanism) -> bool {
        self.cell.blocked_by == Some(mechanism) || self.cell.layers.contains(&mechanism)
    }

    fn state(&self, mechanism: Mechanism) -> Option<&'a str> {
        state(self.posture, mechanism)
    }

    fn lacks(&self, probe: &str) -> CapabilitySet {
        needed(probe).without(self.record.host.bounding_set)
    }

    /// The capabilities that the container had, as its posture says them.
    fn held(&self) -> CapabilitySet {
        held(self.posture, self.record.host.bounding_set)
    }
}

/// The capabilities of which an attempt needs one.
fn needed(probe: &str) -> CapabilitySet {
    let needed = catalogue::find(probe).map_or(&[][..], |probe| probe.capabilities);
    needed.iter().filter_map(|name| Capability::named(name)).collect()
}

impl<'b, 'a> Judge<'b, 'a> {
    pub(super) fn of(records: &'a [Named<'a>], cells: &'b [Cells<'a>]) -> Self {
        let between = |one: &Named<'_>, other: &Named<'_>| {
            let [one, other] = [one.record, other.record];
            other_engine(one, other).then(|| known::Reasons::between([&one.engine, &other.engine]))
        };
        let engines =
            records.iter().map(|one| records.iter().map(|other| between(one, other)).collect()).collect();
        Self { records, cells, engines }
    }

    /// Why these two say different things about a place; nothing if that is not known.
    pub(super) fn why(&self, place: Place<'a>, found: [(usize, &'a Cell); 2]) -> Option<Why> {
        let sides = found.map(|(at, cell)| Side {
            name: &self.records[at].name,
            record: self.records[at].record,
            cell,
            posture: self.cells[at].posture(place.scenario),
        });
        let by_the_engines = || {
            let reasons = self.engines[found[0].0][found[1].0].as_ref()?;
            let pair = Pair { place, cells: sides.map(|side| side.cell), known: None };
            let known = reasons.find(&pair, sides.map(|side| side.posture))?;
            let [one, other] = sides.map(|side| side.record.engine.name.as_str());
            Some(format!("other engines ({one} and {other}): {}", known.why))
        };
        let found = undecided(place, sides).or_else(by_the_engines).or_else(|| seen(sides));
        found.or_else(|| stopped(place, sides)).map(Why)
    }
}

/// Each order of the sides: what holds of the first of them because the second is otherwise.
fn either<'a>(sides: [Side<'a>; 2], say: impl Fn(Side<'a>, Side<'a>) -> Option<String>) -> Option<String> {
    say(sides[0], sides[1]).or_else(|| say(sides[1], sides[0]))
}

/// Where a side came to no answer: its own reason is the reason.
fn undecided(place: Place<'_>, sides: [Side<'_>; 2]) -> Option<String> {
    if let Some(broken) = sides.iter().find(|side| side.cell.outcome == Outcome::Broken) {
        return Some(format!(
            "the experiment itself failed on {}: that says nothing of the host",
            broken.name
        ));
    }
    either(sides, |one, other| {
        let reason = one.cell.reason.as_deref()?;
        if one.cell.outcome != Outcome::Untestable || other.cell.outcome == Outcome::Untestable {
            return None;
        }
        if let Some(without) = without_module(place.probe, one, other) {
            return Some(without);
        }
        let name = one.name;
        let lacking = one.lacks(place.probe).without(other.lacks(place.probe));
        Some(match serde_json::from_value::<Mechanism>(reason.into()) {
            Ok(Mechanism::Kernel) => format!(
                "the kernel of {name} has not, or does not show, what is tried: it cannot be tested there, whatever the settings"
            ),
            Ok(Mechanism::Capabilities) if !lacking.is_empty() => format!(
                "{name} itself lacks {lacking}, which is not in its bounding set: it cannot be tested there"
            ),
            Ok(mechanism) => format!("on {name} it is stopped whatever the settings, by {mechanism}"),
            Err(_) => return None,
        })
    })
}

/// A probe that is about a security module's own doings, on a host that has no such module.
fn without_module(probe: &str, one: Side<'_>, other: Side<'_>) -> Option<String> {
    let family = probe.split('-').next()?;
    let [here, there] = [one, other].map(|side| module(side.record, family));
    (here? == "absent" && there? != "absent").then(|| {
        let title = if family == "selinux" { "SELinux" } else { "AppArmor" };
        format!(
            "the kernel of {} runs without {title}; on {} it is {}",
            one.name,
            other.name,
            there.unwrap_or("")
        )
    })
}

fn module<'a>(record: &'a Record, id: &str) -> Option<&'a str> {
    match id {
        "selinux" => Some(&record.host.selinux),
        "apparmor" => Some(&record.host.apparmor),
        _ => None,
    }
}

/// Where mechanisms stop it on one side and not on the other: a reason for each of them, or there is none.
fn stopped(place: Place<'_>, sides: [Side<'_>; 2]) -> Option<String> {
    // Which check answers for a layer is not always the layer's own: it counts where the layers are the same.
    let by_layers = differing(sides, |side, mechanism| side.cell.layers.contains(&mechanism));
    let differing = if by_layers.is_empty() { differing(sides, Side::stops) } else { by_layers };
    let reasons: Vec<String> = differing
        .into_iter()
        .map(|(mechanism, one, other)| by_mechanism(place, mechanism, one, other))
        .collect::<Option<_>>()?;
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The mechanisms that stop only one of two sides: that side, and the other.
fn differing<'a>(
    sides: [Side<'a>; 2],
    stops: impl Fn(&Side<'a>, Mechanism) -> bool,
) -> Vec<(Mechanism, Side<'a>, Side<'a>)> {
    let [one, other] = sides;
    let order = |mechanism| match (stops(&one, mechanism), stops(&other, mechanism)) {
        (true, false) => Some((mechanism, one, other)),
        (false, true) => Some((mechanism, other, one)),
        _ => None,
    };
    mechanism::ALL.iter().filter_map(|entry| order(entry.id)).collect()
}

/// Where the same mechanisms stop it, each as much as on the other side, and only the check that was seen to answer is
/// another: what a trace can see is not the same on every kernel.
fn seen(sides: [Side<'_>; 2]) -> Option<String> {
    let [one, other] =
        sides.map(|side| (side.cell.outcome, &side.cell.layers, &side.cell.opens, &side.cell.errno));
    let [trace, elsewhere] = sides.map(|side| side.record.witness.trace.as_str());
    let conflict = sides.iter().any(|side| side.cell.proof == Some(Proof::Conflict));
    (one == other && trace != elsewhere && !conflict).then(|| {
        format!(
            "the same layers stop it; which check answered is read from the kernel's trace, and that of {} ({trace}) shows others \
             than that of {} ({elsewhere})",
            sides[0].name, sides[1].name
        )
    })
}

fn by_mechanism(place: Place<'_>, mechanism: Mechanism, one: Side<'_>, other: Side<'_>) -> Option<String> {
    let (name, elsewhere) = (one.name, other.name);
    let [host, there] = [&one.record.host, &other.record.host];
    match mechanism {
        Mechanism::Selinux | Mechanism::Apparmor => {
            let id = mechanism.id();
            let [here, there] = [module(one.record, &id)?, module(other.record, &id)?];
            if here != there {
                let title = mechanism.entry().title;
                return Some(format!(
                    "{title} answers on {name}: it is {here} there, and {there} on {elsewhere}"
                ));
            }
        }
        Mechanism::Capabilities => {
            let more = one.lacks(place.probe).without(other.lacks(place.probe));
            if !more.is_empty() {
                return Some(format!("the bounding set of {name} lacks {more}, and so do its containers"));
            }
            // That the lists differ in something else explains nothing.
            let more = other.held().without(one.held()).and(needed(place.probe));
            return (!more.is_empty())
                .then(|| format!("the container of {name} has not {more}, and that of {elsewhere} has"));
        }
        // The host's own: no setting of a container turns them.
        Mechanism::Yama | Mechanism::Landlock | Mechanism::Lockdown => {
            let id = mechanism.id();
            let title = mechanism.entry().title;
            let has = |side: Side<'_>| side.record.host.lsm.contains(&id);
            if has(one) != has(other) {
                return Some(format!(
                    "{title} is among the security modules of {name}, and not of {elsewhere}"
                ));
            }
            if mechanism == Mechanism::Lockdown && host.lockdown != there.lockdown {
                return Some(format!(
                    "{title} is {} on {name}, and {} on {elsewhere}",
                    host.lockdown, there.lockdown
                ));
            }
        }
        Mechanism::Sysctl if (&host.kernel, &host.system) != (&there.kernel, &there.system) => {
            return Some(format!(
                "a parameter of the host's kernel says no on {name} (Linux {}, {}), and not on {elsewhere}",
                host.kernel, host.system
            ));
        }
        Mechanism::Kernel if host.kernel != there.kernel => {
            return Some(format!(
                "the kernel of {name} has not what is tried, and that of {elsewhere} has it"
            ));
        }
        _ => {}
    }
    stood(mechanism, one, other).or_else(|| other_groups(place.probe, one, other))
}

/// A probe that is about control groups, on hosts with others.
fn other_groups(probe: &str, one: Side<'_>, other: Side<'_>) -> Option<String> {
    let [here, there] = [one, other].map(|side| side.record.host.cgroup.as_str());
    (probe.starts_with("cgroup-") && here != there).then(|| {
        format!(
            "what is tried are control groups, and those are {here} on {}, and {there} on {}: other mounts, with other files and owners",
            one.name, other.name
        )
    })
}

/// Where the mechanism itself stood differently in the two containers.
fn stood(mechanism: Mechanism, one: Side<'_>, other: Side<'_>) -> Option<String> {
    let [here, there] = [one.state(mechanism), other.state(mechanism)];
    if here == there {
        return None;
    }
    let (title, name, elsewhere) = (mechanism.entry().title, one.name, other.name);
    let cgroups = [&one.record.host.cgroup, &other.record.host.cgroup];
    let why = match mechanism {
        Mechanism::DeviceCgroup | Mechanism::ResourceLimit | Mechanism::CgroupNamespace
            if cgroups[0] != cgroups[1] =>
        {
            format!(" (control groups: {} and {})", cgroups[0], cgroups[1])
        }
        _ => String::new(),
    };
    Some(match (here, there) {
        (Some(_), None) => format!("{title} is on in the container of {name}, and off on {elsewhere}{why}"),
        _ if mechanism == Mechanism::Seccomp => format!(
            "the filters are different: {} on {name}, {} on {elsewhere}",
            here.unwrap_or("none"),
            there.unwrap_or("none")
        ),
        _ => format!("{title} stood otherwise in the container of {name} than on {elsewhere}{why}"),
    })
}
