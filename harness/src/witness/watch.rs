//! Watching containers: what a run has to watch with, and what it saw of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use whyblocked_agent::{Aim, catalogue};

use super::audit::{self, Audit};
use super::filter::{self, Stack};
use super::outside::{Counts, Look};
use super::trace::{self, Circumstances, Losses, Trace, Traced};
use super::{Finding, Scene};
use crate::engine::{Canary, Standing, Watch};
use crate::record;

/// What a run watches with. A witness that cannot take part says why, once, and the run goes on without it.
#[derive(Debug)]
pub struct Witnesses {
    trace: Result<Trace, String>,
    audit: Result<Audit, String>,
    /// Why no filter could be read, once one was tried.
    filter: Mutex<Option<Result<(), String>>>,
    counter: AtomicU64,
    absent: bool,
}

impl Witnesses {
    /// No witness at all: for measuring what they cost, and for engines without containers.
    pub fn none() -> Self {
        let why = || "no witness was wanted".to_owned();
        Self {
            trace: Err(why()),
            audit: Err(why()),
            filter: Mutex::new(Some(Err(why()))),
            counter: AtomicU64::new(0),
            absent: true,
        }
    }

    /// Sets up what this process may use; what it leaves in the kernel is called by the run's name.
    pub fn set_up(run: &str) -> Self {
        Self {
            trace: Trace::open(run),
            audit: Audit::open(),
            filter: Mutex::new(None),
            counter: AtomicU64::new(0),
            absent: false,
        }
    }

    /// Whether there is any.
    pub fn any(&self) -> bool {
        !self.absent
    }

    /// Does `work` while watching: once a run.
    pub fn watching<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.trace {
            Ok(trace) => trace.follow(work),
            Err(_) => work(),
        }
    }

    /// One who watches the next container, in which `probes` will run in this order; nobody if there are none.
    pub fn observer<'a>(&'a self, probes: &'a [&'static str]) -> Option<Observer<'a>> {
        if let Ok(audit) = &self.audit {
            // The socket's queue has room for what this container leaves.
            audit.read();
        }
        (!self.absent).then(|| Observer {
            witnesses: self,
            number: self.counter.fetch_add(1, Ordering::Relaxed),
            probes,
            losses: self.trace.as_ref().ok().map(Trace::losses),
            seen: Mutex::default(),
        })
    }

    /// Which of them took part, and why the others did not: for the record.
    pub fn took_part(&self) -> record::Witness {
        let filter = self.filter.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut reasons: Vec<String> = Vec::new();
        if let Err(why) = &self.trace {
            reasons.push(format!("trace: {why}"));
        }
        match &filter {
            Some(Err(why)) => reasons.push(format!("filter: {why}")),
            None => reasons.push("filter: no container was watched".to_owned()),
            Some(Ok(())) => {}
        }
        if let Err(why) = &self.audit {
            reasons.push(format!("audit: {why}"));
        }
        if let Ok(trace) = &self.trace
            && trace.functions() == 0
        {
            reasons.push(
                "trace: this kernel has no kprobes, so only system calls and capability checks show"
                    .to_owned(),
            );
        }
        record::Witness {
            trace: self.trace.as_ref().map_or("none", Trace::kind).to_owned(),
            filter: matches!(filter, Some(Ok(()))),
            audit: self.audit.is_ok(),
            reason: reasons.join("; "),
        }
    }
}

/// Watches one container.
#[derive(Debug)]
pub struct Observer<'a> {
    witnesses: &'a Witnesses,
    number: u64,
    probes: &'a [&'static str],
    losses: Option<Losses>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    look: Option<Look>,
    counts: Counts,
    filters: Option<Stack>,
}

impl Watch for Observer<'_> {
    fn number(&self) -> u64 {
        self.number
    }

    fn standing(&self, container: &Standing<'_>) {
        let aims: BTreeSet<Aim> = self
            .probes
            .iter()
            .filter_map(|id| catalogue::find(id))
            .flat_map(|probe| probe.aims)
            .copied()
            .collect();
        if let (true, Ok(trace)) = (container.foreign, &self.witnesses.trace) {
            trace.follow_too(container.pid);
        }
        let look = Look::at(container, &aims);
        let filters = filter::dump(container.pid);
        *self.witnesses.filter.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(filters.as_ref().map(|_| ()).map_err(Clone::clone));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.look = Some(look);
        seen.filters = filters.ok();
    }

    fn unseen(&self, why: &str) {
        *self.witnesses.filter.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(why.to_owned()));
    }

    fn ended(&self, container: &Standing<'_>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).counts = Counts::read(container);
    }
}

impl Observer<'_> {
    /// What was seen, now that the container has ended.
    pub fn finish(self, canaries: Vec<Canary>) -> Watched {
        let traced = self.witnesses.trace.as_ref().ok().zip(self.losses);
        let traced = traced.map(|(trace, losses)| (trace.finish(self.number, losses), trace.functions()));
        let records = self.witnesses.audit.as_ref().map(Audit::take).unwrap_or_default();
        let seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let places = self.probes.iter().enumerate().map(|(place, id)| (*id, place as u64)).collect();
        Watched {
            look: seen.look,
            counts: seen.counts,
            filters: seen.filters,
            traced,
            places,
            records,
            canaries,
        }
    }
}

/// What was seen of a container.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// What it looked like before anything was tried.
    pub look: Option<Look>,
    /// What its control groups had counted at its end.
    pub counts: Counts,
    /// The filters that were installed.
    pub filters: Option<Stack>,
    /// What the kernel's trace shows, and how many functions it shows.
    traced: Option<(Traced, usize)>,
    /// The probes' places in the request.
    places: HashMap<&'static str, u64>,
    /// Audit records of the time.
    pub records: Vec<audit::Record>,
    /// Files that the probes left on the host.
    pub canaries: Vec<Canary>,
}

impl Watched {
    /// The processes that made a probe's guarded calls, by their numbers in the initial pid namespace, and how many each made.
    pub(super) fn processes(&self, probe: &str) -> BTreeMap<i32, usize> {
        let place = self.places.get(probe);
        let spans = self.traced.as_ref().zip(place).and_then(|((traced, _), place)| traced.spans.get(place));
        let mut processes = BTreeMap::new();
        for span in spans.into_iter().flatten() {
            *processes.entry(span.pid).or_default() += 1;
        }
        processes
    }

    /// What the trace says.
    pub(super) fn trace(&self, scene: &Scene<'_>) -> Option<Finding> {
        let (traced, functions) = self.traced.as_ref()?;
        let place = *self.places.get(scene.probe.id)?;
        let circumstances = Circumstances {
            probe: scene.probe,
            seen: scene.seen,
            user_namespace: scene.settings.user_namespace.is_some(),
            functions: *functions,
        };
        Some(trace::read(traced, place, &circumstances))
    }
}
