//! What the witnesses say, on real containers: as root that nearly every block is confirmed and nothing disagrees, and
//! as an ordinary user that those that are missing are named once.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::OnceLock;

use whyblocked::engine::embedded::Embedded;
use whyblocked::engine::run_dir::PREFIX;
use whyblocked::engine::{Engine, Job};
use whyblocked::host::{Host, Reach};
use whyblocked::mechanism::Mechanism;
use whyblocked::plan::Plan;
use whyblocked::record::{Cell, Outcome, Proof, Record};
use whyblocked::report::proofs::Proofs;
use whyblocked::report::terminal;
use whyblocked::verdict::search::Subset;
use whyblocked::witness::trace::Trace;
use whyblocked::witness::{Finding, Scene, Witnesses, findings};
use whyblocked_agent::{Outcome as Seen, Probe, catalogue};
use whyblocked_tests::{Facility, Place, builtin, suite};

const TRACE: &[Facility] = &[Facility::Root, Facility::Trace];
const ROOT: &[Facility] = &[Facility::Root];

fn main() -> ExitCode {
    let mut tests = vec![
        suite::test("nothing_disagrees", TRACE, || {
            assert!(proofs().conflicts.is_empty(), "{:#?}", proofs().conflicts);
        }),
        suite::test("at_least_95_per_cent_of_blocks_are_confirmed", TRACE, || {
            let percent = proofs().percent().expect("something is blocked");
            assert!(percent >= 95.0, "{percent:.1} %: {:#?}", proofs().rest);
        }),
        suite::test("what_is_not_confirmed_says_why", TRACE, || {
            for cell in record().cells.iter().filter(|cell| cell.proof == Some(Proof::Single)) {
                assert!(cell.unconfirmed.as_ref().is_some_and(|why| why.len() > 10), "{cell:#?}");
            }
        }),
        suite::test("the_table_ends_with_the_figure_and_the_rest", TRACE, || {
            let text = terminal::table(record(), 80);
            let figure = format!("{} of {} blocks confirmed", proofs().confirmed, proofs().blocked);
            assert!(text.contains(&figure), "{text}");
            for (_, cells) in &proofs().rest {
                assert!(text.contains(&cells[0].probe), "{}", cells[0].probe);
            }
        }),
        suite::test("what_gets_through_was_seen_to_get_through", TRACE, || {
            for cell in record().cells.iter().filter(|cell| cell.outcome == Outcome::Allowed) {
                assert_eq!(cell.proof, Some(Proof::Confirmed), "{cell:#?}");
            }
        }),
        suite::test("the_filter_is_seen_four_times", TRACE, filter_is_seen),
        suite::test("a_missing_capability_is_named_with_its_namespace", TRACE, || {
            let cell = cell("seccomp-unconfined/time-settimeofday");
            assert_eq!(cell.blocked_by, Some(Mechanism::Capabilities));
            says(cell, "trace", "asked for CAP_SYS_TIME in the initial user namespace: not held");
            says(cell, "filter", "ALLOW");
        }),
        suite::test("a_capability_that_is_held_elsewhere_is_the_user_namespaces", TRACE, || {
            let cell = cell("userns-remap-all-caps/time-settimeofday");
            assert_eq!(cell.blocked_by, Some(Mechanism::UserNamespace));
            says(cell, "trace", "asked for CAP_SYS_TIME in the initial user namespace: held, but not there");
        }),
        suite::test("a_call_that_was_never_made_by_the_right_process_is_no_evidence", TRACE, || {
            // Two attempts through the same call are told apart by their marks.
            says(cell("cap-drop-kill/process-kill-other-uid"), "trace", "CAP_KILL");
            says(cell("cap-drop-kill/process-kill-own-uid"), "trace", "nothing refused it");
        }),
        suite::test("a_masked_file_is_known_by_what_covers_it", ROOT, || {
            says(cell("docker-default/proc-read-keys"), "outside", "something empty covers /proc/keys");
        }),
        suite::test("every_capability_that_a_probe_names_is_asked_for", TRACE, capabilities_are_asked_for),
        suite::test("a_trace_that_overran_says_so", TRACE, overrun),
        suite::test("an_explanation_has_the_kernels_own_record", TRACE, || {
            let place = Place::new();
            let output = place.succeed(&["explain", "docker-default", "time-settimeofday"]);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            for part in
                ["ERRNO(1)", "errno 3999", "no sys_enter", "sys_exit settimeofday = EPERM", "syscall=164"]
            {
                assert!(cfg!(not(target_arch = "x86_64")) || text.contains(part), "{part} is not in: {text}");
            }
        }),
    ];
    tests.extend(NAMED.iter().map(|(id, mechanism)| {
        let name = format!("{}_was_answered_by_{mechanism}", id.replace(['/', '-'], "_"));
        suite::test(name.replace('-', "_"), TRACE, move || {
            let cell = cell(id);
            assert_eq!(
                (cell.blocked_by, cell.proof),
                (Some(*mechanism), Some(Proof::Confirmed)),
                "{cell:#?}"
            );
        })
    }));
    suite::run(tests)
}

