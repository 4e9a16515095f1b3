//! One container for each of some settings, and what gets through in it: no search, no witness, no verdict. For telling
//! what a change of settings closes, which an attempt that has got through before is enough for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use whyblocked_agent::{Outcome as Seen, Probe};

use super::laboratory::Laboratory;
use super::{Event, Tell};
use crate::engine::Engine;
use crate::settings::Settings;

/// How each attempt ended in one container; or why that proves nothing.
pub type Ended = Result<BTreeMap<&'static str, Seen>, String>;

/// Runs every probe once under each of the settings. Equal settings share a container.
pub fn compare<B: Send>(
    engine: &dyn Engine,
    settings: &[Settings],
    probes: &[&'static Probe],
    tell: &Tell<'_, B>,
) -> ControlFlow<B, Vec<Ended>> {
    if settings.is_empty() {
        return ControlFlow::Continue(Vec::new());
    }
    let mut laboratory = Laboratory::default();
    let trials: Vec<usize> = settings.iter().map(|one| laboratory.trial_with(one.clone())).collect();
    let mut different = trials.clone();
    different.sort_unstable();
    different.dedup();
    let wanted: Vec<_> = different.into_iter().map(|trial| (trial, probes.to_vec())).collect();
    tell(Event::Compared { containers: wanted.len() })?;
    laboratory.run(engine, &wanted, None, tell)?;
    ControlFlow::Continue(trials.into_iter().map(|trial| laboratory.ended(trial)).collect())
}
