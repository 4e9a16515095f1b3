//! The report's book: that it builds, that its links lead somewhere, what stands first, and that no text of a record becomes
//! markup.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use rstest::rstest;
use serde_json::Value;
use whyblocked::record::{Outcome, Record};
use whyblocked::report::book;
use whyblocked::side_by_side::named;
use whyblocked_tests::html::{self, Tag};
use whyblocked_tests::pages::{assert_links_lead_somewhere, files, pages};

const SAMPLE: &str = include_str!("../src/record.json");

#[test]
fn every_link_of_the_report_leads_somewhere() {
    assert_links_lead_somewhere(&report(&sample()).1);
}

#[test]
fn the_report_builds_again_from_its_own_sources() {
    let (_place, out) = report(&sample());
    let config = Config::from_disk(out.join("book.toml")).unwrap();
    MDBook::load_with_config(&out, config).unwrap().build().unwrap();
    let pages = [
        "index.html",
        "side-by-side.html",
        "notes.html",
        "documented.html",
        "records/r/matrix.html",
        "records/r/probes/time-settimeofday.html",
        "style.css",
    ];
    for page in pages {
        assert_eq!(
            fs::read(out.join(page)).unwrap(),
            fs::read(out.join("book").join(page)).unwrap(),
            "{page}"
        );
    }
    book::check_place(&out).expect("what mdBook adds to a book of ours is ours");
}

#[test]
fn conflicts_stand_before_everything_else() {
    let (_place, out) = report(&sample());
    let page = fs::read_to_string(out.join("records/r/index.html")).unwrap();
    let page = page.split("<main>").nth(1).unwrap();
    let conflict = page.find("the methods disagree").unwrap();
    assert!(conflict < page.find("got through").unwrap());
    assert!(conflict < page.find("<h2").unwrap());
}

#[test]
fn what_is_not_explained_stands_before_what_is() {
    let (_place, out) = report(&sample());
    let page = fs::read_to_string(out.join("conformance.html")).unwrap();
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("the page lacks '{words}'"));
    assert!(at("Not only the engines differ") < at("id=\"not-explained\""));
    assert!(at("id=\"not-explained\"") < at("id=\"explained\""));
    let first = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(first.contains("conformance.html"), "the first page does not lead there");
    let page = fs::read_to_string(out.join("side-by-side.html")).unwrap();
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("the page lacks '{words}'"));
    assert!(at("Not explained:") < at("id=\"differences-and-their-reasons\""));
}

#[test]
fn every_record_has_its_own_pages_and_two_of_one_name_are_kept_apart() {
    let (_place, out) = report(&sample());
    for record in ["r", "r-2", "another"] {
        for page in ["index", "matrix", "host", "scenarios/docker-default", "probes/time-settimeofday"] {
            assert!(out.join(format!("records/{record}/{page}.html")).exists(), "{record}: {page}");
        }
    }
    let first = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(first.contains("records/r-2/index.html") && first.contains("records/another/index.html"));
    let row = fs::read_to_string(out.join("side-by-side.html")).unwrap();
    assert!(
        row.contains("records/another/scenarios/docker-default.html#p-time-settimeofday"),
        "a verdict leads to its evidence"
    );
}

#[test]
fn every_further_record_has_a_diff_page_and_an_empty_one_says_so() {
    let (_place, out) = report(&sample());
    let main = |page: &str| {
        let page = fs::read_to_string(out.join(page)).unwrap();
        page.split("<main>").nth(1).unwrap().split("</main>").next().unwrap().to_owned()
    };
    assert!(main("diff-r-2.html").contains("0 verdicts differ"));
    assert!(!main("diff-r-2.html").contains("<fieldset"), "there is nothing to choose among");
    let other = main("diff-another.html");
    assert!(other.contains("another kernel, another version of the engine"), "the heading says so");
    assert!(!out.join("diff-r.html").exists(), "the first one is held against nothing");
    let [fields, rows] = ["type=\"checkbox\"", "<tr class=\"d-"].map(|what| other.matches(what).count());
    assert!(fields > 1 && rows >= fields, "{fields} classes, {rows} rows");
}

