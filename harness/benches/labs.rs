//! From a save to the answer of `lab watch`: `cargo bench --bench labs`, as root. Each figure is the median of saves that
//! change the scenario, and the answer is there when its last goal has been printed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const SAVES: usize = 20;

/// A lab, the questions before its scenario is asked for, the last goal, and two services that miss the goals.
struct Case {
    lab: &'static str,
    questions: usize,
    last: &'static str,
    services: [&'static str; 2],
}

const CASES: [Case; 2] = [
    Case {
        lab: "02-bind-mounts",
        questions: 2,
        last: "file-write-readonly-rootfs",
        services: [
            "{volumes: [\"${LAB}/etc:/host/etc\"]}",
            "{volumes: [\"${LAB}/etc:/host/etc\"], read_only: true}",
        ],
    },
    Case {
        lab: "18-harden-a-compose-file",
        questions: 1,
        last: "file-exec-noexec-mount",
        services: [
            "{privileged: true, pid: host, volumes: [\"${LAB}/etc:/host/etc\", \"${LAB}/shared:/host/shared\"]}",
            "{cap_drop: [ALL], volumes: [\"${LAB}/etc:/host/etc:ro\", \"${LAB}/shared:/host/shared\"]}",
        ],
    },
];

fn main() {
    for case in &CASES {
        let (goals, mut times) = saves(case);
        times.sort();
        let seconds = |place: usize| times[place].as_secs_f64();
        println!(
            "{:>9.2} s from a save to the answer, {}, {goals} goals (the slowest of {SAVES}: {:.2} s)",
            seconds(times.len() / 2),
            case.lab,
            seconds(times.len() - 1)
        );
    }
}

fn saves(case: &Case) -> (usize, Vec<Duration>) {
    let place = tempfile::tempdir().expect("the temporary directory can be written");
    let lab = |arguments: &[&str]| whyblocked(place.path(), arguments).output().expect("the program starts");
    assert!(lab(&["start", case.lab]).status.success(), "{} can be started", case.lab);
    for _ in 0..case.questions {
        assert!(lab(&["check", "--skip"]).status.success());
    }
    let mut child =
        whyblocked(place.path(), &["watch"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    let (send, lines) = mpsc::channel();
    let output = child.stdout.take().expect("it is piped");
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    let answer = || {
        let mut goals = 0;
        loop {
            let line = lines.recv_timeout(Duration::from_secs(60)).expect("it answers");
            goals += usize::from(line.starts_with(['✓', '✗']));
            if line.starts_with(['✓', '✗']) && line.contains(case.last) {
                return goals;
            }
        }
    };
    let goals = answer();
    let scenario = place.path().join("whyblocked-labs").join(case.lab).join("scenario.yaml");
    let times = (0..SAVES)
        .map(|save| {
            let service = case.services[save % 2];
            let text = format!("title: save {save}\nteaches: how long it takes\nservice: {service}\n");
            let begun = Instant::now();
            std::fs::write(&scenario, text).expect("it is ours");
            answer();
            begun.elapsed()
        })
        .collect();
    // It holds nothing: between two checks there is no container.
    let _ = child.kill();
    let _ = child.wait();
    (goals, times)
}

fn whyblocked(place: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whyblocked"));
    command.arg("lab").args(arguments).current_dir(place).stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}
