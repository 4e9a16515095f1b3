//! What `try` finds out about configurations as people have them, on real containers: what gets through, how deep the
//! rest is blocked, which single change closes most; and that nothing of the host is touched for it.

use std::fmt::Write as _;
use std::process::ExitCode;

use whyblocked::record::{self, Outcome, Record};
use whyblocked_tests::dockerd::Dockerd;
use whyblocked_tests::program::succeed;
use whyblocked_tests::{Facility, Place, suite};

const ROOT: &[Facility] = &[Facility::Root];
const DOCKER: &[Facility] = &[Facility::Root, Facility::ControlGroups, Facility::Docker];

/// Attempts that end alike on every host: none depends on its modules, devices or security modules.
const PROBES: [&str; 16] = [
    "time-settimeofday",
    "mount-new",
    "file-write-host-etc",
    "file-write-readonly-bind",
    "file-write-readonly-rootfs",
    "file-exec-noexec-mount",
    "proc-open-core-pattern",
    "process-see-host",
    "process-kill-outside",
    "identity-become-root",
    "identity-setuid-binary",
    "capability-chown",
    "userns-file-owner-on-host",
    "key-add",
    "net-reach-host-loopback",
    "net-raw-socket",
];

const LINES: &[(&str, &str)] = &[
    ("nginx_as_root_with_ports", "docker run -d -p 80:80 -v ./html:/usr/share/nginx/html:ro nginx"),
    (
        "database_with_a_bind",
        "docker run -d -e POSTGRES_PASSWORD=x -v /srv/db:/var/lib/postgresql/data postgres",
    ),
    ("docker_socket", "docker run -d -v /var/run/docker.sock:/var/run/docker.sock portainer"),
    ("privileged_with_the_hosts_root", "docker run -it --rm --privileged --pid=host -v /:/host alpine"),
    (
        "everything_dropped",
        "docker run --cap-drop=ALL --security-opt=no-new-privileges --read-only -u 1000 app",
    ),
    ("hosts_network", "docker run --net=host nginx"),
    ("hosts_processes", "docker run --pid=host --cap-add SYS_PTRACE busybox"),
    ("no_filter", "docker run --security-opt seccomp=unconfined builder"),
    ("user_1000_with_a_group", "docker run -u 1000:1000 --group-add 998 -v /etc:/e backup"),
    ("a_device", "docker run -it --rm --device /dev/null:/dev/fuse --cap-add SYS_ADMIN sshfs"),
];

const SERVICES: &[(&str, &str)] =
    &[("web.yaml", "web"), ("monitoring.yaml", "cadvisor"), ("hardened.yaml", "api")];

fn main() -> ExitCode {
    let mut tests = vec![
        suite::test("a_record_of_try_keeps_to_its_schema", ROOT, schema),
        suite::test("what_explain_says_of_it_can_be_read_from_the_record", ROOT, explained),
        suite::test("the_hosts_own_directories_stay_as_they_are", ROOT, untouched),
        suite::test("the_report_says_it_all", ROOT, report),
        suite::test("a_compose_file_is_run_beside_scenarios", ROOT, beside),
        suite::test("no_mount_point_is_made_on_the_host", ROOT, no_mount_point),
        suite::test("a_container_of_docker_is_read_over_the_api", DOCKER, container),
    ];
    for (name, line) in LINES {
        tests.push(suite::test(format!("line_{name}"), ROOT, move || {
            check(&format!("line_{name}"), &[line]);
        }));
    }
    for (file, service) in SERVICES {
        tests.push(suite::test(format!("compose_{service}"), ROOT, move || {
            let file = format!("{}/tests/compose/{file}", env!("CARGO_MANIFEST_DIR"));
            check(&format!("compose_{service}"), &["--compose", &file, "--service", service]);
        }));
    }
    suite::run(tests)
}

/// The record of a `try` with the chosen probes.
fn tried(place: &Place, arguments: &[&str]) -> Record {
    let file = place.path("record.json");
    let mut all = vec!["try", "--record", file.to_str().expect("temporary paths are text")];
    all.extend(PROBES.iter().flat_map(|probe| ["--probe", probe]));
    all.extend(arguments);
    succeed(place.command(&all).env_remove("DB_DATA").env_remove("NGINX_TAG"));
    record::read(&file).expect("a record that was just written can be read")
}

fn check(name: &str, arguments: &[&str]) {
    let record = tried(&Place::new(), arguments);
    // Not the path of the checkout.
    let text = summary(&record).replace(&format!("{}/", env!("CARGO_MANIFEST_DIR")), "");
    insta::assert_snapshot!(name, text);
}