/// The filter is a style sheet: what it names has to be what the rows are called.
#[test]
fn the_filter_of_a_diff_page_knows_every_row() {
    let (_place, out) = report(&sample());
    let page = fs::read_to_string(out.join("diff-another.html")).unwrap();
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let rows: Vec<Vec<String>> = html::tags(&page)
        .iter()
        .filter(|tag| tag.name == "tr")
        .filter_map(|tag| Some(tag.attribute("class")?.split(' ').map(str::to_owned).collect()))
        .filter(|marks: &Vec<String>| marks[0].starts_with("d-"))
        .collect();
    assert!(!rows.is_empty());
    for marks in rows {
        let class = marks[0].trim_start_matches("d-");
        let rule = format!(".diff:has(#show-{class}:not(:checked)) tr.d-{class}{{display:none}}");
        assert!(style.contains(&rule), "no field hides {marks:?}: {style}");
        assert!(page.contains(&format!("id=\"show-{class}\"")), "{class}");
        for (mark, what) in [(&marks[1], "scenario"), (&marks[2], "family")] {
            let value = &mark[1..];
            let rule =
                format!(".diff:has(.by-{what} option[value=\"{value}\"]:checked) tbody tr:not(.{mark})");
            let only = !page.contains(&format!("class=\"by-{what}\""));
            assert!(only || style.contains(&rule), "no field shows {marks:?}: {style}");
        }
    }
}

/// A record in which what is said of the kill command, of the range of ids and of the filter can be seen.
fn about_claims() -> Record {
    let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
    let scenario = |id: &str, posture: Value| serde_json::json!({"id": id, "title": id, "teaches": "a claim", "settings": {}, "posture": posture, "notes": [], "not_run": null});
    value["scenarios"] = serde_json::json!([
        scenario("docker-default", serde_json::json!([{"mechanism": "seccomp", "state": "Docker 26"}])),
        scenario("cap-drop-kill", serde_json::json!([])),
        scenario(
            "userns-remap",
            serde_json::json!([{"mechanism": "user-namespace", "state": "0–65535 are 100000–165535 on the host"}])
        ),
        scenario("userns-remap-true", serde_json::json!([])),
    ]);
    value["scenarios"][3]["not_run"] = "docker: there is no daemon <b>here</b>".into();
    let probe = |id: &str| serde_json::json!({"id": id, "family": id.split('-').next(), "title": id, "calls": [], "effect": "harmless"});
    let probes = ["process-kill-own-uid", "process-kill-other-uid", "key-add"];
    value["probes"] = probes.map(probe).to_vec().into();
    let cell = |scenario: &str, probe: &str, call: &str, by: Option<&str>| {
        serde_json::json!({"scenario": scenario, "probe": probe, "outcome": if by.is_some() { "blocked" } else { "allowed" },
            "call": call, "errno": by.map(|_| "EPERM"), "blocked_by": by, "layers": by.iter().collect::<Vec<_>>(), "opens": [],
            "depth": by.map(|_| 1), "evidence": [], "proof": "single", "reason": null, "note": null})
    };
    value["cells"] = serde_json::json!([
        cell("cap-drop-kill", "process-kill-own-uid", "kill", None),
        cell("cap-drop-kill", "process-kill-other-uid", "kill", Some("capabilities")),
        cell("docker-default", "process-kill-other-uid", "kill", None),
        cell("docker-default", "key-add", "add_key", Some("seccomp")),
    ]);
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_page_about_claims_says_what_was_seen_and_what_is_so_instead() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    book::write(&about_claims(), &out).unwrap();
    assert_links_lead_somewhere(&out);
    insta::assert_snapshot!(fs::read_to_string(out.join("src/notes.md")).unwrap());
}

