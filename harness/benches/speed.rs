//! What containers, probes and verdicts cost on this machine: `cargo bench`.
//!
//! Plain loops and medians: each figure is one that the book quotes, and a container is no micro-benchmark.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use whyblocked::engine::{Engine, Job, embedded::Embedded};
use whyblocked::experiment::{self, Event, Subject};
use whyblocked::host::{Host, Reach};
use whyblocked::plan::Plan;
use whyblocked::scenario::defaults::Defaults;
use whyblocked::scenario::{self, Context};
use whyblocked::seccomp::DefaultProfile;
use whyblocked::settings::Settings;
use whyblocked::witness::Witnesses;
use whyblocked_agent::{Probe, catalogue};

const ROUNDS: usize = 200;

fn main() {
    let host = Host::read();
    let reach = Reach::of(&host);
    let engine = Embedded::new(&reach).expect("the engine starts");
    let settings = settings("docker-default", &host, &reach);
    let probes: Vec<&'static Probe> = catalogue::all().filter(|probe| probe.may_run(false)).collect();
    let ids: Vec<&'static str> = probes.iter().map(|probe| probe.id).collect();

    let empty = median(ROUNDS, || run(&engine, &settings, &[]));
    println!("{:>9.2} ms per container, one at a time, no probe", ms(empty));

    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..engine.parallel() {
            scope.spawn(|| (0..ROUNDS).for_each(|_| run(&engine, &settings, &[])));
        }
    });
    let each = start.elapsed() / (ROUNDS * engine.parallel()) as u32;
    println!("{:>9.2} ms per container, {} at a time", ms(each), engine.parallel());

    let full = median(20, || run(&engine, &settings, &ids));
    let per_probe = full.saturating_sub(empty) / ids.len() as u32;
    println!("{:>9.0} µs per probe, {} in one container", per_probe.as_secs_f64() * 1e6, ids.len());

    for (words, patterns) in [("docker-default", &["docker-default".to_owned()][..]), ("every scenario", &[])]
    {
        for (with, witnesses) in [
            ("without witnesses", Witnesses::none()),
            ("with all witnesses", Witnesses::set_up(engine.run_name())),
        ] {
            let subjects = subjects(patterns, &host, &reach);
            let go_on = |_: Event<'_>| ControlFlow::<Infallible>::Continue(());
            let ControlFlow::Continue(outcome) =
                experiment::run(&engine, &subjects, &probes, &host, &reach, &witnesses, &go_on);
            let (seconds, containers) = (outcome.timing.seconds, outcome.timing.containers);
            let per_second = outcome.cells.len() as f64 / seconds;
            println!(
                "{seconds:>9.2} s for {words} {with}: {containers} containers, {per_second:.0} verdicts per second"
            );
        }
    }
    witnessed(&engine, &settings, &ids);
}

/// What it costs to watch one container in which every probe runs.
fn witnessed(engine: &Embedded, settings: &Settings, ids: &[&'static str]) {
    let start = Instant::now();
    let witnesses = Witnesses::set_up(&format!("{}-bench", engine.run_name()));
    println!("{:>9.2} ms to set the witnesses up", ms(start.elapsed()));
    let plain = median(20, || run(engine, settings, ids));
    let watched = witnesses.watching(|| {
        median(20, || {
            let observer = witnesses.observer(ids).expect("there are witnesses");
            let trial = engine
                .run(&Job { settings, probes: ids, watch: Some(&observer) })
                .expect("the container runs");
            observer.finish(trial.canaries);
        })
    });
    let each = watched.saturating_sub(plain) / ids.len() as u32;
    println!("{:>9.0} µs more per probe that is watched", each.as_secs_f64() * 1e6);
    let start = Instant::now();
    drop(witnesses);
    println!("{:>9.2} ms to take them away again", ms(start.elapsed()));
}

fn run(engine: &Embedded, settings: &Settings, probes: &[&'static str]) {
    engine.run(&Job::unwatched(settings, probes)).expect("the container runs");
}

/// The scenarios that can be run here, of those that `patterns` name.
fn subjects(patterns: &[String], host: &Host, reach: &Reach) -> Vec<Subject> {
    let defaults = Defaults::docker(DefaultProfile::default());
    let context = Context { host, reach, defaults: &defaults, docker: false };
    let chosen = scenario::select(patterns).expect("built-in scenarios");
    let runnable = chosen.iter().filter_map(|scenario| {
        let settings = scenario.resolve(&context).expect("a valid scenario").settings().ok()?;
        Some(Subject { id: scenario.id.clone(), plan: Plan::new(settings, reach) })
    });
    runnable.collect()
}

fn settings(id: &str, host: &Host, reach: &Reach) -> Settings {
    let defaults = Defaults::docker(DefaultProfile::default());
    let context = Context { host, reach, defaults: &defaults, docker: false };
    let chosen = scenario::select(&[id.to_owned()]).expect("a built-in scenario");
    let settings = chosen[0].resolve(&context).expect("a valid scenario").settings();
    settings.unwrap_or_else(|reason| panic!("{id} cannot be run here: {reason}"))
}

fn median(rounds: usize, mut what: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            what();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[rounds / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
