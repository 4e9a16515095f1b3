//! An OCI runtime that is runc, but for namespaces that a container is to share with the host although Docker refuses
//! that under `userns-remap`. It changes the bundle's `config.json` and hands everything to runc; it runs on the host.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::layout;

/// Adapts the bundle if there is one to create, and becomes runc. Returns only if that fails.
pub fn become_runc(arguments: Vec<OsString>) -> i32 {
    if let Err(error) = adapt(&arguments) {
        eprintln!("whyblocked: the bundle cannot be adapted: {error}");
        return 1;
    }
    let error = Command::new("runc").args(arguments).exec();
    eprintln!("whyblocked: runc cannot be started: {error}");
    1
}

fn adapt(arguments: &[OsString]) -> std::io::Result<()> {
    let Some(bundle) = bundle(arguments) else { return Ok(()) };
    let file = bundle.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file)?)?;
    let shared = take_shared(&mut config);
    if shared.is_empty() {
        return Ok(());
    }
    share(&mut config, &shared, |path| Path::new(path).exists());
    fs::write(file, serde_json::to_vec(&config)?)
}

/// `create … --bundle DIR …`, in any order; the directory may also be the current one.
fn bundle(arguments: &[OsString]) -> Option<PathBuf> {
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    words.iter().any(|word| word == "create").then_some(())?;
    let place = words.iter().position(|word| word == "--bundle" || word == "-b");
    Some(place.and_then(|place| arguments.get(place + 1)).map_or_else(|| PathBuf::from("."), PathBuf::from))
}

/// Takes the variable that says what is shared out of the process's environment.
fn take_shared(config: &mut Value) -> Vec<String> {
    let Some(environment) = config.pointer_mut("/process/env").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let prefix = format!("{}=", layout::SHARED_NAMESPACES);
    let mut shared = Vec::new();
    environment.retain(|entry| match entry.as_str().and_then(|entry| entry.strip_prefix(&prefix)) {
        Some(names) => {
            shared.extend(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned));
            false
        }
        None => true,
    });
    shared
}

/// Leaves the namespaces out. What they would have owned cannot be mounted anew then: the host's is bound, if it is there.
fn share(config: &mut Value, shared: &[String], there: impl Fn(&str) -> bool) {
    let is_shared = |name: &str| shared.iter().any(|one| one == name);
    if let Some(namespaces) = config.pointer_mut("/linux/namespaces").and_then(Value::as_array_mut) {
        namespaces.retain(|one| !one["type"].as_str().is_some_and(is_shared));
    }
    if is_shared("network")
        && let Some(config) = config.as_object_mut()
    {
        // It would configure the host's network as if it were the container's.
        config.remove("hooks");
    }
    if is_shared("network")
        && let Some(parameters) = config.pointer_mut("/linux/sysctl").and_then(Value::as_object_mut)
    {
        // They are the host's now, and not to be set.
        parameters.retain(|name, _| !name.starts_with("net."));
    }
    let Some(mounts) = config.pointer_mut("/mounts").and_then(Value::as_array_mut) else { return };
    let source = |mount: &Value| match mount["type"].as_str() {
        Some("proc") if is_shared("pid") => Some("/proc"),
        Some("sysfs") if is_shared("network") => Some("/sys"),
        Some("mqueue") if is_shared("ipc") => Some("/dev/mqueue"),
        _ => None,
    };
    mounts.retain(|mount| source(mount).is_none_or(&there));
    for mount in mounts {
        let Some(source) = source(mount) else { continue };
        let kept = mount["options"].as_array().cloned().unwrap_or_default();
        let options: Vec<Value> = [json!("rbind")].into_iter().chain(kept).collect();
        *mount = json!({ "destination": mount["destination"], "type": "bind", "source": source, "options": options });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_left_out_and_the_host_s_is_bound() {
        let mut config = json!({
            "process": { "env": ["PATH=/", "WHYBLOCKED_SHARED_NAMESPACES=pid,network,ipc"] },
            "hooks": { "prestart": [{ "path": "/usr/bin/dockerd" }] },
            "linux": {
                "sysctl": { "net.ipv4.ping_group_range": "0 1", "kernel.shm_rmid_forced": "1" },
                "namespaces": [{ "type": "mount" }, { "type": "pid" }, { "type": "network" }, { "type": "user" }],
            },
            "mounts": [
                { "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"] },
                { "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"] },
                { "destination": "/dev", "type": "tmpfs", "source": "tmpfs" },
                { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue" },
            ],
        });
        let shared = take_shared(&mut config);
        assert_eq!(shared, ["pid", "network", "ipc"]);
        share(&mut config, &shared, |path| path != "/dev/mqueue");
        assert_eq!(
            config,
            json!({
                "process": { "env": ["PATH=/"] },
                "linux": {
                    "sysctl": { "kernel.shm_rmid_forced": "1" },
                    "namespaces": [{ "type": "mount" }, { "type": "user" }],
                },
                "mounts": [
                    { "destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind", "nosuid"] },
                    { "destination": "/sys", "type": "bind", "source": "/sys", "options": ["rbind", "ro"] },
                    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs" },
                ],
            })
        );
    }

    #[test]
    fn only_what_is_created_is_looked_at() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(bundle(&words("--root /r create --bundle /b ID")), Some("/b".into()));
        assert_eq!(bundle(&words("--root /r start ID")), None);
    }
}
