//! Docker daemons of the run's own: what `daemon.json` says holds, a refusal is a result, and nothing is left of them;
//! the daemon that was there, its containers and the host's /etc are as before.

use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::sync::LazyLock;
use std::time::Duration;

use whyblocked::record::{self, Outcome, Record, ScenarioEntry};
use whyblocked_tests::dockerd::{Dockerd, WITH_OWN_ETC};
use whyblocked_tests::host_state::{differences, files, kernel_parameters, lists};
use whyblocked_tests::left::Left;
use whyblocked_tests::moments::Moments;
use whyblocked_tests::processes::Nursery;
use whyblocked_tests::program::succeed;
use whyblocked_tests::random::Random;
use whyblocked_tests::{Facility, Place, program, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Docker];

/// How often a run is killed.
const TIMES: u64 = 20;

/// Runs are killed within this time from their start, evenly spread.
const SPAN: Duration = Duration::from_secs(5);

/// How many runs are alive at once.
const AT_ONCE: usize = 3;

/// The seed that is used unless another is asked for.
const USUAL_SEED: u64 = 4;

static NURSERY: LazyLock<Nursery> = LazyLock::new(Nursery::open);

fn main() -> ExitCode {
    let (random, seed) = Random::seeded(USUAL_SEED);
    println!("moments from seed {seed}");
    suite::run_in_turn(vec![
        suite::test("ids_are_remapped_on_a_host_that_is_prepared", NEEDS, prepared),
        suite::test("ids_are_remapped_on_a_host_that_is_not", NEEDS, unprepared),
        suite::test(
            "a_remapped_container_is_blocked_by_the_same_as_the_built_in_one",
            NEEDS,
            remapped_agrees,
        ),
        suite::test("what_docker_refuses_is_a_result_in_its_own_words", NEEDS, refused),
        suite::test("what_daemon_json_says_holds_for_who_does_not_say_otherwise", NEEDS, daemons_default),
        suite::test("a_daemon_may_not_be_told_to_change_the_host", NEEDS, host_keys),
        suite::test("images_and_containers_vanish_when_ids_are_remapped", NEEDS, vanished),
        suite::test("the_host_is_as_before", NEEDS, host_unchanged),
        suite::test("the_users_daemon_is_as_before", NEEDS, users_daemon_unchanged),
        suite::test("a_daemon_that_dies_leaves_what_is_known", NEEDS, dying),
        suite::test("what_a_killed_run_leaves_is_cleaned", NEEDS, move || killed_again_and_again(random)),
    ])
}

/// Runs without a daemon that is there: the run has its own.
fn run(place: &Place, arguments: &[&str]) -> (Record, Output) {
    run_by(place, place.command(&["run", "--engine", "docker"]), arguments)
}

fn run_by(place: &Place, mut command: Command, arguments: &[&str]) -> (Record, Output) {
    let file = place.path("record.json");
    command.args(arguments).arg("--record").arg(&file);
    let output = succeed(command.env_remove("DOCKER_HOST").env("DOCKER_CONFIG", place.path("none")));
    (record::read(&file).expect("a record that was just written can be read"), output)
}

/// A command that has an /etc of its own, a copy of the host's.
fn with_own_etc(place: &Place, arguments: &[&str]) -> Command {
    let etc = place.path("etc");
    std::fs::create_dir_all(&etc).expect("the place is ours");
    let mut command = place.command_of(Path::new("unshare"), &["--mount", "--", "sh", "-c", WITH_OWN_ETC]);
    command.arg(etc).arg(program()).args(arguments);
    command
}

fn scenario<'a>(record: &'a Record, id: &str) -> &'a ScenarioEntry {
    record.scenarios.iter().find(|one| one.id == id).expect("it was asked for")
}

fn has_note(entry: &ScenarioEntry, part: &str) -> bool {
    entry.notes.iter().any(|note| note.contains(part))
}

/// What of the host a daemon that is not kept from it changes.
fn host() -> Vec<(&'static str, whyblocked_tests::host_state::Lines)> {
    vec![
        ("files in /etc", files(Path::new("/etc"))),
        ("kernel parameters", kernel_parameters()),
        ("mounts", lists(&["/proc/self/mountinfo"])),
        ("files in /opt", files(Path::new("/opt"))),
    ]
}

