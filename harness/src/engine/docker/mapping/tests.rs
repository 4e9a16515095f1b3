//! Settings, and the JSON that is sent.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::engine::lab::Places;
use crate::settings::{Bind, BindSource, DaemonSettings, IdRange, Relabel, Ulimit, UserNamespace};
use crate::testing;

fn surroundings() -> Surroundings {
    let kmsg = DeviceRule { kind: 'c', major: Some(1), minor: Some(11), access: "rwm".to_owned() };
    Surroundings {
        directories: vec!["/etc".to_owned(), "/usr".to_owned()],
        links: Vec::new(),
        devices: vec![("/dev/kmsg".to_owned(), kmsg)],
        sys: vec!["/sys".to_owned(), "/sys/kernel/debug".to_owned()],
        closed: vec!["/sys/kernel/debug".to_owned()],
        queues: true,
    }
}

fn mapped(settings: &Settings) -> Result<Value, String> {
    let surroundings = surroundings();
    let lab = Places::of_its_own(Path::new("/tmp/lab/0"));
    let given = Given {
        argument: "{}",
        lab: Some(&lab),
        run: "whyblocked-run-1-0",
        dialect: Dialect::Whole,
        hidden: Path::new("/usr/bin"),
        empty: Path::new("/tmp/run/root"),
        surroundings: &surroundings,
    };
    let body = body(settings, &given).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(body).unwrap())
}

/// Docker's defaults with one thing changed: what is sent at some place.
#[rstest]
#[case::the_label(|_: &mut Settings| {}, "/Labels", json!({ "whyblocked.run": "whyblocked-run-1-0" }))]
#[case::user(|s: &mut Settings| s.identity.uid = 1000, "/User", json!("1000:0"))]
#[case::groups(|s: &mut Settings| s.identity.groups = vec![5, 7], "/HostConfig/GroupAdd", json!(["5", "7"]))]
#[case::never_privileged(|s: &mut Settings| s.namespaces.mount = false, "/HostConfig/Privileged", json!(false))]
#[case::no_capability(|s: &mut Settings| s.capabilities = crate::capability::CapabilitySet::EMPTY, "/HostConfig/CapAdd", json!([]))]
#[case::all_are_dropped_first(|_: &mut Settings| {}, "/HostConfig/CapDrop", json!(["ALL"]))]
#[case::own_pid(|_: &mut Settings| {}, "/HostConfig/PidMode", json!(""))]
#[case::host_pid(|s: &mut Settings| s.namespaces.pid = false, "/HostConfig/PidMode", json!("host"))]
#[case::own_network(|_: &mut Settings| {}, "/HostConfig/NetworkMode", json!("none"))]
#[case::host_network(|s: &mut Settings| s.namespaces.network = false, "/HostConfig/NetworkMode", json!("host"))]
#[case::own_ipc(|_: &mut Settings| {}, "/HostConfig/IpcMode", json!("private"))]
#[case::host_ipc(|s: &mut Settings| s.namespaces.ipc = false, "/HostConfig/IpcMode", json!("host"))]
#[case::host_uts(|s: &mut Settings| s.namespaces.uts = false, "/HostConfig/UTSMode", json!("host"))]
#[case::own_uts(|_: &mut Settings| {}, "/Hostname", json!("whyblocked"))]
#[case::own_cgroup(|_: &mut Settings| {}, "/HostConfig/CgroupnsMode", json!("private"))]
#[case::host_cgroup(|s: &mut Settings| s.namespaces.cgroup = false, "/HostConfig/CgroupnsMode", json!("host"))]
#[case::users_are_the_hosts(|_: &mut Settings| {}, "/HostConfig/UsernsMode", json!("host"))]
#[case::read_only(|s: &mut Settings| s.read_only_root = true, "/HostConfig/ReadonlyRootfs", json!(true))]
#[case::nothing_masked_is_said(|s: &mut Settings| s.masked_paths.clear(), "/HostConfig/MaskedPaths", json!([]))]
#[case::masked_alone(|s: &mut Settings| s.masked_paths = vec!["/proc/keys".to_owned()], "/HostConfig/MaskedPaths", json!(["/proc/keys"]))]
#[case::nothing_read_only_is_said(|s: &mut Settings| s.read_only_paths.clear(), "/HostConfig/ReadonlyPaths", json!([]))]
#[case::every_device(|s: &mut Settings| s.devices.allowed = None, "/HostConfig/DeviceCgroupRules", json!(["a *:* rwm"]))]
#[case::pids(|s: &mut Settings| s.limits.pids = Some(20), "/HostConfig/PidsLimit", json!(20))]
#[case::memory(|s: &mut Settings| s.limits.memory = Some(1 << 26), "/HostConfig/Memory", json!(1 << 26))]
#[case::and_no_swap(|s: &mut Settings| s.limits.memory = Some(1 << 26), "/HostConfig/MemorySwap", json!(1 << 26))]
#[case::ulimits(
    |s: &mut Settings| s.limits.ulimits.push(Ulimit { name: "nofile", resource: libc::RLIMIT_NOFILE, soft: 10, hard: u64::MAX }),
    "/HostConfig/Ulimits/0", json!({ "Name": "nofile", "Soft": 10, "Hard": -1 })
)]
#[case::sysctls(
    |s: &mut Settings| s.sysctls = [("kernel.shmmax".to_owned(), "1".to_owned())].into(),
    "/HostConfig/Sysctls", json!({ "kernel.shmmax": "1" })
)]
#[case::a_node_with_the_lists_access(
    |s: &mut Settings| s.devices.all_nodes = true,
    "/HostConfig/Devices", json!([{ "PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/kmsg", "CgroupPermissions": "m" }])
)]
#[case::scratch(|_: &mut Settings| {}, "/HostConfig/Tmpfs", json!({ "/scratch": "rw,suid,dev,exec,size=32m" }))]
fn what_is_sent(#[case] change: fn(&mut Settings), #[case] place: &str, #[case] expected: Value) {
    let mut settings = testing::settings("docker-default");
    change(&mut settings);
    assert_eq!(mapped(&settings).unwrap().pointer(place), Some(&expected));
}

