//! The command line from outside: what is typed wrong gets one clear message and its exit code, and nothing is
//! written. No test here needs a privilege.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use rstest::rstest;
use tempfile::TempDir;

fn whyblocked() -> Command {
    let mut command = Command::new(whyblocked_tests::program());
    // Help is as wide as the terminal; where there is none, as this says.
    command.env_remove("COLUMNS");
    command
}

/// A file with this content, in a directory of its own.
fn file(name: &str, content: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

/// Fails with exit code 2 and one line that holds `message`; standard output stays empty.
fn refuses(command: &mut Command, message: &str) {
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains(message), "wanted '{message}' in: {error}");
    assert_eq!(error.trim_end().lines().count(), 1, "one message, not: {error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn without_a_command_it_says_what_to_type() {
    let output = whyblocked().output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn help_names_every_command_and_every_exit_code() {
    let output = whyblocked().arg("--help").output().unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[rstest]
#[case("run")]
#[case("try")]
#[case("explain")]
#[case("list")]
#[case("report")]
#[case("doctor")]
#[case("clean")]
#[case("vm")]
fn every_command_has_help(#[case] command: &str) {
    let output = whyblocked().args([command, "--help"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(format!("help_{command}"), String::from_utf8(output.stdout).unwrap());
}

#[rstest]
#[case("docker-defualt", "no scenario matches 'docker-defualt'; did you mean 'docker-default'?")]
#[case("zzz", "no scenario matches 'zzz'; `whyblocked list scenarios` shows them all")]
#[case("docker-[", "the pattern 'docker-[' is malformed")]
#[case("./not-there.yaml", "cannot read ./not-there.yaml: No such file or directory (os error 2)\n")]
fn an_unknown_scenario(#[case] scenario: &str, #[case] message: &str) {
    refuses(whyblocked().args(["run", "--scenario", scenario]), message);
}

#[rstest]
#[case("time-setimeofday", "no probe matches 'time-setimeofday'; did you mean 'time-settimeofday'?")]
#[case("zzz*", "no probe matches 'zzz*'; `whyblocked list probes` shows them all")]
#[case("[", "the pattern '[' is malformed")]
fn an_unknown_probe(#[case] probe: &str, #[case] message: &str) {
    refuses(whyblocked().args(["run", "--probe", probe]), message);
    if !probe.contains(['*', '[']) {
        refuses(
            whyblocked().args(["explain", "docker-default", probe]),
            "there is no probe 'time-setimeofday'",
        );
    }
}

#[rstest]
#[case::scenario(&["run", "--scenario", "LINK.yaml"], "it is longer than the 1 MiB that such a file may have")]
#[case::record(&["report", "LINK.yaml", "--book", "out"], "it is longer than the 256 MiB that such a file may have")]
fn a_file_that_never_ends(#[case] args: &[&str], #[case] message: &str) {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path().join("LINK.yaml")).unwrap();
    let args: Vec<String> = args.iter().map(|arg| arg.replace("LINK", "./LINK")).collect();
    refuses(whyblocked().current_dir(dir.path()).args(args), message);
    assert!(!dir.path().join("out").exists());
}

#[rstest]
#[case::unknown_key(
    "title: a\nteaches: b\nservice:\n  cap_drp: [ALL]\n",
    "mine.yaml:4: unknown key 'cap_drp'; did you mean 'cap_drop'?"
)]
#[case::wrong_type("title: a\nteaches: b\nservice:\n  read_only: perhaps\n", "mine.yaml:4: invalid boolean")]
#[case::not_yaml("title: [", "mine.yaml:1:")]
#[case::empty("", "mine.yaml:1:")]
#[case::unknown_capability(
    "title: a\nteaches: b\nservice: {cap_add: [SYS_TIM]}\n",
    "mine.yaml: cap_add: 'SYS_TIM' is not a capability; did you mean SYS_TIME?"
)]
#[case::user_by_name("title: a\nteaches: b\nservice: {user: nobody}\n", "user: 'nobody' is a name")]
#[case::path_out_of_the_lab(
    "title: a\nteaches: b\nservice: {volumes: [\"${LAB}/../etc:/x\"]}\n",
    "leads out of the laboratory"
)]
#[case::missing_profile(
    "title: a\nteaches: b\nservice: {security_opt: [\"seccomp=./none.json\"]}\n",
    "none.json: No such file"
)]
#[case::sysctl_of_the_host(
    "title: a\nteaches: b\nservice: {sysctls: {kernel.core_pattern: x}}\n",
    "'kernel.core_pattern' is not in a namespace of the container's own"
)]
#[case::unknown_option(
    "title: a\nteaches: b\nservice: {security_opt: [\"secomp=unconfined\"]}\n",
    "'secomp=unconfined' is not known"
)]
#[case::a_key_of_the_daemon_that_changes_the_host(
    "title: a\nteaches: b\ndaemon: {iptables: true}\n",
    "'iptables' is the harness's to set"
)]
fn a_scenario_file_that_makes_no_sense(#[case] text: &str, #[case] message: &str) {
    let (_dir, path) = file("mine.yaml", text);
    refuses(whyblocked().args(["run", "--scenario"]).arg(&path), message);
}

