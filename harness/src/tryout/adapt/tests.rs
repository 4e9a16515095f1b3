//! What becomes of a line's settings on a laboratory host. Every note is part of the answer.

use std::path::Path;

use rstest::rstest;

use super::super::docker_run;
use super::super::look::Scripted;
use super::*;

fn tried(line: &str) -> Result<Tryout, TryError> {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    adapt(docker_run::parse(&words, Path::new("/w")).unwrap(), &Scripted)
}

#[rstest]
#[case("--user root", json!({"user": "0:0"}))]
#[case("-u www-data --group-add 44", json!({"user": "33:33", "group_add": ["44"]}))]
#[case("--cap-add NET_ADMIN,NET_RAW", json!({"cap_add": ["NET_ADMIN", "NET_RAW"]}))]
#[case("--privileged=false --read-only", json!({"read_only": true}))]
#[case("--network my-net --ipc private --uts host", json!({"uts": "host"}))]
#[case("--pid container:db", json!({}))]
#[case("--security-opt apparmor=docker-default --security-opt seccomp=unconfined", json!({"security_opt": ["seccomp=unconfined"]}))]
#[case("--device /dev/null:/dev/x:rw --device /dev/nosuch --device nvidia.com/gpu=all", json!({"devices": ["/dev/null:/dev/x:rw"]}))]
#[case("--privileged --device /dev/fuse --device /dev/null:/dev/x", json!({"privileged": true, "devices": ["/dev/null:/dev/x"]}))]
#[case("--ulimit nofile=1024:2048 --ulimit core=-1", json!({"ulimits": {"nofile": {"soft": 1024, "hard": 2048}, "core": {"soft": u64::MAX, "hard": u64::MAX}}}))]
#[case("--pids-limit -1 -m 1.5g", json!({"mem_limit": "1610612736"}))]
#[case("--sysctl net.core.somaxconn=1024", json!({"sysctls": {"net.core.somaxconn": "1024"}}))]
#[case("--tmpfs /run:rw,noexec,noatime,size=64m", json!({"tmpfs": ["/run:rw,noexec,size=64m"]}))]
#[case("-v /etc:/e:ro -v /etc/ssl:/s", json!({"volumes": ["${LAB}/etc:/host/etc"]}))]
#[case("-v /etc:/e:ro,z", json!({"volumes": ["${LAB}/etc:/host/etc:ro,z"]}))]
#[case("-v /:/h -v /etc:/e:ro", json!({"volumes": ["${LAB}:/host"]}))]
#[case("-v /:/h:ro -v /var/log:/l", json!({"volumes": ["${LAB}:/host:ro", "${LAB}/var:/host/var"]}))]
#[case("-v data:/d -v /cache -v /etc/localtime:/etc/localtime:ro -v ./html:/h", json!({"volumes": ["${LAB}/shared:/host/shared"]}))]
#[case("-v /var/run/docker.sock:/var/run/docker.sock", json!({}))]
fn what_a_line_becomes(#[case] flags: &str, #[case] keys: Value) {
    let tryout = tried(&format!("docker run {flags} alpine")).unwrap();
    assert_eq!(Value::Object(tryout.written.keys.clone().into_iter().collect()), keys);
    tryout.scenario().expect("what was adapted is a scenario");
}

#[rstest]
#[case(
    "--user node",
    "docker run: user: 'node' is a user's name, and only the image's /etc/passwd says which number that is; write the number"
)]
#[case(
    "--group-add docker",
    "docker run: group_add: 'docker' is a group's name, and only the image's /etc/group says which number that is; write the number"
)]
#[case("--pid nowhere", "docker run: pid: 'nowhere' is not known; known: host, private, container:NAME")]
#[case(
    "-v $PWD/x:/x",
    "docker run: volumes: '$PWD/x': variables are the shell's to fill in; leave out the quotation marks around the line, or write the path"
)]
#[case(
    "-v /a:/b:ro:rw",
    "docker run: volumes: '/a:/b:ro:rw' has too many colons; write SOURCE:TARGET[:OPTIONS]"
)]
#[case("-v /a:/b:r0", "docker run: volumes: 'r0' in '/a:/b:r0' is not an option of a volume")]
#[case("--ulimit nofile=many", "docker run: ulimits: nofile: 'many' is not a number")]
#[case("--pids-limit some", "docker run: pids_limit: 'some' is not a number")]
fn what_cannot_be_tried(#[case] flags: &str, #[case] message: &str) {
    assert_eq!(tried(&format!("docker run {flags} alpine")).unwrap_err().to_string(), message);
}

#[test]
fn no_bind_of_the_hosts_own_is_ever_left() {
    let sources = ["/", "/etc", "/home/me", "/srv", "./x", "~/x", "/dev", "/proc", "/var/run/docker.sock"];
    for source in sources {
        for mount in [format!("-v {source}:/t"), format!("--mount type=bind,src={source},dst=/t")] {
            let tryout = tried(&format!("docker run {mount} alpine")).unwrap();
            let volumes = tryout.written.keys.get("volumes").cloned().unwrap_or_else(|| json!([]));
            let all_ours =
                volumes.as_array().unwrap().iter().all(|v| v.as_str().unwrap().starts_with("${LAB}"));
            assert!(all_ours, "{mount}: {volumes}");
            assert!(tryout.written.notes.iter().any(|note| note.contains("volume")), "{mount}");
        }
    }
}
