//! The built-in engine and Docker, cell by cell: at least 98 % of what can be compared is the same, and nothing differs
//! without a known reason.
//!
//! With `WHYBLOCKED_BLESS` all scenarios are run, and what comes out is written down in the book.

use std::path::Path;
use std::process::ExitCode;

use whyblocked::conformance::Comparison;
use whyblocked::record::{self, Record};
use whyblocked::report::book::reference;
use whyblocked::report::conformance;
use whyblocked_tests::dockerd::Dockerd;
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, Place, suite};

const NEEDS: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Docker];

/// The default, and from there in each direction: filter, capabilities, user, mounts, everything.
const SCENARIOS: &[&str] = &["docker-default", "cap-drop-all", "user-1000", "seccomp-custom", "privileged"];

/// The share that agrees at least, in per cent.
const AGREE: f64 = 98.0;

fn main() -> ExitCode {
    suite::run(vec![suite::test("the_engines_conform", NEEDS, the_engines_conform)])
}

fn the_engines_conform() {
    let bless = std::env::var_os("WHYBLOCKED_BLESS").is_some();
    let scenarios = if bless { &[] } else { SCENARIOS };
    let mut arguments: Vec<&str> = vec!["--seccomp-default", "20.10"];
    arguments.extend(scenarios.iter().flat_map(|scenario| ["--scenario", scenario]));
    let ours = Place::new().record(&arguments);
    let theirs = with_docker(&arguments);
    let comparison = Comparison::of(&ours, &theirs);
    let found = conformance::text(&comparison, 100);
    let run = ours.scenarios.iter().filter(|scenario| scenario.not_run.is_none()).count();
    assert!(comparison.filters().is_empty(), "{found}");
    assert!(comparison.all.comparable > run * 75, "too few cells can be compared: {found}");
    assert_eq!(comparison.all.unexplained(), 0, "{found}");
    assert!(comparison.all.percent().is_some_and(|percent| percent >= AGREE), "{found}");
    let unknown = comparison.behind.iter().filter(|pair| pair.known.is_none()).map(|pair| pair.place);
    assert_eq!(unknown.collect::<Vec<_>>(), [], "their layers differ, and nobody knows why");
    if bless {
        let page = reference::conformance(&comparison);
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src");
        std::fs::write(sources.join(page.path), page.text).expect("the book can be written");
    }
}

fn with_docker(arguments: &[&str]) -> Record {
    let daemon = Dockerd::start();
    let place = Place::new();
    let file = place.path("record.json");
    let mut command = place.command(&["run", "--engine", "docker", "--record"]);
    succeed(command.arg(&file).args(arguments).env("DOCKER_HOST", daemon.host()));
    record::read(&file).expect("a record that was just written can be read")
}
