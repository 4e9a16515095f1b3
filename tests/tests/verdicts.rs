//! What the built-in scenarios show as root, on real containers: one run, and each claim about it a test.

use std::process::ExitCode;
use std::sync::OnceLock;

use whyblocked::mechanism::Mechanism::{
    self, Capabilities, MaskedPath, MountNamespace, NetworkNamespace, NoNewPrivileges, Ownership,
    PidNamespace, ReadOnlyMount, ResourceLimit, Seccomp, UserNamespace,
};
use whyblocked::record::{Cell, Outcome, Record};
use whyblocked_tests::{Facility, Place, suite};

const ROOT: &[Facility] = &[Facility::Root];

/// For the scenario that limits processes and memory.
const LIMITS: &[Facility] = &[Facility::Root, Facility::ControlGroups];

fn main() -> ExitCode {
    let mut tests = vec![
        suite::test("enough_scenarios_and_probes_are_run", ROOT, enough),
        suite::test("nothing_is_broken", ROOT, nothing_broken),
        suite::test("the_agent_outlives_what_runs_out_of_memory", LIMITS, short_of_memory),
        suite::test("every_blocked_verdict_says_what_opens_it", ROOT, blocked_is_complete),
        suite::test("whatever_is_not_tested_has_a_reason", ROOT, reasons),
        suite::test("the_record_keeps_to_its_schema", ROOT, schema),
        suite::test("a_file_of_user_1000_belongs_to_user_1000_on_the_host", ROOT, || {
            owner_on_the_host("user-1000-shared-dir/file-write-host-etc", 1000);
        }),
        suite::test("a_file_of_a_remapped_root_belongs_to_nobody_known_on_the_host", ROOT, || {
            let first = remapped_root();
            assert_ne!(first, 0);
            owner_on_the_host("userns-remap/userns-file-owner-on-host", first);
        }),
        suite::test("a_noexec_mount_answers_with_eacces", ROOT, || {
            let cell = cell("tmpfs-defaults/file-exec-noexec-mount");
            assert_eq!(cell.errno.as_deref(), Some("EACCES"), "{cell:#?}");
        }),
        #[cfg(target_arch = "x86_64")]
        suite::test("a_32_bit_call_gets_past_what_the_filter_says_of_sockets", ROOT, thirty_two_bits),
        suite::test("a_file_of_a_remapped_root_would_not_be_roots", ROOT, || {
            blocked("userns-remap/file-write-host-etc", &[UserNamespace]);
        }),
        suite::test("where_a_capability_is_asked_for_its_check_answers_an_ordinary_user", ROOT, || {
            let cell = cell("user-1000/time-clock-adjtime");
            assert_eq!(
                (cell.blocked_by, &cell.layers[..]),
                (Some(Capabilities), &[Ownership, Capabilities][..])
            );
        }),
        suite::test("a_read_only_mount_answers_first_where_all_three_would", LIMITS, || {
            let cell = cell("hardened/file-write-host-etc");
            assert_eq!(cell.blocked_by, Some(ReadOnlyMount), "{cell:#?}");
            assert_eq!(cell.opens, [[Ownership, UserNamespace, ReadOnlyMount]], "{cell:#?}");
            assert_eq!((cell.depth, cell.errno.as_deref()), (Some(3), Some("EROFS")));
        }),
        suite::test("seccomp_alone_keeps_its_errno", ROOT, || {
            assert_eq!(cell("docker-default/key-keyctl").errno.as_deref(), Some("EPERM"));
        }),
        suite::test(
            "modules_cannot_be_tested_without_modules",
            &[Facility::Root, Facility::NoModules],
            || {
                for probe in ["module-init", "module-finit", "module-delete"] {
                    let cell = cell(&format!("docker-default/{probe}"));
                    assert_eq!(
                        (cell.outcome, cell.reason.as_deref()),
                        (Outcome::Untestable, Some("kernel")),
                        "{probe}"
                    );
                }
            },
        ),
        suite::test("modules_are_blocked_twice", &[Facility::Root, Facility::Modules], || {
            blocked("docker-default/module-init", &[Seccomp, Capabilities]);
            blocked("userns-remap-all-caps/module-init", &[UserNamespace]);
        }),
    ];
    for (id, layers) in BLOCKED {
        let name = format!("{}_is_blocked", id.replace(['/', '-'], "_"));
        let needs = if id.starts_with("hardened/") { LIMITS } else { ROOT };
        tests.push(suite::test(name, needs, move || blocked(id, layers)));
    }
    for id in ALLOWED {
        let name = format!("{}_gets_through", id.replace(['/', '-'], "_"));
        tests.push(suite::test(name, ROOT, move || allowed(id)));
    }
    suite::run(tests)
}

