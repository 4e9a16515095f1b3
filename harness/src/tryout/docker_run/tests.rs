//! Lines as people type them, and lines that nobody should.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn keys(line: &str) -> Value {
    Value::Object(parsed(line).unwrap_or_else(|error| panic!("{line}: {error}")).keys.into_iter().collect())
}

fn parsed(line: &str) -> Result<Written, TryError> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    parse(&words, Path::new("/w"))
}

#[rstest]
#[case::nothing("docker run alpine", json!({}))]
#[case::a_cluster("docker run -it --rm alpine sh -c --privileged", json!({}))]
#[case::a_value_in_the_cluster("docker run -itu1000 alpine", json!({"user": "1000"}))]
#[case::a_value_behind_the_cluster("docker run -itu 1000:1000 alpine", json!({"user": "1000:1000"}))]
#[case::a_letter_with_an_equals_sign("docker run -u=1000 alpine", json!({"user": "1000"}))]
#[case::joined_and_apart(
    "docker run --cap-drop=ALL --cap-add NET_ADMIN alpine",
    json!({"cap_drop": ["ALL"], "cap_add": ["NET_ADMIN"]})
)]
#[case::switches("docker run --read-only=false --privileged alpine", json!({"read_only": false, "privileged": true}))]
#[case::the_last_one_counts("docker run --pid=host --pid= alpine", json!({"pid": ""}))]
#[case::create("docker container create --net=host alpine", json!({"network_mode": "host"}))]
#[case::podman("sudo podman --remote run --userns=keep-id alpine", json!({"userns_mode": "keep-id"}))]
#[case::another_daemon("/usr/bin/docker -H unix:///x --context=y run -m 64m alpine", json!({"mem_limit": "64m"}))]
#[case::a_mount(
    "docker run --mount type=bind,source=/etc,target=/e,readonly alpine",
    json!({"volumes": [{"type": "bind", "source": "/etc", "target": "/e", "read_only": true}]})
)]
#[case::the_end_of_flags("docker run -- alpine --privileged", json!({}))]
fn lines_as_docker_reads_them(#[case] line: &str, #[case] expected: Value) {
    assert_eq!(keys(line), expected);
}

#[rstest]
#[case("docker run --privileged", "docker run: no image is named, so this line starts no container")]
#[case(
    "docker run --name alpine",
    "docker run: no image is named, so this line starts no container; --name has taken the last word as its value"
)]
#[case(
    "docker run --cap-dorp=ALL alpine",
    "docker run: unknown flag '--cap-dorp'; did you mean '--cap-drop'?"
)]
#[case("docker run -y alpine", "docker run: unknown flag '-y'")]
#[case("docker run -v", "docker run: --volume needs a value")]
#[case(
    "docker run --read-only=perhaps alpine",
    "docker run: --read-only: 'perhaps' is neither true nor false"
)]
#[case(
    "docker exec alpine sh",
    "'exec' is not the beginning of a command that starts a container; write docker run, docker create or podman run"
)]
#[case(
    "rm -rf /",
    "'rm' is not the beginning of a command that starts a container; write docker run, docker create or podman run"
)]
#[case(
    "docker",
    "'docker' is not the beginning of a command that starts a container; write docker run, docker create or podman run"
)]
fn what_docker_would_refuse(#[case] line: &str, #[case] message: &str) {
    assert_eq!(parsed(line).unwrap_err().to_string(), message);
}

#[test]
fn a_whole_line_as_one_word_is_split_as_a_shell_does() {
    let line = "docker run \\\n  -v '/a b:/c' \\\n  --label \"x y\" alpine sh -c 'echo hi'";
    let written = parse(&[line.to_owned()], Path::new("/w")).unwrap();
    assert_eq!(written.keys["volumes"], json!(["/a b:/c"]));
    assert!(parse(&["docker run 'alpine x".to_owned()], Path::new("/w")).is_err());
}

#[rstest]
#[case(
    "docker run --user $(id -u) x",
    "docker run: --user: '$(id' is the shell's to fill in; leave out the quotation marks around the line, or write what it stands for"
)]
#[case(
    "docker run -v $PWD/x:/x x",
    "docker run: --volume: '$PWD/x:/x' is the shell's to fill in; leave out the quotation marks around the line, or write what it stands for"
)]
#[case(
    "docker run -e A=`date +%s` x",
    "docker run: --env: 'A=`date' is the shell's to fill in; leave out the quotation marks around the line, or write what it stands for"
)]
fn what_a_shell_would_have_filled_in(#[case] line: &str, #[case] message: &str) {
    assert_eq!(parse(&[line.to_owned()], Path::new("/w")).unwrap_err().to_string(), message);
}

#[test]
fn nothing_is_passed_over_in_silence() {
    let written = parsed("docker run -e A=secret -e B=c --gpus all -p 80:80 --rm nginx").unwrap();
    assert_eq!(written.no_part, ["--env (2 times)", "--publish", "--rm", "the image nginx and its command"]);
    assert_eq!(written.not_looked_at, ["--gpus (devices and driver files of the graphics card)"]);
    assert!(!format!("{written:?}").contains("secret"), "the values of variables stay out of the record");
}

const LINES: &[&str] = &[
    "docker run -d --name web -p 80:80 -v /srv/html:/usr/share/nginx/html:ro nginx",
    "docker run --rm -it --privileged --pid=host --mount type=bind,source=/,target=/host alpine 'a b'",
    "docker run -itu1000 --security-opt=no-new-privileges --ulimit nofile=1:2 --sysctl net.a=1 x",
];

proptest! {
    #[test]
    fn no_damage_makes_it_panic(text in crate::testing::damaged(LINES)) {
        let text = String::from_utf8_lossy(&text).into_owned();
        match parse(&[text], Path::new("/w")) {
            Ok(written) => {
                let _ = crate::tryout::adapt(written, &crate::tryout::look::Scripted);
            }
            Err(error) => prop_assert!(!error.to_string().chars().any(char::is_control), "{error:?}"),
        }
    }
}
