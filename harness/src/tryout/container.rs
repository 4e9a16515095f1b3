//! A container that is there already, as its daemon describes it: `docker inspect`, read as settings. The container is
//! neither entered nor touched.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::compose::identifier;
use super::look::Look;
use super::{Words, Written};
use crate::scenario::{Origin, defaults};

/// The daemon that described the container.
#[derive(Clone, Copy, Debug)]
pub struct Daemon<'a> {
    /// `20.10.24`
    pub version: &'a str,
    /// `unix:///var/run/docker.sock`
    pub address: &'a str,
    /// What it says of its own security: `name=userns`.
    pub security: &'a [String],
}

/// Settings of the host's configuration that may matter and that no attempt tells anything about: the path in the
/// description, the flag that sets it, and why.
const NOT_LOOKED_AT: [(&str, &str); 16] = [
    ("BlkioWeight", "--blkio-weight (how fast it may use disks)"),
    ("CgroupParent", "--cgroup-parent (which limits it shares with others)"),
    ("CpuQuota", "--cpu-quota (how much of the processor it may take)"),
    ("CpuShares", "--cpu-shares (how much of the processor it may take)"),
    ("CpusetCpus", "--cpuset-cpus (which processors it may use)"),
    ("DeviceRequests", "--gpus (devices and driver files of the graphics card)"),
    ("KernelMemory", "--kernel-memory (a limit that Linux no longer has)"),
    ("MemoryReservation", "--memory-reservation (a limit that counts only when memory is short)"),
    ("NanoCpus", "--cpus (how much of the processor it may take)"),
    ("OomKillDisable", "--oom-kill-disable (what happens when its memory runs out)"),
    ("OomScoreAdj", "--oom-score-adj (who is killed first when the host runs out of memory)"),
    ("StorageOpt", "--storage-opt (how much disk it may fill)"),
    ("Annotations", "--annotation (some runtimes obey annotations)"),
    ("VolumesFrom", "--volumes-from (its mounts are looked at, their origin is not)"),
    ("Links", "--link (other containers' addresses)"),
    ("VolumeDriver", "--volume-driver (what mounts its volumes)"),
];

/// What a filter's text is called; no file has this name.
const FILTER: &str = "the-containers-own-filter";

/// Reads a description.
pub fn read(description: &Value, daemon: &Daemon<'_>, look: &dyn Look) -> Written {
    let host = &description["HostConfig"];
    let name = description["Name"].as_str().unwrap_or("container").trim_start_matches('/');
    let mut written = Written {
        id: identifier(name),
        source: format!(
            "the container {} of Docker {} at {}",
            name.escape_debug(),
            daemon.version.escape_debug(),
            daemon.address.escape_debug()
        ),
        place: format!("container {}", name.escape_debug()),
        keys: BTreeMap::new(),
        daemon: BTreeMap::new(),
        no_part: vec!["the image, its command and its variables".to_owned()],
        not_looked_at: Vec::new(),
        notes: Vec::new(),
        warnings: Vec::new(),
        directory: PathBuf::from("/"),
        origin: Origin::Handed(Vec::new()),
        words: Words::Container,
    };
    for (name, key) in [
        ("CapAdd", "cap_add"),
        ("CapDrop", "cap_drop"),
        ("CgroupnsMode", "cgroup"),
        ("DeviceCgroupRules", "device_cgroup_rules"),
        ("GroupAdd", "group_add"),
        ("IpcMode", "ipc"),
        ("NetworkMode", "network_mode"),
        ("PidMode", "pid"),
        ("Privileged", "privileged"),
        ("ReadonlyRootfs", "read_only"),
        ("Sysctls", "sysctls"),
        ("UTSMode", "uts"),
        ("UsernsMode", "userns_mode"),
    ] {
        if !is_nothing(&host[name]) {
            written.keys.insert(key.to_owned(), host[name].clone());
        }
    }
    for (name, flag) in NOT_LOOKED_AT {
        if !is_nothing(&host[name]) {
            written.not_looked_at.push(flag.to_owned());
        }
    }
    if !matches!(host["Runtime"].as_str(), None | Some("" | "runc")) {
        written.not_looked_at.push("--runtime (another runtime may sandbox it, or not)".to_owned());
    }
    user(description, look, &mut written);
    security(host, &mut written);
    mounts(description, &mut written);
    limits(host, &mut written);
    of_the_daemon(daemon, &mut written);
    written
}

