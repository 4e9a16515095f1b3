//! The workshop, as a learner meets it: every lab keeps what it promises, and the commands do what they say.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use whyblocked::lab::progress::Progress;
use whyblocked::lab::{self, Lab};
use whyblocked::scenario::Facility as Need;
use whyblocked_tests::program::said;
use whyblocked_tests::{Facility, Place, suite};

const ROOT: &[Facility] = &[Facility::Root];
const UIDMAP: &[Facility] = &[Facility::Root, Facility::User, Facility::Uidmap];
const NOTHING: &[Facility] = &[];

fn main() -> ExitCode {
    let labs = lab::all().expect("the built-in labs can be read");
    let here = |lab: &&Lab| lab.machine().is_none();
    let mut tests: Vec<_> = labs
        .iter()
        .filter(here)
        .map(|lab| {
            let id = lab.id.clone();
            suite::test(format!("verify::{}", lab.id), ROOT, move || verified(&id))
        })
        .collect();
    for lab in labs.iter().filter(here).filter(|lab| !lab.file.needs.contains(&Need::Root)) {
        let id = lab.id.clone();
        tests.push(suite::test(format!("without_root::{}", lab.id), UIDMAP, move || without_root(&id)));
    }
    let mut test = |name: &str, needs, run: fn()| tests.push(suite::test(name, needs, run));
    test("a_lab_from_its_beginning_to_its_end", ROOT, from_beginning_to_end);
    test("a_wrong_answer_is_told_from_a_wrong_prediction", ROOT, wrong_answers);
    test("what_is_wrong_is_said_in_the_lessons_words", ROOT, in_the_lessons_words);
    test("a_forbidden_knob_is_refused", ROOT, a_forbidden_knob);
    test("hints_come_one_after_another", NOTHING, hints);
    test("nothing_that_a_learner_wrote_is_lost", NOTHING, nothing_is_lost);
    test("a_mistake_in_the_scenario_is_named_with_its_line", NOTHING, a_mistake);
    test("watch_answers_a_save", ROOT, watch);
    test("a_new_lab_verifies", ROOT, a_new_lab);
    test("a_lab_that_breaks_its_promises_is_told", ROOT, a_broken_lab);
    test("a_lab_for_another_host_says_where", NOTHING, another_host);
    test("a_group_gets_a_page", NOTHING, a_group);
    suite::run(tests)
}

/// A learner, in a directory of their own.
struct Learner {
    place: Place,
}

impl Learner {
    fn new() -> Self {
        Self { place: Place::new() }
    }

    /// Its exit code, and all that it said.
    fn lab(&self, arguments: &[&str]) -> (i32, String) {
        said(self.place.command(&["lab"]).args(arguments))
    }

    /// What it said, where it has to end so.
    fn lab_ends(&self, code: i32, arguments: &[&str]) -> String {
        let (found, text) = self.lab(arguments);
        assert_eq!(found, code, "whyblocked lab {arguments:?}:\n{text}");
        text
    }

    fn scenario(&self, lab: &str) -> PathBuf {
        self.place.path(&format!("whyblocked-labs/{lab}/scenario.yaml"))
    }

    fn write(&self, lab: &str, service: &str) {
        fs::write(self.scenario(lab), format!("title: mine\nteaches: mine\n{service}\n"))
            .expect("it is ours");
    }

    fn progress(&self) -> Progress {
        Progress::read(&self.place.path("whyblocked-labs/progress.toml")).expect("it was written")
    }
}

/// Whatever the lines were broken at.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn verified(id: &str) {
    let learner = Learner::new();
    let text = learner.lab_ends(0, &["verify", id]);
    assert!(text.starts_with(&format!("✓ {id} (")), "{text}");
}

