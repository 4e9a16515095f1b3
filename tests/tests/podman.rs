//! The Podman engine, with services of its own: the same verdicts as the built-in engine's for the same settings,
//! Podman's defaults as they are, nothing left behind, and nothing of the user's touched.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use whyblocked::engine::Engine;
use whyblocked::engine::docker::podman::Podman;
use whyblocked::engine::embedded::Embedded;
use whyblocked::experiment::{self, Event, Subject};
use whyblocked::host::{Host, Reach};
use whyblocked::mechanism::Mechanism;
use whyblocked::plan::Plan;
use whyblocked::record::{self, Cell, Outcome, Proof, Record};
use whyblocked::scenario::{self, Context};
use whyblocked::witness::Witnesses;
use whyblocked_agent::{Probe, catalogue};
use whyblocked_tests::learner::{self, FIRST, LEARNER};
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, Place, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Podman];

/// Root, to be an ordinary user of the test's own.
const WITHOUT_ROOT: &[Facility] = &[Facility::Root, Facility::User, Facility::Uidmap, Facility::Podman];

/// Some of each kind: namespaces, filter, capabilities, mounts, devices, fixtures, a neighbour.
const FAMILIES: &[&str] = &["time", "key", "process", "file", "device", "cgroup", "limit"];

/// What Podman's storage and state of the machine's own are in.
const THE_USERS: &[&str] =
    &["/var/lib/containers", "/run/containers", "/run/libpod", "/dev/shm", "/run/runc"];

/// How long something may take to appear or to go.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    suite::run_in_turn(vec![
        suite::test("a_machine_without_podman_is_told_what_to_install", &[], || {
            let said = refused(&[("PATH", "/no/such/directory")]);
            assert!(said.contains("there is no podman") && said.contains("apt install podman"), "{said}");
        }),
        suite::test("a_service_elsewhere_is_refused", &[], || {
            let said = refused(&[("CONTAINER_HOST", "ssh://u@127.0.0.1:1/run/podman.sock")]);
            assert!(said.contains("must run on this machine"), "{said}");
        }),
        suite::test("a_service_that_does_not_answer_is_one_clear_error", &[], || {
            let said = refused(&[("CONTAINER_HOST", "unix:///no/such/socket")]);
            assert!(said.contains("podman"), "{said}");
        }),
        suite::test("a_configuration_that_does_not_parse_is_named", &[], || {
            let place = Place::new();
            let file = place.path("containers.conf");
            fs::write(&file, "[containers\n").expect("it is ours");
            let file = file.display().to_string();
            let said = refused(&[("CONTAINERS_CONF", &file)]);
            assert!(said.contains(&file), "{said}");
        }),
        suite::test("the_engines_agree_on_the_same_settings", NEEDS, the_engines_agree),
        suite::test("podmans_defaults_block_what_dockers_let_through", NEEDS, defaults_differ),
        suite::test("a_run_leaves_nothing_and_touches_nothing_of_the_users", NEEDS, nothing_is_touched),
        suite::test("a_killed_run_is_cleaned_up", NEEDS, a_killed_run_is_cleaned_up),
        suite::test("a_service_that_is_named_is_used_and_left_as_it_was", NEEDS, a_named_service),
        suite::test("an_ordinary_user_needs_no_root", WITHOUT_ROOT, without_root),
    ])
}

/// What the program says when it cannot work.
fn refused(variables: &[(&str, &str)]) -> String {
    let place = Place::new();
    let mut command = place.command(&["run", "--engine", "podman", "--scenario", "docker-default"]);
    command.env_remove("CONTAINER_HOST").envs(variables.iter().copied());
    let output = command.output().expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(place.left_in_tmp(), [""; 0]);
    said
}

fn run(place: &Place, arguments: &[&str]) -> Record {
    let file = place.path("record.json");
    let mut command = place.command(&["run", "--engine", "podman", "--record"]);
    succeed(command.arg(&file).args(arguments));
    record::read(&file).expect("a record that was just written can be read")
}