/// The image's own user included. A name is looked up in the container's first process, if that runs.
fn user(description: &Value, look: &dyn Look, written: &mut Written) {
    let user = description["Config"]["User"].as_str().unwrap_or_default();
    let by_name = user.split(':').any(|part| part.parse::<u32>().is_err());
    let pid = description["State"]["Pid"].as_i64().unwrap_or(0);
    let found = (by_name && pid > 0).then(|| look.ids_of(pid)).flatten();
    let user = match found {
        Some((uid, gid)) if !user.is_empty() => {
            let user = user.escape_debug();
            written.notes.push(format!("the user '{user}' is {uid}:{gid}, as its first process has it"));
            format!("{uid}:{gid}")
        }
        _ => user.to_owned(),
    };
    if !user.is_empty() {
        written.keys.insert("user".to_owned(), user.into());
    }
}

/// Options; a filter's text is in its option. `systempaths=unconfined` is kept as empty lists.
fn security(host: &Value, written: &mut Written) {
    let mut options = Vec::new();
    for option in strings(&host["SecurityOpt"]) {
        match option.strip_prefix("seccomp=").or_else(|| option.strip_prefix("seccomp:")) {
            Some(text) if text.trim_start().starts_with('{') => {
                written.origin = Origin::Handed(vec![(FILTER.to_owned(), text.to_owned())]);
                options.push(format!("seccomp={FILTER}"));
                written.notes.push("its seccomp profile came with its description, and is used".to_owned());
            }
            _ => options.push(option),
        }
    }
    if host["Privileged"] != true {
        let lists = [&host["MaskedPaths"], &host["ReadonlyPaths"]];
        if lists.iter().all(|list| list.as_array().is_some_and(Vec::is_empty)) {
            options.push("systempaths=unconfined".to_owned());
        } else if !lists.iter().all(|list| list.is_null() || is_usual(&strings(list))) {
            written.not_looked_at.push("its own lists of masked and read-only paths".to_owned());
        }
    }
    if !options.is_empty() {
        written.keys.insert("security_opt".to_owned(), options.into());
    }
}

/// Whether a list holds only what Docker covers by itself, in this version or another.
fn is_usual(paths: &[String]) -> bool {
    let known = |path: &String| {
        let listed = |list: &[&str]| list.contains(&path.as_str());
        // Later versions name a path for each processor.
        listed(&defaults::MASKED_PATHS)
            || listed(&defaults::READ_ONLY_PATHS)
            || path.ends_with("/thermal_throttle")
            || path == "/proc/interrupts"
    };
    !paths.is_empty() && paths.iter().all(known)
}

fn mounts(description: &Value, written: &mut Written) {
    let mut volumes = Vec::new();
    for mount in description["Mounts"].as_array().into_iter().flatten() {
        let text = |name: &str| mount[name].as_str().unwrap_or_default();
        let (kind, target) = (text("Type"), text("Destination"));
        let source = if kind == "volume" { text("Name") } else { text("Source") };
        let mut volume = json!({"type": kind, "source": source, "target": target});
        if mount["RW"] == false {
            volume["read_only"] = true.into();
        }
        if let Some(relabel) = text("Mode").split(',').find(|option| matches!(*option, "z" | "Z")) {
            volume["bind"] = json!({"selinux": relabel});
        }
        volumes.push(volume);
    }
    let in_memory = description["HostConfig"]["Tmpfs"].as_object().into_iter().flatten();
    let in_memory: Vec<String> = in_memory
        .map(|(target, options)| match options.as_str() {
            None | Some("") => target.clone(),
            Some(options) => format!("{target}:{options}"),
        })
        .collect();
    for (key, list) in [("volumes", Value::from(volumes)), ("tmpfs", Value::from(in_memory))] {
        if !is_nothing(&list) {
            written.keys.insert(key.to_owned(), list);
        }
    }
}

fn limits(host: &Value, written: &mut Written) {
    for (name, key) in [("Memory", "mem_limit"), ("PidsLimit", "pids_limit")] {
        if host[name].as_i64().is_some_and(|limit| limit > 0) {
            written.keys.insert(key.to_owned(), host[name].clone());
        }
    }
    let mut ulimits = serde_json::Map::new();
    for limit in host["Ulimits"].as_array().into_iter().flatten() {
        let name = limit["Name"].as_str().unwrap_or_default();
        ulimits.insert(name.to_owned(), json!({"soft": limit["Soft"], "hard": limit["Hard"]}));
    }
    if !ulimits.is_empty() {
        written.keys.insert("ulimits".to_owned(), Value::Object(ulimits));
    }
    let devices = host["Devices"].as_array().into_iter().flatten().map(|device| {
        json!({
            "source": device["PathOnHost"],
            "target": device["PathInContainer"],
            "permissions": device["CgroupPermissions"],
        })
    });
    let devices = Value::Array(devices.collect());
    if !is_nothing(&devices) {
        written.keys.insert("devices".to_owned(), devices);
    }
}

