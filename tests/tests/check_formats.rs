//! What `check` writes for other programs, each format read by a parser that is not ours.

use std::fs;
use std::process::{Command, ExitCode};

use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use serde_json::Value;
use whyblocked::report::check::Summary;
use whyblocked_tests::mine::{Mine, WAIVER};
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, suite};

const ROOT: &[Facility] = &[Facility::Root];

fn main() -> ExitCode {
    let mut tests = Vec::new();
    let mut test = |name: &str, needs, run: fn()| tests.push(suite::test(name, needs, run));
    test("junit_is_read_by_another_parser", ROOT, junit);
    test("sarif_is_read_by_another_parser", ROOT, sarif);
    test("tap_is_read_by_prove", &[Facility::Root, Facility::Prove], tap);
    test("markdown_is_read_by_another_parser", ROOT, markdown);
    test("json_is_as_its_schema_says", ROOT, json);
    suite::run(tests)
}

/// One attempt is weaker, one is accepted, one is stronger, and one as it was.
fn mixed() -> Mine {
    let probes = ["net-raw-socket", "capability-chown", "capability-fowner", "key-add"];
    let agreed = Mine::on("service: {cap_drop: [NET_RAW, CHOWN]}", &probes, &[]);
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

/// Whoever writes a reason writes it for people; here it looks like what each format takes for something else.
const HOSTILE: &str = r"ping # TODO later \\ | <b>x</b> `y` [z](http://example.invalid)";

fn hostile() -> Mine {
    let mine = mixed();
    mine.edit("ping, until the new monitoring is there", HOSTILE);
    mine.edit("id = \"W7\"", "id = \"W7 # SKIP\"");
    mine
}

fn tap() {
    let mine = hostile();
    let (code, text) = mine.check(&["--tap", "out.tap", "--fail-on", "stronger"]);
    assert_eq!(code, 1, "{text}");
    let file = mine.place.path("out.tap");
    let tap = fs::read_to_string(&file).expect("it was written");
    assert!(tap.starts_with("TAP version 14\n1..5\n"), "{tap}");
    assert!(tap.contains("\nnot ok 2 - mine / capability-fowner\n  ---\n  class: \"stronger\"\n"), "{tap}");
    // Perl's own reader, which speaks version 13, where both say the same.
    let older = mine.place.path("13.tap");
    fs::write(&older, tap.replacen("TAP version 14", "TAP version 13", 1)).expect("the place is ours");
    let script = r#"
        use TAP::Parser;
        my $parser = TAP::Parser->new({ source => $ARGV[0] });
        while (my $result = $parser->next) {
            next unless $result->is_test;
            print join("|", $result->is_ok ? "ok" : "not ok", $result->number, $result->description, $result->directive), "\n";
        }
        die join(", ", $parser->parse_errors) if $parser->parse_errors;
        print "planned ", $parser->tests_planned, ", run ", $parser->tests_run, "\n";
    "#;
    let output = succeed(Command::new("perl").args(["-e", script]).arg(&older));
    let read = String::from_utf8_lossy(&output.stdout);
    for line in [
        "ok|1|- mine / capability-chown|\n",
        "not ok|2|- mine / capability-fowner|\n",
        "ok|3|- mine / key-add|\n",
        "ok|4|- mine / net-raw-socket|SKIP\n",
        "ok|5|- waivers / W7 \\# SKIP|\n",
        "planned 5, run 5\n",
    ] {
        assert!(read.contains(line), "{line}: {read}");
    }
}

fn markdown() {
    let mine = hostile();
    fs::write(mine.place.path("summary.md"), "# An earlier step\n\n").expect("the place is ours");
    let (code, text) = mine.check(&["--markdown", "summary.md"]);
    assert_eq!(code, 1, "{text}");
    let summary = fs::read_to_string(mine.place.path("summary.md")).expect("it was written");
    assert!(summary.starts_with("# An earlier step\n"), "{summary}");
    let mut cells: Vec<String> = Vec::new();
    let mut headings: Vec<String> = Vec::new();
    let mut said = String::new();
    for event in new_cmark_parser(&summary, &MarkdownOptions::default()) {
        match event {
            Event::Start(Tag::TableCell | Tag::Heading { .. } | Tag::Item) => said.clear(),
            Event::Text(text) | Event::Code(text) => said.push_str(&text),
            Event::End(TagEnd::TableCell) => cells.push(std::mem::take(&mut said)),
            Event::End(TagEnd::Heading(_)) => headings.push(std::mem::take(&mut said)),
            Event::InlineHtml(html) if matches!(&*html, "<code>" | "</code>") => {}
            Event::Html(html) | Event::InlineHtml(html) => panic!("{html}: {summary}"),
            Event::Start(Tag::Link { dest_url, .. }) => panic!("{dest_url}: {summary}"),
            _ => {}
        }
    }
    let expected = [
        "An earlier step",
        "whyblocked: 1 difference that was not agreed on",
        "weaker (2)",
        "stronger (1)",
        "waivers",
    ];
    assert_eq!(headings, expected, "{summary}");
    let row = |cells: &[String]| {
        cells
            == ["mine", "capability-chown", "blocked by capabilities, 1 deep (capabilities)", "gets through"]
    };
    assert!(cells.windows(4).any(row), "{cells:#?}");
    assert!(
        said.ends_with(r"until 2999-01-31: ping # TODO later \ | <b>x</b> `y` [z](http://example.invalid)"),
        "{said}"
    );
}

fn json() {
    let mine = mixed();
    let output = mine.command(&["check", "--baseline", "b.toml", "--format", "json"], &[]).output();
    let output = output.expect("the program can be started");
    let printed: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let schema = jsonschema::validator_for(&Summary::schema()).expect("it is a schema");
    assert!(schema.is_valid(&printed), "{printed:#}");
    assert_eq!((&printed["compared"], &printed["failing"]), (&Value::from(4), &Value::from(1)));
}
