//! The Docker engine, with a daemon of the test's own: the same verdicts as the built-in engine's, nothing left
//! behind, and nothing of the user's touched.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;
use whyblocked::cases::{Checked, Container, Expect};
use whyblocked::mechanism::Mechanism::{Capabilities, Seccomp};
use whyblocked::record::{self, Record};
use whyblocked::survey::EngineChoice;
use whyblocked_tests::dockerd::Dockerd;
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, Place, facility, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Docker];

/// One probe or more of each kind: namespaces, filter, capabilities, mounts, devices, fixtures, a neighbour.
const PROBES: &[&str] = &["time-settimeofday", "key-*", "process-*", "file-*", "device-*", "capability-*"];

fn main() -> ExitCode {
    let unreachable = suite::test("a_daemon_that_does_not_answer_is_one_clear_error", &[], || {
        let place = Place::new();
        let mut command = place.command(&["run", "--engine", "docker", "--scenario", "docker-default"]);
        let output =
            command.env("DOCKER_HOST", "unix:///no/such/socket").output().expect("it can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        for part in ["/no/such/socket", "from DOCKER_HOST", "or name another"] {
            assert!(said.contains(part), "{said}");
        }
    });
    let elsewhere = suite::test("a_daemon_elsewhere_is_refused", &[], || {
        let place = Place::new();
        let mut command = place.command(&["run", "--engine", "docker", "--scenario", "docker-default"]);
        let output = command.env("DOCKER_HOST", "tcp://127.0.0.1:1").output().expect("it can be started");
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&output.stderr).contains("must run on this machine"), "{output:?}");
    });
    let mut tests = vec![unreachable, elsewhere];
    if facility::missing(NEEDS).is_some() {
        tests.push(suite::test("the_engines_agree", NEEDS, || unreachable!("it is ignored")));
        return suite::run(tests);
    }
    let daemon = Arc::new(Mutex::new(Dockerd::start()));
    tests.push(with(&daemon, "the_engines_agree", the_engines_agree));
    tests.push(with(&daemon, "a_run_leaves_nothing_with_the_daemon", |daemon| {
        run(daemon, &["--scenario", "user-1000", "--probe", "key-*"]);
        assert_eq!(daemon.lines(&["ps", "--all", "--quiet"]), [""; 0]);
        assert_eq!(daemon.lines(&["images", "--all", "--quiet"]), [""; 0]);
    }));
    tests.push(with(&daemon, "clean_removes_what_dead_runs_left_and_nothing_else", clean));
    tests.push(with(&daemon, "cleans_at_once_do_not_fail_for_each_other", clean_at_once));
    tests.push(suite::test("a_case_can_ask_docker", NEEDS, a_case));
    let exit = suite::run_in_turn(tests);
    drop(daemon);
    exit
}

/// As another crate's tests do it; with the daemon that is there, or one of the run's own.
fn a_case() {
    let container = Container::built_in("docker-default").expect("it is built in");
    let container = container.with_engine(EngineChoice::Docker);
    let checked = container.check("time-settimeofday", &Expect::blocked_by([Seccomp, Capabilities]));
    assert_eq!(checked, Checked::Passed);
    let checked = container.check("net-raw-socket", &Expect::allowed());
    assert_eq!(checked, Checked::Passed);
}

/// A test with the daemon, one at a time.
fn with(daemon: &Arc<Mutex<Dockerd>>, name: &str, test: fn(&Dockerd)) -> Trial {
    let daemon = Arc::clone(daemon);
    suite::test(name, NEEDS, move || test(&daemon.lock().unwrap_or_else(PoisonError::into_inner)))
}

fn run(daemon: &Dockerd, arguments: &[&str]) -> (Record, Place) {
    let place = Place::new();
    let file = place.path("record.json");
    let mut command = place.command(&["run", "--engine", "docker", "--record"]);
    succeed(command.arg(&file).args(arguments).env("DOCKER_HOST", daemon.host()));
    (record::read(&file).expect("a record that was just written can be read"), place)
}

fn outcomes(record: &Record) -> BTreeMap<String, String> {
    let cells = record.cells.iter();
    cells
        .map(|cell| {
            let answer = format!("{:?} {:?} {:?}", cell.outcome, cell.blocked_by, cell.layers);
            (format!("{} {}", cell.scenario, cell.probe), answer)
        })
        .collect()
}

fn the_engines_agree(daemon: &Dockerd) {
    let mut arguments = vec!["--scenario", "docker-default", "--scenario", "cap-drop-all"];
    arguments.extend(["--seccomp-default", "20.10"]);
    arguments.extend(PROBES.iter().flat_map(|probe| ["--probe", probe]));
    let (theirs, _) = run(daemon, &arguments);
    let ours = Place::new().record(&arguments);
    assert_eq!(theirs.engine.name, "docker");
    let (theirs, ours) = (outcomes(&theirs), outcomes(&ours));
    assert!(ours.len() > 80, "only {} cells", ours.len());
    let differing: Vec<String> = ours
        .iter()
        .filter(|(cell, answer)| theirs.get(*cell) != Some(answer))
        .map(|(cell, answer)| format!("{cell}: built in {answer}, docker {:?}", theirs.get(cell)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// A label of no live run: the process number is out of range.
const OF_A_DEAD_RUN: &str = "whyblocked.run=whyblocked-run-99999999-0";

/// An image of a dead run.
fn dead_image(daemon: &Dockerd, name: &str) {
    daemon.import_agent_with(name, &["--change", &format!("LABEL {OF_A_DEAD_RUN}")]);
}

fn clean(daemon: &Dockerd) {
    daemon.import_agent("users:1");
    dead_image(daemon, "whyblocked-agent:dead");
    daemon.lines(&["create", "--name", "the-users", "users:1", "/agent"]);
    daemon.lines(&["create", "--name", "dead", "--label", OF_A_DEAD_RUN, "users:1", "/agent"]);
    let place = Place::new();
    let output = succeed(place.command(&["clean"]).env("DOCKER_HOST", daemon.host()));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("Docker container") && said.contains("Docker image"), "{said}");
    assert_eq!(daemon.lines(&["ps", "--all", "--format", "{{.Names}}"]), ["the-users"]);
    assert_eq!(daemon.lines(&["images", "--format", "{{.Repository}}"]), ["users"]);
    daemon.lines(&["rm", "the-users"]);
    daemon.lines(&["rmi", "users:1"]);
}

/// How many `clean`s are at work at once.
const CLEANS: usize = 4;

/// How many containers, and images, they find.
const REMAINS: usize = 6;

/// How often.
const TIMES: usize = 4;

/// Of two that remove the same image at the same moment, Docker 20.10 tells the later one `500 unrecognized image ID`.
fn clean_at_once(daemon: &Dockerd) {
    for _ in 0..TIMES {
        for number in 0..REMAINS {
            let name = format!("whyblocked-agent:{number}");
            dead_image(daemon, &name);
            daemon.lines(&["create", "--label", OF_A_DEAD_RUN, &name, "/agent"]);
        }
        std::thread::scope(|scope| {
            for _ in 0..CLEANS {
                scope.spawn(|| succeed(Place::new().command(&["clean"]).env("DOCKER_HOST", daemon.host())));
            }
        });
        assert_eq!(daemon.lines(&["ps", "--all", "--quiet"]), [""; 0]);
        assert_eq!(daemon.lines(&["images", "--all", "--quiet"]), [""; 0]);
    }
}
