//! What `try` makes of configurations as people have them, shown and not run: no test here needs a privilege, and
//! nothing of this machine is in the answers.

use std::path::Path;

use assert_cmd::Command;
use rstest::rstest;

fn shown(arguments: &[&str]) -> String {
    let mut command = Command::new(whyblocked_tests::program());
    let output = command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose"))
        .env("HOME", "/home/me")
        .env_remove("DB_DATA")
        .env_remove("NGINX_TAG")
        .args(["try", "--show"])
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Lines from manuals, blogs and the shells of people who wanted it to work at last.
const LINES: &[(&str, &str)] = &[
    (
        "nginx_as_root_with_ports",
        "docker run -d --name web -p 80:80 -p 443:443 --restart=always -v ./html:/usr/share/nginx/html:ro nginx:1.27",
    ),
    (
        "database_with_a_bind",
        "docker run -d --name db -e POSTGRES_PASSWORD=secret -m 1.5g --shm-size=256m -v /srv/db:/var/lib/postgresql/data postgres:16",
    ),
    (
        "docker_socket",
        "docker run -d -p 9000:9000 -v /var/run/docker.sock:/var/run/docker.sock:ro -v portainer_data:/data portainer/portainer-ce",
    ),
    (
        "privileged_with_the_hosts_root",
        "docker run -it --rm --privileged --pid=host -v /:/host alpine chroot /host",
    ),
    (
        "everything_dropped",
        "docker run --rm --cap-drop=ALL --security-opt=no-new-privileges --read-only --tmpfs /tmp --pids-limit 100 app",
    ),
    (
        "node_exporter_on_the_hosts_network",
        "docker run -d --net=host --pid=host -v /:/host:ro,rslave quay.io/prometheus/node-exporter --path.rootfs=/host",
    ),
    (
        "debugger_in_the_hosts_processes",
        "docker run -it --pid=host --cap-add SYS_PTRACE --cap-add=SYS_ADMIN nicolaka/netshoot",
    ),
    (
        "no_filter",
        "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined -u root builder",
    ),
    (
        "user_1000_with_a_group",
        "docker run -u 1000:1000 --group-add 998 --ulimit nofile=1024:2048 --mount type=bind,src=/etc,dst=/host-etc,readonly backup",
    ),
    (
        "a_device",
        "docker run -it --rm --device /dev/null:/dev/fuse:rw --device-cgroup-rule='c 10:229 rwm' --cap-add SYS_ADMIN --gpus all sshfs",
    ),
    (
        "podman",
        "podman run --userns=keep-id --network=slirp4netns --security-opt label=disable -v ~/src:/src --sysctl net.ipv4.ip_forward=1 fedora",
    ),
];

#[test]
fn lines_as_people_type_them() {
    for (name, line) in LINES {
        insta::assert_snapshot!(*name, format!("$ {line}\n\n{}", shown(&[line])));
    }
}

#[test]
fn a_line_of_many_words_is_the_same_as_a_quoted_one() {
    for (_, line) in LINES.iter().filter(|(_, line)| !line.contains(['\'', '~'])) {
        let words: Vec<&str> = ["--"].into_iter().chain(line.split(' ')).collect();
        assert_eq!(shown(&words), shown(&[line]));
    }
}

#[rstest]
#[case::web("web.yaml", "web")]
#[case::db("web.yaml", "db")]
#[case::monitoring("monitoring.yaml", "cadvisor")]
#[case::hardened("hardened.yaml", "api")]
fn compose_files_as_people_have_them(#[case] file: &str, #[case] service: &str) {
    let text = shown(&["--compose", file, "--service", service]);
    insta::assert_snapshot!(format!("compose_{service}"), text);
}

#[test]
fn what_is_shown_is_a_scenario_that_can_be_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shown.yaml");
    for (_, line) in LINES {
        std::fs::write(&path, shown(&[line])).unwrap();
        let chosen = whyblocked::scenario::select(&[path.display().to_string()]);
        assert!(chosen.is_ok(), "{line}: {}", chosen.unwrap_err());
    }
}

#[test]
fn as_json_it_has_the_settings_and_what_was_said_of_them() {
    let text = shown(&["--format", "json", "docker run --privileged -v /etc:/e alpine"]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["settings"]["service"]["privileged"], true);
    assert_eq!(value["tried"]["notes"].as_array().map(Vec::len), Some(2));
}

#[rstest]
#[case(&["--", "docker", "run", "--privilegd", "x"], "docker run: unknown flag '--privilegd'; did you mean '--privileged'?")]
#[case(&["--", "docker", "run", "-it"], "docker run: no image is named")]
#[case(&["--", "docker", "ps"], "'ps' is not the beginning of a command that starts a container")]
#[case(&["--", "docker", "run", "--user", "node", "x"], "'node' is a user's name, and only the image's /etc/passwd")]
#[case(&["--", "docker", "run", "--cap-add", "SYS_TIM", "x"], "docker run: cap_add: 'SYS_TIM' is not a capability; did you mean SYS_TIME?")]
#[case(&["--", "docker", "run", "--sysctl", "kernel.core_pattern=x", "x"], "is not in a namespace of the container's own")]
#[case(&["--", "docker", "run", "--security-opt", "seccomp=./no.json", "x"], "no.json: No such file")]
#[case(&["--compose", "web.yaml"], "web.yaml has several services; say which: --service web | db")]
#[case(&["--compose", "web.yaml", "--service", "wed"], "web.yaml has no service 'wed'; did you mean 'web'?")]
#[case(&["--compose", "no.yaml"], "cannot read no.yaml: No such file")]
#[case(&["--container", "../x"], "a container is called by its name or number")]
fn mistakes_are_one_clear_message(#[case] arguments: &[&str], #[case] message: &str) {
    let output = Command::new(whyblocked_tests::program())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose"))
        .arg("try")
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    // A daemon is asked before a container's name is looked at, and there may be none.
    let no_daemon = error.contains("no Docker daemon answers");
    assert_eq!(output.status.code(), Some(if arguments[0] == "--container" { 3 } else { 2 }), "{error}");
    assert!(error.contains(message) || no_daemon, "{error}");
    assert!(output.stdout.is_empty());
}

#[rstest]
#[case(&["try"])]
#[case(&["try", "--service", "web", "--", "docker", "run", "x"])]
#[case(&["try", "--compose", "web.yaml", "docker", "run", "x"])]
#[case(&["try", "--compose", "web.yaml", "--container", "x"])]
fn wrong_usage_exits_with_2(#[case] arguments: &[&str]) {
    let output = Command::new(whyblocked_tests::program()).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
