//! The AppArmor machine: what cannot be shown on a host that is not thrown away. Profiles that refuse, modules that are
//! really loaded, a clock that is really set, and ids as in the source notes, with both engines.
//!
//! The machine is started once, if it is not running, and then halted again; its state is kept between runs.

use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use whyblocked::mechanism::Mechanism;
use whyblocked::record::{self, Cell, Outcome, Proof, Record};
use whyblocked_tests::program::{release_program, succeed};
use whyblocked_tests::{Facility, Place, suite};

const MACHINE: &[Facility] = &[Facility::MachineApparmor];

/// Each engine's part of the suite takes a few minutes where the processor is emulated: not more than is asserted.
const SCENARIOS: [&str; 9] = [
    "docker-default",
    "seccomp-unconfined",
    "cap-add-sys-module",
    "cap-add-sys-time",
    "userns-remap",
    "userns-remap-all-caps",
    "apparmor-docker-default",
    "apparmor-unconfined",
    "apparmor-silent-deny",
];
const PROBES: [&str; 6] = [
    "mount-new",
    "module-load-dummy",
    "module-remove-dummy",
    "time-set-clock",
    "file-write-host-etc",
    "userns-file-owner-on-host",
];

/// Docker's own user, whom Debian's box has already.
const REMAP_DEFAULT: &str = "\
title: User namespace, of Docker's own user
teaches: default is a user that Docker makes
service: {volumes: [\"${LAB}/shared:/host/shared\"]}
daemon: {userns-remap: default}
";

/// A slow machine's clock falls behind by seconds; an hour it does not.
const CLOCK_TOLERANCE: u64 = 300;

fn main() -> ExitCode {
    let mut tests = Vec::new();
    for engine in [EMBEDDED, DOCKER] {
        let mut test = |name: &str, run: fn(&Record)| {
            let name = format!("{}::{name}", engine.name);
            tests.push(suite::test(name, MACHINE, move || run((engine.record)())));
        };
        test("every_block_is_confirmed_and_nothing_conflicts", blocks_are_confirmed);
        test("the_machine_is_disposable", |record| assert!(record.host.disposable));
        test("apparmor_alone_refuses_to_mount", apparmor_alone_refuses_to_mount);
        test("without_a_profile_it_mounts", |record| allowed(record, "apparmor-unconfined", "mount-new"));
        test("whoever_says_nothing_gets_dockers_profile", dockers_profile_by_default);
        test("a_silent_rule_is_named_by_the_trace", a_silent_rule_is_named);
        test("a_real_module_is_loaded_and_removed_where_no_layer_is_left", modules);
        test("the_clock_is_really_set_where_no_layer_is_left", clock);
        test("root_of_a_remapped_container_is_an_ordinary_user_outside", remapped);
    }
    tests.push(suite::test("the_machine_is_as_before", MACHINE, the_machine_is_as_before));
    let code = suite::run_in_turn(tests);
    if STARTED.get() == Some(&true) {
        let _ = Command::new(release_program()).args(["vm", "halt", "apparmor"]).status();
    }
    code
}

/// An engine, and its run in the machine.
#[derive(Clone, Copy)]
struct Engine {
    name: &'static str,
    record: fn() -> &'static Record,
}

const EMBEDDED: Engine = Engine {
    name: "embedded",
    record: || {
        static RECORD: OnceLock<Record> = OnceLock::new();
        RECORD.get_or_init(|| run("embedded"))
    },
};

const DOCKER: Engine = Engine {
    name: "docker",
    record: || {
        static RECORD: OnceLock<Record> = OnceLock::new();
        RECORD.get_or_init(|| run("docker"))
    },
};

/// Whether the machine was not running before.
static STARTED: OnceLock<bool> = OnceLock::new();

fn run(engine: &str) -> Record {
    STARTED.get_or_init(|| inside("true").is_none());
    let place = Place::new();
    let (file, remap) = (place.path("record.json"), place.path("remap-default.yaml"));
    std::fs::write(&remap, REMAP_DEFAULT).expect("the place is ours");
    let mut command = place.command_of(release_program(), &["run", "--in", "vagrant:apparmor"]);
    command.args(["--engine", engine, "--record"]).arg(&file).arg("--scenario").arg(&remap);
    command.args(SCENARIOS.iter().flat_map(|id| ["--scenario", id]));
    succeed(command.args(PROBES.iter().flat_map(|id| ["--probe", id])));
    record::read(&file).expect("a record that was just written can be read")
}

/// What a command in the machine says, if the machine is running and the command succeeds.
fn inside(command: &str) -> Option<String> {
    let output =
        Command::new(release_program()).args(["vm", "ssh", "apparmor", "--", command]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn cell<'a>(record: &'a Record, scenario: &str, probe: &str) -> &'a Cell {
    record.cell(scenario, probe).unwrap_or_else(|| panic!("{scenario} / {probe} has no verdict"))
}

fn allowed(record: &Record, scenario: &str, probe: &str) {
    let cell = cell(record, scenario, probe);
    assert_eq!(cell.outcome, Outcome::Allowed, "{cell:#?}");
}

fn blocked(record: &Record, scenario: &str, probe: &str, errno: &str, by: Mechanism, layers: &[Mechanism]) {
    let cell = cell(record, scenario, probe);
    assert_eq!(cell.outcome, Outcome::Blocked, "{cell:#?}");
    assert_eq!(cell.errno.as_deref(), Some(errno), "{cell:#?}");
    assert_eq!(cell.blocked_by, Some(by), "{cell:#?}");
    assert_eq!(cell.layers, layers, "{cell:#?}");
}

fn blocks_are_confirmed(record: &Record) {
    let broken: Vec<&Cell> = record.cells.iter().filter(|cell| cell.outcome == Outcome::Broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let conflicts: Vec<&Cell> =
        record.cells.iter().filter(|cell| cell.proof == Some(Proof::Conflict)).collect();
    assert!(conflicts.is_empty(), "{conflicts:#?}");
    let blocks: Vec<&Cell> = record.cells.iter().filter(|cell| cell.outcome == Outcome::Blocked).collect();
    let confirmed = blocks.iter().filter(|cell| cell.proof == Some(Proof::Confirmed)).count();
    assert!(blocks.len() > 20 && confirmed * 100 >= blocks.len() * 95, "{confirmed} of {}", blocks.len());
}

fn apparmor_alone_refuses_to_mount(record: &Record) {
    blocked(
        record,
        "apparmor-docker-default",
        "mount-new",
        "EACCES",
        Mechanism::Apparmor,
        &[Mechanism::Apparmor],
    );
}

fn dockers_profile_by_default(record: &Record) {
    let scenario = record.scenarios.iter().find(|entry| entry.id == "docker-default").expect("it was run");
    let posture = scenario.posture.iter().find(|posture| posture.mechanism == Mechanism::Apparmor);
    assert_eq!(posture.map(|posture| posture.state.as_str()), Some("docker-default"), "{scenario:#?}");
    let mount = cell(record, "docker-default", "mount-new");
    assert!(mount.layers.contains(&Mechanism::Apparmor), "{mount:#?}");
}

/// Audit says nothing of a deny rule's refusals, and somebody has to.
fn a_silent_rule_is_named(record: &Record) {
    let layers = [Mechanism::Apparmor];
    let (scenario, probe) = ("apparmor-silent-deny", "file-write-host-etc");
    blocked(record, scenario, probe, "EACCES", Mechanism::Apparmor, &layers);
    let cell = cell(record, scenario, probe);
    assert_eq!(cell.proof, Some(Proof::Confirmed), "{cell:#?}");
    let said = |method: &'static str| cell.evidence.iter().filter(move |evidence| evidence.method == method);
    assert!(said("trace").any(|evidence| evidence.says.contains("apparmor_")), "{cell:#?}");
    assert_eq!(said("audit").count(), 0, "{cell:#?}");
    assert!(record.witness.audit, "nobody listened");
}

fn modules(record: &Record) {
    use Mechanism::{Capabilities, Seccomp, UserNamespace};
    for probe in ["module-load-dummy", "module-remove-dummy"] {
        blocked(record, "docker-default", probe, "EPERM", Seccomp, &[Seccomp, Capabilities]);
        blocked(record, "seccomp-unconfined", probe, "EPERM", Capabilities, &[Capabilities]);
        allowed(record, "cap-add-sys-module", probe);
        let remapped = [Seccomp, Capabilities, UserNamespace];
        blocked(record, "userns-remap", probe, "EPERM", Seccomp, &remapped);
        blocked(record, "userns-remap-all-caps", probe, "EPERM", UserNamespace, &[UserNamespace]);
    }
}

fn clock(record: &Record) {
    use Mechanism::{Capabilities, Seccomp, UserNamespace};
    let probe = "time-set-clock";
    blocked(record, "docker-default", probe, "EPERM", Seccomp, &[Seccomp, Capabilities]);
    blocked(record, "seccomp-unconfined", probe, "EPERM", Capabilities, &[Capabilities]);
    allowed(record, "cap-add-sys-time", probe);
    blocked(record, "userns-remap-all-caps", probe, "EPERM", UserNamespace, &[UserNamespace]);
}

/// `vagrant:100000:65536`, exactly as in the notes; and Docker's own user.
fn remapped(record: &Record) {
    for (scenario, first) in [("userns-remap", 100_000), ("remap-default", 165_536)] {
        let entry = record.scenarios.iter().find(|entry| entry.id == scenario).expect("it was asked for");
        assert_eq!(entry.not_run, None, "{scenario}");
        if record.engine.name == "docker" {
            let read = format!("inside, /proc/self/uid_map reads \"0 {first} 65536\"");
            assert!(entry.notes.contains(&read), "{:#?}", entry.notes);
        }
        let owner = cell(record, scenario, "userns-file-owner-on-host");
        let owned = format!("owner {first}:{first} on the host");
        assert!(owner.evidence.iter().any(|evidence| evidence.detail.contains(&owned)), "{owner:#?}");
    }
}

/// Seen from outside the machine, after runs in which the clock was set and modules came and went.
fn the_machine_is_as_before() {
    for engine in [EMBEDDED, DOCKER] {
        (engine.record)();
    }
    let theirs: u64 = inside("date +%s").expect("it is running").parse().expect("a number");
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    assert!(theirs.abs_diff(ours) < CLOCK_TOLERANCE, "{theirs} there, {ours} here");
    let loaded = inside("cat /proc/modules").expect("it is running");
    assert!(!loaded.lines().any(|line| line.starts_with("dummy ")), "{loaded}");
}
