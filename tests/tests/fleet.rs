//! `report` of very many records: which hosts are alike, which stands out, what cannot be read; and that neither the book nor
//! the terminal obeys what a record says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use rstest::rstest;
use serde_json::{Value, json};
use whyblocked_tests::html;
use whyblocked_tests::pages::{assert_links_lead_somewhere, pages};
use whyblocked_tests::program::program;

const SAMPLE: &str = include_str!("../src/record.json");

/// A folder of thirty hosts: 25 alike, four with another mechanism in front, and one on which the clock can be set.
fn fleet() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for number in 0..30 {
        let mut record = sample();
        record["started"] = json!(1_795_479_382 + number);
        let cell = &mut record["cells"][0];
        if number == 17 {
            open(cell);
            record["host"]["kernel"] = json!("6.1.0-old");
        } else if number >= 26 {
            cell["blocked_by"] = json!("capabilities");
        }
        write(place.path(), &format!("host-{number:02}.json"), &record.to_string());
    }
    place
}

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

/// The attempt gets through.
fn open(cell: &mut Value) {
    for (key, value) in [
        ("outcome", json!("allowed")),
        ("layers", json!([])),
        ("opens", json!([])),
        ("proof", json!("single")),
    ] {
        cell[key] = value;
    }
    for key in ["errno", "blocked_by", "depth"] {
        cell[key] = Value::Null;
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

fn report(folder: &Path, more: &[&str]) -> Output {
    Command::new(program())
        .arg("report")
        .arg(folder)
        .args(more)
        .arg("--book")
        .arg(folder.join("out"))
        .output()
        .unwrap()
}

/// The output of a report that has worked, and its book.
fn reported(folder: &Path, more: &[&str]) -> (String, String, PathBuf) {
    let output = report(folder, more);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    // Where the lines end depends on the width.
    let stdout = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    (stdout, stderr, folder.join("out"))
}

fn page(book: &Path, path: &str) -> String {
    let text = fs::read_to_string(book.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.split("<main>").nth(1).unwrap().split("</main>").next().unwrap().to_owned()
}

#[test]
fn the_host_that_stands_out_is_named_first() {
    let place = fleet();
    let (stdout, stderr, book) = reported(place.path(), &[]);
    assert!(stdout.contains("30 hosts in 3 groups"), "{stdout}");
    assert!(stdout.contains("host-17"), "{stdout}");
    assert_eq!(stderr, "");
    let index = page(&book, "index.html");
    let weaker = &index
        [index.find("id=\"weaker-than-most\"").unwrap()..index.find("id=\"where-hosts-differ\"").unwrap()];
    assert!(weaker.contains("host-17") && !weaker.contains("host-26"), "{weaker}");
    assert!(index.contains("1 got through, 29 blocked"), "{index}");
    assert_links_lead_somewhere(&book);
}

#[test]
fn each_group_is_held_against_the_largest_with_what_is_known_of_both() {
    let place = fleet();
    let (_, _, book) = reported(place.path(), &[]);
    let weak = page(&book, "groups/2.html");
    for words in [
        "host-17",
        "1 weaker",
        "6.1.0-old",
        "6.12.0-sample",
        "got through",
        "blocked by seccomp",
        "not explained",
    ] {
        assert!(weak.contains(words), "the page lacks '{words}': {weak}");
    }
    let other = page(&book, "groups/3.html");
    assert!(other.contains("host-26 and 3 more") && other.contains("1 by another mechanism"), "{other}");
    let scenario = page(&book, "scenarios/docker-default.html");
    let at = |words: &str| scenario.find(words).unwrap_or_else(|| panic!("the page lacks '{words}'"));
    assert!(at("id=\"p-time-settimeofday\"") < at("The same on all hosts"));
    assert!(page(&book, "matrix/time.html").contains("1 got through, 29 blocked"));
}

#[test]
fn what_was_found_for_programs() {
    let place = fleet();
    let (stdout, _, _) = reported(place.path(), &["--format", "json"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(found["hosts"].as_array().unwrap().len(), 30);
    let sizes: Vec<usize> = found["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["hosts"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [25, 1, 4]);
    assert_eq!(found["hosts"][17]["group"], 1);
    assert_eq!(found["groups"][1]["weaker"], 1);
    let differing = &found["differing"][0];
    assert_eq!(
        (&differing["scenario"], &differing["answers"][0]["hosts"]),
        (&json!("docker-default"), &json!(25))
    );
}

#[rstest]
#[case::broken("{", "not a record")]
#[case::something_else("{\"name\": \"x\"}", "it has no \"format\"")]
#[case::newer("{\"format\": \"whyblocked/2\"}", "a newer one can read that")]
fn a_file_that_is_no_record_is_named_and_the_others_are_used(#[case] text: &str, #[case] why: &str) {
    let place = fleet();
    write(place.path(), "host-03.json", text);
    let (stdout, stderr, book) = reported(place.path(), &[]);
    assert!(stderr.starts_with("left out: ") && stderr.contains("host-03.json"), "{stderr}");
    assert!(stderr.contains(why) && stderr.lines().count() == 1, "{stderr}");
    assert!(stdout.contains("29 hosts") && stdout.contains("1 file could not be read"), "{stdout}");
    let index = html::decode(&page(&book, "index.html"));
    assert!(
        index.contains("Not in this book: 1 file") && index.contains("host-03.json") && index.contains(why),
        "{index}"
    );
    // One that was named itself is what was asked for.
    let file = place.path().join("host-03.json");
    let output = report(place.path(), &[file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains(why));
}

#[test]
fn a_folder_of_few_records_is_side_by_side_and_names_what_it_lacks() {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), "a.json", SAMPLE);
    write(place.path(), "b.json", SAMPLE);
    write(place.path(), "broken.json", "{");
    let (_, stderr, book) = reported(place.path(), &[]);
    assert!(stderr.contains("broken.json"), "{stderr}");
    assert!(book.join("records/a/matrix.html").exists());
    assert!(html::decode(&page(&book, "index.html")).contains("Not in this book: 1 file"));
    assert_links_lead_somewhere(&book);
}

#[rstest]
#[case::none(&[], "no record is in this folder")]
#[case::none_that_is_one(&["a.json", "b.json"], "no record could be read")]
#[case::none_of_many(&["0.json", "1.json", "2.json", "3.json", "4.json", "5.json", "6.json", "7.json", "8.json"], "no record could be read")]
fn a_folder_without_a_record(#[case] files: &[&str], #[case] message: &str) {
    let place = tempfile::tempdir().unwrap();
    for file in files {
        write(place.path(), file, "{}");
    }
    let output = report(place.path(), &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(message), "{stderr}");
    assert!(!place.path().join("out").exists(), "a book of nothing was written");
}

#[test]
fn a_record_that_was_cut_short_is_used_and_marked() {
    let place = fleet();
    let mut record = sample();
    record["cut_short"] = json!("interrupted by <b>SIGTERM</b>");
    write(place.path(), "host-05.json", &record.to_string());
    let (stdout, _, book) = reported(place.path(), &[]);
    assert!(stdout.contains("30 hosts") && stdout.contains("1 of the records"), "{stdout}");
    let hosts = page(&book, "hosts.html");
    assert!(hosts.contains("cut short") && !hosts.contains("<b>SIGTERM"), "{hosts}");
}

#[rstest]
#[case::script("<script>alert(1)</script>")]
#[case::out_of_an_attribute("\" onmouseover=\"alert(1)\" x=\"' onclick='alert(1)")]
#[case::out_of_a_table("| a | b |\n|---|---|\n</td></tr></table></svg><h1>x</h1>")]
#[case::link("](javascript:alert(1)) [x](javascript:alert(1)) <javascript:alert(1)>")]
#[case::include("{{#include /etc/passwd}} {{#title x}}")]
#[case::blank_line("\n\n# x\n\n- y\n\n    code\n")]
#[case::unseen("\u{1b}[2J\u{202e}\u{200b}")]
fn hostile_text_stays_text(#[case] hostile: &str) {
    let place = hostile_fleet(hostile);
    assert!(skeletons(&place) == *HARMLESS, "the text changed the pages' structure: {hostile}");
    for (path, page) in pages(&place.path().join("out")) {
        let unseen = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{202e}' | '\u{200b}');
        assert!(!page.contains(unseen), "{path} shows what cannot be seen");
        assert!(!page.contains("root:x:0"), "{path} includes a file");
    }
}

/// The structure of the pages where nothing is hostile.
static HARMLESS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| skeletons(&hostile_fleet("x")));

/// A book of twelve records of two days, with this text wherever any may be: in ids, titles, reasons, and in what is known of
/// the host. No file can be called just anything.
fn hostile_fleet(hostile: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for number in 0..12 {
        let mut record = sample();
        record["started"] = json!(1_795_479_382 + number % 2 * 86_400);
        if number == 0 {
            open(&mut record["cells"][0]);
        }
        let say = |value: &mut Value| {
            let said = value.as_str().unwrap_or_default().to_owned();
            *value = format!("{hostile}{said}").into();
        };
        for pointer in [
            "/host/kernel",
            "/host/system",
            "/engine/version",
            "/engine/name",
            "/engine/place",
            "/cells/1/reason",
        ] {
            say(record.pointer_mut(pointer).unwrap());
        }
        if number == 3 {
            say(record.pointer_mut("/cells/0/errno").unwrap());
            say(record.pointer_mut("/scenarios/2/not_run").unwrap());
        }
        for list in ["scenarios", "probes"] {
            for entry in record[list].as_array_mut().unwrap() {
                say(&mut entry["id"]);
                say(&mut entry["title"]);
                if list == "scenarios" {
                    say(&mut entry["teaches"]);
                } else {
                    say(&mut entry["family"]);
                }
            }
        }
        for cell in record["cells"].as_array_mut().unwrap() {
            say(&mut cell["scenario"]);
            say(&mut cell["probe"]);
        }
        let folder = place.path().join(if number % 2 == 0 { "monday" } else { "tuesday" });
        fs::create_dir_all(&folder).unwrap();
        write(&folder, &format!("h{}.json", number / 2), &record.to_string());
    }
    write(&place.path().join("monday"), "broken.json", &json!({"format": hostile}).to_string());
    let output = Command::new(program())
        .current_dir(place.path())
        .args(["report", "monday", "tuesday", "--book", "out"])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{202e}', '\u{200b}']), "the terminal obeys a record: {said:?}");
    place
}

/// Each page's tags with the names of their attributes, and where its links lead outside the book.
fn skeletons(place: &tempfile::TempDir) -> Vec<Vec<String>> {
    let of = |tag: html::Tag| {
        let names: Vec<String> = tag.attributes.iter().map(|(name, _)| name.clone()).collect();
        let outside =
            ["href", "src"].iter().filter_map(|name| tag.attribute(name)).find(|to| to.contains(':'));
        format!("{} {names:?} {outside:?}", tag.name)
    };
    let mut skeletons: Vec<Vec<String>> = pages(&place.path().join("out"))
        .into_iter()
        .map(|(_, page)| html::tags(&page).into_iter().map(of).collect())
        .collect();
    // The pages' names are made of the text.
    skeletons.sort();
    skeletons
}

/// The same two hosts on three days: what became of each is drawn and told.
#[test]
fn the_same_host_on_several_days_has_a_history() {
    let place = tempfile::tempdir().unwrap();
    for number in 0..5 {
        for day in 1..=3 {
            let mut record = sample();
            record["started"] = json!(1_795_479_382 + day * 86_400);
            if day == 3 && number == 0 {
                open(&mut record["cells"][0]);
            }
            write(place.path(), &format!("web-{number}-2026-11-2{day}.json"), &record.to_string());
        }
    }
    let (_, _, book) = reported(place.path(), &[]);
    assert_links_lead_somewhere(&book);
    let all = page(&book, "history.html");
    assert_eq!(all.matches("<svg").count(), 5, "a chart for each host");
    let one = page(&book, "history/web-0.html");
    // mdBook writes attributes in small letters; browsers know which are not.
    let one = one.replace("viewbox=", "viewBox=");
    assert_eq!(one.matches("<svg").count(), 3, "one of all, and one for each scenario that was run");
    for words in [
        "<title",
        "<desc",
        "role=\"img\"",
        "viewBox=",
        "1 weaker",
        "nothing changed",
        "1 verdict became weaker",
        "blocked from 1 to 0",
    ] {
        assert!(one.contains(words), "the page lacks '{words}': {one}");
    }
}

#[test]
fn two_days_of_one_host_side_by_side_have_a_history_too() {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), "before.json", SAMPLE);
    let mut after = sample();
    after["started"] = json!(1_795_479_382 + 86_400);
    open(&mut after["cells"][0]);
    write(place.path(), "after.json", &after.to_string());
    let (_, _, book) = reported(place.path(), &[]);
    let history = page(&book, "history.html");
    assert!(history.contains("From <a href=\"records/before/index.html\">before</a> to"), "{history}");
    assert!(history.contains("records/after/scenarios/docker-default.html#p-time-settimeofday"), "{history}");
    assert_links_lead_somewhere(&book);
    // At the same moment they are two hosts, or one record twice.
    write(place.path(), "after.json", SAMPLE);
    reported(place.path(), &[]);
    assert!(!book.join("history.html").exists());
}