/// What is blocked, by whom first, and by whom else behind that.
const BLOCKED: &[(&str, &[Mechanism])] = &[
    ("docker-default/time-settimeofday", &[Seccomp, Capabilities]),
    ("docker-default/time-clock-settime", &[Seccomp, Capabilities]),
    ("docker-default/time-clock-adjtime", &[Capabilities]),
    ("docker-default/key-keyctl", &[Seccomp]),
    ("docker-default/process-kill-outside", &[PidNamespace]),
    ("docker-default/proc-read-keys", &[MaskedPath]),
    ("docker-default/proc-open-core-pattern", &[ReadOnlyMount]),
    ("docker-default/net-reach-host-loopback", &[NetworkNamespace]),
    ("docker-default/mount-new", &[Seccomp, Capabilities]),
    ("user-1000/file-write-host-etc", &[Ownership]),
    ("user-1000/time-settimeofday", &[Seccomp, Ownership, Capabilities]),
    ("cap-drop-all/capability-chown", &[Capabilities]),
    ("cap-drop-kill/process-kill-other-uid", &[Capabilities]),
    ("seccomp-unconfined/time-settimeofday", &[Capabilities]),
    ("seccomp-custom/time-clock-adjtime", &[Seccomp, Capabilities]),
    ("userns-remap/time-settimeofday", &[Seccomp, Capabilities, UserNamespace]),
    ("userns-remap-all-caps/time-settimeofday", &[UserNamespace]),
    ("read-only/file-write-host-etc", &[ReadOnlyMount]),
    ("read-only/file-write-readonly-bind", &[ReadOnlyMount]),
    ("read-only/file-write-readonly-rootfs", &[ReadOnlyMount]),
    ("tmpfs-defaults/file-exec-noexec-mount", &[ReadOnlyMount]),
    ("tmpfs-defaults/file-setuid-nosuid-mount", &[ReadOnlyMount]),
    ("no-new-privileges/file-setuid-nosuid-mount", &[NoNewPrivileges]),
    ("no-new-privileges/identity-setuid-binary", &[NoNewPrivileges]),
    ("no-new-privileges/identity-file-capability", &[NoNewPrivileges]),
    ("docker-default/process-see-host", &[PidNamespace]),
    ("docker-default/userns-file-owner-on-host", &[MountNamespace]),
    ("docker-default/identity-sethostname", &[Seccomp, Capabilities]),
    ("docker-default/file-see-host-root", &[MountNamespace]),
    ("userns-remap/identity-sethostname", &[Seccomp, Capabilities, UserNamespace]),
    ("userns-remap/process-kill-outside", &[PidNamespace, UserNamespace]),
    ("docker-default/mount-fsconfig", &[Seccomp, Capabilities]),
    ("docker-default/mount-clone-tree", &[Seccomp, Capabilities]),
    ("docker-default/namespace-clone3-new", &[Seccomp, Capabilities]),
    ("docker-default/namespace-join-own", &[Seccomp, Capabilities]),
    ("userns-remap/namespace-join-own", &[Seccomp, Capabilities, UserNamespace]),
    ("docker-default/process-ptrace-other-uid", &[Capabilities]),
    ("docker-default/process-kcmp-other-uid", &[Seccomp, Capabilities]),
    ("docker-default/process-madvise-other-uid", &[Seccomp, Capabilities]),
    ("userns-remap-all-caps/process-madvise-other-uid", &[UserNamespace]),
    ("docker-default/key-add", &[Seccomp]),
    ("hardened/time-settimeofday", &[Seccomp, Ownership, Capabilities, UserNamespace]),
    ("hardened/process-kill-outside", &[PidNamespace, Ownership, UserNamespace]),
    ("hardened/limit-fork", &[ResourceLimit]),
    ("hardened/limit-memory", &[ResourceLimit]),
    ("hardened/limit-files", &[ResourceLimit]),
];

