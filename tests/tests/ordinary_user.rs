//! The same program as an ordinary user: it works, says what differs, and never passes a difference over in
//! silence.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use whyblocked::mechanism::Mechanism;
use whyblocked::record::{self, Outcome, Proof, Record};
use whyblocked_tests::facility::{NOBODY, is_root};
use whyblocked_tests::learner::{self, FIRST, LEARNER};
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, Place, suite};

const USER: &[Facility] = &[Facility::User];

/// Root, to give an account of the test's own a range of ids where nobody else sees it.
const UIDMAP: &[Facility] = &[Facility::Root, Facility::User, Facility::Uidmap];

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
        suite::test("the_witnesses_that_are_missing_are_named_once", USER, || {
            let witness = &run().witness;
            assert_eq!((witness.trace.as_str(), witness.filter, witness.audit), ("none", false, false));
            for name in ["trace:", "filter:", "audit:"] {
                assert_eq!(witness.reason.matches(name).count(), 1, "{}", witness.reason);
            }
        }),
        suite::test("the_dye_confirms_the_filter_without_root", USER, || {
            let cell = run().cell("docker-default", "key-keyctl").expect("it is run");
            assert_eq!(cell.proof, Some(Proof::Confirmed), "{cell:#?}");
            assert!(cell.evidence.iter().any(|evidence| evidence.method == "dye"), "{cell:#?}");
        }),
        suite::test("nothing_disagrees", USER, || {
            let conflicts: Vec<_> =
                run().cells.iter().filter(|cell| cell.proof == Some(Proof::Conflict)).collect();
            assert!(conflicts.is_empty(), "{conflicts:#?}");
        }),
        suite::test("what_the_filter_alone_blocks_is_found_without_root", USER, || {
            let cell = run().cell("docker-default", "key-keyctl").expect("it is run");
            assert_eq!(cell.layers, [Mechanism::Seccomp], "{cell:#?}");
        }),
        suite::test("a_read_only_volume_is_found_without_root", USER, || {
            let cell = run().cell("read-only", "file-write-host-etc").expect("it is run");
            assert_eq!(cell.layers, [Mechanism::ReadOnlyMount], "{cell:#?}");
        }),
        suite::test("try_says_what_it_cannot_try_without_root", USER, try_without_root),
        suite::test("with_subordinate_ids_other_users_exist_in_a_container", UIDMAP, other_users_exist),
    ])
}

/// The run that all tests share.
fn run() -> &'static Record {
    static RECORD: OnceLock<Record> = OnceLock::new();
    RECORD.get_or_init(|| {
        let place = Place::new();
        let file = place.tmp().join("record.json");
        let file = file.to_str().expect("temporary paths are text");
        succeed(&mut as_nobody(place.command_of(&learner::reachable(&place), &["run", "--record", file])));
        record::read(file.as_ref()).expect("a record that was just written can be read")
    })
}

fn try_without_root() {
    let place = Place::new();
    // A limit that only root may raise, and a mount point that only root could make.
    let line = "docker run --ulimit memlock=-1 --tmpfs /run/whyblocked-test --privileged -v /etc:/e nginx";
    let arguments = ["try", "--probe", "key-add", "--probe", "file-write-host-etc", line];
    let output = succeed(&mut as_nobody(place.command_of(&learner::reachable(&place), &arguments)));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in
        ["GOT THROUGH: 2 of 2", "note: without root every container", "1. without --privileged: closes 1"]
    {
        assert!(text.contains(part), "wanted '{part}' in: {text}");
    }
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

fn other_users_exist() {
    let place = Place::new();
    let record = place.tmp().join("record.json");
    let mut command = learner::program(&place);
    command.args(["run", "--scenario", "user-*", "--scenario", "no-new-privileges", "--record"]).arg(&record);
    succeed(&mut command);
    let record = record::read(&record).expect("a record that was just written can be read");

    for scenario in &record.scenarios {
        assert_eq!(scenario.not_run, None, "{}", scenario.id);
        let ids = format!("0 is {LEARNER} on the host, 1–65536 are {FIRST}–{}", FIRST + 65_535);
        assert!(scenario.posture.iter().any(|posture| posture.state == ids), "{:#?}", scenario.posture);
    }
    let broken: Vec<_> = record.cells.iter().filter(|cell| cell.outcome == Outcome::Broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let layers = |scenario, probe| &record.cell(scenario, probe).expect("it is run").layers;
    assert_eq!(layers("user-1000", "file-write-host-etc"), &[Mechanism::Ownership]);
    assert_eq!(layers("no-new-privileges", "identity-setuid-binary"), &[Mechanism::NoNewPrivileges]);
    // User 1000 inside is the 1000th of the subordinate ids outside.
    let shared = record.cell("user-1000-shared-dir", "file-write-host-etc").expect("it is run");
    let owner = format!("owner {0}:{0} on the host", FIRST + 999);
    assert!(shared.evidence.iter().any(|evidence| evidence.detail.ends_with(&owner)), "{shared:#?}");
}
