//! The SELinux machine, enforcing: labels that refuse whatever the user is, what `:z`, `:Z` and `label=` do to that, real
//! modules, and Docker's own refusals; with both engines.
//!
//! The machine is started once; its state after its first boot is kept between runs.

use std::sync::OnceLock;

use libtest_mimic::Trial;
use whyblocked::cases::Case;
use whyblocked::mechanism::Mechanism::{self, Selinux};
use whyblocked::record::{Proof, Record};
use whyblocked_tests::agreed;
use whyblocked_tests::machine::{Engine, Group, Machine, allowed, blocked, blocks_are_confirmed, cell};

pub(crate) static MACHINE: Machine = Machine::new("selinux");

/// Not more than is asserted; a scenario stands in one group, because its containers are most of the work.
const GROUPS: [Group<'static>; 5] = [
    Group {
        scenarios: &[
            "selinux-label-disabled",
            "selinux-type-changed",
            "selinux-permissive",
            "selinux-etc-private",
            "selinux-daemon-off",
        ],
        probes: &["file-write-host-etc"],
    },
    Group {
        scenarios: &["selinux-bind-unlabelled"],
        probes: &["file-write-host-etc", "userns-file-owner-on-host"],
    },
    Group {
        scenarios: &["selinux-bind-private", "selinux-bind-private-second"],
        probes: &["userns-file-owner-on-host", "selinux-write-private-label"],
    },
    Group {
        scenarios: &["selinux-bind-shared", "selinux-bind-shared-second"],
        probes: &["userns-file-owner-on-host", "selinux-write-shared-label"],
    },
    Group {
        scenarios: &["selinux-sys-module", "selinux-sys-module-label-disabled"],
        probes: &["module-load-dummy"],
    },
];

/// Its tests.
pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = Vec::new();
    for engine in [EMBEDDED, DOCKER] {
        let mut test = |name: &str, run: fn(&Record)| tests.push(engine.test(name, run));
        test("every_block_is_confirmed_and_nothing_conflicts", blocks_are_confirmed);
        test("the_real_etc_is_refused_to_root_by_its_label", etc_is_refused);
        test("without_a_label_root_writes_to_the_real_etc", |record| {
            allowed(record, "selinux-label-disabled", "file-write-host-etc");
        });
        test("a_private_label_is_for_one_container", private);
        test("a_shared_label_is_for_all", shared);
        test("a_type_that_may_write_to_etc_opens_that", type_changed);
        test("a_permissive_type_is_refused_nothing_and_it_is_written_down", permissive);
        test("nobody_relabels_etc", etc_is_not_relabelled);
        test("a_daemon_without_selinux_enabled_gives_no_label", daemon_off);
        test("a_real_module_is_refused_by_the_label_and_loaded_without", modules);
    }
    let opened = "selinux_has_a_say_in_capabilities_until_a_boolean_says_otherwise";
    tests.push(MACHINE.test(opened, boolean));
    tests.push(MACHINE.test("what_the_witnesses_provoke_is_no_evidence", provoked));
    tests.push(MACHINE.test("the_whole_catalogue_is_explained", the_whole_catalogue));
    tests.push(MACHINE.test("the_labs_keep_what_they_promise", the_labs));
    tests.push(MACHINE.test("the_machine_is_as_before", the_machine_is_as_before));
    tests.extend(agreed::of_machine("debian-13-selinux", &MACHINE, catalogue, chosen));
    tests
}

/// What the run with the whole catalogue is about.
fn chosen(case: &Case) -> bool {
    WITH_EVERY_PROBE.contains(&case.scenario.as_str())
}

/// Scenarios in which every probe is run.
const WITH_EVERY_PROBE: [&str; 3] = ["docker-default", "selinux-sys-admin", "selinux-type-changed"];

const EMBEDDED: Engine = Engine {
    name: "embedded",
    machine: &MACHINE,
    record: || {
        static RECORD: OnceLock<Record> = OnceLock::new();
        RECORD.get_or_init(|| MACHINE.run_each("embedded", &GROUPS))
    },
};

const DOCKER: Engine = Engine {
    name: "docker",
    machine: &MACHINE,
    record: || {
        static RECORD: OnceLock<Record> = OnceLock::new();
        RECORD.get_or_init(|| MACHINE.run_each("docker", &GROUPS))
    },
};

/// Refused by SELinux alone, and both the audit record and the hook in the trace say so.
fn by_selinux(record: &Record, scenario: &str, probe: &str, errno: &str) {
    assert!(said_by_selinux(record, scenario, probe, errno).contains(&"audit"), "{scenario} / {probe}");
}

/// The same, but by a rule that is not written down: the policy's `dontaudit` covers looking into directories.
fn by_selinux_silently(record: &Record, scenario: &str, probe: &str, errno: &str) {
    assert_eq!(said_by_selinux(record, scenario, probe, errno), ["trace"], "{scenario} / {probe}");
}

/// Refused by SELinux alone, as the trace shows; which witnesses name it.
fn said_by_selinux(record: &Record, scenario: &str, probe: &str, errno: &str) -> Vec<&'static str> {
    blocked(record, scenario, probe, errno, Selinux, &[Selinux]);
    let cell = cell(record, scenario, probe);
    assert_eq!(cell.proof, Some(Proof::Confirmed), "{cell:#?}");
    let said = |method: &str, text: &str| {
        cell.evidence.iter().any(|evidence| evidence.method == method && evidence.says.contains(text))
    };
    let words = [("trace", "selinux_"), ("audit", "SELinux wrote down: ")];
    let by: Vec<_> = words.iter().filter(|(by, text)| said(by, text)).map(|(by, _)| *by).collect();
    assert!(by.contains(&"trace"), "{cell:#?}");
    by
}

