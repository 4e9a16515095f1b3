//! Prepares what the program carries with it: the agent as a static binary, and the scenario files.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let workspace = manifest.parent().expect("the package lies in the workspace").to_path_buf();
    list_scenarios(&workspace.join("scenarios"), &out.join("scenarios.rs"));
    list_labs(&workspace.join("labs"), &out.join("labs.rs"));
    println!("cargo::rerun-if-changed={}", manifest.join("agent").display());
    println!("cargo::rerun-if-changed={}", workspace.join("Cargo.lock").display());
    let agent = build_agent(&workspace, &out.join("agent"));
    println!("cargo::rustc-env=WHYBLOCKED_AGENT={}", agent.display());
}

/// Builds `whyblocked-agent` statically, so that it runs in an image that holds nothing else.
///
/// Only this one package may be linked so (procedural macros cannot be), hence a cargo of its own, with a
/// target directory of its own and none of the outer cargo's settings.
fn build_agent(workspace: &Path, target_dir: &Path) -> PathBuf {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let of_cargo = text.starts_with("CARGO") && text != "CARGO_HOME";
        let of_rustc = text.starts_with("RUSTC") || text == "RUSTFLAGS" || text == "RUSTDOCFLAGS";
        if of_cargo || of_rustc {
            cargo.env_remove(&name);
        }
    }
    let status = cargo
        .current_dir(workspace)
        .args(["build", "--quiet", "--locked", "--package", "whyblocked-agent", "--bin", "whyblocked-agent"])
        .args(["--profile", "agent", "--target", &target, "--target-dir"])
        .arg(target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .status()
        .expect("cargo can be started again");
    assert!(
        status.success(),
        "the agent could not be built; the reason stands above. If it is that a library such as 'c' is not found,\n\
         the C library's static archive is missing: Debian and Ubuntu: apt install libc6-dev;\n\
         Fedora: dnf install glibc-static; Alpine: nothing more."
    );
    target_dir.join(target).join("agent").join("whyblocked-agent")
}

/// Writes `SCENARIOS` (in `order.txt`'s order) and `FILES` as Rust source that includes the files' text.
fn list_scenarios(dir: &Path, to: &Path) {
    println!("cargo::rerun-if-changed={}", dir.display());
    let order = fs::read_to_string(dir.join("order.txt")).expect("scenarios/order.txt lists the scenarios");
    let mut source = String::from("pub(super) const SCENARIOS: &[(&str, &str)] = &[\n");
    for id in order.lines().filter(|line| !line.is_empty()) {
        let path = dir.join(format!("{id}.yaml"));
        writeln!(source, "    ({id:?}, include_str!({:?})),", path.display().to_string())
            .expect("a String takes all");
    }
    source.push_str("];\npub(super) const FILES: &[(&str, &str)] = &[\n");
    let mut files: Vec<PathBuf> = fs::read_dir(dir.join("seccomp"))
        .expect("scenarios/seccomp exists")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    for path in files {
        let name = format!("seccomp/{}", path.file_name().unwrap_or_default().to_string_lossy());
        writeln!(source, "    ({name:?}, include_str!({:?})),", path.display().to_string())
            .expect("a String takes all");
    }
    source.push_str("];\n");
    fs::write(to, source).expect("OUT_DIR can be written");
}

/// Writes `LABS` as Rust source: every folder of `labs/` in the order of its name, with the text of its files.
fn list_labs(dir: &Path, to: &Path) {
    println!("cargo::rerun-if-changed={}", dir.display());
    let mut source = String::from("pub(super) const LABS: &[(&str, &[(&str, &str)])] = &[\n");
    for lab in sorted(dir).into_iter().filter(|path| path.is_dir()) {
        writeln!(source, "    ({:?}, &[", name(&lab)).expect("a String takes all");
        for path in sorted(&lab) {
            // A lab's own filters lie in a folder of theirs.
            let inner = if path.is_dir() { sorted(&path) } else { vec![path] };
            for path in inner {
                let inside = path.strip_prefix(&lab).expect("it lies there").display().to_string();
                writeln!(source, "        ({inside:?}, include_str!({:?})),", path.display().to_string())
                    .expect("a String takes all");
            }
        }
        source.push_str("    ]),\n");
    }
    source.push_str("];\n");
    fs::write(to, source).expect("OUT_DIR can be written");
}

fn sorted(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
