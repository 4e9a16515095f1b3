//! Baselines, by really changing what is run: every class of difference, what fails, and what waivers do.

use std::fs;
use std::process::{Command, ExitCode};

use serde_json::Value;
use whyblocked::cases::Agreed;
use whyblocked_tests::mine::{Mine, WAIVER};
use whyblocked_tests::program::said;
use whyblocked_tests::{Facility, Place, agreed, program, suite};

const ROOT: &[Facility] = &[Facility::Root];
const NOTHING: &[Facility] = &[];

fn main() -> ExitCode {
    let mut tests = Vec::new();
    let mut test = |name: &str, needs, run: fn()| tests.push(suite::test(name, needs, run));
    test("what_is_as_it_was_passes", ROOT, as_it_was);
    test("a_capability_that_was_put_back_is_weaker", ROOT, a_capability_put_back);
    test("a_remap_that_was_turned_off_is_weaker", ROOT, a_remap_turned_off);
    test("another_version_of_the_filter_is_weaker_here_and_stronger_there", ROOT, another_filter);
    test("who_answers_can_be_another", ROOT, another_answers);
    test("what_the_host_lost_is_untestable", ROOT, untestable);
    test("what_is_not_run_any_more_is_gone_and_what_is_run_too_is_new", ROOT, gone_and_new);
    test("a_shipped_scenario_that_is_weakened_fails_with_the_reason", ROOT, shipped_and_weakened);
    test("a_run_that_was_cut_short_is_no_success", ROOT, cut_short);
    test("nothing_compared_is_no_success", ROOT, nothing_compared);
    test("a_waiver_accepts_for_a_while", ROOT, waivers);
    test("an_update_leaves_waivers_and_other_hosts", ROOT, update);
    test("a_waiver_without_a_reason_is_a_mistake", NOTHING, no_reason);
    test("without_a_baseline_it_is_said_how_to_make_one", NOTHING, none);
    test("a_baseline_is_not_written_over", ROOT, not_written_over);
    suite::run(tests)
}

fn pair(class: &str, probe: &str) -> (String, String) {
    (class.to_owned(), probe.to_owned())
}

fn as_it_was() {
    let agreed = Mine::on("service: {}", &["time-settimeofday", "key-*"], &[]);
    let (code, text) = agreed.check(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("as agreed: 4 verdicts compared with the host 'here', 0 differ"), "{text}");
}

