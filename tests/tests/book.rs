//! The repository's own book: that it builds, that its links lead somewhere, that generated pages are current, that what
//! they say was observed has been.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use mdbook_driver::MDBook;
use mdbook_driver::config::Config;
use whyblocked::conformance::known;
use whyblocked::record;
use whyblocked::report::book::{Page, course, reference};
use whyblocked::scenario;
use whyblocked_tests::pages::{assert_links_lead_somewhere, files};
use whyblocked_tests::program;

const BLESS: &str = "WHYBLOCKED_BLESS=1 cargo test -p whyblocked-tests --test book";

/// The folders of generated pages.
const MADE: [&str; 2] = ["reference", "labs"];

fn generated() -> Vec<Page> {
    let mut pages = reference::pages().unwrap();
    pages.extend(course::pages().unwrap());
    pages
}

/// Refreshes the generated pages if asked to; once, and before any test builds the book from them.
static BLESSED: LazyLock<()> = LazyLock::new(|| {
    if std::env::var_os("WHYBLOCKED_BLESS").is_none() {
        return;
    }
    let sources = repository_book().join("src");
    for made in MADE {
        let _ = fs::remove_dir_all(sources.join(made));
    }
    for page in generated() {
        let path = sources.join(&page.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &page.text).unwrap();
    }
});

#[test]
fn generated_pages_are_current() {
    LazyLock::force(&BLESSED);
    let sources = repository_book().join("src");
    let wanted: BTreeMap<String, String> =
        generated().into_iter().map(|page| (page.path, page.text)).collect();
    let found: BTreeMap<String, String> = MADE
        .iter()
        .flat_map(|made| {
            files(&sources.join(made)).into_iter().map(move |(path, text)| (format!("{made}/{path}"), text))
        })
        .collect();
    let stale: Vec<&String> = wanted.keys().filter(|path| found.get(*path) != wanted.get(*path)).collect();
    let odd: Vec<&String> = found.keys().filter(|path| !wanted.contains_key(*path)).collect();
    assert!(
        stale.is_empty() && odd.is_empty(),
        "stale: {stale:?}, no longer made: {odd:?}\nrefresh them: {BLESS}"
    );
}

#[test]
fn every_generated_page_is_in_the_table_of_contents() {
    let contents = fs::read_to_string(repository_book().join("src/SUMMARY.md")).unwrap();
    for page in generated() {
        assert!(contents.contains(&format!("]({})", page.path)), "add {} to book/src/SUMMARY.md", page.path);
    }
}

/// What the course's chapters show beside the theory: each of the labs' questions has been answered by a run.
#[test]
fn every_question_of_the_course_was_observed() {
    let records: Vec<record::Record> = ["plain", "selinux", "apparmor"]
        .map(|name| record::read(&repository_book().join(format!("observed/{name}.json"))).unwrap())
        .into();
    for (scenario, probe) in course::observed().unwrap() {
        assert!(
            records.iter().any(|record| record.cell(&scenario, &probe).is_some()),
            "{scenario} / {probe} is in no record of book/observed; its README says how they are made"
        );
    }
}

#[test]
fn the_command_line_chapter_knows_every_command_and_option() {
    let chapter = fs::read_to_string(repository_book().join("src/command-line.md")).unwrap();
    let help = |arguments: &[&str]| {
        let output = std::process::Command::new(program()).args(arguments).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let first = help(&[]);
    let commands: Vec<&str> = first
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"run"), "{first}");
    for command in commands {
        assert!(chapter.contains(&format!("`{command}")), "the chapter lacks the command {command}");
        let help = help(&[command]);
        let words =
            help.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-'));
        for option in words.filter(|word| word.starts_with("--")) {
            assert!(chapter.contains(&format!("`{option}")), "the chapter lacks {command}'s {option}");
        }
    }
}

#[test]
fn the_repository_book_builds() {
    let built = build_repository_book();
    assert!(built.path().join("index.html").exists());
}

#[test]
fn every_link_of_the_repository_book_leads_somewhere() {
    assert_links_lead_somewhere(build_repository_book().path());
}

/// What it shows cannot be made again without Docker; whether it is about the scenarios and reasons of today can be told.
#[test]
fn the_observed_conformance_is_about_what_there_is() {
    let page = fs::read_to_string(repository_book().join("src/conformance-observed.md")).unwrap();
    let refresh = "refresh it: WHYBLOCKED_BLESS=1 cargo test -p whyblocked-tests --test conformance";
    for scenario in scenario::select(&[]).unwrap() {
        let link = format!("scenarios.md#{}\"", scenario.id);
        assert!(page.contains(&link), "it knows nothing of {}; {refresh}", scenario.id);
    }
    for known in known::ALL.iter().filter(|known| known.between == ["embedded *", "docker *"]) {
        // Its first words: further on there may be signs that are escaped.
        let words: String = known.why.chars().take(24).collect();
        assert!(page.contains(&words), "nothing there has the reason '{}'; {refresh}", known.why);
    }
    assert!(page.contains(", 0 not explained;"), "it shows differences that nobody has explained");
}

fn repository_book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../book")
}

/// As `mdbook build book` does it, but elsewhere.
fn build_repository_book() -> tempfile::TempDir {
    LazyLock::force(&BLESSED);
    let place = tempfile::tempdir().unwrap();
    let mut config = Config::from_disk(repository_book().join("book.toml")).unwrap();
    place.path().clone_into(&mut config.build.build_dir);
    // The program under test, in place of one that cargo would build.
    let command = format!("'{}' mdbook", program().display());
    config.set("preprocessor.whyblocked.command", command).unwrap();
    MDBook::load_with_config(repository_book(), config).unwrap().build().unwrap();
    place
}