/// What matters of a record, without what differs from host to host.
fn summary(record: &Record) -> String {
    let tried = record.tried.as_ref().expect("it was made by try");
    let mut text = format!("{}\n", tried.source);
    for warning in &tried.warnings {
        let _ = writeln!(text, "WARNING: {warning}");
    }
    let defaults = tried.defaults.as_ref().expect("Docker's defaults can be started");
    text.push('\n');
    for cell in &record.cells {
        let _ = match cell.outcome {
            Outcome::Allowed if defaults.contains(&cell.probe) => {
                writeln!(text, "{}: got through, as with Docker's defaults", cell.probe)
            }
            Outcome::Allowed => writeln!(text, "{}: GOT THROUGH", cell.probe),
            Outcome::Blocked => writeln!(
                text,
                "{}: blocked by {}, depth {}",
                cell.probe,
                cell.blocked_by.map_or_else(String::new, |by| by.to_string()),
                cell.depth.unwrap_or(0)
            ),
            other => writeln!(text, "{}: {other:?}", cell.probe),
        };
    }
    text.push('\n');
    for change in tried.changes.iter().filter(|change| !change.closes.is_empty()).take(3) {
        let _ = writeln!(text, "{}: closes {}", change.how, change.closes.join(", "));
        if !change.opens.is_empty() {
            let _ = writeln!(text, "    but opens {}", change.opens.join(", "));
        }
    }
    text
}

fn schema() {
    let record = tried(&Place::new(), &["docker run --privileged alpine"]);
    let schema = jsonschema::validator_for(&Record::schema()).expect("it is a schema");
    let value = serde_json::to_value(&record).expect("a record is plain data");
    let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

fn explained() {
    let place = Place::new();
    tried(&place, &["docker run -v /etc:/e alpine"]);
    let output = place.succeed(&["explain", "docker-run", "file-write-host-etc", "--record", "record.json"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("It got through.") && text.contains("volume /etc at /e:"), "{text}");
    let book = place.path("book").display().to_string();
    place.succeed(&["report", "record.json", "--book", &book]);
    let page = std::fs::read_to_string(place.path("book/scenarios/docker-run.html")).expect("it has a page");
    assert!(page.contains("Single changes") && page.contains("the volume /etc with"), "{page}");
}

/// A directory of the test's own stands for a user's: everybody may write to it, and nobody does.
fn untouched() {
    let place = Place::new();
    let theirs = place.path("theirs");
    std::fs::create_dir(&theirs).expect("it is ours");
    std::fs::set_permissions(&theirs, std::os::unix::fs::PermissionsExt::from_mode(0o1777))
        .expect("it is ours");
    let state = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("it is there");
        (metadata.modified().expect("a time"), std::fs::read_dir(path).expect("a directory").count())
    };
    let before = (state(&theirs), state("/etc".as_ref()), state("/var".as_ref()));
    let volume = format!("{}:/theirs", theirs.display());
    let line = [
        "--",
        "docker",
        "run",
        "--privileged",
        "-v",
        &volume,
        "-v",
        "/etc:/host/etc",
        "-v",
        "/var:/host/var",
        "x",
    ];
    let record = tried(&place, &line);
    assert_eq!(before, (state(&theirs), state("/etc".as_ref()), state("/var".as_ref())));
    let through = |probe: &str| record.cell("docker-run", probe).map(|cell| cell.outcome);
    assert_eq!(through("file-write-host-etc"), Some(Outcome::Allowed));
    assert_eq!(through("userns-file-owner-on-host"), Some(Outcome::Allowed));
}

/// What stands on the terminal, without what differs from host to host.
fn report() {
    let mut arguments = vec!["try"];
    arguments.extend(PROBES.iter().flat_map(|probe| ["--probe", probe]));
    arguments
        .push("docker run -d -e A=b --gpus all -v /etc:/e -v /var/run/docker.sock:/s --pid=host traefik");
    let output = Place::new().succeed(&arguments);
    let text = String::from_utf8(output.stdout).expect("it is text");
    let same = |line: &&str| {
        !line.starts_with("tried with ") && !line.contains("confirmed by") && !line.ends_with(" s")
    };
    let lines: Vec<&str> = text.lines().filter(same).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "it fits a terminal: {text}");
    insta::assert_snapshot!("report", lines.join("\n"));
}

fn beside() {
    let file = format!("{}/tests/compose/hardened.yaml", env!("CARGO_MANIFEST_DIR"));
    let record =
        Place::new().record(&["--scenario", "docker-default", "--compose", &file, "--probe", "key-add"]);
    let ids: Vec<&str> = record.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    assert_eq!(ids, ["docker-default", "api"]);
    assert_eq!(record.cell("api", "key-add").map(|cell| cell.outcome), Some(Outcome::Allowed));
    assert!(record.scenarios[1].notes.iter().any(|note| note.contains("not looked at: secrets")));
}