#[test]
fn the_page_about_the_manual_has_what_is_stale_first_and_a_column_for_every_record() {
    let (_place, out) = report(&sample());
    let page = fs::read_to_string(out.join("documented.html")).unwrap();
    let page = page.split("<main>").nth(1).unwrap();
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("the page lacks '{words}'"));
    assert!(at("id=\"stale\"") < at("id=\"calls\""));
    assert!(
        at("id=\"calls\"") < at("id=\"capabilities\"")
            && at("id=\"capabilities\"") < at("id=\"userns-remap\"")
    );
    for record in ["r", "r-2", "another"] {
        assert!(page.contains(&format!("records/{record}/index.html")), "{record}");
    }
    let first = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(first.contains("documented.html"), "the first page does not lead there");
}

#[test]
fn a_configuration_of_ones_own_is_not_asked_about_claims() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let tried = whyblocked::record::Tried::default();
    book::write(&Record { tried: Some(tried), ..sample() }, &out).unwrap();
    assert!(!out.join("notes.html").exists() && !out.join("documented.html").exists());
    assert_links_lead_somewhere(&out);
}

#[test]
fn a_book_of_one_record_has_no_page_about_conformance() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    book::write(&sample(), &out).unwrap();
    assert!(!out.join("conformance.html").exists());
    assert_links_lead_somewhere(&out);
}

#[test]
fn a_record_without_verdicts_makes_a_book_too() {
    let record = Record { cells: vec![], scenarios: vec![], probes: vec![], ..sample() };
    assert_links_lead_somewhere(&report(&record).1);
}

#[rstest]
#[case::script("<script>alert(1)</script>")]
#[case::handler("<img src=x onerror=alert(1)>")]
#[case::out_of_an_attribute("\" onmouseover=\"alert(1)\" x=\"' onclick='alert(1)")]
#[case::out_of_a_table("| a | b |\n|---|---|\n</td></tr></table><h1>x</h1>")]
#[case::link("](javascript:alert(1)) [x](javascript:alert(1)) <javascript:alert(1)>")]
#[case::image("![x](https://example.org/x.png)")]
#[case::reference("[x]\n\n[x]: javascript:alert(1)\n")]
#[case::include("{{#include secret}} {{#include ../secret}} {{#include /etc/passwd}}")]
#[case::title("{{#title x}} {#id .class onclick=x}")]
#[case::handlebars("{{{content}}} {{> header}}")]
#[case::fence("```\n<b>x</b>\n```\n~~~\n")]
#[case::block("\n\n# x\n\n- y\n\n1. z\n\n> q\n\n---\n\n    code\n\n: d\n")]
#[case::emphasis("*a* **b** _c_ __d__ ~~e~~ `f` \\*g\\*")]
#[case::references("&lt;script&gt; &#60;b&#62; &amp;")]
#[case::script_in_the_sidebar("\\x3cimg src=x onerror=alert(1)\\x3e '; alert(1); '")]
#[case::closing("--> ]]> </script> </style> </title> </code></pre> </details>")]
#[case::unseen("\u{0}\u{1b}[2J\u{202e}\u{200b}\u{2066}\u{feff}\u{e0041}\u{85}\u{2028}")]
#[case::paths("../../../etc/passwd")]
#[case::nothing_left("...")]
fn hostile_text_stays_text(#[case] hostile: &str) {
    let (place, out) = report(&with_text(hostile));
    // Beside the book and above its sources: where an include would find it.
    fs::write(place.path().join("secret"), "the secret").unwrap();
    assert!(skeletons(&out) == *HARMLESS, "the text changed the pages' structure: {hostile}");
    for (path, page) in files(&out).iter().filter(|(path, _)| !path.starts_with("src/")) {
        let unseen = |c: &char| matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{202e}' | '\u{200b}' | '\u{2066}' | '\u{e0041}');
        assert!(page.chars().find(unseen).is_none(), "{path} shows what cannot be seen");
        assert!(!page.contains("the secret") && !page.contains("root:x:0"), "{path} includes a file");
    }
    let contents = fs::read_to_string(out.join("toc.js")).unwrap();
    let innards = contents.split("this.innerHTML = '").nth(1).unwrap().split("';\n").next().unwrap();
    assert!(!innards.contains(['\'', '\\', '\n']), "the sidebar's script ends early: {innards}");
}

