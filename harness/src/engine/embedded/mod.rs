//! The built-in engine: a small container runtime of our own, so that each mechanism has its own switch and a
//! set-up that fails names its step.
//!
//! A container is planned outside as a list of prepared steps ([`plan`]), carried out in the child by raw
//! system calls alone ([`step`]), and watched from outside ([`spawn`]).

pub mod cgroup;
mod device_program;
mod lab;
mod output;
mod outside;
mod plan;
pub mod run_dir;
mod spawn;
mod step;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use whyblocked_agent::wire::Request;

use self::cgroup::Cgroups;
use self::lab::Lab;
use self::outside::Outside;
use self::run_dir::RunDir;
use super::{About, Engine, EngineError, Trial};
use crate::host::Reach;
use crate::settings::Settings;

/// The agent, built by the build script.
pub(crate) static AGENT: &[u8] = include_bytes!(env!("WHYBLOCKED_AGENT"));

/// Time limit of one probe.
const PROBE_LIMIT_MS: u64 = 1000;

/// The built-in engine.
#[derive(Debug)]
pub struct Embedded {
    reach: Reach,
    outside: Outside,
    cgroups: Cgroups,
    // Dropped last: everything above may lie in it.
    dir: RunDir,
    counter: AtomicU64,
}

impl Embedded {
    /// Prepares what all containers share: a directory of the run's own, the victim and the listening sockets.
    pub fn new(reach: &Reach) -> Result<Self, EngineError> {
        let dir = RunDir::create()?;
        Ok(Self {
            reach: reach.clone(),
            outside: Outside::start(&dir)?,
            cgroups: Cgroups::new(&dir),
            dir,
            counter: AtomicU64::new(0),
        })
    }
}

impl Engine for Embedded {
    fn about(&self) -> About {
        About {
            name: "embedded".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            place: "here".to_owned(),
        }
    }

    fn parallel(&self) -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }

    fn run(&self, settings: &Settings, probes: &[&'static str]) -> Result<Trial, EngineError> {
        let start = Instant::now();
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let token = format!("{}-{number}", self.dir.name());
        let lab = Lab::create(&self.dir, number, settings)?;
        let request = Request {
            probes: probes.iter().map(|&probe| probe.to_owned()).collect(),
            token: token.clone(),
            limit_ms: PROBE_LIMIT_MS,
            ..self.outside.request()
        };
        let plan = plan::plan(settings, &self.reach, &request, &self.dir, lab.as_ref())?;
        let text = spawn::run(&plan, settings, &self.cgroups, probes.len() as u64 * PROBE_LIMIT_MS)?;
        let observations = output::parse(&text, probes)?;
        let canaries = lab.map(|lab| lab.take_canaries(&token)).unwrap_or_default();
        Ok(Trial { observations, canaries, took: start.elapsed() })
    }
}
