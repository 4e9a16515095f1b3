//! `config.json` of the OCI runtime specification, made from the same settings that the built-in engine gets, in
//! the way in which Docker's daemon makes it.
//!
//! From moby `oci/defaults.go`, `oci/oci.go` and `daemon/oci_linux.go` at v26.1.5. It never looks at how the
//! built-in engine does the same.

use std::path::Path;

use serde_json::{Value, json};
use whyblocked::capability::Capability;
use whyblocked::seccomp::write_json::{Dialect, write};
use whyblocked::settings::{BindSource, DeviceRule, Settings, UserNamespace};
use whyblocked_agent::layout;

/// The whole file, for a process that is given `argument`.
pub(super) fn config(settings: &Settings, argument: &str, lab: &Path, cgroup: &str) -> Value {
    let mut config = json!({
        "ociVersion": "1.0.2",
        "process": process(settings, argument),
        "root": { "path": "rootfs", "readonly": settings.read_only_root },
        "mounts": mounts(settings, lab),
        "linux": linux(settings, cgroup),
    });
    if settings.namespaces.uts {
        config["hostname"] = json!("whyblocked");
    }
    config
}

fn process(settings: &Settings, argument: &str) -> Value {
    let identity = &settings.identity;
    let held: Vec<&str> = settings.capabilities.iter().map(Capability::name).collect();
    // As execve would: a user that is not root starts without effective and permitted capabilities.
    let effective = if identity.uid == 0 { held.clone() } else { Vec::new() };
    let rlimits: Vec<Value> = settings
        .limits
        .ulimits
        .iter()
        .map(|limit| {
            let kind = format!("RLIMIT_{}", limit.name.to_uppercase());
            json!({ "type": kind, "soft": limit.soft, "hard": limit.hard })
        })
        .collect();
    json!({
        "terminal": false,
        "user": { "uid": identity.uid, "gid": identity.gid, "additionalGids": identity.groups },
        "args": [layout::AGENT, argument],
        "env": ["PATH=/"],
        "cwd": "/",
        "capabilities": { "bounding": held, "effective": effective, "permitted": effective },
        "rlimits": rlimits,
        "noNewPrivileges": settings.no_new_privileges,
    })
}

fn mounts(settings: &Settings, lab: &Path) -> Vec<Value> {
    let sys = if settings.read_only_kernel_mounts { "ro" } else { "rw" };
    // Docker leaves the control groups writable under userns-remap: runc could not remount them there.
    let cgroup = if settings.user_namespace.is_some() { "rw" } else { sys };
    let quiet = |first: &'static str| vec![first, "nosuid", "noexec", "nodev"];
    let mut mounts = vec![
        mount("/proc", "proc", &quiet("rw")),
        mount("/dev", "tmpfs", &["rw", "nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            &["rw", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", &quiet(sys)),
        mount("/sys/fs/cgroup", "cgroup", &quiet(cgroup)),
        mount("/dev/mqueue", "mqueue", &quiet("rw")),
    ];
    if settings.namespaces.ipc {
        let options = [quiet("rw"), vec!["mode=1777", "size=67108864"]].concat();
        mounts.push(mount("/dev/shm", "tmpfs", &options));
    } else {
        mounts.push(bind(Path::new("/dev/shm"), "/dev/shm", false));
    }
    // What the agent's layout asks for in every container.
    mounts.push(mount(layout::SCRATCH, "tmpfs", &["rw", "mode=1777", "size=32m"]));
    for tmpfs in &settings.tmpfs {
        let flag = |bit, name| (tmpfs.flags & bit != 0).then_some(name);
        let flags = [
            flag(libc::MS_RDONLY, "ro"),
            flag(libc::MS_NOSUID, "nosuid"),
            flag(libc::MS_NODEV, "nodev"),
            flag(libc::MS_NOEXEC, "noexec"),
        ];
        let own = tmpfs.options.split(',').filter(|option| !option.is_empty());
        let options: Vec<&str> = flags.into_iter().flatten().chain(own).collect();
        mounts.push(mount(&tmpfs.target, "tmpfs", &options));
    }
    for one in &settings.binds {
        let source = match &one.source {
            BindSource::Lab(below) => lab.join(below),
            BindSource::Host(path) => path.clone(),
        };
        mounts.push(bind(&source, &one.target, one.read_only));
    }
    mounts
}

fn mount(target: &str, kind: &str, options: &[&str]) -> Value {
    json!({ "destination": target, "type": kind, "source": kind, "options": options })
}

fn bind(source: &Path, target: &str, read_only: bool) -> Value {
    let access = if read_only { "ro" } else { "rw" };
    json!({
        "destination": target,
        "type": "bind",
        "source": source,
        "options": ["rbind", "rprivate", access],
    })
}

fn linux(settings: &Settings, cgroup: &str) -> Value {
    let own = settings.namespaces;
    let namespaces: Vec<Value> = [
        ("mount", own.mount),
        ("pid", own.pid),
        ("network", own.network),
        ("ipc", own.ipc),
        ("uts", own.uts),
        ("cgroup", own.cgroup),
        ("user", settings.user_namespace.is_some()),
    ]
    .into_iter()
    .filter(|(_, own)| *own)
    .map(|(kind, _)| json!({ "type": kind }))
    .collect();
    let mut linux = json!({
        "namespaces": namespaces,
        "cgroupsPath": cgroup,
        "maskedPaths": settings.masked_paths,
        "readonlyPaths": settings.read_only_paths,
        "sysctl": settings.sysctls,
        "resources": resources(settings),
    });
    if let Some(policy) = &settings.seccomp {
        linux["seccomp"] = write(policy, Dialect::Whole).profile;
    }
    if let Some(UserNamespace::Remap(range)) = settings.user_namespace {
        let ids = json!([{ "containerID": 0, "hostID": range.first, "size": range.size }]);
        linux["uidMappings"] = ids.clone();
        linux["gidMappings"] = ids;
    }
    linux
}

fn resources(settings: &Settings) -> Value {
    let devices: Vec<Value> = match &settings.devices.allowed {
        None => vec![json!({ "allow": true, "access": "rwm" })],
        Some(rules) => {
            let nothing = json!({ "allow": false, "access": "rwm" });
            std::iter::once(nothing).chain(rules.iter().map(device)).collect()
        }
    };
    let mut resources = json!({ "devices": devices });
    if let Some(pids) = settings.limits.pids {
        resources["pids"] = json!({ "limit": pids });
    }
    if let Some(bytes) = settings.limits.memory {
        // Docker allows as much swap again unless told otherwise; the built-in engine allows none.
        resources["memory"] = json!({ "limit": bytes });
    }
    resources
}

fn device(rule: &DeviceRule) -> Value {
    let number = |number: Option<u32>| number.map_or(-1, i64::from);
    json!({
        "allow": true,
        "type": rule.kind.to_string(),
        "major": number(rule.major),
        "minor": number(rule.minor),
        "access": rule.access,
    })
}
