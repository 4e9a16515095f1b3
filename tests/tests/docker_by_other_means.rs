//! The harness's Docker engine, checked by other means: the same wishes, once as a scenario that the harness maps to
//! Docker's API, once in the words of testcontainers, which knows nothing of the harness. The agent must see the same.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;
use testcontainers::core::wait::ExitWaitStrategy;
use testcontainers::core::{CgroupnsMode, WaitFor};
use testcontainers::runners::SyncRunner;
use testcontainers::{ContainerRequest, GenericImage, ImageExt};
use whyblocked::engine::docker::{Daemon, Docker};
use whyblocked::engine::{Engine, Job};
use whyblocked::host::{Host, Reach};
use whyblocked::scenario::defaults::Defaults;
use whyblocked::scenario::{self, Context};
use whyblocked::settings::Settings;
use whyblocked_agent::wire::{Observation, Request};
use whyblocked_agent::{Probe, catalogue, layout};
use whyblocked_tests::dockerd::Dockerd;
use whyblocked_tests::{Facility, Place, facility, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Docker];

/// The agent's image.
const IMAGE: (&str, &str) = ("agent-by-other-means", "1");

/// The label on what this test starts.
const LABEL: &str = "whyblocked-test.by-other-means";

/// One wish in two languages.
struct Wish {
    name: &'static str,
    /// A scenario's service.
    service: &'static str,
    /// The same for testcontainers.
    request: fn(ContainerRequest<GenericImage>) -> ContainerRequest<GenericImage>,
}

const WISHES: &[Wish] = &[
    Wish { name: "nothing", service: "{}", request: |container| container },
    Wish {
        name: "no_capabilities",
        service: "{cap_drop: [ALL]}",
        request: |container| container.with_cap_drop("ALL"),
    },
    Wish {
        name: "an_ordinary_user",
        service: "{user: \"1000:1000\"}",
        request: |container| container.with_user("1000:1000"),
    },
    Wish {
        name: "a_read_only_root",
        service: "{read_only: true}",
        request: |container| container.with_readonly_rootfs(true),
    },
    Wish {
        name: "an_ordinary_user_without_new_privileges",
        service: "{user: \"1000:1000\", security_opt: [\"no-new-privileges:true\"]}",
        request: |container| container.with_user("1000:1000").with_security_opt("no-new-privileges"),
    },
    Wish {
        name: "nearly_privileged",
        service: "{cap_add: [SYS_ADMIN, SYS_TIME, NET_ADMIN], security_opt: [\"seccomp=unconfined\"]}",
        request: |container| {
            let capable = ["SYS_ADMIN", "SYS_TIME", "NET_ADMIN"].into_iter();
            capable.fold(container, ImageExt::with_cap_add).with_security_opt("seccomp=unconfined")
        },
    },
];

fn main() -> ExitCode {
    if facility::missing(NEEDS).is_some() {
        let name = "the_engine_observes_what_testcontainers_shows";
        return suite::run(vec![suite::test(name, NEEDS, || unreachable!("it is ignored"))]);
    }
    let daemon = Arc::new(Mutex::new(Dockerd::start()));
    let host = daemon.lock().unwrap_or_else(PoisonError::into_inner).host();
    // SAFETY: this is the process's only thread so far. Both sides find the daemon by it.
    unsafe { std::env::set_var("DOCKER_HOST", host) };
    let tests = WISHES.iter().map(|wish| {
        let daemon = Arc::clone(&daemon);
        let compare = move || compare(&daemon.lock().unwrap_or_else(PoisonError::into_inner), wish);
        suite::test(format!("the_same_for_{}", wish.name), NEEDS, compare)
    });
    let mut tests: Vec<Trial> = tests.collect();
    let with_it = Arc::clone(&daemon);
    tests.push(suite::test("a_difference_is_seen", NEEDS, move || {
        a_difference_is_seen(&with_it.lock().unwrap_or_else(PoisonError::into_inner));
    }));
    let exit = suite::run_in_turn(tests);
    drop(daemon);
    exit
}

fn compare(daemon: &Dockerd, wish: &Wish) {
    let differing = differing(daemon, wish, wish);
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(daemon.lines(&["ps", "--all", "--quiet"]), [""; 0], "containers are left");
}

/// Test the test: where testcontainers is asked for something else, that is noticed.
fn a_difference_is_seen(daemon: &Dockerd) {
    let named = |name: &str| WISHES.iter().find(|wish| wish.name == name).expect("it is in the list");
    let differing = differing(daemon, named("nothing"), named("no_capabilities"));
    assert!(differing.iter().any(|line| line.starts_with("capability-")), "{differing:?}");
}