fn options(change: fn(&mut Settings)) -> Vec<String> {
    let mut settings = testing::settings("docker-default");
    settings.seccomp = None;
    change(&mut settings);
    security_opt(&settings, Dialect::Whole)
}

#[rstest]
#[case::nothing(|_: &mut Settings| {}, &["seccomp=unconfined", "apparmor=unconfined", "label=disable"])]
#[case::nnp(|s: &mut Settings| s.no_new_privileges = true, &["no-new-privileges", "seccomp=unconfined", "apparmor=unconfined", "label=disable"])]
#[case::apparmor(|s: &mut Settings| s.apparmor = Some("p".to_owned()), &["seccomp=unconfined", "apparmor=p", "label=disable"])]
#[case::selinux(
    |s: &mut Settings| s.selinux = Some("system_u:system_r:container_t:s0:c1,c2".to_owned()),
    &["seccomp=unconfined", "apparmor=unconfined", "label=user:system_u", "label=role:system_r", "label=type:container_t", "label=level:s0:c1,c2"]
)]
fn security_options(#[case] change: fn(&mut Settings), #[case] expected: &[&str]) {
    assert_eq!(options(change), expected);
}

#[test]
fn the_filter_is_sent_as_it_was_resolved() {
    let settings = testing::settings("docker-default");
    let sent = security_opt(&settings, Dialect::Whole);
    let json = sent.iter().find_map(|option| option.strip_prefix("seccomp=")).unwrap();
    let profile: Value = serde_json::from_str(json).unwrap();
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    assert!(!json.contains("includes"), "no condition is left in it");
}