const ALLOWED: &[&str] = &[
    "bind-host-etc/file-write-host-etc",
    "user-1000-shared-dir/file-write-host-etc",
    "cap-drop-all/file-write-host-etc",
    "cap-drop-kill/process-kill-own-uid",
    "cap-add-sys-time/time-settimeofday",
    "seccomp-custom/key-keyctl",
    "host-pid/process-kill-outside",
    "host-pid/process-see-host",
    "host-network/net-reach-host-loopback",
    "privileged/time-settimeofday",
    "privileged/identity-sethostname",
    "userns-remap-all-caps/identity-sethostname",
    "docker-default/process-kill-other-uid",
    "seccomp-unconfined/key-add",
    "privileged/mount-fsconfig",
    "privileged/mount-clone-tree",
    "privileged/namespace-clone3-new",
    "privileged/namespace-join-own",
    "privileged/process-ptrace-other-uid",
    "privileged/process-kcmp-other-uid",
    "privileged/process-madvise-other-uid",
    "docker-default/file-exec-noexec-mount",
    "docker-default/file-setuid-nosuid-mount",
    "userns-remap/userns-file-owner-on-host",
];

/// The run that all tests share.
fn record() -> &'static Record {
    static RECORD: OnceLock<Record> = OnceLock::new();
    RECORD.get_or_init(|| Place::new().record(&[]))
}

/// A verdict by `scenario/probe`.
fn cell(id: &str) -> &'static Cell {
    let (scenario, probe) = id.split_once('/').expect("scenario/probe");
    record().cell(scenario, probe).unwrap_or_else(|| panic!("there is no verdict {id}"))
}

fn allowed(id: &str) {
    assert_eq!(cell(id).outcome, Outcome::Allowed, "{:#?}", cell(id));
}

/// Blocked by the first of `layers`, by exactly these, and opened by all of them together.
fn blocked(id: &str, layers: &[Mechanism]) {
    let cell = cell(id);
    assert_eq!(cell.outcome, Outcome::Blocked, "{cell:#?}");
    assert_eq!(cell.layers, layers, "{cell:#?}");
    assert_eq!(cell.blocked_by, layers.first().copied(), "{cell:#?}");
    assert_eq!(cell.opens, [layers], "{cell:#?}");
    assert_eq!(cell.depth, Some(layers.len() as u32), "{cell:#?}");
}

fn enough() {
    let run = record().scenarios.iter().filter(|scenario| scenario.not_run.is_none()).count();
    assert!(run >= 17, "{run} scenarios were run");
    assert!(record().probes.len() >= 70);
    assert_eq!(record().cells.len(), run * record().probes.len());
}