/// Without its mount namespace a container sees the host's directories; what it mounts there must leave no trace.
fn no_mount_point() {
    let name = format!("whyblocked-test-{}", std::process::id());
    let paths = ["/var/cache", "/run", "/dev"].map(|directory| format!("{directory}/{name}"));
    let [cache, run, dev] = &paths;
    let device = format!("/dev/null:{dev}");
    for more in [&[][..], &["--privileged"]] {
        let mut line = vec!["--", "docker", "run", "--tmpfs", cache, "--tmpfs", run, "--device", &device];
        line.extend(more);
        line.extend(["--device", "/dev/zero", "-v", "/etc:/srv/x", "x"]);
        let record = tried(&Place::new(), &line);
        for path in &paths {
            assert!(std::fs::symlink_metadata(path).is_err(), "{path} was made on the host");
        }
        assert_eq!(record.count(Outcome::Broken), 0, "{record:#?}");
    }
}

fn container() {
    let daemon = Dockerd::start();
    // A directory as an image: nothing has to be fetched.
    std::fs::create_dir_all(daemon.path("image")).expect("it is ours");
    std::fs::write(daemon.path("image/program"), "").expect("it is ours");
    let (archive, image) =
        (daemon.path("image.tar").display().to_string(), daemon.path("image").display().to_string());
    let status = std::process::Command::new("tar").args(["-C", &image, "-cf", &archive, "."]).status();
    assert!(status.is_ok_and(|status| status.success()));
    daemon.lines(&["import", "--change", "USER 1000", &archive, "users:1"]);
    let profile = daemon.path("filter.json").display().to_string();
    std::fs::write(
        &profile,
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["add_key"],"action":"SCMP_ACT_ERRNO"}]}"#,
    )
    .expect("it is ours");
    let seccomp = format!("seccomp={profile}");
    daemon.lines(&[
        "create",
        "--name",
        "the-users",
        "--network=host",
        "--cap-drop=ALL",
        "--security-opt",
        &seccomp,
        "--security-opt",
        "systempaths=unconfined",
        "-v",
        "/etc:/e:ro",
        "-v",
        "/var/run/docker.sock:/s",
        "users:1",
        "/program",
    ]);
    let place = Place::new();
    let file = place.path("record.json");
    let mut command = place.command(&["try", "--container", "the-users", "--record"]);
    command.arg(&file).env("DOCKER_HOST", daemon.host());
    command.args(PROBES.iter().flat_map(|probe| ["--probe", probe]));
    succeed(&mut command);
    let record = record::read(&file).expect("a record that was just written can be read");
    let service = &record.scenarios[0].settings["service"];
    assert_eq!(service["user"], "1000", "the image's own user counts: {service}");
    assert_eq!(service["network_mode"], "host", "{service}");
    assert_eq!(service["volumes"], serde_json::json!(["${LAB}/etc:/host/etc:ro"]));
    let tried = record.tried.as_ref().expect("it was made by try");
    assert!(tried.source.contains(&daemon.host()), "{}", tried.source);
    assert!(tried.warnings.iter().any(|warning| warning.contains("docker.sock")), "{:?}", tried.warnings);
    let cell = |probe: &str| record.cell("the-users", probe).expect("it was run");
    assert_eq!(cell("net-reach-host-loopback").outcome, Outcome::Allowed);
    assert_eq!(cell("key-add").blocked_by.map(|by| by.to_string()).as_deref(), Some("seccomp"));
    assert_eq!(cell("mount-new").blocked_by.map(|by| by.to_string()).as_deref(), Some("capabilities"));
    daemon.lines(&["rm", "the-users"]);
    docker_engine(&daemon);
    daemon.lines(&["rmi", "users:1"]);
}

/// The same with Docker's own engine: what a line mounts is nowhere made on the host, and nothing breaks.
fn docker_engine(daemon: &Dockerd) {
    let place = Place::new();
    let file = place.path("record.json");
    let target = format!("/var/cache/whyblocked-test-{}-docker", std::process::id());
    let mut command = place.command(&["try", "--engine", "docker", "--record"]);
    command.arg(&file).env("DOCKER_HOST", daemon.host());
    command.args(["--probe", "key-add", "--probe", "process-see-host", "--probe", "file-write-host-etc"]);
    command.args([
        "--",
        "docker",
        "run",
        "--tmpfs",
        &target,
        "--device",
        "/dev/null:/dev/x",
        "-v",
        "/etc:/e",
        "y",
    ]);
    succeed(&mut command);
    let record = record::read(&file).expect("a record that was just written can be read");
    assert!(std::fs::symlink_metadata(&target).is_err(), "{target} was made on the host");
    assert_eq!(record.engine.name, "docker");
    assert_eq!(record.count(Outcome::Broken), 0, "{:#?}", record.cells);
    let outcome = |probe: &str| record.cell("docker-run", probe).map(|cell| cell.outcome);
    assert_eq!(outcome("file-write-host-etc"), Some(Outcome::Allowed));
    assert_eq!(outcome("process-see-host"), Some(Outcome::Blocked));
    let changes = &record.tried.as_ref().expect("it was made by try").changes;
    let untried: Vec<&str> = changes
        .iter()
        .filter(|change| change.not_tried.is_some())
        .map(|change| change.how.as_str())
        .collect();
    assert_eq!(untried, ["userns-remap in daemon.json"], "{changes:#?}");
}