fn targets(settings: &Settings) -> Vec<String> {
    let sent = mapped(settings).unwrap();
    let mounts = sent.pointer("/HostConfig/Mounts").unwrap().as_array().unwrap();
    let show = |mount: &Value| {
        let access = if mount["ReadOnly"] == true { "ro" } else { "rw" };
        format!("{} {} {access}", mount["Source"].as_str().unwrap(), mount["Target"].as_str().unwrap())
    };
    mounts.iter().map(show).collect()
}

#[test]
fn a_bind_of_the_laboratory_has_its_path_on_the_host() {
    let mut settings = testing::settings("docker-default");
    settings.binds.push(Bind {
        source: BindSource::Lab("etc".into()),
        target: "/host/etc".to_owned(),
        read_only: true,
        relabel: Relabel::No,
    });
    assert_eq!(targets(&settings), ["/tmp/lab/0/etc /host/etc ro"]);
}

#[test]
fn without_its_mount_namespace_it_has_the_hosts_directories() {
    let mut settings = testing::settings("docker-default");
    settings.namespaces.mount = false;
    let expected = [
        "/dev /dev rw",
        "/etc /etc rw",
        "/tmp/lab/0 /host rw",
        "/sys /sys ro",
        "/sys/kernel/debug /sys/kernel/debug ro",
        "/usr /usr rw",
        // What is laid over the daemon's data.
        "/tmp/run/root /usr/bin ro",
    ];
    assert_eq!(targets(&settings), expected);
    settings.read_only_kernel_mounts = false;
    assert!(targets(&settings).contains(&"/sys /sys rw".to_owned()));
}

#[test]
fn a_remapped_root_is_not_asked_to_mount_over_what_is_closed_to_it() {
    let mut settings = testing::settings("docker-default");
    settings.namespaces.mount = false;
    settings.user_namespace = Some(UserNamespace::Remap(IdRange { first: 100_000, size: 65_536 }));
    let daemon = DaemonSettings { config: "{}".to_owned(), etc: Vec::new() };
    settings.daemon = Some(daemon.into());
    let targets = targets(&settings);
    assert!(targets.contains(&"/sys /sys ro".to_owned()), "{targets:?}");
    assert!(!targets.iter().any(|target| target.contains("/sys/kernel/debug")), "{targets:?}");
}

#[rstest]
#[case::shared(Relabel::Shared, false, "/tmp/lab/0/etc:/host/etc:rw,z")]
#[case::private(Relabel::Private, true, "/tmp/lab/0/etc:/host/etc:ro,Z")]
fn relabelled_binds_have_the_short_form(
    #[case] relabel: Relabel,
    #[case] read_only: bool,
    #[case] sent: &str,
) {
    let mut settings = testing::settings("docker-default");
    let source = BindSource::Lab("etc".into());
    settings.binds.push(Bind { source, target: "/host/etc".to_owned(), read_only, relabel });
    let body = mapped(&settings).unwrap();
    assert_eq!(body["HostConfig"]["Binds"], json!([sent]));
    assert_eq!(body["HostConfig"]["Mounts"], json!([]));
}

#[test]
fn nothing_is_made_on_the_host_to_mount_upon() {
    let mut settings = testing::settings("docker-default");
    settings.namespaces.mount = false;
    settings.binds.push(Bind {
        source: BindSource::Host("/etc".into()),
        target: "/usr/no/such/directory".to_owned(),
        read_only: true,
        relabel: Relabel::No,
    });
    assert!(mapped(&settings).unwrap_err().contains("would have to be made on the host"));
}

#[test]
fn a_user_namespace_of_its_own_is_said_to_be_the_daemons_to_give() {
    let mut settings = testing::settings("docker-default");
    settings.user_namespace = Some(UserNamespace::Remap(IdRange { first: 100_000, size: 65_536 }));
    let error = mapped(&settings).unwrap_err();
    assert!(error.contains("userns-remap"), "{error}");
}
