//! A lab machine of the tests' own, with QEMU itself: the user's machines are neither asked nor changed. What is kept of it
//! between runs of the tests (its disk, and its state after its first boot) is below Cargo's directory.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use libtest_mimic::Trial;

use whyblocked::mechanism::Mechanism;
use whyblocked::record::{self, Cell, Outcome, Proof, Record};
use whyblocked::vm::image;

use crate::program::{release_program, succeed};
use crate::{Facility, Place, suite};

/// Scenarios, and the probes that are asked of them.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Ids, or files.
    pub scenarios: &'a [&'a str],
    /// Ids.
    pub probes: &'a [&'a str],
}

/// An engine, and its run in a machine: made when the first test asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// Its name.
    pub name: &'static str,
    /// The machine.
    pub machine: &'static Machine,
    /// Its record.
    pub record: fn() -> &'static Record,
}

impl Engine {
    /// A test of its record, called after the engine too.
    pub fn test(self, name: &str, run: fn(&Record)) -> Trial {
        self.machine.test(&format!("{}::{name}", self.name), move || run((self.record)()))
    }
}

/// What every test of a machine needs.
pub const NEEDS: &[Facility] = &[Facility::Machine];

/// A machine, by its name.
#[derive(Debug)]
pub struct Machine {
    name: &'static str,
    started: OnceLock<()>,
    turn: Mutex<()>,
}

impl Machine {
    /// One that is not started yet.
    pub const fn new(name: &'static str) -> Self {
        Self { name, started: OnceLock::new(), turn: Mutex::new(()) }
    }

    /// A test in it, called after it too. Those of one machine are run one at a time; another machine's may run meanwhile.
    pub fn test(&'static self, name: &str, run: impl FnOnce() + Send + 'static) -> Trial {
        suite::test(format!("{}::{name}", self.name), NEEDS, move || {
            let _turn = self.turn();
            run();
        })
    }

    /// Held by whoever uses it.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The program, for the tests' machines.
    fn program(arguments: &[&str]) -> Command {
        let mut command = Command::new(release_program());
        command.env("XDG_STATE_HOME", state()).args(arguments);
        command
    }

    /// Makes the box and starts the machine, the first time.
    ///
    /// # Panics
    ///
    /// If either cannot be done.
    pub fn start(&self) {
        // All machines are made from one box.
        static BOX: OnceLock<()> = OnceLock::new();
        self.started.get_or_init(|| {
            BOX.get_or_init(|| {
                let tell = |step: &str| {
                    eprintln!("box: {step}");
                    true
                };
                image::make(&tell).expect("the box can be made");
            });
            succeed(&mut Self::program(&["vm", "up", "--with", "qemu", self.name]));
        });
    }

    /// Runs scenarios in it, with an engine.
    pub fn run(&self, engine: &str, scenarios: &[&str], probes: &[&str]) -> Record {
        self.start();
        let place = Place::new();
        let file = place.path("record.json");
        let inside = format!("vagrant:{}", self.name);
        let mut command = Self::program(&["run", "--in", &inside, "--engine", engine, "--record"]);
        command.arg(&file);
        command.args(scenarios.iter().flat_map(|id| ["--scenario", id]));
        succeed(command.args(probes.iter().flat_map(|id| ["--probe", id])));
        record::read(&file).expect("a record that was just written can be read")
    }

    /// The same for several groups, in one record: with Docker a container takes some seconds in a machine whose processor
    /// is emulated, and not every probe is asked of every scenario.
    ///
    /// # Panics
    ///
    /// If there is no group.
    pub fn run_each(&self, engine: &str, groups: &[Group<'_>]) -> Record {
        let records = groups.iter().map(|group| self.run(engine, group.scenarios, group.probes));
        records
            .reduce(|mut all, more| {
                let new = |id: &str| !all.scenarios.iter().any(|entry| entry.id == id);
                let scenarios: Vec<_> = more.scenarios.into_iter().filter(|entry| new(&entry.id)).collect();
                all.scenarios.extend(scenarios);
                all.cells.extend(more.cells);
                all
            })
            .expect("there is a group")
    }

    /// What this program says in the machine.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn program_inside(&self, arguments: &[&str]) -> String {
        self.start();
        let mut command = Self::program(&["vm", "run", "--with", "qemu", self.name, "--"]);
        let output = succeed(command.args(arguments));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a command in the machine says.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn inside(&self, command: &str) -> String {
        self.start();
        let output = succeed(&mut Self::program(&["vm", "ssh", self.name, "--", command]));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Ends it, if it was started; its state after the first boot stays.
    pub fn halt(&self) {
        if self.started.get().is_some() {
            let _ = Self::program(&["vm", "halt", self.name]).status();
        }
    }
}

fn state() -> PathBuf {
    // TARGET_DIR/PROFILE/deps/TEST
    let here = std::env::current_exe().expect("a test knows its own path");
    here.ancestors().nth(3).expect("tests lie in the target directory").join("tmp").join("machines")
}

/// A verdict.
///
/// # Panics
///
/// If there is none.
pub fn cell<'a>(record: &'a Record, scenario: &str, probe: &str) -> &'a Cell {
    record.cell(scenario, probe).unwrap_or_else(|| {
        let entry = record.scenarios.iter().find(|entry| entry.id == scenario);
        panic!("{scenario} / {probe} has no verdict: {:?}", entry.map(|entry| &entry.not_run))
    })
}

/// It got through.
///
/// # Panics
///
/// If not.
pub fn allowed(record: &Record, scenario: &str, probe: &str) {
    let cell = cell(record, scenario, probe);
    assert_eq!(cell.outcome, Outcome::Allowed, "{cell:#?}");
}

/// It was refused by this mechanism, and these are enough alone.
///
/// # Panics
///
/// If not.
pub fn blocked(
    record: &Record,
    scenario: &str,
    probe: &str,
    errno: &str,
    by: Mechanism,
    layers: &[Mechanism],
) {
    let cell = cell(record, scenario, probe);
    assert_eq!(cell.outcome, Outcome::Blocked, "{cell:#?}");
    assert_eq!(cell.errno.as_deref(), Some(errno), "{cell:#?}");
    assert_eq!(cell.blocked_by, Some(by), "{cell:#?}");
    assert_eq!(cell.layers, layers, "{cell:#?}");
}

/// Nothing is broken, nothing conflicts, and of a hundred blocks a witness has seen 95.
///
/// # Panics
///
/// If not, or if there are no blocks.
pub fn blocks_are_confirmed(record: &Record) {
    let with = |is: fn(&Cell) -> bool| record.cells.iter().filter(move |cell| is(cell));
    let broken: Vec<&Cell> = with(|cell| cell.outcome == Outcome::Broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    let conflicts: Vec<&Cell> = with(|cell| cell.proof == Some(Proof::Conflict)).collect();
    assert!(conflicts.is_empty(), "{conflicts:#?}");
    let blocks = with(|cell| cell.outcome == Outcome::Blocked).count();
    let confirmed =
        with(|cell| cell.outcome == Outcome::Blocked && cell.proof == Some(Proof::Confirmed)).count();
    assert!(blocks > 0 && confirmed * 100 >= blocks * 95, "{confirmed} of {blocks}");
}