/// Where the order of the kernel's questions alone would name another, or could not be sure.
const NAMED: &[(&str, Mechanism)] = &[
    // The file has mode bits, and root without CAP_DAC_OVERRIDE is bound by them.
    ("cap-drop-all/capability-dac-override", Mechanism::Ownership),
    // A user other than root has no effective capability: the knob is the user, the check the capability's.
    ("user-1000/capability-setuid", Mechanism::Capabilities),
    ("user-1000/capability-sys-nice", Mechanism::Capabilities),
    // Opening the namespace comes before joining it, and takes a capability; the filter is not asked.
    ("host-pid/namespace-join-host", Mechanism::Capabilities),
    // The audit system looks at the user namespace first, and then at the pid namespace.
    ("userns-remap/net-netlink-audit", Mechanism::UserNamespace),
    ("docker-default/net-netlink-audit", Mechanism::PidNamespace),
    ("no-new-privileges/identity-setuid-binary", Mechanism::NoNewPrivileges),
    ("userns-remap/userns-chown-unmapped", Mechanism::UserNamespace),
    ("docker-default/device-open-own-node", Mechanism::DeviceCgroup),
    ("docker-default/file-write-host-etc", Mechanism::MountNamespace),
    ("userns-remap/file-see-host-root", Mechanism::MountNamespace),
    ("docker-default/process-kill-outside", Mechanism::PidNamespace),
    ("docker-default/net-reach-host-loopback", Mechanism::NetworkNamespace),
    ("docker-default/ipc-see-host", Mechanism::IpcNamespace),
    ("docker-default/cgroup-see-host-path", Mechanism::CgroupNamespace),
];

/// The run that all tests share.
fn record() -> &'static Record {
    static RECORD: OnceLock<Record> = OnceLock::new();
    RECORD.get_or_init(|| Place::new().record(&[]))
}

fn proofs() -> &'static Proofs<'static> {
    static PROOFS: OnceLock<Proofs<'static>> = OnceLock::new();
    PROOFS.get_or_init(|| Proofs::of(record()))
}

/// A verdict by `scenario/probe`.
fn cell(id: &str) -> &'static Cell {
    let (scenario, probe) = id.split_once('/').expect("scenario/probe");
    record().cell(scenario, probe).unwrap_or_else(|| panic!("there is no verdict {id}"))
}

fn says(cell: &Cell, method: &str, words: &str) {
    let said = cell.evidence.iter().filter(|evidence| evidence.method == method);
    assert!(
        said.map(|evidence| &evidence.says).any(|says| says.contains(words)),
        "{method}: {words}: {cell:#?}"
    );
}

