//! The same program as an ordinary user: it works, says what differs, and never passes a difference over in
//! silence.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use whyblocked::record::{self, Outcome, Record};
use whyblocked_tests::facility::{NOBODY, is_root};
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, Place, program, suite};

const USER: &[Facility] = &[Facility::User];

fn main() -> ExitCode {
    suite::run(vec![
        suite::test("most_scenarios_are_run", USER, most_are_run),
        suite::test("nothing_is_broken", USER, || {
            let broken: Vec<_> = run().cells.iter().filter(|cell| cell.outcome == Outcome::Broken).collect();
            assert!(broken.is_empty(), "{broken:#?}");
        }),
        suite::test("what_differs_is_said", USER, differences_are_said),
        suite::test("what_belongs_to_the_host_is_untestable_and_not_blocked", USER, || {
            let cell = run().cell("userns-remap-all-caps", "time-settimeofday").expect("it is run");
            assert_eq!((cell.outcome, cell.reason.as_deref()), (Outcome::Untestable, Some("user-namespace")));
        }),
        suite::test("what_the_filter_alone_blocks_is_found_without_root", USER, || {
            let cell = run().cell("docker-default", "key-keyctl").expect("it is run");
            assert_eq!(cell.layers, [whyblocked::mechanism::Mechanism::Seccomp], "{cell:#?}");
        }),
        suite::test("a_read_only_volume_is_found_without_root", USER, || {
            let cell = run().cell("read-only", "file-write-host-etc").expect("it is run");
            assert_eq!(cell.layers, [whyblocked::mechanism::Mechanism::ReadOnlyMount], "{cell:#?}");
        }),
    ])
}

/// The run that all tests share.
fn run() -> &'static Record {
    static RECORD: OnceLock<Record> = OnceLock::new();
    RECORD.get_or_init(|| {
        let place = Place::new();
        let file = place.tmp().join("record.json");
        let file = file.to_str().expect("temporary paths are text");
        succeed(&mut as_nobody(place.command_of(&reachable(&place), &["run", "--record", file])));
        record::read(file.as_ref()).expect("a record that was just written can be read")
    })
}

/// A copy of the program where everybody can reach it; the checkout may lie in a home directory.
fn reachable(place: &Place) -> PathBuf {
    let copy = place.path("whyblocked");
    std::fs::copy(program(), &copy).expect("the program can be copied");
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).expect("the copy is ours");
    copy
}

/// With another user's ids, if this process may take them; no capability outlives that.
fn as_nobody(mut command: Command) -> Command {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn most_are_run() {
    assert_eq!(run().host.privilege, "user");
    let run_here = run().scenarios.iter().filter(|scenario| scenario.not_run.is_none()).count();
    assert!(run_here >= 12, "{run_here} scenarios were run");
    assert!(run().cells.iter().any(|cell| cell.outcome == Outcome::Blocked));
}

fn differences_are_said() {
    for scenario in &run().scenarios {
        match (&scenario.not_run, scenario.id.as_str()) {
            (Some(reason), _) => assert!(reason.len() > 10, "{}", scenario.id),
            (None, "privileged") => {}
            (None, "userns-remap") => {
                assert!(
                    scenario.notes.iter().any(|note| note.contains("userns-remap needs root")),
                    "{:?}",
                    scenario.notes
                );
            }
            (None, id) => {
                assert!(
                    scenario.notes.iter().any(|note| note.contains("the device cgroup needs root")),
                    "{id}"
                );
            }
        }
    }
}
