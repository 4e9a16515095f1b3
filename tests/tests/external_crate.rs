//! A crate of somebody else's that uses the public library: its tests pass, are single tests by name, and fail with the reason when its
//! containers are weakened.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use whyblocked_tests::program::said;
use whyblocked_tests::{Facility, Place, suite};

const ROOT: &[Facility] = &[Facility::Root];

fn main() -> ExitCode {
    let tests = vec![
        suite::test("its_tests_pass_and_are_called_after_scenario_and_attempt", ROOT, they_pass),
        suite::test("a_weakened_container_fails_with_the_reason", ROOT, weakened),
    ];
    suite::run_in_turn(tests)
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop")
}

/// Its tests, built where the workspace's are: most of what it needs is there already.
fn cargo_test(dir: &Path) -> (i32, String) {
    let here = std::env::current_exe().expect("a test knows its own path");
    // TARGET_DIR/PROFILE/deps/TEST
    let target = here.ancestors().nth(3).expect("tests lie in the target directory");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--locked", "--no-fail-fast", "--target-dir"]).arg(target);
    // What this lane promises is no concern of theirs, and neither is what Cargo tells this test.
    let variables = std::env::vars_os().map(|(name, _)| name);
    for name in variables.filter(|name| name.to_string_lossy().starts_with("CARGO_PKG_")) {
        cargo.env_remove(name);
    }
    said(cargo.current_dir(dir).env_remove("WHYBLOCKED_REQUIRE"))
}

fn they_pass() {
    let (code, text) = cargo_test(&fixture());
    assert_eq!(code, 0, "{text}");
    for line in [
        "test web::case_1_time_settimeofday ... ok",
        "test backup::case_2_file_write_host_etc ... ok",
        "test the_maintenance_line_still_cannot_set_the_clock ... ok",
        "test the_night_job_loads_no_module ... ok",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // On a host with SELinux or AppArmor its baseline says nothing.
    let agreed = text
        .lines()
        .any(|line| line.starts_with("test docker_default::time_settimeofday ") && line.ends_with("... ok"));
    assert!(agreed || text.contains("the baseline has no host of this kind"), "{text}");
}

fn weakened() {
    let place = Place::new();
    let copy = place.path("shop");
    copied(&fixture(), &copy);
    let harness = Path::new(env!("CARGO_MANIFEST_DIR")).join("../harness");
    edited(&copy.join("Cargo.toml"), "../../../harness", &harness.display().to_string());
    // With a name of its own: by its name and place in its workspace, Cargo would take it for the original.
    edited(&copy.join("Cargo.toml"), "name = \"shop\"", "name = \"weakened\"");
    edited(&copy.join("Cargo.lock"), "name = \"shop\"", "name = \"weakened\"");
    let hardened = "user: \"1000\"\n    cap_drop: [ALL]\n    read_only: true\n";
    edited(&copy.join("compose.yaml"), hardened, "cap_add: [SYS_TIME]\n");
    let (code, text) = cargo_test(&copy);
    assert_ne!(code, 0, "{text}");
    for line in [
        "web / time-settimeofday: expected to be blocked by seccomp, with seccomp answering, 2 deep, but it gets through",
        "web / file-write-readonly-rootfs: expected to be blocked by read-only-mount, but ",
        "What is tried: ",
        "test backup::case_1_capability_chown ... ok",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir(to).expect("the place is ours");
    for entry in fs::read_dir(from).expect("the fixture is there").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != "target" {
                copied(&path, &to.join(name));
            }
        } else {
            fs::copy(&path, to.join(name)).expect("the place is ours");
        }
    }
}

fn edited(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("it is text");
    assert!(text.contains(from), "{}: {text}", path.display());
    fs::write(path, text.replace(from, to)).expect("it is ours");
}
