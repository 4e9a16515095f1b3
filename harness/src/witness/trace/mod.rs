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
#[cfg(test)]
mod recorded;
mod span;
mod tracefs;
mod words;

use std::collections::HashMap;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

pub use line::Event;
pub use reading::{Circumstances, read};
pub use span::{Own, Span, Spans};
use whyblocked_agent::bracket;

use self::instance::Instance;
use self::span::Collector;
use self::tracefs::Tracefs;

/// The trace of a run.
///
/// A thread of its own reads it, one that the trace does not follow: a followed one would record its own reading, and
/// never come to an end.
#[derive(Debug)]
pub struct Trace {
    tasks: Option<Sender<Task>>,
    reader: Option<JoinHandle<()>>,
    kind: &'static str,
    functions: usize,
}

/// What the reading thread is to do.
type Task = Box<dyn FnOnce(&mut State) + Send>;

#[derive(Debug)]
struct State {
    instance: Instance,
    collector: Collector,
    /// Why the trace follows nobody, if it does not.
    idle: Option<String>,
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
        let (tasks, inbox) = mpsc::channel::<Task>();
        let reader = std::thread::spawn(move || {
            let mut state = State { instance, collector: Collector::default(), idle: None };
            for task in inbox {
                task(&mut state);
            }
        });
        Ok(Self { tasks: Some(tasks), reader: Some(reader), kind, functions })
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
            // SAFETY: asks for this thread's own number.
            let thread = unsafe { libc::syscall(libc::SYS_gettid) };
            self.ask(move |state| {
                let followed = state.instance.follow(thread);
                state.idle = followed.err().map(|error| format!("the trace could not be turned on: {error}"));
            });
            bracket::introduce();
            work()
        };
        let done = std::thread::scope(|scope| scope.spawn(followed).join());
        self.ask(|state| state.instance.stop());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Follows another process, and whatever it starts from now on.
    pub fn follow_too(&self, process: i32) {
        // Where this fails its spans are missing: unwitnessed.
        let _ = self.ask(move |state| state.instance.follow_too(process));
    }

    /// How much was lost so far: to be given to [`Trace::finish`] of a trial that begins now.
    pub fn losses(&self) -> Losses {
        self.ask(|state| state.losses()).unwrap_or(Losses(0))
    }

    /// What the trace shows of a trial whose processes have all ended.
    pub fn finish(&self, trial: u64, before: Losses) -> Traced {
        let finished = self.ask(move |state| {
            state.catch_up();
            let lost = (state.losses() != before).then(|| {
                "the kernel's buffer overran, or its probes missed returns, while this container ran"
                    .to_owned()
            });
            let lost = state.idle.clone().or(lost);
            Traced { spans: state.collector.finish(trial), initial: state.collector.initial, lost }
        });
        let gone = || Traced {
            lost: Some("the thread that reads the trace is gone".to_owned()),
            ..Traced::default()
        };
        finished.unwrap_or_else(gone)
    }

    /// Has the reading thread do something, and waits for the result; `None` if that thread is gone.
    fn ask<T: Send + 'static>(&self, task: impl FnOnce(&mut State) -> T + Send + 'static) -> Option<T> {
        let (reply, result) = mpsc::channel();
        let task: Task = Box::new(move |state| {
            let _ = reply.send(task(state));
        });
        self.tasks.as_ref()?.send(task).ok()?;
        result.recv().ok()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // The thread ends with its inbox, and takes the instance away; that has to be over before the process is.
        self.tasks = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl State {
    fn catch_up(&mut self) {
        let mut part = vec![0u8; 64 * 1024];
        let mut rest = Vec::new();
        loop {
            let read = self.instance.read(&mut part);
            if read.is_empty() {
                return;
            }
            rest.extend_from_slice(read);
            let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            for line in String::from_utf8_lossy(&rest[..whole]).lines().filter_map(line::parse) {
                self.collector.take(line);
            }
            rest.drain(..whole);
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
