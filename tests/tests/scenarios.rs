//! Rules about the built-in scenarios, each a test.

use rstest::rstest;
use whyblocked::host::{Host, Reach};
use whyblocked::scenario::defaults::Defaults;
use whyblocked::scenario::{self, Context, Resolution, Scenario};
use whyblocked::seccomp::DefaultProfile;

fn all() -> Vec<Scenario> {
    scenario::select(&[]).unwrap()
}

#[test]
fn every_scenario_parses_and_says_what_it_teaches() {
    for scenario in all() {
        assert!(scenario.file.title.len() > 5, "{}", scenario.id);
        assert!(scenario.file.teaches.len() > 20, "{}", scenario.id);
        assert!(!scenario.file.teaches.ends_with('.'), "{}: a fragment", scenario.id);
    }
}

#[rstest]
#[case(DefaultProfile::Docker20)]
#[case(DefaultProfile::Docker26)]
fn every_scenario_makes_sense_on_this_host(#[case] default_profile: DefaultProfile) {
    let host = Host::read();
    let reach = Reach::of(&host);
    let defaults = Defaults::docker(default_profile);
    for scenario in all() {
        let resolution = scenario
            .resolve(&Context { host: &host, reach: &reach, defaults: &defaults, docker: false })
            .unwrap();
        if let Resolution::NotRun(reason) = resolution {
            assert!(reason.len() > 10, "{}: '{reason}' is no reason", scenario.id);
        }
    }
}

/// Every file in the directory is listed, so that none is forgotten.
#[test]
fn every_scenario_file_is_in_the_list() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    let mut files: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".yaml")?.to_owned()))
        .collect();
    files.sort();
    let mut listed: Vec<&str> = scenario::builtin_ids().collect();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

#[rstest]
#[case("docker-default")]
#[case("user-1000")]
#[case("user-1000-shared-dir")]
#[case("cap-drop-all")]
#[case("cap-drop-kill")]
#[case("cap-add-sys-time")]
#[case("cap-add-sys-module")]
#[case("seccomp-unconfined")]
#[case("seccomp-custom")]
#[case("userns-remap")]
#[case("userns-remap-all-caps")]
#[case("read-only")]
#[case("no-new-privileges")]
#[case("host-pid")]
#[case("host-network")]
#[case("privileged")]
#[case("hardened")]
#[case("apparmor-docker-default")]
#[case("apparmor-unconfined")]
#[case("apparmor-silent-deny")]
fn a_scenario_that_others_rely_on_is_there(#[case] id: &str) {
    assert!(scenario::builtin_ids().any(|known| known == id));
}