/// The probes that are answered differently, with both answers.
fn differing(daemon: &Dockerd, ours: &Wish, theirs: &Wish) -> Vec<String> {
    let probes = probes();
    let ours = answers(by_the_harness(ours, &probes));
    let theirs = answers(by_testcontainers(daemon, theirs, &probes));
    assert!(ours.len() > 60, "only {} probes answered", ours.len());
    assert!(ours.keys().eq(theirs.keys()), "not the same probes answered: {ours:?}, {theirs:?}");
    let pairs = ours.iter().zip(theirs.values()).filter(|((_, ours), theirs)| ours != theirs);
    pairs.map(|((probe, ours), theirs)| format!("{probe}: harness {ours}, testcontainers {theirs}")).collect()
}

/// Those that need nothing but the agent: what the harness puts beside it is the harness's own business.
fn probes() -> Vec<&'static str> {
    let alone = |probe: &&Probe| probe.needs.is_empty() && probe.may_run(false);
    catalogue::all().filter(alone).map(|probe| probe.id).collect()
}

fn by_the_harness(wish: &Wish, probes: &[&'static str]) -> Vec<Observation> {
    let host = Host::read();
    let mut reach = Reach::of(&host);
    let daemon = Daemon::connect().expect("the daemon answers");
    reach.bounding_set = reach.bounding_set.and(daemon.capabilities());
    let settings = settings(wish, &daemon, &host, &reach);
    let engine = Docker::new(Some(daemon), &reach).expect("the engine can be prepared");
    engine.run(&Job::unwatched(&settings, probes)).expect("the container runs").observations
}

fn settings(wish: &Wish, daemon: &Daemon, host: &Host, reach: &Reach) -> Settings {
    let place = Place::new();
    let file = place.path("wish.yaml");
    let text = format!("title: {}\nteaches: nothing\nservice: {}\n", wish.name, wish.service);
    std::fs::write(&file, text).expect("the directory is ours");
    let defaults = Defaults::docker(daemon.default_profile());
    let context = Context { host, reach, defaults: &defaults, docker: true };
    let chosen = scenario::select(&[file.display().to_string()]).expect("a valid scenario");
    let settings = chosen[0].resolve(&context).expect("a valid scenario").settings();
    settings.unwrap_or_else(|reason| panic!("it cannot be run here: {reason}"))
}

fn by_testcontainers(daemon: &Dockerd, wish: &Wish, probes: &[&'static str]) -> Vec<Observation> {
    let (name, tag) = IMAGE;
    daemon.import_agent(&format!("{name}:{tag}"));
    let request = Request {
        probes: probes.iter().map(|probe| (*probe).to_owned()).collect(),
        token: "by-other-means".to_owned(),
        limit_ms: 1000,
        host_namespaces: own_namespaces(),
        ..Request::default()
    };
    let argument = serde_json::to_string(&request).expect("a request is plain data");
    let image = GenericImage::new(name, tag)
        .with_wait_for(WaitFor::exit(ExitWaitStrategy::new().with_exit_code(0)))
        .with_cmd([layout::AGENT.to_owned(), argument])
        .with_network("none")
        .with_label(LABEL, wish.name)
        // With version 1 control groups a daemon would say "host"; a scenario that says nothing means its own.
        .with_cgroupns_mode(CgroupnsMode::Private)
        .with_host_config_modifier(|config| {
            let scratch = (layout::SCRATCH.to_owned(), "suid,dev,exec".to_owned());
            config.tmpfs = Some([scratch].into());
        });
    let container = (wish.request)(image).start().expect("testcontainers starts it");
    let said = container.stdout_to_vec().expect("what it said can be read");
    container.rm().expect("testcontainers removes it");
    daemon.lines(&["rmi", &format!("{name}:{tag}")]);
    let lines = said.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("an observation")).collect()
}

/// The numbers of this process's namespaces, so that a probe can tell the host's from others.
fn own_namespaces() -> Vec<(String, u64)> {
    let entries = std::fs::read_dir("/proc/self/ns").expect("this is Linux").flatten();
    let numbers = entries.filter_map(|entry| {
        let target = std::fs::read_link(entry.path()).ok()?.display().to_string();
        let number = target.split(['[', ']']).nth(1)?.parse().ok()?;
        Some((entry.file_name().to_string_lossy().into_owned(), number))
    });
    numbers.collect()
}

/// What each probe was answered; how long it took and in which words is not compared.
fn answers(seen: Vec<Observation>) -> BTreeMap<String, String> {
    let words = |seen: &Observation| format!("{:?} {} {}", seen.outcome, seen.call, seen.errno);
    seen.into_iter().map(|seen| (seen.probe.clone(), words(&seen))).collect()
}