fn the_engines_agree() {
    let host = Host::read();
    let reach = Reach::of(&host);
    let podman = Podman::start(&reach).expect("it can be started here");
    let context = Context { host: &host, reach: &reach, defaults: podman.defaults(), docker: false };
    let wanted = ["docker-default", "user-1000", "userns-remap"].map(str::to_owned);
    let subjects: Vec<Subject> = scenario::select(&wanted)
        .expect("they are built in")
        .iter()
        .map(|scenario| {
            let settings = scenario.resolve(&context).expect("a valid scenario").settings();
            Subject { id: scenario.id.clone(), plan: Plan::new(settings.expect("it can be run"), &reach) }
        })
        .collect();
    let probes: Vec<&'static Probe> =
        catalogue::all().filter(|probe| probe.may_run(false) && FAMILIES.contains(&probe.family())).collect();
    let verdicts = |engine: &dyn Engine| -> BTreeMap<String, String> {
        let go_on = |_: Event<'_>| ControlFlow::<Infallible>::Continue(());
        let ControlFlow::Continue(outcome) =
            experiment::run(engine, &subjects, &probes, &host, &reach, &Witnesses::none(), &go_on);
        outcome.cells.iter().map(|cell| (format!("{} {}", cell.scenario, cell.probe), answer(cell))).collect()
    };
    let theirs = verdicts(&podman);
    drop(podman);
    let ours = verdicts(&Embedded::new(&reach).expect("it can be started here"));
    assert!(ours.len() > 100, "only {} cells", ours.len());
    let differing: Vec<String> = ours
        .iter()
        // A group that is another's on a mount that is read-only: which of the two is asked first differs.
        .filter(|(cell, answer)| theirs.get(*cell) != Some(answer) && *cell != "userns-remap cgroup-mkdir")
        .map(|(cell, answer)| format!("{cell}: built in {answer}, podman {:?}", theirs.get(cell)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn answer(cell: &Cell) -> String {
    format!("{:?} {:?} {:?}", cell.outcome, cell.blocked_by, cell.layers)
}

fn defaults_differ() {
    let place = Place::new();
    let mut arguments = vec!["--scenario", "docker-default"];
    let probes = [
        ("device-mknod", Some(Mechanism::Capabilities)),
        ("net-raw-socket", Some(Mechanism::Capabilities)),
        ("capability-audit-write", Some(Mechanism::Seccomp)),
        ("namespace-unshare-user", None),
        ("key-keyctl", None),
    ];
    arguments.extend(probes.iter().flat_map(|(probe, _)| ["--probe", probe]));
    let theirs = run(&place, &arguments);
    assert_eq!(theirs.engine.name, "podman");
    for (probe, blocked_by) in probes {
        let cell = theirs.cell("docker-default", probe).expect("it is run");
        assert_eq!(cell.blocked_by, blocked_by, "{cell:#?}");
        assert_eq!(cell.proof, Some(Proof::Confirmed), "{cell:#?}");
    }
    let ours = Place::new().record(&arguments);
    for (probe, blocked_by) in probes {
        let cell = ours.cell("docker-default", probe).expect("it is run");
        assert_eq!(cell.outcome == Outcome::Blocked, blocked_by.is_none(), "{cell:#?}");
    }
}

fn nothing_is_touched() {
    let before = the_users();
    let place = Place::new();
    // Memory runs short in one of the containers: whoever watches it leaves a file where it is, then.
    let here = place.path("here");
    fs::create_dir(&here).expect("the place is ours");
    let mut command = place.command(&["run", "--engine", "podman", "--scenario", "user-1000"]);
    command.args(["--scenario", "hardened", "--probe", "limit-memory"]).current_dir(&here);
    let mut run = quietly(command.args(["--probe", "key-*"]));
    let number = run.id();
    assert!(run.wait().expect("it is our child").success());
    assert_eq!(place.left_in_tmp(), [""; 0]);
    assert_eq!(left_of_run(number), [""; 0]);
    assert_eq!(
        fs::read_dir(&here).expect("it is there").count(),
        0,
        "something is where the run was started"
    );
    assert_eq!(the_users(), before);
    assert!(!Path::new("/run/.containerenv").exists(), "this machine would be taken for a container");
}

fn quietly(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it can be started")
}

/// Everything in the directories of the machine's own Podman, with what shows whether it was written.
fn the_users() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left: Vec<_> = THE_USERS.iter().map(Path::new).map(Path::to_owned).collect();
    while let Some(path) = left.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let state = format!("{:?} {} {:?}", metadata.file_type(), metadata.len(), metadata.modified().ok());
        // The runtime's directory is every engine's: what is in it counts.
        if !THE_USERS.iter().any(|top| Path::new(top) == path) {
            found.insert(path.display().to_string(), state);
        }
        if metadata.is_dir() {
            left.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    // Podman's locks: whoever clears them does not change the file's size.
    let locks = fs::read("/dev/shm/libpod_lock").unwrap_or_default();
    found.insert("locks".to_owned(), format!("{:?}", locks.iter().filter(|byte| **byte != 0).count()));
    found
}

/// What is left of the run with this process number: arguments of processes, control groups, links.
fn left_of_run(number: u32) -> Vec<String> {
    let name = format!("whyblocked-run-{number}-");
    let entries = fs::read_dir("/proc").expect("it is mounted").flatten();
    let arguments = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let arguments = arguments.map(|text| String::from_utf8_lossy(&text).replace('\0', " "));
    let mut left: Vec<String> = arguments.filter(|text| text.contains(&name)).collect();
    let groups = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
    for directory in groups.chain(["/sys/fs/cgroup", "/run", "/tmp"].map(PathBuf::from)) {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten().map(|entry| entry.path());
        let ours = entries.filter(|path| path.display().to_string().contains(&name));
        left.extend(ours.map(|path| path.display().to_string()));
    }
    left
}

fn a_killed_run_is_cleaned_up() {
    let before = the_users();
    let place = Place::new();
    let mut run = quietly(&mut place.command(&["run", "--engine", "podman", "--scenario", "docker-default"]));
    let number = run.id();
    let conmon_runs = || left_of_run(number).iter().any(|text| text.starts_with("/usr/bin/conmon"));
    let started = wait_until(|| conmon_runs() && !place.left_in_tmp().is_empty());
    run.kill().expect("it is our child");
    run.wait().expect("it is our child");
    assert!(started, "no container came to run");
    let output = succeed(&mut place.command(&["clean"]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let service = format!("removed the Podman service and storage of whyblocked-run-{number}-0");
    assert!(said.contains(&service), "{said}");
    assert!(wait_until(|| left_of_run(number).is_empty()), "{:?}", left_of_run(number));
    assert_eq!(place.left_in_tmp(), [""; 0], "{said}");
    assert_eq!(the_users(), before);
    let again = succeed(&mut place.command(&["clean", "--dry-run"]));
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(!said.contains(&number.to_string()), "{said}");
}

/// Whether it comes about before long.
fn wait_until(is_so: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A service with storage of the test's own, as somebody else might run it.
fn a_named_service() {
    let short = tempfile::Builder::new().prefix("wb").tempdir_in("/tmp").expect("it can be written");
    let path = |name: &str| short.path().join(name).display().to_string();
    fs::write(path("conf"), "[engine]\nlock_type = \"file\"\n").expect("it is ours");
    let podman = |arguments: &[&str]| {
        let mut command = Command::new("podman");
        for (option, name) in [("--root", "root"), ("--runroot", "state"), ("--tmpdir", "tmp")] {
            command.arg(option).arg(path(name));
        }
        command.args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"]);
        command.args(arguments).env("CONTAINERS_CONF", path("conf"));
        command
    };
    let address = format!("unix://{}", path("sock"));
    let mut service = quietly(&mut podman(&["system", "service", "--time", "0", &address]));
    let answers = wait_until(|| std::os::unix::net::UnixStream::connect(path("sock")).is_ok());
    let place = Place::new();
    let file = place.path("record.json");
    let mut command = place.command(&["run", "--engine", "podman", "--scenario", "docker-default"]);
    command.args(["--probe", "key-add", "--record"]).arg(&file).env("CONTAINER_HOST", &address);
    let output = command.output().expect("it can be started");
    let left = ["ps", "images"].map(|what| podman(&[what, "--all", "--quiet"]).output());
    service.kill().expect("it is our child");
    service.wait().expect("it is our child");
    assert!(answers, "the service does not answer");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for listed in left {
        let listed = listed.expect("podman can be started");
        assert!(listed.status.success() && listed.stdout.is_empty(), "{listed:?}");
    }
    let record = record::read(&file).expect("a record that was just written can be read");
    let cell = record.cell("docker-default", "key-add").expect("it is run");
    assert_eq!(cell.blocked_by, Some(Mechanism::Seccomp), "{cell:#?}");
}

fn without_root() {
    let place = Place::new();
    let file = place.tmp().join("record.json");
    let mut command = learner::program(&place);
    command.args(["run", "--engine", "podman", "--scenario", "user-1000", "--scenario", "read-only"]);
    for probe in ["key-*", "file-write-*", "capability-chown"] {
        command.args(["--probe", probe]);
    }
    let run = command.arg("--record").arg(&file).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let run = run.expect("it can be started");
    let number = run.id();
    let output = run.wait_with_output().expect("it is our child");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let record = record::read(&file).expect("a record that was just written can be read");
    assert_eq!(record.engine.name, "podman");
    let ids = format!("0 is {LEARNER} on the host, 1–65536 are {FIRST}–{}", FIRST + 65_535);
    for scenario in &record.scenarios {
        assert_eq!(scenario.not_run, None, "{}", scenario.id);
        assert!(scenario.posture.iter().any(|posture| posture.state == ids), "{:#?}", scenario.posture);
    }
    let broken: Vec<_> = record.cells.iter().filter(|cell| cell.outcome == Outcome::Broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let layers = |scenario, probe| &record.cell(scenario, probe).expect("it is run").layers;
    assert_eq!(layers("user-1000", "file-write-host-etc"), &[Mechanism::Ownership]);
    assert_eq!(layers("read-only", "file-write-host-etc"), &[Mechanism::ReadOnlyMount]);
    for name in ["trace:", "filter:", "audit:"] {
        assert_eq!(record.witness.reason.matches(name).count(), 1, "{}", record.witness.reason);
    }
    fs::remove_file(&file).expect("it was just read");
    assert_eq!(left_of_run(number), [""; 0]);
    let left: Vec<String> = place.left_in_tmp().into_iter().filter(|name| name.contains("run")).collect();
    assert_eq!(left, [""; 0]);
}