#[rstest]
#[case::not_json("{", "r.json: not a record")]
#[case::another_file("{\"a\": 1}", "r.json: not a record: it has no \"format\"")]
#[case::newer("{\"format\": \"whyblocked/2\"}", "the record's format is 'whyblocked/2'")]
#[case::incomplete("{\"format\": \"whyblocked/1\"}", "r.json: not a record: missing field")]
fn a_broken_record(#[case] text: &str, #[case] message: &str) {
    let (dir, path) = file("r.json", text);
    let book = dir.path().join("book");
    refuses(whyblocked().arg("report").arg(&path).arg("--book").arg(&book), message);
    assert!(!book.exists(), "a book of nothing was written");
    refuses(
        whyblocked().args(["explain", "docker-default", "time-settimeofday", "--record"]).arg(&path),
        message,
    );
}

#[test]
fn further_records_of_other_engines_are_held_against_the_first() {
    let sample = include_str!("../src/record.json");
    let (dir, first) = file("first.json", sample);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("same.json", sample);
    let hostile = sample.replace(r#""name": "embedded""#, r#""name": "\u001b[2Jother""#);
    write("other.json", &hostile.replace(r#""outcome": "allowed""#, r#""outcome": "blocked""#));
    let output = whyblocked()
        .current_dir(dir.path())
        .args(["report", first.to_str().unwrap(), "same.json", "other.json", "--book", "out"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
    assert!(dir.path().join("out/conformance.html").exists());
    let output = whyblocked()
        .current_dir(dir.path())
        .args(["report", "first.json", "same.json", "other.json", "--book", "out", "--format", "json"])
        .output()
        .unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["records"].as_array().unwrap().len(), 3);
    assert_eq!(found["claims"].as_array().unwrap().len(), 22);
    assert!(found["differing"].as_array().unwrap().iter().any(|one| one["explained"] == false), "{found}");
    assert_eq!(found["changes"][0]["same_host"], true, "{found}");
}

/// What mdBook asks, and what it sends: an empty book with one chapter.
fn chapter(content: &str, records: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let book = serde_json::json!([
        {"root": format!("{root}/src"), "config": {"book": {"title": "x"}, "preprocessor": {"whyblocked": {"records": [records]}}},
            "renderer": "html", "mdbook_version": "0.5.4"},
        {"items": [{"Chapter": {"name": "One", "content": content, "number": null, "sub_items": [], "path": "one.md",
            "source_path": "one.md", "parent_names": []}}]}
    ]);
    book.to_string()
}

#[test]
fn mdbook_gets_its_chapters_with_verdicts() {
    whyblocked().args(["mdbook", "supports", "html"]).assert().success();
    let book = chapter("{{#verdict docker-default time-settimeofday}}", "record.json");
    let output = whyblocked().arg("mdbook").write_stdin(book).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("**blocked by seccomp**"), "{text}");
}

#[rstest]
#[case::no_book(String::new(), "this is what mdBook calls, and no book came")]
#[case::unknown(
    chapter("{{#verdict docker-default no-such-probe}}", "record.json"),
    "the chapter 'One': no record has a verdict for docker-default / no-such-probe; the records are: record"
)]
#[case::no_record(chapter("", "no.json"), "cannot read the record")]
fn mdbook_gets_no_half_of_a_book(#[case] input: String, #[case] message: &str) {
    refuses(whyblocked().arg("mdbook").write_stdin(input), message);
}

#[test]
fn a_record_that_is_not_there() {
    refuses(
        whyblocked().args(["report", "/nonexistent/r.json", "--book", "/nonexistent/book"]),
        "cannot read the record /nonexistent/r.json",
    );
}

#[test]
fn a_book_is_not_written_over_something_else() {
    let (dir, path) = file("precious.txt", "mine\n");
    refuses(
        whyblocked().args(["run", "--scenario", "docker-default", "--book"]).arg(dir.path()),
        "holds something else than a book of ours",
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine\n");
}

#[rstest]
#[case(&["run", "--engine", "lxc"])]
#[case(&["run", "--seccomp-default", "19"])]
#[case(&["run", "--in", "nowhere"])]
#[case(&["list", "nonsense"])]
#[case(&["explain"])]
#[case(&["nonsense"])]
fn wrong_usage_exits_with_2(#[case] args: &[&str]) {
    let output = whyblocked().args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(!output.stderr.is_empty());
}

#[test]
fn nothing_run_exits_with_4() {
    let (_dir, path) = file("docker.yaml", "title: a\nteaches: b\nneeds: [docker]\n");
    let output = whyblocked().args(["run", "--scenario"]).arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("not run here: docker: "), "{text}");
}

#[rstest]
#[case("probes")]
#[case("scenarios")]
#[case("mechanisms")]
fn lists_are_json_where_asked(#[case] what: &str) {
    let output = whyblocked().args(["list", what, "--format", "json"]).output().unwrap();
    let items: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(items.len() >= 17);
    assert!(items.iter().all(|item| item["id"].is_string() && item["title"].is_string()));
}

#[test]
fn the_lists_of_scenarios_and_mechanisms() {
    for what in ["scenarios", "mechanisms"] {
        let output = whyblocked().args(["list", what]).output().unwrap();
        insta::assert_snapshot!(format!("list_{what}"), String::from_utf8(output.stdout).unwrap());
    }
}

#[test]
fn doctor_says_what_was_looked_at() {
    let output = whyblocked().args(["doctor", "--format", "json"]).output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["host"]["kernel"].is_string());
    for finding in found["findings"].as_array().unwrap() {
        let advice = finding["advice"].as_str().unwrap();
        assert_eq!(finding["fine"].as_bool().unwrap(), advice.is_empty(), "{finding}");
    }
}

