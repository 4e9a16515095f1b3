//! Baselines, by really changing what is run: every class of difference, what fails, and what waivers do.

use std::fs;
use std::process::{Command, ExitCode};

use serde_json::Value;
use whyblocked_tests::program::said;
use whyblocked_tests::{Facility, Place, program, suite};

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
    test("nothing_compared_is_no_success", ROOT, nothing_compared);
    test("a_waiver_accepts_for_a_while", ROOT, waivers);
    test("junit_is_read_by_another_parser", ROOT, junit);
    test("sarif_is_read_by_another_parser", ROOT, sarif);
    test("an_update_leaves_waivers_and_other_hosts", ROOT, update);
    test("a_waiver_without_a_reason_is_a_mistake", NOTHING, no_reason);
    test("a_baseline_is_not_written_over", ROOT, not_written_over);
    suite::run(tests)
}

/// A directory with a scenario, and what was agreed on for it.
struct Agreed {
    place: Place,
    probes: Vec<String>,
}

impl Agreed {
    /// With a scenario of this service, as it is run with these options.
    fn on(service: &str, probes: &[&str], more: &[&str]) -> Self {
        let this =
            Self { place: Place::new(), probes: probes.iter().map(|&probe| probe.to_owned()).collect() };
        this.scenario(service);
        let (code, text) = this.whyblocked(&["baseline", "write", "b.toml"], more);
        assert_eq!(code, 0, "{text}");
        this
    }

    fn scenario(&self, service: &str) {
        let text = format!("title: mine\nteaches: what is agreed on\n{service}\n");
        fs::write(self.place.path("mine.yaml"), text).expect("it is ours");
    }

    fn command(&self, words: &[&str], more: &[&str]) -> Command {
        let mut command = self.place.command(words);
        command.args(["--scenario", "./mine.yaml"]).args(more);
        command.args(self.probes.iter().flat_map(|probe| ["--probe", probe]));
        command
    }

    fn whyblocked(&self, words: &[&str], more: &[&str]) -> (i32, String) {
        said(&mut self.command(words, more))
    }

    fn check(&self, more: &[&str]) -> (i32, String) {
        self.whyblocked(&["check", "--baseline", "b.toml"], more)
    }

    /// The classes of what differs, with the attempt.
    fn differences(&self, more: &[&str]) -> (i32, Vec<(String, String)>) {
        let output = self.command(&["check", "--baseline", "b.toml", "--format", "json"], more).output();
        let output = output.expect("the program can be started");
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let differences = result["differences"].as_array().expect("a list");
        let found = differences.iter().map(|one| (word(&one["class"]), word(&one["probe"])));
        (output.status.code().unwrap_or(-1), found.collect())
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.place.path("b.toml");
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).expect("it is ours");
    }
}

fn pair(class: &str, probe: &str) -> (String, String) {
    (class.to_owned(), probe.to_owned())
}

fn as_it_was() {
    let agreed = Agreed::on("service: {}", &["time-settimeofday", "key-*"], &[]);
    let (code, text) = agreed.check(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("as agreed: 4 verdicts compared with the host 'here', 0 differ"), "{text}");
}

fn a_capability_put_back() {
    let agreed = Agreed::on("service: {cap_drop: [ALL]}", &["net-raw-socket", "capability-chown"], &[]);
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
    let agreed = Agreed::on("service: {}", &["net-raw-socket"], &[]);
    agreed.scenario("service: {cap_drop: [NET_RAW]}");
    assert_eq!(agreed.differences(&[]), (0, vec![pair("stronger", "net-raw-socket")]));
    assert_eq!(agreed.differences(&["--fail-on", "weaker,stronger"]).0, 1);
}

fn a_remap_turned_off() {
    let probes = ["file-write-host-etc", "time-settimeofday"];
    let service = "service: {volumes: [\"${LAB}/etc:/host/etc\"]}";
    let agreed = Agreed::on(&format!("{service}\ndaemon: {{userns-remap: default}}"), &probes, &[]);
    agreed.scenario(service);
    let expected = probes.map(|probe| pair("weaker", probe)).to_vec();
    assert_eq!(agreed.differences(&[]), (1, expected));
}

fn another_filter() {
    let probes = ["kernel-io-uring", "namespace-clone3", "key-add"];
    let agreed = Agreed::on("service: {}", &probes, &["--seccomp-default", "26"]);
    let (code, differences) = agreed.differences(&["--seccomp-default", "20.10"]);
    assert_eq!((code, differences), (1, vec![pair("weaker", "kernel-io-uring")]));
    let agreed = Agreed::on("service: {}", &probes, &["--seccomp-default", "20.10"]);
    let (code, differences) = agreed.differences(&["--seccomp-default", "26"]);
    assert_eq!((code, differences), (0, vec![pair("stronger", "kernel-io-uring")]));
}

fn another_answers() {
    let service = |mount: &str, user: &str| {
        format!("service: {{user: \"{user}\", volumes: [\"${{LAB}}/etc:/host/etc{mount}\"]}}")
    };
    let agreed = Agreed::on(&service(":ro", "0"), &["file-write-host-etc"], &[]);
    agreed.scenario(&service("", "1000"));
    assert_eq!(agreed.differences(&[]), (0, vec![pair("another", "file-write-host-etc")]));
    assert_eq!(agreed.differences(&["--fail-on", "another"]).0, 1);
}

/// Without a capability in the bounding set nobody can set the clock, whatever the scenario.
fn untestable() {
    let agreed = Agreed::on("service: {}", &["time-settimeofday"], &[]);
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-sys_time", "--inh-caps", "-sys_time"]).arg(program());
    let whole = agreed.command(&["check", "--baseline", "b.toml", "--fail-on", "untestable"], &[]);
    command.args(whole.get_args()).current_dir(agreed.place.path("."));
    let (code, text) = said(command.env("TMPDIR", agreed.place.tmp()));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("became untestable (1)\n  mine / time-settimeofday"), "{text}");
}

