//! Compose files as people have them, and files that nobody should have.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::super::look::Scripted;
use super::*;

fn variables(name: &str) -> Option<String> {
    Scripted.variable(name)
}

fn parsed(text: &str, service: Option<&str>) -> Result<Written, TryError> {
    parse("c.yaml", text, service, Path::new("/w"), &variables)
}

const WEB: &str = "\
version: '3.8'
x-common: &common
  restart: always
  cap_drop: [ALL]
services:
  web:
    <<: *common
    image: nginx:${TAG}
    user: 1000
    ports: [\"80:80\"]
    environment: {TOKEN: \"${NOT_SET}\"}
    volumes:
      - ./html:/usr/share/nginx/html:ro
      - type: bind
        source: ${CONF:-/etc/nginx}
        target: /conf
        read_only: true
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
    sysctls: [net.core.somaxconn=1024]
    deploy: {replicas: 2, resources: {limits: {memory: 64M, pids: 100, cpus: '0.5'}}}
    secrets: [key]
  db:
    image: postgres
networks: {default: {}}
";

#[test]
fn a_service_is_read_with_everything_that_matters() {
    let written = parsed(WEB, Some("web")).unwrap();
    let keys = Value::Object(written.keys.clone().into_iter().collect());
    assert_eq!(
        keys,
        json!({
            "cap_drop": ["ALL"],
            "user": 1000,
            "volumes": [
                "./html:/usr/share/nginx/html:ro",
                {"type": "bind", "source": "/etc/nginx", "target": "/conf", "read_only": true},
            ],
            "ulimits": {"nofile": {"soft": 1, "hard": 2}, "nproc": 5},
            "sysctls": ["net.core.somaxconn=1024"],
            "mem_limit": "64M",
            "pids_limit": 100,
        })
    );
    assert!(written.no_part.contains(&"environment".to_owned()), "{:?}", written.no_part);
    assert_eq!(written.not_looked_at.len(), 2, "{:?}", written.not_looked_at);
    let tryout = super::super::adapt(written, &Scripted).unwrap();
    tryout.scenario().unwrap();
}

#[rstest]
#[case::which("services: {a: {}, b: {}}", None, "c.yaml has several services; say which: --service a | b")]
#[case::no_such(
    "services: {web: {}, db: {}}",
    Some("wep"),
    "c.yaml has no service 'wep'; did you mean 'web'?; it has: web, db"
)]
#[case::none("version: '3'", None, "c.yaml:1: it has no services")]
#[case::unknown_key(
    "services:\n  web:\n    cap_dorp: [ALL]\n",
    None,
    "c.yaml:3: unknown key 'cap_dorp'; did you mean 'cap_drop'?"
)]
#[case::unknown_top_key(
    "services: {a: {}}\nvolume: {}\n",
    None,
    "c.yaml:2: unknown key 'volume'; did you mean 'volumes'?"
)]
#[case::unset(
    "services: {a: {user: \"${NO}\"}}",
    None,
    "c.yaml: user: the variable NO is not set; set it for this command too (NO=…), or give it a default"
)]
fn mistakes_are_named(#[case] text: &str, #[case] service: Option<&str>, #[case] message: &str) {
    assert_eq!(parsed(text, service).unwrap_err().to_string(), message);
}

#[rstest]
#[case("services: {a: {security_opt: ['seccomp:unconfined']}}", json!({"security_opt": ["seccomp:unconfined"]}))]
#[case("services: {a: {devices: [{source: /dev/null, target: /dev/x, permissions: r}]}}", json!({"devices": ["/dev/null:/dev/x:r"]}))]
#[case("services: {a: {tmpfs: /run, read_only: 'true'}}", json!({"read_only": true, "tmpfs": ["/run"]}))]
#[case("services: {a: {volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1024}}]}}", json!({"tmpfs": ["/t:size=1024"]}))]
#[case("services: {a: {volumes: [{type: volume, source: v, target: /t}]}}", json!({}))]
#[case("services: {a: {sysctls: {net.a: 1}, ulimits: {core: -1}}}", json!({"sysctls": {"net.a": "1"}, "ulimits": {"core": {"soft": u64::MAX, "hard": u64::MAX}}}))]
#[case("services: {a: {group_add: [44], user: '0:0', network_mode: 'service:b'}}", json!({"group_add": ["44"], "user": "0:0"}))]
#[case("services:\n  a:", json!({}))]
fn the_forms_of_values(#[case] text: &str, #[case] keys: Value) {
    let tryout = super::super::adapt(parsed(text, None).unwrap(), &Scripted).unwrap();
    assert_eq!(Value::Object(tryout.written.keys.clone().into_iter().collect()), keys);
    tryout.scenario().unwrap();
}

#[test]
fn an_env_file_is_read_line_by_line() {
    let env = env_file("# c\nA=1\nexport B='two words'\nC=\"x\"\nno line\n");
    assert_eq!((env["A"].as_str(), env["B"].as_str(), env["C"].as_str()), ("1", "two words", "x"));
    assert_eq!(env.len(), 3);
}

const FILES: &[&str] = &[WEB, "services:\n  a:\n    volumes: &v [/:/h]\n  b: {volumes: *v}\n"];

proptest! {
    #[test]
    fn no_damage_makes_it_panic(text in crate::testing::damaged(FILES)) {
        let text = String::from_utf8_lossy(&text).into_owned();
        match parsed(&text, Some("web")).and_then(|written| super::super::adapt(written, &Scripted)) {
            Ok(tryout) => {
                let scenario = tryout.scenario();
                if let Err(error) = scenario {
                    prop_assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
                }
            }
            Err(error) => {
                let message = error.to_string();
                prop_assert!(!message.chars().any(char::is_control), "{message:?}");
                prop_assert!(message.starts_with("c.yaml"), "{message}");
            }
        }
    }
}