/// What the daemon gives every container.
fn of_the_daemon(daemon: &Daemon<'_>, written: &mut Written) {
    for option in daemon.security {
        let parts: Vec<&str> = option.split(',').collect();
        match parts[..] {
            ["name=userns", ..] => {
                written.daemon.insert("userns-remap".to_owned(), "default".into());
                written.notes.push("the daemon remaps user ids; which to, is not asked".to_owned());
            }
            ["name=seccomp", profile] if !matches!(profile, "profile=default" | "profile=builtin") => {
                let profile = profile.trim_start_matches("profile=").escape_debug().to_string();
                written
                    .not_looked_at
                    .push(format!("the daemon's own default seccomp profile, {profile} (Docker's is used)"));
            }
            ["name=no-new-privileges", ..] => {
                let list = written.keys.entry("security_opt".to_owned());
                if let Value::Array(list) = list.or_insert_with(|| Value::Array(Vec::new())) {
                    list.push("no-new-privileges".into());
                }
            }
            ["name=rootless", ..] => written
                .not_looked_at
                .push("the daemon's own user namespace (it runs without root)".to_owned()),
            _ => {}
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
}

/// What the daemon writes where nothing was asked for.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::Scripted;
    use super::super::{Tryout, adapt};
    use super::*;

    fn tried(description: &Value, security: &[&str]) -> Tryout {
        let security: Vec<String> = security.iter().map(|&option| option.to_owned()).collect();
        let daemon = Daemon { version: "20.10.24", address: "unix:///d.sock", security: &security };
        adapt(read(description, &daemon, &Scripted), &Scripted).unwrap()
    }

    #[test]
    fn a_description_becomes_settings() {
        let tryout = tried(
            &json!({
                "Name": "/my db", "State": {"Pid": 7}, "Config": {"User": "postgres"},
                "HostConfig": {
                    "CapDrop": ["ALL"], "CapAdd": ["CAP_CHOWN"], "NetworkMode": "host", "IpcMode": "private",
                    "PidMode": "", "Privileged": false, "ReadonlyRootfs": true, "Memory": 67_108_864,
                    "PidsLimit": 100, "CgroupnsMode": "private", "NanoCpus": 500_000_000_i64,
                    "SecurityOpt": ["no-new-privileges", "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"],
                    "MaskedPaths": [], "ReadonlyPaths": [], "Runtime": "runc",
                    "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": -1}],
                    "Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}],
                    "Tmpfs": {"/run": "size=1m"},
                },
                "Mounts": [
                    {"Type": "bind", "Source": "/etc", "Destination": "/e", "RW": false, "Mode": "ro,z"},
                    {"Type": "volume", "Name": "v", "Source": "/var/lib/docker/volumes/v/_data", "Destination": "/v", "RW": true},
                ],
            }),
            &["name=seccomp,profile=default", "name=userns"],
        );
        assert_eq!(
            Value::Object(tryout.written.keys.clone().into_iter().collect()),
            json!({
                "user": "999:998", "cap_drop": ["ALL"], "cap_add": ["CAP_CHOWN"], "network_mode": "host",
                "read_only": true, "mem_limit": "67108864", "pids_limit": 100,
                "security_opt": ["no-new-privileges", "seccomp=the-containers-own-filter", "systempaths=unconfined"],
                "ulimits": {"nofile": {"soft": 1, "hard": u64::MAX}}, "devices": ["/dev/fuse:/dev/fuse:rwm"],
                "tmpfs": ["/run:size=1m"], "volumes": ["${LAB}/etc:/host/etc:ro,z"],
            })
        );
        assert_eq!(tryout.written.id, "my-db");
        let scenario = tryout.scenario().unwrap();
        assert_eq!(scenario.file.daemon["userns-remap"], "default");
        assert!(scenario.origin.read(FILTER).unwrap().contains("SCMP_ACT_ALLOW"));
    }

    #[test]
    fn what_docker_describes_for_a_plain_container_is_nothing() {
        let description = json!({
            "Name": "/plain", "Config": {"User": ""},
            "HostConfig": {
                "NetworkMode": "default", "IpcMode": "private", "CgroupnsMode": "private", "SecurityOpt": null,
                "MaskedPaths": ["/proc/acpi", "/proc/kcore"], "ReadonlyPaths": ["/proc/sys"], "PidsLimit": null,
            },
            "Mounts": [],
        });
        let tryout = tried(&description, &[]);
        assert_eq!(tryout.written.keys, BTreeMap::new());
        assert!(tryout.written.not_looked_at.is_empty(), "{:?}", tryout.written.not_looked_at);
    }

    #[test]
    fn a_description_of_anything_at_all_is_no_panic() {
        for description in [json!(null), json!([]), json!({"Mounts": {}, "HostConfig": 7, "Name": 8})] {
            tried(&description, &["", "name=userns,x,y"]);
        }
    }
}