fn gone_and_new() {
    let agreed = Agreed::on("service: {}", &["key-add"], &[]);
    agreed.scenario("service: {}\nneeds: [docker]");
    let (code, text) = agreed.check(&["--fail-on", "gone", "--scenario", "docker-default"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("gone (1)\n  mine / key-add"), "{text}");
    assert!(text.contains("the scenario was not run: this needs a Docker daemon"), "{text}");
    assert!(text.contains("new (1)\n  docker-default / key-add"), "{text}");
}

fn nothing_compared() {
    let agreed = Agreed::on("service: {}", &["key-add"], &[]);
    let mut other = agreed.place.command(&["check", "--baseline", "b.toml"]);
    let (code, text) = said(other.args(["--scenario", "read-only", "--probe", "key-request"]));
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("nothing was compared"), "{text}");
}

const WAIVER: &str = "
[[waiver]]
id = \"W7\"
scenario = \"mine\"
probe = \"net-*\"
reason = \"ping, until the new monitoring is there\"
until = \"2999-01-31\"

[host";

fn waivers() {
    let agreed = Agreed::on("service: {cap_drop: [ALL]}", &["net-raw-socket"], &[]);
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
    let agreed = Agreed::on("service: {cap_drop: [ALL]}", &["net-raw-socket"], &[]);
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

fn not_written_over() {
    let agreed = Agreed::on("service: {}", &["key-add"], &[]);
    let (code, text) = agreed.whyblocked(&["baseline", "write", "b.toml"], &[]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("b.toml is there already; `whyblocked baseline update`"), "{text}");
}

/// One attempt is weaker, one is accepted, one is stronger, and one as it was.
fn mixed() -> Agreed {
    let probes = ["net-raw-socket", "capability-chown", "capability-fowner", "key-add"];
    let agreed = Agreed::on("service: {cap_drop: [NET_RAW, CHOWN]}", &probes, &[]);
    agreed.edit("\n[host", WAIVER);
    agreed.scenario("service: {cap_drop: [FOWNER]}");
    agreed
}

fn junit() {
    let agreed = mixed();
    let (code, text) = agreed.check(&["--junit", "out.xml"]);
    assert_eq!(code, 1, "{text}");
    let xml = fs::read_to_string(agreed.place.path("out.xml")).expect("it was written");
    let document = roxmltree::Document::parse(&xml).expect("it is XML");
    let root = document.root_element();
    assert_eq!(
        (root.tag_name().name(), root.attribute("tests"), root.attribute("failures")),
        ("testsuites", Some("5"), Some("1"))
    );
    let case = |class: &str, name: &str| {
        let is = |node: &roxmltree::Node<'_, '_>| {
            node.has_tag_name("testcase")
                && node.attribute("classname") == Some(class)
                && node.attribute("name") == Some(name)
        };
        let case = root.descendants().find(is).unwrap_or_else(|| panic!("no {class} / {name}:\n{xml}"));
        case.children().find(roxmltree::Node::is_element).map(|child| {
            (
                child.tag_name().name().to_owned(),
                child.attribute("message").or(child.text()).unwrap_or_default().to_owned(),
            )
        })
    };
    let chown = "weaker: was blocked by capabilities, 1 deep (capabilities), is gets through";
    assert_eq!(case("mine", "capability-chown"), Some(("failure".to_owned(), chown.to_owned())));
    assert_eq!(case("mine", "key-add"), None);
    assert_eq!(case("waivers", "W7"), None);
    let (kind, message) = case("mine", "net-raw-socket").expect("it is skipped");
    assert!(kind == "skipped" && message.starts_with("waived by W7: weaker"), "{message}");
    let (kind, message) = case("mine", "capability-fowner").expect("it says what differs");
    assert!(kind == "system-out" && message.starts_with("stronger: "), "{kind}: {message}");
}

fn sarif() {
    let agreed = mixed();
    // Somebody's own words move the lines.
    agreed.edit("\n[host", "\n# Agreed on in November.\n\n[host");
    let (code, text) = agreed.check(&["--sarif", "out.sarif"]);
    assert_eq!(code, 1, "{text}");
    let text = fs::read_to_string(agreed.place.path("out.sarif")).expect("it was written");
    let written: Value = serde_json::from_str(&text).expect("it is JSON");
    // A type made from the public schema reads it, and leaves nothing out.
    let read: serde_sarif::sarif::Sarif = serde_json::from_str(&text).expect("it is SARIF");
    assert_eq!(serde_json::to_value(&read).expect("it can be written again"), written);
    let run = &written["runs"][0];
    let results = run["results"].as_array().expect("a list");
    let result = |probe: &str| results.iter().find(|result| result["ruleId"] == probe).expect("it differs");
    assert_eq!(results.len(), 3);
    assert_eq!(result("capability-chown")["level"], "error");
    assert_eq!(result("capability-fowner")["level"], "note");
    assert_eq!(result("net-raw-socket")["suppressions"][0]["kind"], "external");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("a list");
    for result in results {
        let rule =
            &rules[usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("a small one")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            rule["help"]["text"].as_str().is_some_and(|help| help.contains("whyblocked explain")),
            "{rule}"
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "b.toml");
        let baseline = fs::read_to_string(agreed.place.path("b.toml")).expect("it was written");
        let at =
            usize::try_from(place["region"]["startLine"].as_u64().expect("a number")).expect("a small one");
        let line = baseline.lines().nth(at - 1).expect("it has that line");
        assert!(line.starts_with(&format!("{} = ", rule["id"].as_str().expect("a text"))), "{line}");
    }
}
