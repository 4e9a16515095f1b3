//! What the same costs with a Docker daemon: `cargo bench --bench docker`, as root, with the daemon that answers
//! (`DOCKER_HOST`, or the usual place) or one of the bench's own. Where there can be none it says so and measures nothing.
//!
//! Plain loops, as in `speed.rs`; the load of the machine is in every figure.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use whyblocked::engine::docker::{Daemon, Docker, Introduced};
use whyblocked::engine::embedded::agent;
use whyblocked::engine::{About, Engine, EngineError, Job, Trial};
use whyblocked::experiment::{self, Event, Outcome, Subject};
use whyblocked::host::{Host, Reach};
use whyblocked::plan::Plan;
use whyblocked::scenario::defaults::Defaults;
use whyblocked::scenario::{self, Context};
use whyblocked::witness::Witnesses;
use whyblocked_agent::wire::Request;
use whyblocked_agent::{Probe, catalogue, layout};

/// How many containers each number at once is tried with.
const CONTAINERS: usize = 48;

/// How often the `docker` command is run: it is slow, and does the same each time.
const LOOP: u32 = 10;

/// An image for the `docker` command, which starts no image of the harness's.
const IMAGE: &str = "whyblocked-bench:1";

fn main() {
    let host = Host::read();
    let mut reach = Reach::of(&host);
    // Where none is running, one of the engine's own is started.
    let found = Daemon::find().map_err(EngineError::from).and_then(|daemon| Docker::new(daemon, &reach));
    let engine = match found {
        Ok(engine) => engine,
        Err(error) => return println!("not measured, because {error}"),
    };
    reach.bounding_set = reach.bounding_set.and(engine.daemon().capabilities());
    println!("docker {}, {} processors", engine.about().version, processors());
    let subjects = subjects(&engine, &host, &reach);
    at_once(&engine, &subjects);
    let mut observations = 0;
    for parallel in [1, engine.parallel()] {
        let outcome = whole_run(&Limited { engine: &engine, parallel }, &subjects, &host, &reach);
        let timing = outcome.timing;
        let each = timing.seconds * 1000.0 / timing.containers as f64;
        println!(
            "{:>9.1} s for all scenarios, {parallel} at a time: {} containers, {each:.0} ms each, {} observations, {} verdicts",
            timing.seconds,
            timing.containers,
            timing.observations,
            outcome.cells.len()
        );
        observations = timing.observations;
    }
    match shell_loop(engine.daemon().address()) {
        Ok(each) => println!(
            "{:>9.0} ms for a `docker run` of one probe ({LOOP} runs); scaled to the same {observations} observations, not run: {:.0} s",
            each.as_secs_f64() * 1000.0,
            each.as_secs_f64() * observations as f64
        ),
        Err(why) => println!("`docker run` is not measured, because {why}"),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Containers a second, by how many are started at once.
fn at_once(engine: &Docker, subjects: &[Subject]) {
    let default = &subjects.iter().find(|one| one.id == "docker-default").expect("a built-in scenario").plan;
    let ids: Vec<&'static str> = probes().iter().map(|probe| probe.id).collect();
    for (words, probes) in [("no probe", &[][..]), ("every probe", &ids)] {
        // The image is made before the first.
        engine.run(&Job::unwatched(&default.settings, probes)).expect("the container runs");
        for parallel in [1, 2, 3, 4, 6, 8] {
            let start = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..parallel {
                    scope.spawn(|| {
                        for _ in 0..CONTAINERS / parallel {
                            engine
                                .run(&Job::unwatched(&default.settings, probes))
                                .expect("the container runs");
                        }
                    });
                }
            });
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{:>9.1} containers a second, {parallel} at a time, {words}: {:.0} ms each",
                CONTAINERS as f64 / seconds,
                seconds * 1000.0 / CONTAINERS as f64
            );
        }
    }
}

/// The engine, with fewer containers at once than it likes.
struct Limited<'a> {
    engine: &'a Docker,
    parallel: usize,
}

impl Engine for Limited<'_> {
    fn about(&self) -> About {
        self.engine.about()
    }

    fn parallel(&self) -> usize {
        self.parallel
    }

    fn run(&self, job: &Job<'_>) -> Result<Trial, EngineError> {
        self.engine.run(job)
    }
}

/// As `whyblocked run` does it, witnesses and all.
fn whole_run(engine: &Limited<'_>, subjects: &[Subject], host: &Host, reach: &Reach) -> Outcome {
    let witnesses = Witnesses::set_up(engine.engine.run_name());
    let go_on = |_: Event<'_>| ControlFlow::<Infallible>::Continue(());
    let ControlFlow::Continue(outcome) =
        experiment::run(engine, subjects, &probes(), host, reach, &witnesses, &go_on);
    outcome
}

/// The scenarios that can be run here, as the daemon understands them.
fn subjects(engine: &Docker, host: &Host, reach: &Reach) -> Vec<Subject> {
    let default_profile = engine.daemon().default_profile();
    let defaults = Defaults::docker(default_profile);
    let context = Context { host, reach, defaults: &defaults, docker: true };
    let chosen = scenario::select(&[]).expect("built-in scenarios");
    let runnable = chosen.iter().filter_map(|scenario| {
        let settings = scenario.resolve(&context).expect("a valid scenario").settings().ok()?;
        let lacking = scenario.capabilities().expect("a valid scenario").without(reach.bounding_set);
        match engine.introduce(scenario, &settings, lacking).expect("the daemon answers") {
            Introduced::Started { settings, .. } => {
                Some(Subject { id: scenario.id.clone(), plan: Plan::new(*settings, reach) })
            }
            Introduced::Refused(_) => None,
        }
    });
    runnable.collect()
}

fn probes() -> Vec<&'static Probe> {
    catalogue::all().filter(|probe| probe.may_run(false)).collect()
}

/// What one probe costs where a container is started for it by hand, as in a shell's loop.
fn shell_loop(host: &str) -> Result<Duration, String> {
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (agent_file, archive) = (place.path().join("agent"), place.path().join("image.tar"));
    std::fs::write(&agent_file, agent()).map_err(|error| error.to_string())?;
    let archive = archive.display().to_string();
    let dir = place.path().display().to_string();
    command("tar", &["-C", &dir, "--owner=0", "--group=0", "--mode=755", "-cf", &archive, "agent"])?;
    as_docker(host, &["import", &archive, IMAGE])?;
    let request = Request { probes: vec!["key-add".to_owned()], limit_ms: 1000, ..Request::default() };
    let request = serde_json::to_string(&request).expect("a request is plain data");
    let start = Instant::now();
    let done = (0..LOOP).try_for_each(|_| {
        as_docker(host, &["run", "--rm", "--network", "none", IMAGE, layout::AGENT, &request])
    });
    let took = start.elapsed();
    as_docker(host, &["rmi", IMAGE])?;
    done.map(|()| took / LOOP)
}

fn as_docker(host: &str, arguments: &[&str]) -> Result<(), String> {
    command("docker", &[&["--host", host], arguments].concat())
}

fn command(program: &str, arguments: &[&str]) -> Result<(), String> {
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} {arguments:?} ended with {status}")),
        Err(error) => Err(format!("{program} cannot be started: {error}")),
    }
}