fn filter_is_seen() {
    let cell = cell("docker-default/time-settimeofday");
    assert_eq!(cell.blocked_by, Some(Mechanism::Seccomp));
    says(cell, "filter", "ERRNO(1)");
    says(cell, "dye", "the filter's own errno came back");
    says(cell, "trace", "the call was answered before it began");
    let trace = cell.evidence.iter().find(|evidence| evidence.method == "trace").expect("it was traced");
    assert_eq!(trace.detail, "no sys_enter; sys_exit settimeofday = EPERM");
}

/// With everything open each probe that says which capability the kernel wants is seen to be asked for it: the
/// catalogue's word against the kernel's.
fn capabilities_are_asked_for() {
    let host = Host::read();
    let reach = Reach::of(&host);
    let engine = Embedded::new(&reach).expect("the engine starts");
    let witnesses = Witnesses::set_up(engine.run_name());
    let probes: Vec<&'static Probe> = catalogue::all().filter(|probe| probe.may_run(false)).collect();
    let ids: Vec<&'static str> = probes.iter().map(|probe| probe.id).collect();
    let open = everything_open(&host, &reach);
    let (observations, watched) = witnesses.watching(|| {
        let observer = witnesses.observer(&ids).expect("there are witnesses");
        let job = Job { settings: &open, probes: &ids, watch: Some(&observer) };
        let trial = engine.run(&job).expect("the container runs");
        (trial.observations, observer.finish(trial.canaries))
    });
    let mut silent = BTreeSet::new();
    for (probe, seen) in probes.iter().zip(&observations) {
        if seen.outcome != Seen::Reached || probe.capabilities.is_empty() {
            continue;
        }
        let scene = Scene { probe, settings: &open, seen, watched: &watched, dyed: None };
        let trace = trace_of(&scene);
        let asked = |name: &&str| trace.detail.contains(&format!("cap_capable {name} "));
        if !probe.capabilities.iter().any(asked) {
            silent.insert((probe.id, trace.detail));
        }
    }
    let expected: BTreeSet<&str> = NOT_ASKED.iter().map(|(id, _)| *id).collect();
    let found: BTreeSet<&str> = silent.iter().map(|(id, _)| *id).collect();
    assert_eq!(found, expected, "{silent:#?}");
}

/// More calls than any buffer holds, with nobody reading.
fn overrun() {
    let trace = Trace::open(&format!("{PREFIX}{}-overrun", std::process::id())).expect("there is a trace");
    let before = trace.losses();
    trace.follow(|| {
        for _ in 0..500_000 {
            // SAFETY: asks for a number.
            unsafe { libc::syscall(libc::SYS_getppid) };
        }
    });
    let traced = trace.finish(0, before);
    assert!(traced.lost.is_some_and(|why| why.contains("overran")), "nothing was lost");
    // What comes after is whole again.
    let again = trace.losses();
    assert_eq!(trace.finish(1, again).lost, None);
}

/// Probes that root gets past without the question, and why.
const NOT_ASKED: &[(&str, &str)] = &[
    ("apparmor-chmod-proc", "root owns the file"),
    (
        "capability-set-selinux-label",
        "some kernels that have SELinux and do not use it leave this attribute to the file's owner",
    ),
    ("device-open-own-node", "it is asked for at the node, and the call that answers is the opening"),
    ("identity-become-root", "it is root already"),
    ("namespace-read-host-links", "the victim is root's too, and can be traced by root without more"),
    ("process-follow-root", "likewise"),
    ("process-kill-outside", "likewise: the ids are the same"),
];

fn trace_of(scene: &Scene<'_>) -> Finding {
    findings(scene).into_iter().find(|finding| finding.method == "trace").expect("it was traced")
}

/// The settings of the trial in which every mechanism is relaxed.
fn everything_open(host: &Host, reach: &Reach) -> whyblocked::settings::Settings {
    Plan::new(builtin::settings("docker-default", host, reach), reach).trial(Subset::EMPTY, reach)
}