#[test]
fn clean_finds_what_a_dead_run_left_and_nothing_else() {
    let tmp = tempfile::tempdir().unwrap();
    let dead = tmp.path().join("whyblocked-run-1-0");
    std::fs::create_dir_all(dead.join("lab/3/etc")).unwrap();
    std::fs::write(dead.join("lock"), "").unwrap();
    let other = tmp.path().join("whyblocked-notes");
    std::fs::create_dir(&other).unwrap();
    std::os::unix::fs::symlink(&other, tmp.path().join("whyblocked-run-link")).unwrap();
    let clean = |args: &[&str]| {
        let output = whyblocked().env("TMPDIR", tmp.path()).arg("clean").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = Path::new(&dead).display().to_string();
    assert!(clean(&["--dry-run"]).contains(&format!("would remove the directory {shown}")));
    assert!(dead.exists());
    assert!(clean(&[]).contains(&format!("removed the directory {shown}")));
    assert!(!dead.exists() && other.exists());
}

#[test]
fn no_colour_is_written_where_no_terminal_is() {
    for args in [&["list", "probes"][..], &["doctor"], &["--help"], &[]] {
        let output = whyblocked().args(args).output().unwrap();
        assert!(!output.stdout.contains(&0x1b), "{args:?}");
    }
}

/// The lab machines, on a computer that has none: what to do is said, and nothing is made.
#[rstest]
#[case::status(&["vm", "status"], 0, "none; make it with: whyblocked vm box")]
#[case::up(&["vm", "up", "apparmor"], 3, "there is no box yet; make it with `whyblocked vm box`")]
#[case::ssh(&["vm", "ssh"], 3, "the machine 'selinux' is not running")]
#[case::halt(&["vm", "halt"], 0, "no machine is running")]
#[case::destroy(&["vm", "destroy"], 0, "there is no machine")]
#[case::run(&["run", "--in", "vagrant", "--scenario", "docker-default"], 3, "there is no box yet")]
#[case::no_such_machine(&["run", "--in", "vagrant:windows"], 2, "known are here, vagrant")]
fn lab_machines_that_are_not_there(#[case] arguments: &[&str], #[case] code: i32, #[case] said: &str) {
    let home = tempfile::tempdir().unwrap();
    let mut command = whyblocked();
    for variable in ["HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        command.env(variable, home.path());
    }
    let output = command.args(arguments).output().unwrap();
    let all =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{all}");
    assert!(all.contains(said), "{all}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "something was made");
}