fn etc_is_refused(record: &Record) {
    assert!(record.host.disposable, "${{LAB}} is not the real one");
    by_selinux(record, "selinux-bind-unlabelled", "file-write-host-etc", "EACCES");
}

fn private(record: &Record) {
    allowed(record, "selinux-bind-private", "selinux-write-private-label");
    by_selinux_silently(record, "selinux-bind-private-second", "selinux-write-private-label", "EACCES");
    // A directory of the host's own, without a label that containers may write.
    by_selinux(record, "selinux-bind-unlabelled", "userns-file-owner-on-host", "EACCES");
}

fn shared(record: &Record) {
    allowed(record, "selinux-bind-shared", "selinux-write-shared-label");
    allowed(record, "selinux-bind-shared-second", "selinux-write-shared-label");
}

fn type_changed(record: &Record) {
    allowed(record, "selinux-type-changed", "file-write-host-etc");
}

fn permissive(record: &Record) {
    allowed(record, "selinux-permissive", "file-write-host-etc");
    let cell = cell(record, "selinux-permissive", "file-write-host-etc");
    let would = "SELinux wrote down: would have been refused: ";
    assert!(cell.evidence.iter().any(|evidence| evidence.says.contains(would)), "{cell:#?}");
}

fn etc_is_not_relabelled(record: &Record) {
    let entry = record.scenarios.iter().find(|entry| entry.id == "selinux-etc-private").expect("it was run");
    if record.engine.name == "docker" {
        let refused = entry.refused.as_deref().unwrap_or_default();
        assert!(refused.contains("SELinux relabeling of /etc is not allowed"), "{entry:#?}");
    } else {
        let reason = entry.not_run.as_deref().unwrap_or_default();
        assert!(reason.contains("SELinux relabelling of /etc is not allowed"), "{entry:#?}");
    }
}

fn daemon_off(record: &Record) {
    allowed(record, "selinux-daemon-off", "file-write-host-etc");
    let entry = record.scenarios.iter().find(|entry| entry.id == "selinux-daemon-off").expect("it was run");
    assert!(!entry.posture.iter().any(|posture| posture.mechanism == Selinux), "{entry:#?}");
}

fn modules(record: &Record) {
    let probe = "module-load-dummy";
    by_selinux(record, "selinux-sys-module", probe, "EPERM");
    allowed(record, "selinux-sys-module-label-disabled", probe);
}

/// What an administrator does who means it.
fn boolean() {
    let (scenario, probe) = ("selinux-sys-admin", "identity-sethostname");
    let record = || MACHINE.run("embedded", &[scenario], &[probe]);
    by_selinux(&record(), scenario, probe, "EPERM");
    MACHINE.inside("/usr/sbin/setsebool container_use_sysadmin on");
    let opened = record();
    MACHINE.inside("/usr/sbin/setsebool container_use_sysadmin off");
    allowed(&opened, scenario, probe);
}

/// The marks around a call make the kernel ask for a capability that this policy refuses to containers, and the audit system writes
/// that down too.
fn provoked() {
    let probes = ["time-settimeofday", "mount-new"];
    let record = MACHINE.run("embedded", &["docker-default"], &probes);
    blocks_are_confirmed(&record);
    for probe in probes {
        let cell = cell(&record, "docker-default", probe);
        assert_eq!(
            (cell.blocked_by, cell.proof),
            (Some(Mechanism::Seccomp), Some(Proof::Confirmed)),
            "{cell:#?}"
        );
    }
}

/// The run with every probe.
fn catalogue() -> &'static Record {
    static RECORD: OnceLock<Record> = OnceLock::new();
    RECORD.get_or_init(|| MACHINE.run("embedded", &WITH_EVERY_PROBE, &[]))
}

/// With every probe: hooks that no other test asks for, what covers a masked directory (its label is containers' too), and
/// a process without a label of containers, which is not to be stricter than one that has it.
fn the_whole_catalogue() {
    let record = catalogue();
    blocks_are_confirmed(record);
    assert_eq!(cell(record, "docker-default", "proc-list-acpi").blocked_by, Some(Mechanism::MaskedPath));
    let writable_code = cell(record, "docker-default", "kernel-mmap-rwx");
    assert!(writable_code.violations.is_empty(), "{writable_code:#?}");
    for probe in ["process-traceme", "key-request", "kernel-memfd-exec", "mount-new"] {
        let cell = cell(record, "selinux-sys-admin", probe);
        assert_eq!((cell.blocked_by, cell.proof), (Some(Selinux), Some(Proof::Confirmed)), "{cell:#?}");
    }
    // Among so many refusals that the audit system writes down, none is lost.
    by_selinux(record, "selinux-sys-admin", "identity-sethostname", "EPERM");
}

/// Seen from outside the containers.
fn the_machine_is_as_before() {
    for engine in [EMBEDDED, DOCKER] {
        (engine.record)();
    }
    assert_eq!(MACHINE.inside("/usr/sbin/getenforce"), "Enforcing");
    let labels = MACHINE.inside("stat -c %C /etc /var /shared /etc/passwd");
    assert!(!labels.contains("container_file_t"), "{labels}");
    assert!(!MACHINE.inside("cat /proc/modules").lines().any(|line| line.starts_with("dummy ")));
    assert_eq!(MACHINE.inside("ls -d /etc/*whyblocked-canary* /tmp/whyblocked-run-* 2>/dev/null; true"), "");
}

/// Those that need this machine.
fn the_labs() {
    let labs = ["13-selinux-types", "14-selinux-volumes"];
    let text = MACHINE.program_inside(&[&["lab", "verify"][..], &labs].concat());
    for lab in labs {
        assert!(text.contains(&format!("✓ {lab} (")), "{text}");
    }
}
