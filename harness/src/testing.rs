//! For unit tests: built-in scenarios as a host with everything would see them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use whyblocked_agent::Effect;

use crate::capability::CapabilitySet;
use crate::engine::About;
use crate::host::{Host, Reach};
use crate::mechanism::Mechanism;
use crate::record::{Cell, FORMAT, Outcome, Posture, ProbeEntry, Record, ScenarioEntry, Timing, Witness};
use crate::scenario::defaults::Defaults;
use crate::scenario::{self, Context};
use crate::seccomp::DefaultProfile;
use crate::settings::Settings;

/// Root on a host with SELinux and `AppArmor`.
pub(crate) const ROOT: Reach = Reach {
    privileged: true,
    bounding_set: CapabilitySet::ALL,
    many_ids: true,
    control_groups: true,
    selinux: true,
    apparmor: true,
    disposable: false,
};

/// A host that loads modules.
pub(crate) fn host() -> Host {
    Host {
        kernel: "6.12.0".to_owned(),
        arch: "x86_64".to_owned(),
        system: "Test".to_owned(),
        lsm: Vec::new(),
        selinux: "absent".to_owned(),
        apparmor: "absent".to_owned(),
        modules: "loadable".to_owned(),
        lockdown: "none".to_owned(),
        cgroup: "v2".to_owned(),
        privilege: "root".to_owned(),
        disposable: false,
        bounding_set: CapabilitySet::ALL,
        versions: Vec::new(),
    }
}

/// A built-in scenario's settings, if it can be run by the built-in engine.
pub(crate) fn try_settings(id: &str) -> Option<Settings> {
    let host = host();
    let defaults = Defaults::docker(DefaultProfile::Docker26);
    let context = Context { host: &host, reach: &ROOT, defaults: &defaults, docker: false };
    let scenarios = scenario::select(&[id.to_owned()]).unwrap();
    scenarios[0].resolve(&context).unwrap().settings().ok()
}

/// A built-in scenario's settings.
pub(crate) fn settings(id: &str) -> Settings {
    try_settings(id).unwrap()
}

/// A record of a run on [`host`], without a scenario or a probe.
pub(crate) fn record() -> Record {
    Record {
        format: FORMAT.to_owned(),
        started: 1_795_479_382,
        host: host(),
        engine: About { name: "embedded".to_owned(), version: "0.1.0".to_owned(), place: "here".to_owned() },
        witness: Witness { trace: "none".to_owned(), filter: true, audit: true, reason: String::new() },
        scenarios: Vec::new(),
        probes: Vec::new(),
        cells: Vec::new(),
        tried: None,
        timing: Timing::default(),
        left_out: Vec::new(),
        cut_short: None,
    }
}

/// A verdict about an attempt to set the clock.
pub(crate) fn cell(outcome: Outcome, by: Option<Mechanism>) -> Cell {
    let layers: Vec<Mechanism> = by.into_iter().collect();
    let record = record().with_scenario("scenario", &[]).with_cell("time-settimeofday", outcome, &layers);
    record.cells.into_iter().next().expect("one was added")
}

/// Builders, for tests that are about records.
impl Record {
    /// With a scenario in which these mechanisms stood so.
    #[must_use]
    pub(crate) fn with_scenario(mut self, id: &str, posture: &[(Mechanism, &str)]) -> Self {
        let posture = posture
            .iter()
            .map(|(mechanism, state)| Posture { mechanism: *mechanism, state: (*state).to_owned() })
            .collect();
        self.scenarios.push(ScenarioEntry {
            id: id.to_owned(),
            title: id.to_owned(),
            teaches: "what a test needs".to_owned(),
            settings: BTreeMap::new(),
            posture,
            notes: Vec::new(),
            not_run: None,
            refused: None,
        });
        self
    }

    /// With a scenario that was not run for this reason.
    #[must_use]
    pub(crate) fn with_not_run(self, id: &str, why: &str) -> Self {
        let mut record = self.with_scenario(id, &[]);
        record.last_scenario().not_run = Some(why.to_owned());
        record
    }

    /// With a scenario that the engine refused in these words.
    #[must_use]
    pub(crate) fn with_refused(self, id: &str, said: &str) -> Self {
        let mut record = self.with_not_run(id, &format!("Docker refuses it: {said}"));
        record.last_scenario().refused = Some(said.to_owned());
        record
    }

    /// The scenario that was added last.
    pub(crate) fn last_scenario(&mut self) -> &mut ScenarioEntry {
        self.scenarios.last_mut().expect("a scenario was added before")
    }

    /// With a verdict about a probe in the scenario that was added last.
    #[must_use]
    pub(crate) fn with_cell(mut self, probe: &str, outcome: Outcome, layers: &[Mechanism]) -> Self {
        if !self.probes.iter().any(|known| known.id == probe) {
            self.probes.push(ProbeEntry {
                id: probe.to_owned(),
                family: probe.split('-').next().unwrap_or(probe).to_owned(),
                title: probe.to_owned(),
                calls: Vec::new(),
                effect: Effect::Harmless,
            });
        }
        let blocked = outcome == Outcome::Blocked;
        let scenario = self.last_scenario().id.clone();
        self.cells.push(Cell {
            scenario,
            probe: probe.to_owned(),
            outcome,
            call: Some("openat".to_owned()),
            errno: blocked.then(|| "EPERM".to_owned()),
            blocked_by: layers.first().copied().filter(|_| blocked),
            layers: if blocked { layers.to_vec() } else { Vec::new() },
            opens: if blocked { vec![layers.to_vec()] } else { Vec::new() },
            depth: blocked.then_some(layers.len() as u32),
            evidence: Vec::new(),
            proof: None,
            unconfirmed: None,
            reason: (outcome == Outcome::Untestable)
                .then(|| layers.first().map_or_else(|| "kernel".to_owned(), |one| one.id())),
            note: None,
            violations: Vec::new(),
        });
        self
    }

    /// With these verdicts about a probe, in scenarios of its own.
    #[must_use]
    pub(crate) fn with_cells(self, cells: &[(&str, &str, Outcome, &[Mechanism])]) -> Self {
        cells.iter().fold(self, |record, (scenario, probe, outcome, layers)| {
            let known = record.scenarios.last().is_some_and(|last| last.id == *scenario);
            let record = if known { record } else { record.with_scenario(scenario, &[]) };
            record.with_cell(probe, *outcome, layers)
        })
    }
}

/// Texts of a corpus with a piece cut out, put in, or said twice: what a careless or hostile writer would send.
pub(crate) fn damaged(corpus: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\x00".to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just("\u{202e}".as_bytes().to_vec()),
        Just(b"[[[[[[[[".to_vec()),
        Just(b"-9223372036854775809".to_vec()),
        Just(b"&a [*a, *a]".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    let place = 0usize..1 << 20;
    (proptest::sample::select(corpus), place.clone(), place, piece, any::<bool>()).prop_map(
        |(text, from, length, piece, twice)| {
            let bytes = text.as_bytes();
            let from = from % (bytes.len() + 1);
            let to = from + length % (bytes.len() - from + 1);
            let mut damaged = bytes[..from].to_vec();
            damaged.extend(piece);
            if twice {
                damaged.extend(&bytes[from..to]);
                damaged.extend(&bytes[from..]);
            } else {
                damaged.extend(&bytes[to..]);
            }
            damaged
        },
    )
}
