//! The Podman engine, with a service of its own: the same verdicts as the built-in engine's for the same settings,
//! Podman's defaults as they are, nothing left behind, and nothing of the user's touched.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use whyblocked::engine::docker::podman::Podman;
use whyblocked::engine::embedded::Embedded;
use whyblocked::engine::{Engine, docker::podman};
use whyblocked::experiment::{self, Event, Subject};
use whyblocked::host::{Host, Reach};
use whyblocked::plan::Plan;
use whyblocked::record::{self, Cell, Record};
use whyblocked::scenario::{self, Context};
use whyblocked::witness::Witnesses;
use whyblocked_agent::{Effect, Probe, catalogue};
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, Place, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Podman];

const WITHOUT_ROOT: &[Facility] = &[Facility::User, Facility::Podman, Facility::Uidmap];

fn main() -> ExitCode {
    suite::run_in_turn(vec![suite::test("the_engines_agree_on_the_same_settings", NEEDS, the_engines_agree)])
}

const FAMILIES: &[&str] = &["time", "key", "process", "file", "device", "capability", "mount", "cgroup"];

fn the_engines_agree() {
    let host = Host::read();
    let reach = Reach::of(&host);
    let podman = Podman::start(&reach).expect("it can be started here");
    let context = Context { host: &host, reach: &reach, defaults: podman.defaults(), docker: false };
    let wanted: Vec<String> = std::env::var("SC")
        .map(|s| s.split(',').map(str::to_owned).collect())
        .unwrap_or_else(|_| ["docker-default", "user-1000", "userns-remap"].map(str::to_owned).to_vec());
    let all = std::env::var("ALL").is_ok();
    let chosen = scenario::select(&wanted).expect("built-in scenarios");
    let subjects: Vec<Subject> = chosen
        .iter()
        .filter_map(|scenario| {
            let settings = scenario.resolve(&context).expect("a valid scenario").settings().ok()?;
            Some(Subject { id: scenario.id.clone(), plan: Plan::new(settings, &reach) })
        })
        .collect();
    let here = |probe: &&'static Probe| {
        probe.effect != Effect::Disposable && (all || FAMILIES.contains(&probe.family()))
    };
    let probes: Vec<&'static Probe> = catalogue::all().filter(here).collect();
    let verdicts = |engine: &dyn Engine| {
        let quiet = |_: Event<'_>| ControlFlow::<Infallible>::Continue(());
        let witnesses = Witnesses::none();
        match experiment::run(engine, &subjects, &probes, &host, &reach, &witnesses, &quiet) {
            ControlFlow::Continue(outcome) => outcome.cells,
        }
    };
    let theirs = verdicts(&podman);
    let ours = verdicts(&Embedded::new(&reach).expect("it can be started here"));
    let mut same = 0;
    for (a, b) in theirs.iter().zip(&ours) {
        if (a.outcome, a.blocked_by) == (b.outcome, b.blocked_by) {
            same += 1;
            if a.layers != b.layers {
                eprintln!("layers {} {} {:?} {:?}", a.scenario, a.probe, a.layers, b.layers);
            }
        } else {
            eprintln!(
                "DIFF {} {} podman {:?} {:?} {:?} {:?} embedded {:?} {:?} {:?} {:?}",
                a.scenario,
                a.probe,
                a.outcome,
                a.blocked_by,
                a.errno,
                a.layers,
                b.outcome,
                b.blocked_by,
                b.errno,
                b.layers
            );
            eprintln!("    {:?}\n    {:?}", a.note, b.note);
        }
    }
    eprintln!("{same} of {}", ours.len());
}