fn nothing_broken() {
    let broken: Vec<&Cell> = record().cells.iter().filter(|cell| cell.outcome == Outcome::Broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let conflicts: Vec<&Cell> = record()
        .cells
        .iter()
        .filter(|cell| cell.proof == Some(whyblocked::record::Proof::Conflict))
        .collect();
    assert!(conflicts.is_empty(), "{conflicts:#?}");
}

fn blocked_is_complete() {
    for cell in record().cells.iter().filter(|cell| cell.outcome == Outcome::Blocked) {
        assert!(cell.blocked_by.is_some() && !cell.opens.is_empty(), "{cell:#?}");
        let smallest = cell.opens.iter().map(Vec::len).min().unwrap_or(0);
        assert_eq!(cell.depth, Some(smallest as u32), "{cell:#?}");
        // Whatever is enough alone has to be relaxed, unless more mechanisms let more through.
        let all_layers = |open: &Vec<Mechanism>| cell.layers.iter().all(|layer| open.contains(layer));
        assert!(!cell.violations.is_empty() || cell.opens.iter().all(all_layers), "{cell:#?}");
        assert!(cell.proof.is_some() && !cell.evidence.is_empty(), "{cell:#?}");
    }
}

/// Where memory runs out, the kernel has to end a probe, and never the agent, with which all others would end.
fn short_of_memory() {
    let place = Place::new();
    let broken: Vec<u64> = (6000..=7200).step_by(400).filter(|kib| !is_outlived(&place, *kib)).collect();
    assert!(broken.is_empty(), "the agent did not outlive limit-fork with mem_limit {broken:?} k");
}

/// Whether what fits into a memory limit without 20 processes more is also run to its end with them.
fn is_outlived(place: &Place, kib: u64) -> bool {
    let file = place.path("short.yaml");
    let text = format!("title: short\nteaches: memory\nservice: {{mem_limit: {kib}k, user: \"1000\"}}\n");
    std::fs::write(&file, text).expect("the place is writable");
    let runs = |probes: &[&str]| {
        let mut command = place.command(&["run", "--scenario", "short.yaml"]);
        command.args(probes.iter().flat_map(|probe| ["--probe", probe])).output().expect("it starts").status
    };
    !runs(&["identity-*"]).success() || runs(&["identity-*", "limit-fork"]).success()
}

fn reasons() {
    for scenario in record().scenarios.iter().filter(|scenario| scenario.not_run.is_some()) {
        assert!(scenario.not_run.as_ref().is_some_and(|reason| reason.len() > 10), "{}", scenario.id);
    }
    for cell in record().cells.iter().filter(|cell| cell.outcome == Outcome::Untestable) {
        assert!(cell.reason.is_some() && cell.note.is_some(), "{cell:#?}");
        assert!(cell.blocked_by.is_none() && cell.layers.is_empty(), "{cell:#?}");
    }
}

/// Kernels can be built without 32-bit calls, and without vsock; the record says so then.
#[cfg(target_arch = "x86_64")]
fn thirty_two_bits() {
    let there = |probe: &str| {
        let cell = cell(&format!("privileged/{probe}"));
        assert!(cell.outcome == Outcome::Allowed || cell.reason.as_deref() == Some("kernel"), "{cell:#?}");
        cell.outcome == Outcome::Allowed
    };
    if !there("kernel-ia32-entry") {
        return;
    }
    allowed("docker-default/kernel-ia32-entry");
    blocked("seccomp-no-32-bit-calls/kernel-ia32-entry", &[Seccomp]);
    if there("net-af-vsock") {
        blocked("docker-default/net-af-vsock", &[Seccomp]);
        allowed("docker-default/net-af-vsock-ia32");
        blocked("seccomp-no-32-bit-calls/net-af-vsock-ia32", &[Seccomp]);
    }
}

fn schema() {
    let schema = jsonschema::validator_for(&Record::schema()).expect("the schema is a schema");
    let value = serde_json::to_value(record()).expect("a record is plain data");
    let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).take(3).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// The id on the host of a remapped container's root, as the record says it: `0–65535 are 100000–165535 on the host`.
fn remapped_root() -> u32 {
    let scenario =
        record().scenarios.iter().find(|scenario| scenario.id == "userns-remap").expect("it is built in");
    let posture =
        &scenario.posture.iter().find(|posture| posture.mechanism == UserNamespace).expect("it is on").state;
    let first = posture.split(" are ").nth(1).and_then(|range| range.split('–').next());
    first.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("'{posture}' names no range"))
}

fn owner_on_the_host(id: &str, owner: u32) {
    let cell = cell(id);
    let outside =
        cell.evidence.iter().find(|evidence| evidence.method == "outside").expect("it was looked at");
    assert!(outside.detail.contains(&format!("owner {owner}:{owner} ")), "{}", outside.detail);
}