/// The structure of the pages where nothing is hostile.
static HARMLESS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| skeletons(&report(&with_text("x")).1));

/// A record with `hostile` in every string that can hold any text, keys and ids too. What was one id stays one.
fn with_text(hostile: &str) -> Record {
    let mut value: Value = serde_json::from_str(SAMPLE).unwrap();
    let mut pointers = Vec::new();
    strings("", &value, &mut pointers);
    for pointer in pointers {
        let before = value.pointer(&pointer).unwrap().clone();
        *value.pointer_mut(&pointer).unwrap() = format!("{hostile}{}", before.as_str().unwrap()).into();
        // Ids of mechanisms, outcomes and the like cannot be any text.
        if serde_json::from_value::<Record>(value.clone()).is_err() {
            *value.pointer_mut(&pointer).unwrap() = before;
        }
    }
    let mut record: Record = serde_json::from_value(value).unwrap();
    let key = format!("{hostile}key");
    for scenario in &mut record.scenarios {
        if !scenario.settings.is_empty() {
            scenario
                .settings
                .insert(key.clone(), serde_json::json!({ key.clone(): { key.clone(): hostile } }));
        }
    }
    record
}

fn strings(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                strings(&format!("{at}/{place}"), item, found);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                strings(&format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), item, found);
            }
        }
        _ => {}
    }
}

/// Each page's tags with the names of their attributes, and where its links lead outside the book.
fn skeletons(out: &Path) -> Vec<Vec<String>> {
    let of = |tag: Tag| {
        let names: Vec<String> = tag.attributes.iter().map(|(name, _)| name.clone()).collect();
        let outside =
            ["href", "src"].iter().filter_map(|name| tag.attribute(name)).find(|to| to.contains(':'));
        format!("{} {names:?} {outside:?}", tag.name)
    };
    let mut skeletons: Vec<Vec<String>> =
        pages(out).into_iter().map(|(_, page)| html::tags(&page).into_iter().map(of).collect()).collect();
    // The pages' names are made of the text.
    skeletons.sort();
    skeletons
}

fn sample() -> Record {
    serde_json::from_str(SAMPLE).unwrap()
}

/// A book of a record, twice, beside one that differs in everything that can differ, and the directory that holds it. The
/// records' names are hostile where the record is.
fn report(record: &Record) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    let other = other(record);
    let said = record.host.system.strip_suffix("Sample GNU/Linux").unwrap_or_default();
    let paths =
        ["r", "r", "another"].map(|name| PathBuf::from(format!("{}{name}", said.replace(['/', '\0'], " "))));
    let records = named(paths.iter().map(PathBuf::as_path).zip([record, record, &other]));
    book::write_all(&records, &out).unwrap();
    (place, out)
}

/// What another engine might say of the same.
fn other(record: &Record) -> Record {
    let mut other = record.clone();
    other.engine.version.push_str(" again");
    other.host.kernel.push_str(" again");
    for (number, cell) in other.cells.iter_mut().enumerate() {
        match (number % 3, cell.outcome) {
            (0, Outcome::Blocked) => cell.outcome = Outcome::Allowed,
            (0, Outcome::Allowed) => cell.outcome = Outcome::Blocked,
            (1, Outcome::Blocked) => cell.layers.clear(),
            _ => {}
        }
    }
    for posture in other.scenarios.iter_mut().flat_map(|scenario| &mut scenario.posture) {
        posture.state.push_str(" again");
    }
    if let Some(mut unknown) = record.scenarios.first().cloned() {
        unknown.id.push_str(" again");
        other.scenarios.push(unknown);
    }
    other.probes.pop();
    other
}