fn a_capability_put_back() {
    let agreed = Mine::on("service: {cap_drop: [ALL]}", &["net-raw-socket", "capability-chown"], &[]);
    agreed.scenario("service: {cap_drop: [ALL], cap_add: [NET_RAW]}");
    let (code, text) = agreed.check(&[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("weaker (1)\n  mine / net-raw-socket\n"), "{text}");
    assert!(
        text.contains("was blocked by capabilities, 1 deep (capabilities)\n      is gets through"),
        "{text}"
    );
    assert!(text.contains("1 difference that was not agreed on"), "{text}");
    // And the other way round.
    let agreed = Mine::on("service: {}", &["net-raw-socket"], &[]);
    agreed.scenario("service: {cap_drop: [NET_RAW]}");
    assert_eq!(agreed.differences(&[]), (0, vec![pair("stronger", "net-raw-socket")]));
    assert_eq!(agreed.differences(&["--fail-on", "weaker,stronger"]).0, 1);
}

fn a_remap_turned_off() {
    let probes = ["file-write-host-etc", "time-settimeofday"];
    let service = "service: {volumes: [\"${LAB}/etc:/host/etc\"]}";
    let agreed = Mine::on(&format!("{service}\ndaemon: {{userns-remap: default}}"), &probes, &[]);
    agreed.scenario(service);
    let expected = probes.map(|probe| pair("weaker", probe)).to_vec();
    assert_eq!(agreed.differences(&[]), (1, expected));
}

fn another_filter() {
    let probes = ["kernel-io-uring", "namespace-clone3", "key-add"];
    let agreed = Mine::on("service: {}", &probes, &["--seccomp-default", "26"]);
    let (code, differences) = agreed.differences(&["--seccomp-default", "20.10"]);
    assert_eq!((code, differences), (1, vec![pair("weaker", "kernel-io-uring")]));
    let agreed = Mine::on("service: {}", &probes, &["--seccomp-default", "20.10"]);
    let (code, differences) = agreed.differences(&["--seccomp-default", "26"]);
    assert_eq!((code, differences), (0, vec![pair("stronger", "kernel-io-uring")]));
}

fn another_answers() {
    let service = |mount: &str, user: &str| {
        format!("service: {{user: \"{user}\", volumes: [\"${{LAB}}/etc:/host/etc{mount}\"]}}")
    };
    let agreed = Mine::on(&service(":ro", "0"), &["file-write-host-etc"], &[]);
    agreed.scenario(&service("", "1000"));
    assert_eq!(agreed.differences(&[]), (0, vec![pair("another", "file-write-host-etc")]));
    assert_eq!(agreed.differences(&["--fail-on", "another"]).0, 1);
}

/// Without a capability in the bounding set nobody can set the clock, whatever the scenario.
fn untestable() {
    let agreed = Mine::on("service: {}", &["time-settimeofday"], &[]);
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-sys_time", "--inh-caps", "-sys_time"]).arg(program());
    let whole = agreed.command(&["check", "--baseline", "b.toml", "--fail-on", "untestable"], &[]);
    command.args(whole.get_args()).current_dir(agreed.place.path("."));
    let (code, text) = said(command.env("TMPDIR", agreed.place.tmp()));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("became untestable (1)\n  mine / time-settimeofday"), "{text}");
}

fn gone_and_new() {
    let agreed = Mine::on("service: {}", &["key-add"], &[]);
    agreed.scenario("service: {}\nneeds: [docker]");
    let (code, text) = agreed.check(&["--fail-on", "gone", "--scenario", "docker-default"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("gone (1)\n  mine / key-add"), "{text}");
    assert!(text.contains("the scenario was not run: this needs a Docker daemon"), "{text}");
    assert!(text.contains("new (1)\n  docker-default / key-add"), "{text}");
}

fn shipped_and_weakened() {
    let place = Place::new();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/cap-drop-all.yaml");
    let text = fs::read_to_string(shipped).expect("it is shipped");
    let (drop, weaker) = ("cap_drop: [ALL]", "cap_drop: [ALL]\n  cap_add: [NET_RAW]");
    assert!(text.contains(drop), "{text}");
    fs::write(place.path("cap-drop-all.yaml"), text.replacen(drop, weaker, 1)).expect("the place is ours");
    let mut baseline = agreed::baseline("plain");
    if Agreed::here(&baseline).is_err() {
        // Nothing is shipped for this kind of machine: what is agreed on is what the shipped scenario shows here.
        baseline = place.path("b.toml");
        place.succeed(&["baseline", "write", "b.toml", "--scenario", "cap-drop-all", "--probe", "net-*"]);
    }
    let check = |scenario: &str| {
        let mut command = place.command(&["check", "--scenario", scenario, "--probe", "net-*", "--baseline"]);
        said(command.arg(&baseline))
    };
    let (code, text) = check("cap-drop-all");
    assert_eq!(code, 0, "{text}");
    let (code, text) = check("./cap-drop-all.yaml");
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with("weaker (2)\n  cap-drop-all / net-packet-socket\n"), "{text}");
    assert!(text.contains("2 differences that were not agreed on"), "{text}");
}

