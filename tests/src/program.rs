//! The program under test: built once, and started with a temporary directory of the test's own, so that tests
//! that run at the same time do not see what others leave there.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;
use whyblocked::record::{self, Record};

/// The built program's path. The first call of a test process builds it, with the profile of the tests.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| build(None))
}

/// The same, optimized: for a machine whose processor is emulated.
pub fn release_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| build(Some("release")))
}

/// The program, linked statically as `fleet/README.md` says, copied to `to`. It is built where the other one is, which is there
/// again afterwards.
pub fn static_program(to: &Path) {
    let program = build_with("rustc", None, &["--", "-Ctarget-feature=+crt-static"]);
    std::fs::copy(program, to).expect("the program can be copied");
    build(None);
}

/// With a profile, or that of the tests.
fn build(profile: Option<&str>) -> PathBuf {
    build_with("build", profile, &[])
}

fn build_with(command: &str, profile: Option<&str>, more: &[&str]) -> PathBuf {
    let here = std::env::current_exe().expect("a test knows its own path");
    // TARGET_DIR/PROFILE/deps/TEST
    let profile_dir = here.ancestors().nth(2).expect("tests lie in the target directory");
    let own = match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let profile = profile.unwrap_or(own);
    let target_dir = profile_dir.parent().expect("the profile's directory lies in the target directory");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([command, "--quiet", "--package", "whyblocked", "--bin", "whyblocked", "--profile", profile])
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(target_dir)
        .args(more)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "the program does not build");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "whyblocked")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo says where it put the program")
}

/// A directory of a test's own: the program's `TMPDIR`, and room for the files it is to write.
///
/// Everybody may look in: containers with other ids reach their root directory through it.
#[derive(Debug)]
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// Makes the directory; it goes when the value goes.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("whyblocked-test-")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("the temporary directory can be written");
        std::fs::create_dir(dir.path().join("tmp")).expect("the new directory can be written");
        let everybody = std::fs::Permissions::from_mode(0o1777);
        std::fs::set_permissions(dir.path().join("tmp"), everybody).expect("it is ours");
        Self { dir }
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program's temporary directory.
    pub fn tmp(&self) -> PathBuf {
        self.path("tmp")
    }

    /// The program with some arguments, in the directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(program(), arguments)
    }

    /// A copy of the program with some arguments.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.dir.path()).env("TMPDIR", self.tmp()).stdin(Stdio::null());
        command
    }

    /// Runs the program and asserts that it ends as expected.
    pub fn succeed(&self, arguments: &[&str]) -> Output {
        succeed(&mut self.command(arguments))
    }

    /// `whyblocked run` with more arguments, and its record.
    pub fn record(&self, arguments: &[&str]) -> Record {
        let file = self.path("record.json");
        let mut all = vec!["run", "--record", file.to_str().expect("temporary paths are text")];
        all.extend(arguments);
        self.succeed(&all);
        record::read(&file).expect("a record that was just written can be read")
    }

    /// What is in the program's temporary directory.
    pub fn left_in_tmp(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.tmp()).expect("it is ours");
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a command to its end and asserts that it succeeds.
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().expect("the program can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    output
}

/// How a command ends, and all that it says: standard output first.
///
/// # Panics
///
/// If it cannot be started.
pub fn said(command: &mut Command) -> (i32, String) {
    let output = command.output().expect("the program can be started");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}
