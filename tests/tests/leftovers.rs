//! What a run leaves behind: nothing when it ends by itself or is interrupted; when it is killed, no process and no
//! mount, and `whyblocked clean` removes the rest and says what.
//!
//! The seed of the moments is printed; `WHYBLOCKED_SEED` gives another.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use whyblocked_tests::left::Left;
use whyblocked_tests::moments::Moments;
use whyblocked_tests::processes::Nursery;
use whyblocked_tests::program::program;
use whyblocked_tests::random::Random;
use whyblocked_tests::{Facility, Place, suite};

const ROOT: &[Facility] = &[Facility::Root];

const TRACE: &[Facility] = &[Facility::Root, Facility::Trace];

/// How often a run is killed.
const TIMES: u64 = 50;

/// Runs are killed within this time from their start, evenly spread.
const SPAN: Duration = Duration::from_millis(1500);

/// How many runs are alive at once.
const AT_ONCE: usize = 3;

/// The seed that is used unless another is asked for.
const USUAL_SEED: u64 = 9;

static NURSERY: LazyLock<Nursery> = LazyLock::new(Nursery::open);

/// Two scenarios whose trials mount one directory of the laboratory below another.
const MOUNTS_BELOW: &str = "\
title: One below the other
teaches: nothing
service: {volumes: [\"${LAB}:/host\", \"${LAB}/shared:/host/var\"]}
";

/// Where mounts are shared, as systemd has them, what is mounted in a copy of a directory shows in the directory.
fn mounted_nowhere_else() {
    let place = Place::new();
    let scenario = place.path("below.yaml");
    std::fs::write(&scenario, MOUNTS_BELOW).expect("the place is ours");
    let script = "mount --bind \"$1\" \"$1\" && mount --make-shared \"$1\" && before=$(cat /proc/self/mountinfo) && \
                  TMPDIR=$1 \"$2\" run --scenario \"$3\" --probe file-write-host-etc >\"$1/said\" && \
                  after=$(cat /proc/self/mountinfo) && [ \"$before\" = \"$after\" ] || { echo \"$after\"; exit 1; }";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "shared", "sh", "-c", script, "sh"]).arg(place.tmp());
    let output = command.arg(program()).arg(&scenario).output().expect("unshare can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn main() -> ExitCode {
    let (random, seed) = Random::seeded(USUAL_SEED);
    println!("moments from seed {seed}");
    suite::run_in_turn(vec![
        suite::test("a_run_that_ends_by_itself_leaves_nothing", ROOT, || {
            let place = Place::new();
            let run = NURSERY.start(quiet(&mut place.command(&["run", "--scenario", "user-*"])));
            let pid = run.pid();
            assert!(run.wait().success());
            Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
        }),
        // `whyblocked run … 2>&1 | head`
        suite::test("a_run_that_nobody_listens_to_ends_by_itself_and_leaves_nothing", ROOT, || {
            let place = Place::new();
            let (listener, errors) = std::io::pipe().expect("there is a pipe");
            drop(listener);
            let mut command = place.command(&["run", "--scenario", "user-1000"]);
            let run = NURSERY.start(quiet(&mut command).stderr(errors));
            let pid = run.pid();
            assert!(run.wait().success());
            Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
        }),
        suite::test("what_a_container_mounts_is_mounted_nowhere_else", ROOT, mounted_nowhere_else),
        suite::test("a_run_that_fails_leaves_nothing", ROOT, || {
            let place = Place::new();
            let mut command =
                place.command(&["run", "--scenario", "user-1000", "--record", "/no/such/dir/r.json"]);
            let run = NURSERY.start(quiet(&mut command));
            let pid = run.pid();
            assert_eq!(run.wait().code(), Some(3));
            Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
        }),
        suite::test("an_interrupted_run_leaves_nothing", ROOT, || {
            for (signal, delay) in [(libc::SIGINT, 400), (libc::SIGTERM, 700), (libc::SIGHUP, 1000)] {
                interrupted(signal, Duration::from_millis(delay));
            }
        }),
        suite::test("a_second_signal_ends_a_run_at_once", ROOT, interrupted_twice),
        suite::test("a_signal_that_was_set_aside_is_not_heard", ROOT, set_aside),
        suite::test("what_a_killed_run_leaves_is_cleaned", ROOT, move || killed_again_and_again(random)),
        suite::test("the_next_run_takes_a_dead_ones_trace_away", TRACE, next_run_cleans),
        suite::test("clean_leaves_a_live_run_alone", ROOT, clean_beside_a_live_run),
        suite::test("clean_says_so_where_there_is_nothing", ROOT, || {
            let place = Place::new();
            let output = place.succeed(&["clean"]);
            // Another run's groups may be there to clean; this place's directories are not.
            assert!(!String::from_utf8_lossy(&output.stdout).contains("directory"), "{output:?}");
        }),
    ])
}

fn killed_again_and_again(mut random: Random) {
    program();
    let moments = Moments { times: TIMES, within: SPAN, at_once: AT_ONCE };
    let killed = moments.each(&mut random, killed_and_cleaned);
    assert_all_is_named(&killed);
    // On a machine with many processors a run may be over before the last moments.
    let alive = killed.iter().filter(|one| one.was_alive).count();
    assert!(alive >= killed.len() / 2, "only {alive} runs were still alive when they were killed");
}

/// A run with every scenario, with the signal set to `disposition` when it starts: whoever starts the tests may
/// ignore it (nohup does), and that is inherited.
fn with_signal(place: &Place, signal: i32, disposition: libc::sighandler_t) -> Command {
    let mut command = place.command(&["run", "--record", "r.json"]);
    // SAFETY: one system call, in the child, that affects only it.
    unsafe {
        command.pre_exec(move || {
            libc::signal(signal, disposition);
            Ok(())
        });
    }
    command
}

/// A run that is interrupted puts everything away, writes no record, says so, and ends by the signal.
fn interrupted(signal: i32, delay: Duration) {
    let place = Place::new();
    let errors = place.path("errors");
    let file = std::fs::File::create(&errors).expect("the place is writable");
    let mut command = with_signal(&place, signal, libc::SIG_DFL);
    let run = NURSERY.start(command.stdout(Stdio::null()).stderr(file));
    let pid = run.pid();
    std::thread::sleep(delay);
    run.signal(signal);
    assert_eq!(run.wait().signal(), Some(signal));
    Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
    assert!(!place.path("r.json").exists(), "half a record was written");
    let said = std::fs::read_to_string(errors).expect("the run wrote text");
    assert!(said.lines().any(|line| line.starts_with("whyblocked: interrupted by SIG")), "{said}");
}

/// Two signals end a run at once; how much it has put away by then is chance, and `clean` removes the rest.
fn interrupted_twice() {
    let place = Place::new();
    let run = NURSERY.start(quiet(&mut with_signal(&place, libc::SIGINT, libc::SIG_DFL)));
    let pid = run.pid();
    std::thread::sleep(Duration::from_millis(500));
    run.signal(libc::SIGINT);
    run.signal(libc::SIGINT);
    assert_eq!(run.wait().signal(), Some(libc::SIGINT));
    Left::by(&NURSERY, &place, pid).assert_no_process_and_no_mount();
    place.succeed(&["clean"]);
    Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
}

fn set_aside() {
    let place = Place::new();
    let mut command = with_signal(&place, libc::SIGHUP, libc::SIG_IGN);
    let run = NURSERY.start(quiet(command.args(["--scenario", "user-*"])));
    std::thread::sleep(Duration::from_millis(200));
    run.signal(libc::SIGHUP);
    assert!(run.wait().success(), "it ended by a signal that it was started to ignore");
}

/// A run that was killed, what it left, and what `clean` said about that.
struct Killed {
    was_alive: bool,
    left: Left<'static>,
    said: String,
}

/// Kills a run after `delay`, looks at what is left, and has it cleaned.
fn killed_and_cleaned(delay: Duration) -> Killed {
    let place = Place::new();
    let run = NURSERY.start(quiet(&mut place.command(&["run", "--record", "r.json"])));
    let pid = run.pid();
    std::thread::sleep(delay);
    run.signal(libc::SIGKILL);
    let was_alive = !run.wait().success();

    let left = Left::by(&NURSERY, &place, pid);
    left.assert_no_process_and_no_mount();
    let output = NURSERY.output(&mut place.command(&["clean"]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{delay:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
    Killed { was_alive, left, said }
}

/// What was left is what `clean` says it removed.
fn assert_all_is_named(killed: &[Killed]) {
    let said: String = killed.iter().map(|one| one.said.as_str()).collect();
    let unnamed = |paths: for<'b> fn(&'b Left<'static>) -> &'b [PathBuf]| -> Vec<&PathBuf> {
        let all = killed.iter().flat_map(|one| paths(&one.left));
        all.filter(|path| !said.contains(&path.display().to_string())).collect()
    };
    // A run that begins meanwhile takes them away too.
    let traces: Vec<&String> = killed.iter().flat_map(|one| &one.left.traces).collect();
    println!("{} of {} runs left a trace instance", traces.len(), killed.len());
    let directories = unnamed(|left| &left.directories);
    assert!(directories.is_empty(), "{directories:#?} are not named in: {said}");
    // Control groups are in one place for all: somebody else's `clean` may have met a few of them first.
    let (groups, all) = (unnamed(|left| &left.groups), killed.iter().map(|one| one.left.groups.len()).sum());
    assert!(groups.len() * 2 <= all, "{groups:#?} of {all} are not named in: {said}");
}

/// Runs are killed until one leaves its trace instance, which the next run then removes by itself.
fn next_run_cleans() {
    let dead = (0..20).find_map(|attempt| {
        let place = Place::new();
        let run = NURSERY.start(quiet(&mut place.command(&["run", "--record", "r.json"])));
        let pid = run.pid();
        std::thread::sleep(Duration::from_millis(150 + 20 * attempt));
        run.signal(libc::SIGKILL);
        run.wait();
        Some((pid, place)).filter(|(pid, place)| !Left::by(&NURSERY, place, *pid).traces.is_empty())
    });
    let (pid, place) = dead.expect("one of the runs is killed while it watches");
    let other = Place::new();
    other.succeed(&["explain", "docker-default", "key-add"]);
    assert_eq!(Left::by(&NURSERY, &place, pid).traces, [""; 0]);
    place.succeed(&["clean"]);
}

fn clean_beside_a_live_run() {
    let place = Place::new();
    let run = NURSERY.start(quiet(&mut place.command(&["run", "--record", "r.json"])));
    let pid = run.pid();
    while Left::by(&NURSERY, &place, pid).groups.is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    // From the run's own temporary directory, and from another.
    for place in [&place, &Place::new()] {
        let output = place.succeed(&["clean"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!said.contains(&format!("whyblocked-run-{pid}-")), "{said}");
    }
    assert!(run.wait().success(), "the run did not survive it");
    Left::by(&NURSERY, &place, pid).assert_nothing_at_all();
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null())
}
