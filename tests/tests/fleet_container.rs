//! What is shipped in `fleet/`: the documents parse and say what a run needs, and the image, made without a network, really runs the
//! experiment inside a container.

use std::process::ExitCode;

use serde_json::Value;
use whyblocked::host::Host;
use whyblocked::mechanism::Mechanism;
use whyblocked::record::{self, Outcome};
use whyblocked_tests::dockerd::Dockerd;
use whyblocked_tests::program::static_program;
use whyblocked_tests::{Facility, suite};

const CONTAINERFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fleet/Containerfile");

fn main() -> ExitCode {
    suite::run(vec![
        suite::test(
            "the_daemon_set_asks_for_what_a_run_needs",
            &[],
            the_daemon_set_asks_for_what_a_run_needs,
        ),
        suite::test("the_playbook_parses", &[], the_playbook_parses),
        suite::test(
            "the_image_finds_out_who_said_no",
            &[Facility::Root, Facility::ControlGroups, Facility::Docker],
            the_image_finds_out_who_said_no,
        ),
    ])
}

fn the_daemon_set_asks_for_what_a_run_needs() {
    let text = include_str!("../../fleet/kubernetes.yaml");
    let documents: Vec<Value> =
        text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect();
    assert_eq!(documents[0]["kind"], "Namespace");
    assert_eq!(documents[1]["kind"], "DaemonSet");
    let pod = &documents[1]["spec"]["template"]["spec"];
    for namespace in ["hostPID", "hostIPC", "hostNetwork"] {
        assert_eq!(pod[namespace], true, "{namespace}");
    }
    let run = &pod["initContainers"][0];
    assert_eq!(run["securityContext"]["privileged"], true);
    // Each mount is of a volume that there is.
    let volumes: Vec<&Value> = pod["volumes"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    let mounts: Vec<&Value> =
        run["volumeMounts"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(mounts, volumes);
    assert_eq!(volumes, ["records", "sys", "dev"]);
}

fn the_playbook_parses() {
    let plays: Value = serde_saphyr::from_str(include_str!("../../fleet/ansible.yml")).unwrap();
    let tasks = plays[0]["tasks"].as_array().unwrap();
    let block = tasks.last().unwrap();
    let argv = &block["block"][0]["ansible.builtin.command"]["argv"];
    assert_eq!(argv[1], "run");
    assert!(block["always"].is_array(), "what was put on the host is removed whatever happens");
}

/// With the capabilities that this host has, one by one: where it lacks some, Docker refuses `--privileged`.
fn the_image_finds_out_who_said_no() {
    let daemon = Dockerd::start();
    let (context, records) = (daemon.path("context"), daemon.path("records"));
    for folder in [&context, &records] {
        std::fs::create_dir_all(folder).unwrap();
    }
    static_program(&context.join("whyblocked"));
    daemon.lines(&[
        "build",
        "--network=none",
        "-q",
        "-t",
        "whyblocked",
        "-f",
        CONTAINERFILE,
        context.to_str().unwrap(),
    ]);
    // Docker 20.10 does not know the newest.
    let unknown = ["PERFMON", "BPF", "CHECKPOINT_RESTORE"];
    let held = Host::read().bounding_set.to_string();
    let held = held.split(", ").filter(|name| !unknown.contains(name));
    let added: Vec<String> = held.map(|name| format!("--cap-add={name}")).collect();
    let mount = format!("{}:/records", records.display());
    let mut arguments = vec!["run", "--rm"];
    arguments.extend(added.iter().map(String::as_str));
    arguments.extend(
        ["seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"]
            .iter()
            .flat_map(|option| ["--security-opt", option]),
    );
    arguments.extend([
        "--device-cgroup-rule=a *:* rwm",
        "--pid=host",
        "--network=host",
        "--uts=host",
        "--ipc=host",
    ]);
    arguments.extend([
        "--cgroupns=host",
        "-v",
        "/sys:/sys",
        "-v",
        "/dev:/dev",
        "-v",
        &mount,
        "whyblocked",
        "run",
    ]);
    arguments.extend(["--scenario=docker-default", "--scenario=userns-remap", "--probe=time-set*"]);
    arguments.extend(["--record=/records/node.json"]);
    daemon.lines(&arguments);
    let record = record::read(&records.join("node.json")).unwrap();
    for scenario in ["docker-default", "userns-remap"] {
        let cell = record.cell(scenario, "time-settimeofday").unwrap();
        assert_eq!(
            (cell.outcome, cell.blocked_by),
            (Outcome::Blocked, Some(Mechanism::Seccomp)),
            "{cell:#?}"
        );
    }
    let depth = |scenario| record.cell(scenario, "time-settimeofday").unwrap().depth;
    assert_eq!([depth("docker-default"), depth("userns-remap")], [Some(2), Some(3)]);
}
