//! Single changes that would make a configuration tighter, each a scenario of its own. What a change closes is for an
//! experiment to say; here is only what is worth trying.

mod single;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Tryout;
use crate::scenario::{Scenario, ScenarioError};

/// In whose words a change is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Flags, for a line.
    Flags,
    /// Keys, for a Compose file.
    Keys,
    /// Flags, for a container that is there already.
    Container,
}

/// A change.
#[derive(Debug)]
pub struct Change {
    /// What to write, in the words of what was written: `--cap-drop=ALL`.
    pub how: String,
    /// What that does, as a fragment.
    pub does: String,
    /// The configuration with this one thing changed.
    pub scenario: Scenario,
}

type Keys = BTreeMap<String, Value>;

/// A change that can be proposed for many configurations.
struct Proposal {
    /// As a flag, and as a key.
    how: [&'static str; 2],
    does: &'static str,
    /// The changed keys; nothing where it is so already, or would mean nothing.
    change: fn(&Keys) -> Option<Keys>,
}

/// In the order in which they are proposed where they close equally much.
const PROPOSALS: &[Proposal] = &[
    Proposal {
        how: ["without --privileged", "without privileged"],
        does: "Docker's defaults in place of everything open",
        change: |keys| without(keys, "privileged"),
    },
    Proposal {
        how: ["--cap-drop=ALL, and no --cap-add", "cap_drop: [ALL], and no cap_add"],
        does: "no capability at all",
        change: |keys| {
            let changed = with(&without_any(keys, "cap_add"), "cap_drop", json!(["ALL"]));
            not_privileged(keys).then_some(changed).filter(|changed| changed != keys)
        },
    },
    Proposal {
        how: ["--user=1000:1000", "user: \"1000:1000\""],
        does: "an ordinary user in place of root",
        change: |keys| {
            let root = keys.get("user").and_then(Value::as_str).unwrap_or("0");
            let uid = root.split(':').next().unwrap_or(root);
            (uid == "0").then(|| with(keys, "user", "1000:1000".into()))
        },
    },
    Proposal {
        how: ["with Docker's own seccomp profile", "with Docker's own seccomp profile"],
        does: "the default filter in place of none, or of another one",
        change: |keys| without_option(keys, "seccomp"),
    },
    Proposal {
        how: ["--security-opt=no-new-privileges", "security_opt: [no-new-privileges]"],
        does: "set-user-id programs and file capabilities give nothing",
        change: |keys| {
            let has = options(keys).iter().any(|option| option.starts_with("no-new-privileges"));
            (!has).then(|| with_option(keys, "no-new-privileges"))
        },
    },
    Proposal {
        how: ["without systempaths=unconfined", "without systempaths=unconfined"],
        does: "parts of /proc and /sys are covered or read-only again",
        change: |keys| without_option(keys, "systempaths"),
    },
    Proposal {
        how: ["--read-only", "read_only: true"],
        does: "the root directory cannot be written",
        change: |keys| (!keys.contains_key("read_only")).then(|| with(keys, "read_only", true.into())),
    },
    Proposal {
        how: ["without --pid=host", "without pid: host"],
        does: "the host's processes are out of sight",
        change: |keys| without(keys, "pid"),
    },
    Proposal {
        how: ["without --network=host", "without network_mode: host"],
        does: "a network of its own",
        change: |keys| not_the_hosts(keys, "network_mode"),
    },
    Proposal {
        how: ["without --ipc=host", "without ipc: host"],
        does: "System V IPC and message queues of its own",
        change: |keys| not_the_hosts(keys, "ipc"),
    },
    Proposal {
        how: ["without --uts=host", "without uts: host"],
        does: "a host name of its own",
        change: |keys| without(keys, "uts"),
    },
    Proposal {
        how: ["without --cgroupns=host", "without cgroup: host"],
        does: "the host's control groups are out of sight",
        change: |keys| without(keys, "cgroup"),
    },
    Proposal {
        how: ["without --device-cgroup-rule", "without device_cgroup_rules"],
        does: "the devices that every container may use, and no more",
        change: |keys| without(keys, "device_cgroup_rules"),
    },
    Proposal {
        how: ["--pids-limit", "pids_limit"],
        does: "no more processes than are needed; tried with 16",
        change: |keys| (!keys.contains_key("pids_limit")).then(|| with(keys, "pids_limit", 16.into())),
    },
    Proposal {
        how: ["--memory", "mem_limit"],
        does: "no more memory than is needed; tried with 12 MiB",
        change: |keys| (!keys.contains_key("mem_limit")).then(|| with(keys, "mem_limit", "12m".into())),
    },
];

/// A user namespace is not the container's to ask for, but the daemon's to give.
const REMAP: [&str; 2] =
    ["userns-remap in daemon.json", "a user namespace: root in the container is nobody on the host"];

/// Every change that is worth trying.
pub fn changes(tryout: &Tryout) -> Result<Vec<Change>, ScenarioError> {
    let keys = &tryout.written.keys;
    let mut proposed: Vec<(String, String, Keys, Option<Value>)> = Vec::new();
    for Proposal { how, does, change } in PROPOSALS {
        if let Some(changed) = change(keys) {
            let how = if tryout.written.words == Words::Keys { how[1] } else { how[0] };
            proposed.push((how.to_owned(), (*does).to_owned(), changed, tryout.daemon()));
        }
    }
    if tryout.written.daemon.is_empty() && remappable(keys) {
        let [how, does] = REMAP.map(str::to_owned);
        proposed.push((how, does, keys.clone(), Some(json!({"userns-remap": "default"}))));
    }
    let single = single::capabilities(tryout)
        .into_iter()
        .chain(single::volumes(tryout))
        .chain(single::devices(tryout));
    proposed.extend(single.map(|(how, does, keys)| (how, does, keys, tryout.daemon())));
    let number = 1..;
    number
        .zip(proposed)
        .map(|(number, (how, does, keys, daemon))| {
            let id = format!("{}-change-{number}", tryout.written.id);
            Ok(Change { how, does, scenario: tryout.with(&id, &keys, daemon)? })
        })
        .collect()
}

/// Docker refuses a user namespace together with these.
fn remappable(keys: &Keys) -> bool {
    let own = |key: &str| keys.get(key).and_then(Value::as_str) != Some("host");
    not_privileged(keys) && ["userns_mode", "pid", "network_mode", "ipc", "uts"].into_iter().all(own)
}

fn not_privileged(keys: &Keys) -> bool {
    !keys.contains_key("privileged")
}

fn texts(keys: &Keys, key: &str) -> Vec<String> {
    let list = keys.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
}

fn with(keys: &Keys, key: &str, value: Value) -> Keys {
    let mut changed = keys.clone();
    changed.insert(key.to_owned(), value);
    changed
}

fn without_any(keys: &Keys, key: &str) -> Keys {
    let mut changed = keys.clone();
    changed.remove(key);
    changed
}

fn without(keys: &Keys, key: &str) -> Option<Keys> {
    keys.contains_key(key).then(|| without_any(keys, key))
}

fn not_the_hosts(keys: &Keys, key: &str) -> Option<Keys> {
    (keys.get(key)?.as_str()? == "host").then(|| without_any(keys, key))
}

fn options(keys: &Keys) -> Vec<String> {
    texts(keys, "security_opt")
}

fn with_option(keys: &Keys, option: &str) -> Keys {
    let mut all = options(keys);
    all.push(option.to_owned());
    with(keys, "security_opt", all.into())
}

/// Without the options of this name; nothing if there are none.
fn without_option(keys: &Keys, name: &str) -> Option<Keys> {
    let all = options(keys);
    let is_it = |option: &String| option.split(['=', ':']).next() == Some(name);
    if !all.iter().any(is_it) {
        return None;
    }
    let rest: Vec<String> = all.into_iter().filter(|option| !is_it(option)).collect();
    Some(if rest.is_empty() {
        without_any(keys, "security_opt")
    } else {
        with(keys, "security_opt", rest.into())
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::super::look::Scripted;
    use super::super::{adapt, docker_run};
    use super::*;

    fn proposed(flags: &str) -> Vec<String> {
        let line = format!("docker run {flags} alpine");
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let tryout = adapt(docker_run::parse(&words, Path::new("/w")).unwrap(), &Scripted).unwrap();
        changes(&tryout).unwrap().into_iter().map(|change| change.how).collect()
    }

    #[rstest]
    #[case("", "--cap-drop=NET_RAW", true)]
    #[case("", "without --privileged", false)]
    #[case("--privileged", "without --privileged", true)]
    #[case("--privileged", "--cap-drop=ALL, and no --cap-add", false)]
    #[case("--user 1000", "--user=1000:1000", false)]
    #[case("--user 0:5", "--user=1000:1000", true)]
    #[case("--cap-drop ALL", "--cap-drop=ALL, and no --cap-add", false)]
    #[case("--cap-drop ALL --cap-add NET_ADMIN", "without --cap-add=NET_ADMIN", true)]
    #[case("-v /etc:/x", "the volume /etc with ':ro'", true)]
    #[case("-v /etc:/x:ro", "the volume /etc with ':ro'", false)]
    #[case("-v /etc:/x:ro", "without the volume /etc", true)]
    #[case("-v data:/x", "without the volume data", false)]
    #[case("--security-opt seccomp=unconfined", "with Docker's own seccomp profile", true)]
    #[case("--security-opt no-new-privileges:true", "--security-opt=no-new-privileges", false)]
    #[case("--pid host", "userns-remap in daemon.json", false)]
    #[case("--net none", "without --network=host", false)]
    fn what_is_proposed(#[case] flags: &str, #[case] how: &str, #[case] is: bool) {
        assert_eq!(proposed(flags).iter().any(|proposed| proposed == how), is, "{:?}", proposed(flags));
    }

    #[test]
    fn every_change_changes_something() {
        let line = "docker run --pid=host -v /:/h --device /dev/fuse --cap-add SYS_TIME x";
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let tryout = adapt(docker_run::parse(&words, Path::new("/w")).unwrap(), &Scripted).unwrap();
        let base = tryout.scenario().unwrap();
        for change in changes(&tryout).unwrap() {
            assert_ne!(change.scenario.settings, base.settings, "{}", change.how);
        }
    }
}
