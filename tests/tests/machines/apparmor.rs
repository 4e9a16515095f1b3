//! The AppArmor machine: what cannot be shown on a host that is not thrown away. Profiles that refuse, modules that are
//! really loaded, a clock that is really set, and ids as in the source notes, with both engines.
//!
//! The machine is started once; its state after its first boot is kept between runs.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use libtest_mimic::Trial;
use whyblocked::cases::Case;
use whyblocked::mechanism::Mechanism;
use whyblocked::record::{Proof, Record};
use whyblocked_tests::machine::{Engine, Group, Machine, allowed, blocked, blocks_are_confirmed, cell};
use whyblocked_tests::{Place, agreed};

pub(crate) static MACHINE: Machine = Machine::new("apparmor");

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

/// The same with Docker, where each container takes some seconds: a scenario stands in one group.
const WITH_DOCKER: [Group<'static>; 6] = [
    Group { scenarios: &["apparmor-docker-default", "apparmor-unconfined"], probes: &["mount-new"] },
    Group { scenarios: &["apparmor-silent-deny"], probes: &["file-write-host-etc"] },
    Group { scenarios: &["docker-default"], probes: &["apparmor-chmod-proc"] },
    Group {
        scenarios: &["seccomp-unconfined"],
        probes: &["module-load-dummy", "module-remove-dummy", "time-set-clock"],
    },
    Group {
        scenarios: &["cap-add-sys-module", "userns-remap-all-caps"],
        probes: &["module-load-dummy", "module-remove-dummy"],
    },
    Group { scenarios: &["cap-add-sys-time"], probes: &["time-set-clock"] },
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

/// Its tests.
pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = Vec::new();
    for engine in [EMBEDDED, DOCKER] {
        let mut test = |name: &str, run: fn(&Record)| tests.push(engine.test(name, run));
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
    tests.push(MACHINE.test("the_labs_keep_what_they_promise", the_labs));
    tests.push(MACHINE.test("the_machine_is_as_before", the_machine_is_as_before));
    tests.extend(agreed::of_machine("debian-13-apparmor", &MACHINE, EMBEDDED.record, chosen));
    tests
}

/// What its run with the built-in engine is about.
fn chosen(case: &Case) -> bool {
    SCENARIOS.contains(&case.scenario.as_str()) && PROBES.contains(&case.probe.as_str())
}

const EMBEDDED: Engine = Engine {
    name: "embedded",
    machine: &MACHINE,
    record: || {
        static RECORD: OnceLock<Record> = OnceLock::new();
        RECORD.get_or_init(|| {
            with_remap(|remap| MACHINE.run("embedded", &[&SCENARIOS[..], &[remap]].concat(), &PROBES))
        })
    },
};

const DOCKER: Engine = Engine {
    name: "docker",
    machine: &MACHINE,
    record: || {
        static RECORD: OnceLock<Record> = OnceLock::new();
        RECORD.get_or_init(|| {
            with_remap(|remap| {
                let remapped =
                    Group { scenarios: &["userns-remap", remap], probes: &["userns-file-owner-on-host"] };
                MACHINE.run_each("docker", &[&WITH_DOCKER[..], &[remapped]].concat())
            })
        })
    },
};

fn with_remap(run: impl Fn(&str) -> Record) -> Record {
    let place = Place::new();
    let remap = place.path("remap-default.yaml");
    std::fs::write(&remap, REMAP_DEFAULT).expect("the place is ours");
    let remap = remap.to_str().expect("temporary paths are text");
    run(remap)
}

/// Of Docker's record there are only the cells that cost few containers.
fn with_docker(record: &Record) -> bool {
    record.engine.name == "docker"
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
    let probe = if with_docker(record) { "apparmor-chmod-proc" } else { "mount-new" };
    let cell = cell(record, "docker-default", probe);
    assert!(cell.layers.contains(&Mechanism::Apparmor), "{cell:#?}");
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
        blocked(record, "seccomp-unconfined", probe, "EPERM", Capabilities, &[Capabilities]);
        allowed(record, "cap-add-sys-module", probe);
        blocked(record, "userns-remap-all-caps", probe, "EPERM", UserNamespace, &[UserNamespace]);
        if !with_docker(record) {
            blocked(record, "docker-default", probe, "EPERM", Seccomp, &[Seccomp, Capabilities]);
            let remapped = [Seccomp, Capabilities, UserNamespace];
            blocked(record, "userns-remap", probe, "EPERM", Seccomp, &remapped);
        }
    }
}

fn clock(record: &Record) {
    use Mechanism::{Capabilities, Seccomp, UserNamespace};
    let probe = "time-set-clock";
    blocked(record, "seccomp-unconfined", probe, "EPERM", Capabilities, &[Capabilities]);
    allowed(record, "cap-add-sys-time", probe);
    if !with_docker(record) {
        blocked(record, "docker-default", probe, "EPERM", Seccomp, &[Seccomp, Capabilities]);
        blocked(record, "userns-remap-all-caps", probe, "EPERM", UserNamespace, &[UserNamespace]);
    }
}

/// `vagrant:100000:65536`, exactly as in the notes; and Docker's own user.
fn remapped(record: &Record) {
    for (scenario, first) in [("userns-remap", 100_000), ("remap-default", 165_536)] {
        let entry = record.scenarios.iter().find(|entry| entry.id == scenario).expect("it was asked for");
        assert_eq!(entry.not_run, None, "{scenario}");
        if with_docker(record) {
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
    let theirs: u64 = MACHINE.inside("date +%s").parse().expect("a number");
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    assert!(theirs.abs_diff(ours) < CLOCK_TOLERANCE, "{theirs} there, {ours} here");
    let loaded = MACHINE.inside("cat /proc/modules");
    assert!(!loaded.lines().any(|line| line.starts_with("dummy ")), "{loaded}");
}

/// Those that need this machine.
fn the_labs() {
    let labs = ["15-apparmor"];
    let text = MACHINE.program_inside(&[&["lab", "verify"][..], &labs].concat());
    for lab in labs {
        assert!(text.contains(&format!("✓ {lab} (")), "{text}");
    }
}
