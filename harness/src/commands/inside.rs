//! `--in vagrant`: the same run in a machine of the laboratory. The program is copied in, runs there, and the record comes
//! back; what it says on the way is shown as it comes.

use std::path::Path;
use std::process::Stdio;

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::Failure;
use super::selection::Selection;
use super::vm::Steps;
use crate::record::{self, Record};
use crate::vm::qemu::Qemu;
use crate::vm::ssh::Reached;
use crate::vm::{Machine, VmError, hex, quoted};

/// Where the program is in a machine: where SELinux expects programs.
const PROGRAM: &str = "/usr/local/bin/whyblocked";

/// Where its files are: a file system in memory.
const PLACE: &str = "/run/whyblocked";

/// Runs what was chosen in the machine, which is started if it is not running.
pub(super) fn record(machine: Machine, selection: &Selection) -> Result<Record, Failure> {
    // What is wrong with the scenarios is said before a machine is started for them.
    selection.scenarios()?;
    selection.probes()?;
    let steps = Steps::begin();
    let reached = Qemu::new(machine).start(&|step| steps.tell(step))?;
    bring_the_program(&reached, &steps)?;
    reached.run(&format!("mkdir -p {PLACE} && rm -f {PLACE}/record.json"))?;
    let arguments = arguments(selection, &reached)?;
    steps.tell("running there");
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    let what = format!("{PROGRAM} run --format json --record {PLACE}/record.json {}", words.join(" "));
    let status = reached
        .command()
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(Failure::failed)?;
    let Ok(text) = reached.get(&format!("{PLACE}/record.json")) else {
        // It has said why itself.
        let name = machine.name();
        return Err(Failure::failed(format!(
            "the run in the machine '{name}' ended without a record: {status}"
        )));
    };
    let mut record = record::parse(&format!("the record of the machine '{}'", machine.name()), &text)?;
    record.engine.place = selection.place.to_string();
    Ok(record)
}

/// Copies this program into the machine, unless it is there already.
fn bring_the_program(reached: &Reached, steps: &Steps) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(Failure::failed)?;
    let content = std::fs::read(&program).map_err(Failure::failed)?;
    let checksum = hex(&Sha256::digest(&content));
    let known = reached.run(&format!("cat {PROGRAM}.sha256 2>/dev/null || true"))?;
    if known.trim() == checksum {
        return Ok(());
    }
    steps.tell("copying the program into it");
    reached.put(&program, PROGRAM)?;
    reached.feed(checksum.as_bytes(), &format!("cat >{PROGRAM}.sha256"))?;
    Ok(())
}

/// The same choice in the machine; scenario files are copied, with the directory that they are in.
fn arguments(selection: &Selection, reached: &Reached) -> Result<Vec<String>, Failure> {
    let mut arguments = Vec::new();
    for pattern in &selection.scenarios {
        arguments.push("--scenario".to_owned());
        let file = Path::new(pattern);
        if file.exists() && pattern.contains(['/', '.']) {
            arguments.push(copied(file, reached)?);
        } else {
            arguments.push(pattern.clone());
        }
    }
    arguments.extend(selection.probes.iter().flat_map(|probe| ["--probe".to_owned(), probe.clone()]));
    let word = |value: Option<clap::builder::PossibleValue>| value.map(|value| value.get_name().to_owned());
    arguments.extend(
        word(selection.engine.to_possible_value()).into_iter().flat_map(|name| ["--engine".to_owned(), name]),
    );
    let profile = selection.seccomp_default.and_then(|profile| word(profile.to_possible_value()));
    arguments.extend(profile.into_iter().flat_map(|name| ["--seccomp-default".to_owned(), name]));
    if selection.prepare_host {
        arguments.push("--prepare-host".to_owned());
    }
    Ok(arguments)
}

/// Copies a scenario file, and the filters that lie beside it; its path there.
fn copied(file: &Path, reached: &Reached) -> Result<String, Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let there = format!("{PLACE}/scenarios");
    let packed = std::process::Command::new("tar")
        .arg("-C")
        .arg(directory)
        .args(["--exclude=.git", "--exclude=target", "-cf", "-"])
        .arg(&name)
        .args(directory.join("seccomp").is_dir().then_some("seccomp"))
        .output()
        .map_err(Failure::failed)?;
    if !packed.status.success() {
        let said = String::from_utf8_lossy(&packed.stderr).trim().to_owned();
        return Err(Failure::failed(format!("packing {}: {said}", file.display())));
    }
    reached.feed(&packed.stdout, &format!("mkdir -p {there} && tar -C {there} --no-same-owner -xf -"))?;
    Ok(format!("{there}/{name}"))
}

impl From<VmError> for Failure {
    fn from(error: VmError) -> Self {
        Self::failed(error)
    }
}
