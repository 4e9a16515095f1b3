//! Settings, and the JSON that is sent.

use rstest::rstest;

use super::*;
use crate::engine::docker::surroundings::Surroundings;
use crate::engine::lab::Places;
use crate::seccomp::write_json::Dialect;
use crate::testing;

fn base() -> Base {
    let settings = testing::settings("docker-default");
    Base {
        capabilities: CapabilitySet::ALL,
        masked_paths: settings.masked_paths,
        read_only_paths: settings.read_only_paths,
        limits: vec![values_of("nofile", 20), values_of("nproc", 30)],
        group: Some("/whyblocked-run-1-0".to_owned()),
    }
}

fn values_of(name: &str, limit: u64) -> Ulimit {
    crate::scenario::values::ulimit(name, limit, limit).unwrap()
}

fn sent(settings: &Settings, base: &Base) -> Result<Value, String> {
    let surroundings = Surroundings { queues: true, ..Surroundings::default() };
    let lab = Places::of_its_own(Path::new("/tmp/lab/0"));
    let given = Given {
        argument: "{}",
        lab: Some(&lab),
        run: "whyblocked-run-1-0",
        dialect: Dialect::Whole,
        hidden: Path::new("/none"),
        empty: Path::new("/tmp/run/root"),
        surroundings: &surroundings,
    };
    body(
        "whyblocked-run-1-0-7",
        "localhost/whyblocked-agent:0",
        settings,
        &given,
        base,
        Some(Path::new("/tmp/f.json")),
    )
    .map_err(|error| error.to_string())
}

/// Docker's defaults with one thing changed: what is sent at some place.
#[rstest]
#[case::the_label(|_: &mut Settings| {}, "/labels", json!({ "whyblocked.run": "whyblocked-run-1-0" }))]
#[case::nothing_is_added(|_: &mut Settings| {}, "/cap_add", json!([]))]
#[case::the_filter_is_a_file(|_: &mut Settings| {}, "/seccomp_profile_path", json!("/tmp/f.json"))]
#[case::all_paths_stay(|_: &mut Settings| {}, "/unmask", json!([]))]
#[case::a_path_is_opened(|s: &mut Settings| s.masked_paths.retain(|path| path != "/proc/keys"), "/unmask", json!(["/proc/keys"]))]
#[case::a_path_is_masked(|s: &mut Settings| s.masked_paths.push("/proc/uptime".to_owned()), "/mask", json!(["/proc/uptime"]))]
#[case::own_network(|_: &mut Settings| {}, "/netns", json!({ "nsmode": "none" }))]
#[case::host_network(|s: &mut Settings| s.namespaces.network = false, "/netns", json!({ "nsmode": "host" }))]
#[case::user(|s: &mut Settings| s.identity.uid = 1000, "/user", json!("1000:0"))]
#[case::no_pids_limit_is_said(|_: &mut Settings| {}, "/resource_limits/pids", json!({ "limit": 0 }))]
#[case::pids(|s: &mut Settings| s.limits.pids = Some(20), "/resource_limits/pids", json!({ "limit": 20 }))]
#[case::a_limit_of_the_containers(|s: &mut Settings| s.limits.ulimits = vec![values_of("nproc", 5)], "/r_limits", json!([{ "type": "nproc", "soft": 5, "hard": 5 }, { "type": "nofile", "soft": 20, "hard": 20 }]))]
#[case::its_group(|_: &mut Settings| {}, "/cgroup_parent", json!("/whyblocked-run-1-0"))]
#[case::every_device(|s: &mut Settings| s.devices.allowed = None, "/device_cgroup_rule", json!([{ "allow": true, "type": "a", "access": "rwm" }]))]
#[case::no_user_namespace(|_: &mut Settings| {}, "/userns", Value::Null)]
#[case::a_user_namespace(|s: &mut Settings| s.user_namespace = Some(UserNamespace::Remap(IdRange { first: 7, size: 9 })), "/idmappings/UIDMap/0", json!({ "container_id": 0, "host_id": 7, "size": 9 }))]
fn one_setting(#[case] change: fn(&mut Settings), #[case] place: &str, #[case] expected: Value) {
    let mut settings = testing::settings("docker-default");
    change(&mut settings);
    let sent = sent(&settings, &base()).unwrap();
    assert_eq!(sent.pointer(place).unwrap_or(&Value::Null), &expected, "{sent:#}");
}

#[test]
fn every_capability_that_is_not_wanted_is_dropped() {
    let settings = testing::settings("docker-default");
    let sent = sent(&settings, &base()).unwrap();
    let dropped = sent["cap_drop"].as_array().unwrap().len();
    assert_eq!(dropped, CapabilitySet::ALL.without(settings.capabilities).iter().count());
}

#[test]
fn what_podman_has_no_words_for_is_refused() {
    let mut settings = testing::settings("docker-default");
    settings.read_only_paths.push("/proc/nothing".to_owned());
    assert!(sent(&settings, &base()).unwrap_err().contains("/proc/nothing is to be read-only"));
    let mut settings = testing::settings("docker-default");
    settings.identity.uid = 1000;
    let less = Base { capabilities: CapabilitySet::EMPTY, ..base() };
    assert!(sent(&settings, &less).unwrap_err().contains("effective for a user other than root"));
    settings.identity.uid = 0;
    assert!(sent(&settings, &less).is_ok());
}

#[test]
fn kernel_mounts_are_writable_where_they_are_to_be() {
    let mut settings = testing::settings("docker-default");
    settings.read_only_kernel_mounts = false;
    let kinds = |settings: &Settings| -> Vec<(String, String)> {
        let sent = sent(settings, &base()).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mounts = sent["mounts"].as_array().unwrap().iter();
        mounts
            .map(|mount| (text(&mount["destination"]), text(&mount["type"])))
            .filter(|(path, _)| path.starts_with("/sys"))
            .collect()
    };
    let pair = |path: &str, kind: &str| (path.to_owned(), kind.to_owned());
    assert_eq!(kinds(&settings), [pair("/sys", "sysfs"), pair("/sys/fs/cgroup", "cgroup")]);
    // Whoever mounts sysfs must own the network.
    settings.namespaces.network = false;
    settings.user_namespace = Some(UserNamespace::Caller { uid: 1, gid: 1, more: None });
    assert_eq!(kinds(&settings), [pair("/sys", "bind"), pair("/sys/fs/cgroup", "cgroup")]);
}
