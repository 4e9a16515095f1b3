//! What a book of a whole fleet costs: `cargo bench --bench fleet`.
//!
//! 300 records of 20 scenarios × 140 probes are made from a record that was really observed, with its evidence, and written to a
//! temporary directory; then `whyblocked report` runs as a program of its own. Two fleets: one of few kinds of hosts, and the
//! worst that there is, in which every host is a kind of its own. `FLEET_BOOK=DIR` keeps the second's book, to be looked at.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use whyblocked::mechanism::Mechanism;
use whyblocked::record::{self, Cell, Outcome, ProbeEntry, Record, ScenarioEntry};
use whyblocked::scenario;
use whyblocked_agent::catalogue;

const HOSTS: u64 = 300;
const SCENARIOS: usize = 20;
const PROBES: usize = 140;

fn main() {
    let base = base();
    for (words, kinds) in [("five kinds of hosts", Some(5)), ("every host a kind of its own", None)] {
        let place = tempfile::tempdir().expect("there is room for files");
        let bytes: u64 = (0..HOSTS).map(|host| write(&base, host, kinds, place.path())).sum();
        println!(
            "{HOSTS} records, {} verdicts, {} MiB of JSON: {words}",
            HOSTS as usize * base.cells.len(),
            bytes >> 20
        );
        let book = place.path().join("book");
        let start = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_whyblocked"))
            .arg("report")
            .arg(place.path())
            .arg("--book")
            .arg(&book)
            .stdout(std::process::Stdio::null())
            .status()
            .expect("the program starts");
        assert!(status.success(), "no book was made");
        println!("{:>9.2} s for the report", start.elapsed().as_secs_f64());
        println!("{:>9} MiB at most in memory", peak_of_children() >> 20);
        let pages = files(&book);
        let largest = pages.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "html"));
        let (largest, size) = largest.max_by_key(|(_, size)| *size).expect("there are pages");
        println!("{:>9} MiB in {} files", pages.iter().map(|(_, size)| size).sum::<u64>() >> 20, pages.len());
        let name = largest.strip_prefix(&book).unwrap_or(largest);
        println!("{:>9} KiB the largest page, {}", size >> 10, name.display());
        if let (None, Some(kept)) = (kinds, std::env::var_os("FLEET_BOOK")) {
            std::fs::rename(&book, &kept).expect("FLEET_BOOK can be written, on the same file system");
        }
    }
}

/// As many scenarios and probes as a large run has, with verdicts and evidence that were observed.
fn base() -> Record {
    let observed = include_bytes!("../../book/observed/plain.json");
    let mut base = record::parse("plain.json", observed).expect("it is a record");
    let known = scenario::select(&[]).expect("the built-in scenarios");
    let entries = std::mem::take(&mut base.scenarios);
    base.scenarios = known
        .iter()
        .zip(entries.iter().cycle())
        .take(SCENARIOS)
        .map(|(known, entry)| ScenarioEntry { id: known.id.clone(), not_run: None, ..entry.clone() })
        .collect();
    base.probes = catalogue::all()
        .take(PROBES)
        .map(|probe| ProbeEntry {
            id: probe.id.to_owned(),
            family: probe.id.split('-').next().unwrap_or_default().to_owned(),
            title: probe.title.to_owned(),
            calls: Vec::new(),
            effect: probe.effect,
        })
        .collect();
    let observed = std::mem::take(&mut base.cells);
    let places =
        base.scenarios.iter().flat_map(|scenario| base.probes.iter().map(move |probe| (scenario, probe)));
    base.cells = places
        .zip(observed.iter().cycle())
        .map(|((scenario, probe), cell)| Cell {
            scenario: scenario.id.clone(),
            probe: probe.id.clone(),
            ..cell.clone()
        })
        .collect();
    base
}

/// Writes a host's record; a kind of host has its own differences, always the same. How many bytes it has.
fn write(base: &Record, host: u64, kinds: Option<u64>, folder: &Path) -> u64 {
    let mut record = base.clone();
    // Most hosts are of the first kind.
    let kind = kinds.map_or(host, |kinds| if host.is_multiple_of(4) { host / 4 % kinds } else { 0 });
    record.started += host;
    record.host.kernel = format!("6.12.{}", kind % 7);
    let mut random = kind.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    for _ in 0..kind.min(1) * 60 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = (random >> 33) as usize % record.cells.len();
        differ(&mut record.cells[place], random);
    }
    let path = folder.join(format!("host-{host:03}.json"));
    record::write(&record, &path).expect("there is room for files");
    std::fs::metadata(&path).map_or(0, |file| file.len())
}

fn differ(cell: &mut Cell, random: u64) {
    if random & 1 == 0 {
        (cell.outcome, cell.blocked_by, cell.depth, cell.errno) = (Outcome::Allowed, None, None, None);
        cell.layers.clear();
        cell.opens.clear();
    } else {
        cell.outcome = Outcome::Blocked;
        cell.blocked_by = Some(Mechanism::Apparmor);
        cell.layers = vec![Mechanism::Apparmor];
        cell.opens = vec![vec![Mechanism::Apparmor]];
        cell.depth = Some(1);
        cell.errno = Some("EACCES".to_owned());
    }
}

/// The most memory that a child which has ended had at once, in bytes.
fn peak_of_children() -> u64 {
    // SAFETY: it is plain data, for which zeros are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is alive and of the type that is written.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    usage.ru_maxrss as u64 * 1024
}

fn files(root: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => found.push((entry.path(), metadata.len())),
                Err(_) => {}
            }
        }
    }
    found
}
