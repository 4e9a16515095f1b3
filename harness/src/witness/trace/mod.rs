//! The kernel's own trace: which calls began, which capabilities were asked for and refused, which of the kernel's
//! functions said no.
//!
//! One instance a run, for as long as containers are watched; only processes that the watching thread starts are
//! recorded. A part of the trace that was lost makes the trials that it belongs to unwitnessed, never guessed at.

mod btf;
mod instance;
mod kprobes;
mod line;
mod reading;
mod span;
mod tracefs;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use line::Event;
pub use reading::{Circumstances, read};
pub use span::{Own, Span, Spans};
use whyblocked_agent::bracket;

use self::instance::Instance;
use self::span::Collector;
use self::tracefs::Tracefs;

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    state: Mutex<State>,
    kind: &'static str,
    functions: usize,
}

#[derive(Debug)]
struct State {
    instance: Instance,
    collector: Collector,
}

/// How much was lost so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losses(u64);

/// What the trace shows of one trial.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// The spans, by the places of the probes in the trial's request.
    pub spans: HashMap<u64, Spans>,
    /// The initial user namespace.
    pub initial: Option<u64>,
    /// Why nothing can be concluded from what is missing, if parts of the trace were lost.
    pub lost: Option<String>,
}

impl Trace {
    /// Sets up the trace of a run of this name; the error says why there can be none.
    pub fn open(run: &str) -> Result<Self, String> {
        let instance = Instance::create(run)?;
        let (kind, functions) = (instance.kind(), instance.functions());
        Ok(Self { state: Mutex::new(State { instance, collector: Collector::default() }), kind, functions })
    }

    /// `tracepoint`, `kprobe` or `none`: by what capability checks show.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// How many of the kernel's permission functions show their refusals.
    pub fn functions(&self) -> usize {
        self.functions
    }

    /// Does `work` on a thread that the trace follows, with all threads and processes that come of it. Call it once.
    pub fn follow<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let followed = || {
            // Where this fails nothing is recorded, and every span is missing: unwitnessed.
            let _ = self.lock().instance.follow_this_thread();
            bracket::introduce();
            self.lock().catch_up();
            work()
        };
        let done = std::thread::scope(|scope| scope.spawn(followed).join());
        self.lock().instance.stop();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// How much was lost so far: to be given to [`Trace::finish`] of a trial that begins now.
    pub fn losses(&self) -> Losses {
        self.lock().losses()
    }

    /// What the trace shows of a trial whose processes have all ended.
    pub fn finish(&self, trial: u64, before: Losses) -> Traced {
        let mut state = self.lock();
        state.catch_up();
        let lost = (state.losses() != before)
            .then(|| "the kernel's buffer overran, or its probes missed returns, while this container ran".to_owned());
        Traced { spans: state.collector.finish(trial), initial: state.collector.initial, lost }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn catch_up(&mut self) {
        let text = self.instance.read();
        for line in String::from_utf8_lossy(&text).lines().filter_map(line::parse) {
            self.collector.take(line);
        }
    }

    fn losses(&self) -> Losses {
        Losses(self.collector.losses + self.instance.missed())
    }
}

/// Runs that are dead and whose instance or events are still in the kernel.
pub fn left_behind() -> Vec<String> {
    Tracefs::open().map(|tracefs| tracefs.left_behind()).unwrap_or_default()
}

/// Removes what a dead run has left in the kernel.
pub fn remove(run: &str) -> std::io::Result<()> {
    Tracefs::open()?.remove(run)
}