/// The same as an ordinary user, with subordinate ids of its own.
fn without_root(id: &str) {
    let place = Place::new();
    let output = whyblocked_tests::learner::program(&place).args(["lab", "verify", id]).output();
    let output = output.expect("the program can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.starts_with(&format!("✓ {id} (")), "{output:?}");
}

fn from_beginning_to_end() {
    let learner = Learner::new();
    let text = learner.lab_ends(0, &["start", "--name", "Ada"]);
    assert!(text.contains("step 1 of 3: predict"), "{text}");
    let text = learner.lab_ends(1, &["check"]);
    assert!(text.contains("  b  something stops it"), "{text}");
    let text = learner.lab_ends(0, &["check", "b"]);
    assert!(text.contains("✓ Yes: pid-namespace stops it (ENOENT)."), "{text}");
    assert!(text.contains("step 2 of 3: explain"), "{text}");
    let text = learner.lab_ends(1, &["check"]);
    assert!(text.contains("connect → ECONNREFUSED"), "{text}");
    let text = learner.lab_ends(0, &["check", "network-namespace"]);
    assert!(text.contains("step 3 of 3: configure"), "{text}");
    let text = learner.lab_ends(1, &["check"]);
    assert!(text.contains("✗ process-see-host: gets through"), "{text}");
    let error = learner.lab_ends(2, &["check", "b"]);
    assert!(error.contains("step 3 is no question, so 'b' is no answer to it"), "{error}");
    learner.write("01-namespaces", "service: {}");
    let text = learner.lab_ends(0, &["check"]);
    assert!(text.contains("Done.") && text.contains("This lab is finished."), "{text}");
    let progress = learner.progress();
    assert_eq!(progress.name.as_deref(), Some("Ada"));
    let taken = progress.of("01-namespaces").unwrap();
    assert!(taken.finished.is_some());
    assert_eq!(taken.steps.iter().map(|step| step.tries).collect::<Vec<_>>(), [1, 1, 2]);
    assert!(learner.lab_ends(0, &["list"]).starts_with("✓ 01-namespaces "));
    assert!(learner.lab_ends(0, &["status"]).contains("✓ 01-namespaces"));
    // What comes next is the next lab.
    assert!(learner.lab_ends(0, &[]).contains("02-bind-mounts, step 1"));
}

fn wrong_answers() {
    let learner = Learner::new();
    learner.lab_ends(0, &["start", "namespaces"]);
    let error = learner.lab_ends(2, &["check", "perhaps"]);
    assert!(error.contains("'perhaps' is none of the choices: allowed, blocked"), "{error}");
    let text = learner.lab_ends(0, &["check", "allowed"]);
    assert!(text.contains("✗ Not so: pid-namespace stops it (ENOENT)."), "{text}");
    let text = learner.lab_ends(1, &["check", "seccomp"]);
    assert!(text.contains("✗ It was not seccomp."), "{text}");
    let error = learner.lab_ends(2, &["check", "netwrk-namespace"]);
    assert!(error.contains("did you mean 'network-namespace'?"), "{error}");
    learner.lab_ends(0, &["check", "c"]);
    let progress = learner.progress();
    let steps = &progress.of("01-namespaces").unwrap().steps;
    assert_eq!((steps[0].right, steps[0].tries), (Some(false), 1));
    assert_eq!(
        (steps[1].right, steps[1].tries, steps[1].answer.as_deref()),
        (Some(false), 2, Some("seccomp"))
    );
}

/// At the third step of a lab.
fn at_configure(id: &str, questions: usize) -> Learner {
    let learner = Learner::new();
    learner.lab_ends(0, &["start", id]);
    for _ in 0..questions {
        learner.lab_ends(0, &["check", "--skip"]);
    }
    learner
}

fn in_the_lessons_words() {
    let learner = at_configure("02-bind-mounts", 2);
    learner.write(
        "02-bind-mounts",
        "service: {user: \"0\", volumes: [\"${LAB}/etc:/host/etc\"], read_only: true}",
    );
    let text = learner.lab_ends(1, &["check"]);
    // `user: "0"` is not what the beginning says.
    assert!(text.contains("✗ Not with user."), "{text}");
    learner.write("02-bind-mounts", "service: {volumes: [\"${LAB}/etc:/host/etc\"], read_only: true}");
    let text = joined(&learner.lab_ends(1, &["check"]));
    assert!(text.contains("each volume has an option of its own"), "{text}");
    assert!(text.contains("✗ file-write-readonly-rootfs: blocked by read-only-mount (EROFS)"), "{text}");
    assert!(text.contains("wanted: has to work still"), "{text}");
}

fn a_forbidden_knob() {
    let learner = at_configure("01-namespaces", 2);
    learner.write("01-namespaces", "service: {network_mode: none}");
    let text = joined(&learner.lab_ends(1, &["check"]));
    assert!(text.contains("✗ Not with network_mode: none."), "{text}");
    assert!(text.contains("the application needs a network"), "{text}");
}

fn hints() {
    let learner = at_configure("01-namespaces", 2);
    for number in 1..=3 {
        assert!(learner.lab_ends(0, &["hint"]).starts_with(&format!("Hint {number} of 3")));
    }
    assert!(learner.lab_ends(0, &["hint"]).starts_with("Hint 3 of 3"));
    let text = learner.lab_ends(0, &["solution"]);
    assert!(text.contains("service: {}"), "{text}");
    let steps = &learner.progress().of("01-namespaces").unwrap().steps.clone();
    assert!(steps[0].skipped && steps[1].skipped);
    assert_eq!((steps[2].hints, steps[2].solution_shown), (3, true));
}

fn nothing_is_lost() {
    let learner = Learner::new();
    let error = learner.lab_ends(2, &["check"]);
    assert!(error.contains("no labs were started here; `whyblocked lab start`"), "{error}");
    learner.lab_ends(0, &["start"]);
    learner.write("01-namespaces", "service: {user: \"7\"}");
    let mine = fs::read_to_string(learner.scenario("01-namespaces")).unwrap();
    let text = learner.lab_ends(0, &["start", "1"]);
    assert!(text.contains("what you have written is as you left it"), "{text}");
    assert_eq!(fs::read_to_string(learner.scenario("01-namespaces")).unwrap(), mine);
    let text = learner.lab_ends(0, &["reset"]);
    assert!(text.contains("is kept in whyblocked-labs/01-namespaces/scenario.yaml.1"), "{text}");
    let copy = learner.place.path("whyblocked-labs/01-namespaces/scenario.yaml.1");
    assert_eq!(fs::read_to_string(copy).unwrap(), mine);
    let error = learner.lab_ends(2, &["start", "namespces"]);
    assert!(error.contains("there is no lab 'namespces'; did you mean '01-namespaces'?"), "{error}");
}

fn a_mistake() {
    let learner = at_configure("01-namespaces", 2);
    learner.write("01-namespaces", "service:\n  pids: host");
    let error = learner.lab_ends(2, &["check"]);
    assert!(error.contains("scenario.yaml:4: unknown key 'pids'; did you mean 'pid'?"), "{error}");
}

fn watch() {
    let learner = at_configure("01-namespaces", 2);
    let mut child = learner
        .place
        .command(&["lab", "watch"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let (send, lines) = mpsc::channel();
    let output = child.stdout.take().expect("it is piped");
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let until = |wanted: &str| {
        let mut seen = String::new();
        loop {
            match lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(wanted) => return,
                Ok(line) => seen.push_str(&(line + "\n")),
                Err(error) => panic!("'{wanted}' was never said ({error}):\n{seen}"),
            }
        }
    };
    until("✗ net-see-host-abstract-sockets");
    learner.write("01-namespaces", "service:\n  pids: host");
    until("unknown key 'pids'");
    learner.write("01-namespaces", "service: {network_mode: none}");
    until("✗ Not with network_mode: none.");
    learner.write("01-namespaces", "service: {}");
    until("This lab is finished.");
    assert!(child.wait().expect("it ends").success());
}

fn a_new_lab() {
    let learner = Learner::new();
    let text = learner.lab_ends(0, &["new", "mine"]);
    assert!(text.contains("whyblocked lab verify ./mine"), "{text}");
    let text = learner.lab_ends(0, &["verify", "./mine"]);
    assert!(text.starts_with("✓ mine (3 steps"), "{text}");
    let error = learner.lab_ends(2, &["new", "mine"]);
    assert!(error.contains("mine is not empty"), "{error}");
    learner.lab_ends(0, &["start", "./mine"]);
    assert!(learner.lab_ends(0, &["check", "a"]).contains("✓ Yes: it gets through."));
}

fn a_broken_lab() {
    let learner = Learner::new();
    learner.lab_ends(0, &["new", "mine"]);
    let file = learner.place.path("mine/lab.yaml");
    let whole = fs::read_to_string(&file).unwrap();
    let says = |from: &str, to: &str, code: i32, what: &str| {
        assert!(whole.contains(from), "{from}");
        fs::write(&file, whole.replacen(from, to, 1)).unwrap();
        let text = learner.lab_ends(code, &["verify", "./mine"]);
        assert!(text.contains(what), "{what}:\n{text}");
    };
    says("command: explain", "command: explian", 1, "the hint's command `whyblocked explian");
    says(
        "          outcome: allowed\n          says: It",
        "          outcome: blocked\n          says: It",
        1,
        "'wrong' has no words for it",
    );
    says("solution: solution.yaml", "solution: scenario.yaml", 1, "the solution: capability-chown should be");
    says(
        "choices: [seccomp, capabilities, ownership]",
        "choices: [capabilities, ownership]",
        1,
        "the run answers 'seccomp', which is none of the choices",
    );
    says(
        "probe: capability-chown\n      because",
        "probe: capability-chwn\n      because",
        2,
        "there is no probe 'capability-chwn'; did you mean 'capability-chown'?",
    );
    // As another user it does not work either, so both have to go.
    let lax = whole.replace("knob: user", "knob: pid").replace("[capability-setuid]", "[]");
    fs::write(&file, lax).unwrap();
    assert!(learner.lab_ends(1, &["verify", "./mine"]).contains("the short cut is not refused"));
    says(
        "must_still_work",
        "must_stil_work",
        2,
        "unknown key 'must_stil_work'; did you mean 'must_still_work'?",
    );
}

fn another_host() {
    let host = whyblocked::host::Host::read();
    if host.selinux == "enforcing" {
        return;
    }
    let learner = Learner::new();
    learner.lab_ends(0, &["start", "13"]);
    let text = learner.lab_ends(4, &["check", "selinux"]);
    assert!(text.contains("In the lab machine it can: whyblocked lab check --in vagrant:selinux"), "{text}");
    assert_eq!(learner.progress().of("13-selinux-types").unwrap().steps[0].tries, 0);
}

fn a_group() {
    let learner = Learner::new();
    learner.lab_ends(0, &["start", "--name", "<script>alert(1)</script>"]);
    learner.lab_ends(0, &["report", "whyblocked-labs/progress.toml", "--page", "group.html"]);
    let page = fs::read_to_string(learner.place.path("group.html")).unwrap();
    assert!(
        page.contains("1-namespaces") && page.contains("1 learner, 1 lab") && !page.contains("<script>"),
        "{page}"
    );
    // Whoever gave no name is called as their folder is.
    fs::create_dir(learner.place.path("grace")).unwrap();
    learner.lab_ends(0, &["start", "--dir", "grace/whyblocked-labs"]);
    learner.lab_ends(0, &["report", "grace/whyblocked-labs/progress.toml", "--page", "group.html"]);
    assert!(fs::read_to_string(learner.place.path("group.html")).unwrap().contains("<th>grace</th>"));
    fs::write(learner.place.path("other.toml"), "format = \"x\"").unwrap();
    let error = learner.lab_ends(2, &["report", "other.toml", "--page", "group.html"]);
    assert!(error.contains("other.toml: its format is 'x'"), "{error}");
}