fn prepared() {
    let place = Place::new();
    let before = files(Path::new("/etc"));
    let command = with_own_etc(&place, &["run", "--engine", "docker", "--prepare-host"]);
    let (record, output) = run_by(&place, command, &["--scenario", "userns-remap", "--probe", "identity-*"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let entry = scenario(&record, "userns-remap");
    assert_eq!(entry.not_run, None);
    assert!(!has_note(entry, "would refuse to start"), "{:?}", entry.notes);
    // A host that had the line before has the range of its own choice.
    let line = "added 'vagrant:100000:65536' to /etc/subuid";
    let free = !std::fs::read_to_string("/etc/subuid").unwrap_or_default().contains(':');
    if free {
        assert!(said.contains(line) && said.contains("/etc/subgid"), "{said}");
        assert!(has_note(entry, "/proc/self/uid_map reads \"0 100000 65536\""), "{:?}", entry.notes);
    }
    assert_eq!(differences(&before, &files(Path::new("/etc"))), Vec::<String>::new());
}

fn unprepared() {
    let place = Place::new();
    let (record, _) =
        run(&place, &["--scenario", "userns-remap", "--probe", "file-write-host-etc", "--probe", "time-*"]);
    let entry = scenario(&record, "userns-remap");
    assert!(has_note(entry, "inside, /proc/self/uid_map reads \"0 "), "{:?}", entry.notes);
    if !std::fs::read_to_string("/etc/subuid").unwrap_or_default().contains("vagrant:") {
        assert!(has_note(entry, "'vagrant:100000:65536' in /etc/subuid"), "{:?}", entry.notes);
        assert!(has_note(entry, "reads \"0 100000 65536\""), "{:?}", entry.notes);
    }
    let cell = record.cell("userns-remap", "file-write-host-etc").expect("it was tried");
    assert_eq!(cell.blocked_by.map(|by| by.to_string()).as_deref(), Some("user-namespace"), "{cell:?}");
}

fn remapped_agrees() {
    let place = Place::new();
    let mut arguments = vec!["--scenario", "userns-remap", "--scenario", "userns-remap-all-caps"];
    arguments.extend(["--seccomp-default", "20.10", "--probe", "capability-*", "--probe", "process-*"]);
    arguments.extend(["--probe", "file-*", "--probe", "proc-*", "--probe", "net-*", "--probe", "ipc-*"]);
    let (theirs, _) = run(&place, &arguments);
    let ours = place.record(&arguments);
    assert!(ours.cells.len() > 140, "only {} cells", ours.cells.len());
    let differing: Vec<String> = ours
        .cells
        .iter()
        .filter_map(|ours| {
            let theirs = theirs.cell(&ours.scenario, &ours.probe)?;
            let same = theirs.outcome == ours.outcome && theirs.blocked_by == ours.blocked_by;
            (!same).then(|| {
                format!(
                    "{} {}: {:?} {:?}, docker {:?} {:?} {:?}",
                    ours.scenario,
                    ours.probe,
                    ours.outcome,
                    ours.blocked_by,
                    theirs.outcome,
                    theirs.blocked_by,
                    theirs.note
                )
            })
        })
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(theirs.cells.len(), ours.cells.len());
    assert_eq!(theirs.count(Outcome::Broken), 0);
}

fn refused() {
    let place = Place::new();
    let book = place.path("book");
    let (record, output) = run(
        &place,
        &[
            "--scenario",
            "userns-remap-true",
            "--scenario",
            "userns-remap-privileged",
            "--scenario",
            "userns-remap-host-pid",
            "--book",
            book.to_str().expect("text"),
        ],
    );
    for (id, words) in [
        ("userns-remap-true", "cannot unmarshal bool into Go struct field"),
        ("userns-remap-privileged", "privileged mode is incompatible with user namespaces"),
        ("userns-remap-host-pid", "cannot share the host PID namespace when user namespaces are enabled"),
    ] {
        let said = scenario(&record, id).refused.clone().unwrap_or_default();
        assert!(said.contains(words), "{id}: {said}");
        let page =
            std::fs::read_to_string(book.join(format!("scenarios/{id}.html"))).expect("a page of its own");
        assert!(page.contains(words), "{id}: the page does not say it");
    }
    assert!(record.cells.is_empty());
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("refused by docker: userns-remap-true: unable to configure the Docker daemon"),
        "{text}"
    );
}

fn daemons_default() {
    let place = Place::new();
    let (record, _) =
        run(&place, &["--scenario", "daemon-no-new-privileges", "--probe", "identity-setuid-binary"]);
    let cell = record.cell("daemon-no-new-privileges", "identity-setuid-binary").expect("it was tried");
    assert_eq!(cell.blocked_by.map(|by| by.to_string()).as_deref(), Some("no-new-privileges"), "{cell:?}");
    // That it could be relaxed shows that the trials can say otherwise.
    assert_eq!(cell.depth, Some(1));
}

fn host_keys() {
    let place = Place::new();
    let file = place.path("mine.yaml");
    std::fs::write(&file, "title: a\nteaches: b\ndaemon: {iptables: true}\n").expect("the place is ours");
    let mut command = place.command(&["run", "--engine", "docker", "--scenario"]);
    let output = command.arg(&file).output().expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("mine.yaml") && said.contains("'iptables'"), "{said}");
    assert_eq!(place.left_in_tmp(), Vec::<String>::new());
}

