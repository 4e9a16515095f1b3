//! `--in vagrant`, and `vm run`: the same run in a machine of the laboratory. The program is copied in, runs there, and the record comes
//! back; what it says on the way is shown as it comes.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::selection::Selection;
use super::vm::Steps;
use super::{Exit, Failure};
use crate::record::{self, Record};
use crate::vm::ssh::{self, Reached};
use crate::vm::way::{self, Way};
use crate::vm::{Machine, VmError, child, hex, quoted};

/// Where the program is in a machine: where SELinux expects programs.
const PROGRAM: &str = "/usr/local/bin/whyblocked";

/// Where its files are: a file system in memory.
const PLACE: &str = "/run/whyblocked";

/// How long a run may take to put its things away, once it was asked to end.
const GRACE: Duration = Duration::from_secs(90);

/// Runs what was chosen in the machine, which is started if it is not running.
pub(super) fn record(machine: Machine, selection: &Selection) -> Result<Record, Failure> {
    // What is wrong with the scenarios is said before a machine is started for them.
    selection.scenarios()?;
    selection.probes()?;
    let steps = Steps::begin();
    recorded(machine, selection, &steps).map_err(|failure| steps.or_interrupted(failure))
}

fn recorded(machine: Machine, selection: &Selection, steps: &Steps) -> Result<Record, Failure> {
    let reached = way::start(machine, None, &|step| steps.tell(step))?;
    bring_the_program(&reached, steps)?;
    reached.run(&format!("mkdir -p {PLACE} && rm -f {PLACE}/record.json"))?;
    let file = format!("{PLACE}/record.json");
    let mut arguments = ["run", "--format", "json", "--record", &file].map(str::to_owned).to_vec();
    arguments.extend(chosen(selection, &reached)?);
    steps.tell("running there");
    let status = program(&reached, &arguments, Stdio::null(), steps)?;
    let text = match reached.get(&file) {
        Ok(text) => text,
        Err(VmError::Inside { .. }) => {
            // It has said why itself.
            let name = machine.name();
            return Err(Failure::failed(format!(
                "the run in the machine '{name}' ended without a record: {status}"
            )));
        }
        Err(error) => return Err(error.into()),
    };
    let mut record = record::parse(&format!("the record of the machine '{}'", machine.name()), &text)?;
    record.engine.place = selection.place.to_string();
    Ok(record)
}

/// `vm run`: this program in the machine, with these arguments; it ends as the program there does.
pub(super) fn run(
    machine: Machine,
    with: Option<Way>,
    arguments: &[String],
    steps: &Steps,
) -> Result<Exit, Failure> {
    let reached = way::start(machine, with, &|step| steps.tell(step))?;
    bring_the_program(&reached, steps)?;
    let status = program(&reached, arguments, Stdio::inherit(), steps)?;
    status.code().and_then(Exit::from_code).ok_or_else(|| {
        Failure::failed(format!("the program in the machine '{}' ended with {status}", machine.name()))
    })
}

/// Runs the program in the machine, and waits for its end. It ends when this one does, or when there is no connection any
/// more: it puts its things away then, as if it had been interrupted.
fn program(
    reached: &Reached,
    arguments: &[String],
    output: Stdio,
    steps: &Steps,
) -> Result<ExitStatus, Failure> {
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    // Nothing comes over standard input but its end. A shell's background processes do not listen to SIGINT.
    let script = format!(
        "exec 3<&0; {PROGRAM} {} </dev/null 3<&- & run=$!; \
         {{ read -r _ <&3; kill -TERM $run; }} >/dev/null 2>&1 & watch=$!; \
         wait $run; code=$?; \
         kill $watch 2>/dev/null; exit $code",
        words.join(" ")
    );
    let mut command = reached.shell(&script);
    command.stdin(Stdio::piped()).stdout(output);
    let mut child = child::of_ours(&mut command).spawn().map_err(Failure::failed)?;
    let line = child.stdin.take();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Failure::failed)? {
            break status;
        }
        if !steps.tell("") {
            drop(line);
            let begun = Instant::now();
            while matches!(child.try_wait(), Ok(None)) && begun.elapsed() < GRACE {
                std::thread::sleep(Duration::from_millis(50));
            }
            child::end(&mut child, libc::SIGTERM);
            return Err(VmError::Interrupted.into());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    if status.code() == Some(ssh::LOST) { Err(reached.lost().into()) } else { Ok(status) }
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
fn chosen(selection: &Selection, reached: &Reached) -> Result<Vec<String>, Failure> {
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