fn cut_short() {
    let mine = Mine::on("service: {cap_drop: [ALL]}", &["net-raw-socket", "capability-chown"], &[]);
    let record = mine.place.path("r.json");
    let (code, text) = mine.whyblocked(&["run", "--record", "r.json"], &[]);
    assert_eq!(code, 0, "{text}");
    // As a run leaves it whose engine has died.
    let mut value: Value =
        serde_json::from_slice(&fs::read(&record).expect("it was written")).expect("it is JSON");
    value["cut_short"] = Value::from("the daemon died");
    value["cells"].as_array_mut().expect("a list").truncate(1);
    fs::write(&record, value.to_string()).expect("the place is ours");
    let check = |more: &[&str]| {
        said(mine.place.command(&["check", "--baseline", "b.toml", "--record", "r.json"]).args(more))
    };
    let (code, text) = check(&[]);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("the run was cut short (the daemon died): what it has is as agreed (1 compared)"),
        "{text}"
    );
    assert!(text.contains("gone (1)\n"), "{text}");
    assert_eq!(check(&["--fail-on", "gone"]).0, 1);
}

fn nothing_compared() {
    let agreed = Mine::on("service: {}", &["key-add"], &[]);
    let mut other = agreed.place.command(&["check", "--baseline", "b.toml"]);
    let (code, text) = said(other.args(["--scenario", "read-only", "--probe", "key-request"]));
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("nothing was compared"), "{text}");
}

fn waivers() {
    let agreed = Mine::on("service: {cap_drop: [ALL]}", &["net-raw-socket"], &[]);
    agreed.edit("\n[host", WAIVER);
    let (code, text) = agreed.check(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("waiver W7 is not needed any more"), "{text}");
    agreed.scenario("service: {cap_drop: [ALL], cap_add: [NET_RAW]}");
    let (code, text) = agreed.check(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("mine / net-raw-socket [waived: W7]"), "{text}");
    assert!(text.contains("waiver W7: accepts 1 until 2999-01-31: ping"), "{text}");
    agreed.edit("2999-01-31", "2020-01-31");
    let (code, text) = agreed.check(&[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("waiver W7 has EXPIRED on 2020-01-31"), "{text}");
}

fn update() {
    let agreed = Mine::on("service: {cap_drop: [ALL]}", &["net-raw-socket"], &[]);
    agreed.edit("\n[host", WAIVER);
    agreed.edit("\n[host.here]", "\n[host.other]\nengine = \"docker\"\nprivilege = \"root\"\nselinux = \"absent\"\napparmor = \"absent\"\nmodules = \"absent\"\n\n[host.here]");
    agreed.scenario("service: {}");
    let (code, text) = agreed.whyblocked(&["baseline", "update", "b.toml"], &[]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = said(&mut agreed.place.command(&["baseline", "show", "b.toml"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("1 scenarios, 1 verdicts: 0 blocked, 1 got through"), "{text}");
    assert!(text.contains("other: engine docker") && text.contains("waiver W7"), "{text}");
    assert_eq!(agreed.check(&[]).0, 0);
}

fn no_reason() {
    let place = Place::new();
    let text = format!("format = \"whyblocked-baseline/1\"\n{}", WAIVER.replace("\n[host", ""));
    let text = text.replace("reason = \"ping, until the new monitoring is there\"\n", "");
    fs::write(place.path("b.toml"), text).expect("it is ours");
    let (code, text) = said(&mut place.command(&["check", "--baseline", "b.toml"]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("b.toml:3: missing field `reason`"), "{text}");
}

fn none() {
    let place = Place::new();
    let (code, text) = said(&mut place.command(&["check"]));
    assert_eq!(code, 2, "{text}");
    let message = "cannot read the baseline baseline.toml: No such file or directory (os error 2); `whyblocked baseline write FILE` makes one";
    assert!(text.contains(message), "{text}");
}

fn not_written_over() {
    let agreed = Mine::on("service: {}", &["key-add"], &[]);
    let (code, text) = agreed.whyblocked(&["baseline", "write", "b.toml"], &[]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("b.toml is there already; `whyblocked baseline update`"), "{text}");
}