/// What was there before userns-remap was turned on is in another directory, not gone.
fn vanished() {
    let place = Place::new();
    let (record, _) = run(&place, &["--scenario", "userns-remap", "--probe", "key-add"]);
    assert!(has_note(scenario(&record, "userns-remap"), "not listed any more"));
    let mut daemon = Dockerd::start();
    daemon.import_agent(USERS_IMAGE);
    daemon.lines(&["create", "--name", "before", USERS_IMAGE, "/agent"]);
    assert_eq!(daemon.lines(&["ps", "--all", "--format", "{{.Names}}"]), ["before"]);
    // By number, so that nothing is asked of this host's /etc but a name that every host has.
    daemon.restart_in(place.path("etc"), r#"{"userns-remap": "default"}"#);
    assert_eq!(daemon.lines(&["ps", "--all", "--quiet"]), [""; 0]);
    assert_eq!(daemon.lines(&["images", "--quiet"]), [""; 0]);
    let root = daemon.lines(&["info", "--format", "{{.DockerRootDir}}"]).concat();
    let ids = root.rsplit('/').next().unwrap_or_default();
    assert!(ids.split_once('.').is_some_and(|(uid, gid)| uid == gid && uid.parse::<u32>().is_ok()), "{root}");
    daemon.restart_in(place.path("etc"), "{}");
    assert_eq!(daemon.lines(&["ps", "--all", "--format", "{{.Names}}"]), ["before"]);
}

fn host_unchanged() {
    let before = host();
    let place = Place::new();
    let run =
        NURSERY.start(docker_run(&place, None).args(["--scenario", "userns-remap", "--probe", "key-*"]));
    let pid = run.pid();
    assert!(run.wait().success());
    Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
    for ((what, before), (_, after)) in before.iter().zip(host()) {
        let changed = differences(before, &after);
        assert!(changed.is_empty(), "{what}: {changed:#?}");
    }
}

/// A quiet run; without a daemon it has one of its own.
fn docker_run(place: &Place, daemon: Option<&Dockerd>) -> Command {
    let mut command = place.command(&["run", "--engine", "docker"]);
    command.env_remove("DOCKER_HOST").env("DOCKER_CONFIG", place.path("none"));
    if let Some(daemon) = daemon {
        command.env("DOCKER_HOST", daemon.host());
    }
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command
}

/// An image of the user's; its program waits for its standard input's end.
const USERS_IMAGE: &str = "users:1";

/// The user's container, which runs, and all that the daemon says of it and of itself.
fn users_things(daemon: &Dockerd) -> Vec<String> {
    let container = "{{.Id}} {{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}} {{json .HostConfig}}";
    let mut all = daemon.lines(&["inspect", "--format", container, "the-users"]);
    all.extend(daemon.lines(&["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Image}} {{.Names}}"]));
    all.extend(daemon.lines(&[
        "images",
        "--all",
        "--no-trunc",
        "--format",
        "{{.ID}} {{.Repository}} {{.Tag}}",
    ]));
    all.extend(daemon.lines(&["network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"]));
    all.extend(daemon.lines(&["volume", "ls", "--format", "{{.Name}}"]));
    all.extend(daemon.lines(&["info", "--format", "{{.ID}} {{.DockerRootDir}} {{.SecurityOptions}}"]));
    all
}

fn users_container(daemon: &Dockerd) {
    daemon.import_agent(USERS_IMAGE);
    let mut arguments = vec!["create", "--interactive", "--network", "none", "--name", "the-users"];
    arguments.extend([USERS_IMAGE, "/agent", "neighbour"]);
    daemon.lines(&arguments);
    daemon.lines(&["start", "the-users"]);
}

fn users_daemon_unchanged() {
    let daemon = Dockerd::start();
    users_container(&daemon);
    let before = users_things(&daemon);
    assert!(before[0].contains(" running "), "{before:?}");
    let place = Place::new();
    let mut command = docker_run(&place, Some(&daemon));
    command.args(["--scenario", "user-1000", "--scenario", "userns-remap", "--probe", "key-*"]);
    assert!(NURSERY.start(&mut command).wait().success());
    assert_eq!(users_things(&daemon), before);
}

/// The daemon is killed in the middle of a run.
fn dying() {
    let mut daemon = Dockerd::start();
    let place = Place::new();
    let (file, errors) = (place.path("record.json"), place.path("errors"));
    let mut command = docker_run(&place, Some(&daemon));
    command.args(["--scenario", "user-1000", "--scenario", "cap-drop-all", "--record"]).arg(&file);
    command.stderr(std::fs::File::create(&errors).expect("the place is ours"));
    let run = NURSERY.start(&mut command);
    let said = || std::fs::read_to_string(&errors).unwrap_or_default();
    // In the middle of the second round most is still unknown, and something is known.
    while !said().contains("round 2") {
        assert!(!said().contains("whyblocked:"), "{}", said());
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(1));
    daemon.kill();
    assert_eq!(run.wait().code(), Some(3), "{}", said());
    let said = said();
    assert!(said.contains("does not answer any more") && said.contains(&daemon.host()), "{said}");
    let record = record::read(&file).expect("what is known was written");
    assert!(record.cut_short.as_ref().is_some_and(|why| why.contains("does not answer any more")));
    assert!(!record.cells.is_empty(), "something was known");
    let broken: Vec<_> = record.cells.iter().filter(|cell| cell.outcome == Outcome::Broken).collect();
    assert!(broken.is_empty(), "what is not known is no verdict: {} {:?}", broken.len(), broken[0]);
}

fn killed_again_and_again(mut random: Random) {
    let daemon = Dockerd::start();
    users_container(&daemon);
    let before = users_things(&daemon);
    let moments = Moments { times: TIMES, within: SPAN, at_once: AT_ONCE };
    let alive = moments.each(&mut random, |delay| killed_and_cleaned(&daemon, delay));
    let alive = alive.into_iter().filter(|alive| *alive).count();
    assert!(alive as u64 >= TIMES / 2, "only {alive} runs were still alive when they were killed");
    assert_eq!(users_things(&daemon), before);
}

/// Kills a run after `delay` and has it cleaned; whether it was still alive.
fn killed_and_cleaned(daemon: &Dockerd, delay: Duration) -> bool {
    let place = Place::new();
    let mut command = docker_run(&place, Some(daemon));
    command.args([
        "--scenario",
        "userns-remap",
        "--scenario",
        "user-1000",
        "--probe",
        "key-*",
        "--probe",
        "time-*",
    ]);
    let run = NURSERY.start(&mut command);
    let pid = run.pid();
    std::thread::sleep(delay);
    run.signal(libc::SIGKILL);
    let was_alive = !run.wait().success();
    let output = NURSERY.output(place.command(&["clean"]).env("DOCKER_HOST", daemon.host()));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{delay:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    let left = Left::by(&NURSERY, &place, pid);
    assert!(
        left.directories.is_empty() && left.groups.is_empty() && left.traces.is_empty(),
        "{left:#?} {said}"
    );
    was_alive
}
