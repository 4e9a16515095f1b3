//! The host before and after a whole run as root. The trials with everything relaxed make every attempt as full
//! root in the host's own namespaces, so that only the probes' own harmlessness protects the host.

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use whyblocked::record::{self, Record};
use whyblocked_tests::host_state::{self, Clock, Lines, differences};
use whyblocked_tests::processes::Nursery;
use whyblocked_tests::{Facility, Place, suite};

const ROOT: &[Facility] = &[Facility::Root];

/// A clock that a time daemon slews, and one that is not, part by less than this in a run.
const CLOCK_TOLERANCE: i128 = 50_000_000;

fn main() -> ExitCode {
    suite::run_in_turn(vec![
        suite::test("every_attempt_was_made_as_root_of_the_host", ROOT, everything_was_tried),
        suite::test("the_clock_is_as_before", ROOT, || {
            let (before, after) = (ran().before.clock, ran().after.clock);
            assert!((after.offset - before.offset).abs() < CLOCK_TOLERANCE, "{before:?} {after:?}");
            assert_eq!(before.tick, after.tick);
            if before.frequency.is_some() && after.frequency.is_some() {
                assert_eq!(before.frequency, after.frequency);
            }
        }),
        unchanged("names_network_swap_modules_and_limits_are_as_before", |state| &state.identity_and_network),
        unchanged("mounts_are_as_before", |state| &state.mounts),
        unchanged("kernel_parameters_are_as_before", |state| &state.kernel_parameters),
        unchanged("etc_is_as_before", |state| &state.etc),
        unchanged("the_root_directory_is_as_before", |state| &state.root),
        unchanged("device_nodes_are_as_before", |state| &state.device_nodes),
        unchanged("keys_are_as_before", |state| &state.keys),
        unchanged("shared_memory_and_queues_are_as_before", |state| &state.ipc),
        unchanged("no_control_group_and_no_socket_is_left", |state| &state.named_after_the_run),
        suite::test("a_directory_that_somebody_mounts_gets_no_file", ROOT, own_directory_untouched),
        suite::test("no_process_is_left", ROOT, || assert_eq!(ran().orphans, Vec::<String>::new())),
    ])
}

fn unchanged(name: &str, part: fn(&State) -> &Lines) -> libtest_mimic::Trial {
    suite::test(name, ROOT, move || {
        let (before, after) = (part(&ran().before), part(&ran().after));
        let changed = differences(before, after);
        assert!(changed.is_empty(), "{changed:#?}");
    })
}

/// Somebody's own directory where the laboratory's would be, in a container and, with everything relaxed, outside.
fn own_directory_untouched() {
    let place = Place::new();
    let own = place.path("own");
    std::fs::create_dir(&own).expect("the place is ours");
    let scenario = place.path("mine.yaml");
    let text = format!(
        "title: Mine\nteaches: nothing\nservice: {{volumes: [\"{0}:/host/etc\", \"{0}:/host/shared\"]}}\n",
        own.display()
    );
    std::fs::write(&scenario, text).expect("the place is ours");
    let scenario = scenario.to_str().expect("temporary paths are text");
    // As it was meanwhile cannot be seen, but a file in it changes when it was last changed.
    let changed = || std::fs::metadata(&own).and_then(|dir| dir.modified()).expect("it is there");
    let before = changed();
    let record = place.record(&["--scenario", scenario]);
    assert_eq!(changed(), before, "something was made in it");
    assert_eq!(std::fs::read_dir(&own).expect("it is there").count(), 0);
    let cell = record.cell("mine", "file-write-host-etc").expect("it was tried");
    let note = cell.note.as_deref().unwrap_or_default();
    assert!(note.contains("is a directory of the real host, to which nothing is written"), "{cell:#?}");
}

/// The host at one moment.
struct State {
    clock: Clock,
    identity_and_network: Lines,
    mounts: Lines,
    kernel_parameters: Lines,
    etc: Lines,
    root: Lines,
    device_nodes: Lines,
    keys: Lines,
    ipc: Lines,
    /// Control groups and abstract sockets with the run's name: others' runs have theirs.
    named_after_the_run: Lines,
}

impl State {
    fn now() -> Self {
        Self {
            clock: Clock::now(),
            identity_and_network: host_state::identity_and_network(),
            mounts: host_state::lists(&["/proc/self/mountinfo"]),
            kernel_parameters: host_state::kernel_parameters(),
            etc: host_state::files(Path::new("/etc")),
            root: names(Path::new("/")),
            device_nodes: host_state::device_nodes(),
            keys: host_state::keys(),
            ipc: host_state::lists(&["/proc/sysvipc/msg", "/proc/sysvipc/sem"]),
            named_after_the_run: Lines::new(),
        }
    }
}

/// The run that all tests share, and the host around it.
struct Ran {
    before: State,
    after: State,
    record: Record,
    orphans: Vec<String>,
}

fn ran() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| {
        let place = Place::new();
        let nursery = Nursery::open();
        let mut command = place.command(&["run", "--record", "record.json"]);
        let before = State::now();
        let run = nursery.start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        let pid = run.pid();
        assert!(run.wait().success(), "the run failed");
        let orphans = nursery.wait_for_orphans(Duration::from_secs(2));
        let after = State { named_after_the_run: named_after(pid), ..State::now() };
        let record = record::read(&place.path("record.json")).expect("it was just written");
        Ran { before, after, record, orphans }
    })
}

fn everything_was_tried() {
    let record = &ran().record;
    assert_eq!(record.host.privilege, "root");
    let probes = record.probes.len();
    assert!(probes >= 70);
    // Every cell that is not plainly allowed rests on a trial with everything relaxed.
    let tried = |probe: &str| record.cells.iter().any(|cell| cell.probe == probe);
    assert!(record.probes.iter().all(|probe| tried(&probe.id)));
}

/// Names only: the directories' times change with what others do in them.
fn names(dir: &Path) -> Lines {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| (entry.path().display().to_string(), String::new())).collect()
}

fn named_after(pid: i32) -> Lines {
    let name = format!("whyblocked-run-{pid}-");
    let top = names(Path::new("/sys/fs/cgroup"));
    let below = top.keys().flat_map(|hierarchy| names(Path::new(hierarchy)));
    let all = top.clone().into_iter().chain(below).chain(host_state::lists(&["/proc/net/unix"]));
    all.filter(|(line, _)| line.contains(&name)).collect()
}
