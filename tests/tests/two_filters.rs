//! One scenario with the default filters of two versions of Docker, really run: what the manual says of each, and what
//! the book of both makes of it.

use std::fs;
use std::process::ExitCode;

use serde_json::Value;
use whyblocked_tests::pages::assert_links_lead_somewhere;
use whyblocked_tests::{Facility, Place, suite};

const ROOT: &[Facility] = &[Facility::Root];

const PROBES: &[&str] = &[
    "process-read-memory",
    "time-clock-adjtime",
    "time-settimeofday",
    "key-add",
    "kernel-mempolicy",
    "kernel-io-uring",
    "file-name-to-handle",
    "capability-chown",
    "capability-sys-nice",
];

fn main() -> ExitCode {
    suite::run(vec![
        suite::test("the_manual_is_right_about_one_version_and_stale_for_the_next", ROOT, the_manual),
        suite::test("a_diff_page_says_what_became_of_each_verdict_and_why", ROOT, the_diff),
        suite::test("a_book_of_one_record_holds_the_manual_against_it", ROOT, one_record),
    ])
}

/// A record with each of the filters, and the book of both.
struct Both {
    place: Place,
    found: Value,
}

impl Both {
    fn report() -> Self {
        let place = Place::new();
        for (version, file) in [("20.10", "old.json"), ("26", "new.json")] {
            place.succeed(&run(version, file));
        }
        let output = place.succeed(&["report", "old.json", "new.json", "--book", "out", "--format", "json"]);
        let found = serde_json::from_slice(&output.stdout).expect("it is JSON");
        Self { place, found }
    }

    fn page(&self, path: &str) -> String {
        fs::read_to_string(self.place.path("out").join(path))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

fn run<'a>(version: &'a str, file: &'a str) -> Vec<&'a str> {
    let mut words = vec!["run", "--engine", "embedded", "--scenario", "docker-default", "--seccomp-default"];
    words.extend([version, "--record", file]);
    words.extend(PROBES.iter().flat_map(|probe| ["--probe", probe]));
    words
}

/// Checked by hand against moby's `profiles/seccomp/default.json` of 20.10.24 and 26.1.5: the later one lets
/// `process_vm_readv` through since Linux 4.8, both let `clock_adjtime` through, both refuse `settimeofday` and `add_key`.
fn the_manual() {
    let both = Both::report();
    let manual = &both.found["documented"];
    assert_eq!(manual["profiles"], serde_json::json!(["Docker 20.10", "Docker 26"]));
    let call = |name: &str| {
        let calls = manual["calls"].as_array().expect("a list");
        let call = calls.iter().find(|call| call["call"] == name).unwrap_or_else(|| panic!("{name}"));
        call["blocked_as_documented"].clone()
    };
    assert_eq!(call("process_vm_readv"), serde_json::json!([true, false]));
    assert_eq!(call("clock_adjtime"), serde_json::json!([false, false]));
    assert_eq!(call("settimeofday"), serde_json::json!([true, true]));
    assert_eq!(call("add_key"), serde_json::json!([true, true]));
    assert_eq!(call("swapon"), serde_json::json!([true, true]), "by the filter: no probe was run");
    let capability = |name: &str| {
        let rows = manual["capabilities"].as_array().expect("a list");
        rows.iter().find(|row| row["capability"] == name).expect("it is in the manual")["as_documented"]
            .clone()
    };
    assert_eq!(capability("CAP_CHOWN"), serde_json::json!([true, true]));
    assert_eq!(capability("CAP_SYS_NICE"), serde_json::json!([true, true]));
    let stale: Vec<&str> =
        manual["stale"].as_array().expect("a list").iter().filter_map(|one| one["about"].as_str()).collect();
    assert_eq!(stale, ["clock_adjtime", "process_vm_readv", "process_vm_writev", "get_mempolicy"]);
    let page = both.page("documented.html");
    let main = page.split("<main>").nth(1).expect("a page");
    let at = |words: &str| main.find(words).unwrap_or_else(|| panic!("the page lacks '{words}'"));
    assert!(at("id=\"stale\"") < at("id=\"calls\""), "what is stale comes first");
    assert!(main.contains("records/new/scenarios/docker-default.html#p-process-read-memory"), "no evidence");
    assert!(main.contains("https://docs.docker.com/engine/security/seccomp/"), "no source");
    assert_links_lead_somewhere(&both.place.path("out"));
}

/// The same filters: `io_uring` is refused by the later one only; handles of files and the memory of other processes are
/// by the earlier one only.
fn the_diff() {
    let both = Both::report();
    let page = both.page("diff-new.html");
    let main = page.split("<main>").nth(1).and_then(|rest| rest.split("</main>").next()).expect("a page");
    assert!(
        main.contains("new against old: another default filter</a></h1>"),
        "the heading says what is other"
    );
    let row = |probe: &str| {
        let rows =
            main.split("<tr class=\"d-").skip(1).map(|row| row.split("</tr>").next().unwrap_or_default());
        let named = format!(">{probe}</a></small>");
        let mut found = rows.filter(|row| row.contains(&named));
        let row = found.next().unwrap_or_else(|| panic!("the page has no {probe}")).to_owned();
        assert!(found.next().is_none(), "{probe} is there twice");
        row
    };
    for (probe, class, was, is) in [
        ("kernel-io-uring", "stronger", "gets through", "blocked by seccomp, 1 deep (seccomp)"),
        ("file-name-to-handle", "weaker", "blocked by seccomp, 1 deep (seccomp)", "gets through"),
        (
            "process-read-memory",
            "weaker",
            "blocked by seccomp, 2 deep (seccomp and capabilities)",
            "blocked by capabilities, 1 deep (capabilities)",
        ),
    ] {
        let row = row(probe);
        assert!(row.starts_with(&format!("{class} s0 f")), "{row}");
        let [before, after] = ["old", "new"]
            .map(|record| format!("href=\"records/{record}/scenarios/docker-default.html#p-{probe}\">"));
        assert!(row.contains(&format!("{before}{was}</a>")), "{row}");
        assert!(row.contains(&format!("{after}{is}</a>")), "{row}");
        assert!(row.contains("the filters are different: Docker "), "{row}");
    }
    assert_eq!(main.matches("<tr class=\"d-").count(), 3, "what is the same has no row");
    let diff = &both.found["diffs"][0];
    assert_eq!((&diff["record"], &diff["same"]), (&"new".into(), &6.into()), "{diff}");
    let classes: Vec<&str> = diff["differing"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|row| row["class"].as_str())
        .collect();
    assert_eq!(classes, ["weaker", "weaker", "stronger"]);
    assert!(main.contains("3 verdicts differ, 6 are the same"), "the counts");
    assert!(
        both.page("index.html").contains("diff-new.html")
            && both.page("side-by-side.html").contains("diff-new.html")
    );
}

fn one_record() {
    let place = Place::new();
    place.succeed(&run("26", "new.json"));
    place.succeed(&["report", "new.json", "--book", "out"]);
    let page = fs::read_to_string(place.path("out/documented.html")).expect("the book has the page");
    let words = ">process-read-memory</a>: blocked by capabilities, and the filter lets it through";
    assert!(page.contains(words), "the page lacks '{words}'");
    assert!(!fs::read_to_string(place.path("out/notes.html")).expect("a page").contains("process_vm_readv"));
    assert_links_lead_somewhere(&place.path("out"));
}
