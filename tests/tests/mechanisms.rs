//! Rules about the mechanisms, each a test.

use std::collections::BTreeSet;
use std::fs;

use rstest::rstest;
use whyblocked::capability::CapabilitySet;
use whyblocked::host::{Host, Reach};
use whyblocked::mechanism::{ALL, Entry, Mechanism};
use whyblocked::scenario::defaults::Defaults;
use whyblocked::scenario::file::Service;
use whyblocked::scenario::{Context, Origin, Scenario};
use whyblocked::seccomp::DefaultProfile;
use whyblocked::settings::Settings;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../harness/src/mechanism");

/// A fragment: something, without a full stop.
fn assert_fragment(of: &Entry, text: &str) {
    assert!(text.len() > 5, "{}: '{text}' says nothing", of.id);
    assert_eq!(text, text.trim(), "{}", of.id);
    assert!(!text.ends_with('.'), "{}: '{text}' is a fragment and ends without a full stop", of.id);
}

#[test]
fn every_mechanism_is_a_file_of_its_own_name() {
    let mut files: BTreeSet<String> = fs::read_dir(FILES)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "mod.rs")
        .collect();
    for entry in ALL {
        let name = format!("{}.rs", entry.id.id().replace('-', "_"));
        assert!(files.remove(&name), "{name} is missing");
        let text = fs::read_to_string(format!("{FILES}/{name}")).unwrap();
        assert!(text.contains(&format!("id: Mechanism::{:?},", entry.id)), "{name} is another mechanism's");
        assert!(text.starts_with("//! "), "{name} does not say what it is for");
    }
    assert!(files.is_empty(), "no mechanism's: {files:?}");
}

#[test]
fn every_mechanism_cites_a_source() {
    for entry in ALL {
        assert!(!entry.sources.is_empty(), "{} cites nothing", entry.id);
        for source in entry.sources {
            assert!(source.starts_with("https://"), "{}: {source}", entry.id);
        }
        let kernel = entry.sources.iter().any(|source| source.contains("elixir.bootlin.com/linux/v"));
        assert!(kernel, "{} names no version of the kernel's source", entry.id);
        let different: BTreeSet<&&str> = entry.sources.iter().collect();
        assert_eq!(different.len(), entry.sources.len(), "{} cites something twice", entry.id);
    }
}

#[test]
fn every_mechanism_names_a_check_and_what_it_asks() {
    for entry in ALL {
        assert!(!entry.checks.is_empty(), "{} names no check", entry.id);
        for check in entry.checks {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(check.function.chars().all(plain), "{}: {} is no function", entry.id, check.function);
            assert_fragment(entry, check.asks);
        }
    }
}

#[test]
fn every_mechanism_says_how_a_trace_names_it() {
    for entry in ALL {
        let sentences = entry.trace.split(". ").count();
        assert!((2..=4).contains(&sentences), "{}: {sentences} sentences", entry.id);
        assert!(entry.trace.ends_with('.'), "{}", entry.id);
        let audit = ["audit", "Audit"].iter().any(|word| entry.trace.contains(word));
        assert!(audit, "{} does not say whether it is audited", entry.id);
    }
}

#[test]
fn every_errno_has_a_name() {
    for entry in ALL {
        for errno in entry.errnos {
            let known = (1..=133).any(|number| whyblocked::observation::errno_name(number) == *errno);
            assert!(known, "{}: {errno}", entry.id);
        }
    }
}

#[test]
fn every_mechanism_is_described_in_a_line() {
    for entry in ALL {
        assert!(entry.about.starts_with(entry.in_a_line()), "{}", entry.id);
        assert!(entry.in_a_line().ends_with('.'), "{}", entry.id);
        assert!(entry.in_a_line().len() <= 180, "{}: the first sentence is no line", entry.id);
    }
}

#[test]
fn a_mechanism_with_a_knob_says_how_to_turn_it() {
    for entry in ALL {
        assert_eq!(entry.relax.is_some(), !entry.keys.is_empty(), "{}", entry.id);
        assert!(!entry.open_with.is_empty(), "{}", entry.id);
        for key in entry.keys {
            assert_fragment(entry, key.turns);
        }
    }
}

#[test]
fn every_key_is_one_of_a_service_or_a_daemon_and_every_key_of_a_service_turns_something() {
    // serde lists the keys where one of them is wrong.
    let refusal = serde_json::from_str::<Service>(r#"{"?": 0}"#).unwrap_err().to_string();
    let mut unused: BTreeSet<&str> = refusal.split('`').skip(3).step_by(2).collect();
    let known = unused.clone();
    assert!(known.contains("cap_add"), "{refusal}");
    for entry in ALL {
        for key in entry.keys {
            let name = key.key.split(':').next().unwrap();
            assert!(name == "daemon" || known.contains(name), "{}: {}", entry.id, key.key);
            unused.remove(name);
        }
    }
    assert!(unused.is_empty(), "no mechanism says what these turn: {unused:?}");
}

/// What the pages say of a key, tried: the mechanism is on in such a service, or off. Labels that are on are not
/// among them: they are made from the label of this process, and few machines have one.
#[rstest]
#[case("pid: host", Mechanism::PidNamespace, false)]
#[case("network_mode: host", Mechanism::NetworkNamespace, false)]
#[case("network_mode: none", Mechanism::NetworkNamespace, true)]
#[case("ipc: host", Mechanism::IpcNamespace, false)]
#[case("ipc: none", Mechanism::IpcNamespace, true)]
#[case("uts: host", Mechanism::UtsNamespace, false)]
#[case("cgroup: host", Mechanism::CgroupNamespace, false)]
#[case("{}", Mechanism::CgroupNamespace, true)]
#[case("volumes: [\"/etc:/host/etc\"]", Mechanism::MountNamespace, true)]
#[case("security_opt: [seccomp=unconfined]", Mechanism::Seccomp, false)]
#[case("security_opt: [seccomp=builtin]", Mechanism::Seccomp, true)]
#[case("{privileged: true, security_opt: [seccomp=builtin]}", Mechanism::Seccomp, true)]
#[case("privileged: true", Mechanism::Seccomp, false)]
#[case("user: \"1000\"", Mechanism::Ownership, true)]
#[case("group_add: [\"5\"]", Mechanism::Ownership, false)]
#[case("cap_add: [ALL]", Mechanism::Capabilities, false)]
#[case("{cap_add: [ALL], cap_drop: [KILL]}", Mechanism::Capabilities, true)]
#[case("{cap_add: [ALL], cap_drop: [ALL]}", Mechanism::Capabilities, false)]
#[case("{privileged: true, cap_drop: [ALL]}", Mechanism::Capabilities, false)]
#[case("read_only: true", Mechanism::ReadOnlyMount, true)]
#[case("security_opt: [systempaths=unconfined]", Mechanism::ReadOnlyMount, true)]
#[case("privileged: true", Mechanism::ReadOnlyMount, false)]
#[case("{privileged: true, volumes: [\"/etc:/host/etc:ro\"]}", Mechanism::ReadOnlyMount, true)]
#[case("{privileged: true, tmpfs: \"/x:ro\"}", Mechanism::ReadOnlyMount, true)]
#[case("security_opt: [systempaths=unconfined]", Mechanism::MaskedPath, false)]
#[case("privileged: true", Mechanism::MaskedPath, false)]
#[case("device_cgroup_rules: [\"c 1:11 r\"]", Mechanism::DeviceCgroup, true)]
#[case("{privileged: true, device_cgroup_rules: [\"c 1:11 r\"]}", Mechanism::DeviceCgroup, false)]
#[case("pids_limit: 5", Mechanism::ResourceLimit, true)]
#[case("pids_limit: 0", Mechanism::ResourceLimit, false)]
#[case("pids_limit: -1", Mechanism::ResourceLimit, false)]
#[case("mem_limit: 64m", Mechanism::ResourceLimit, true)]
#[case("ulimits: {nofile: 64}", Mechanism::ResourceLimit, true)]
#[case("security_opt: [no-new-privileges]", Mechanism::NoNewPrivileges, true)]
#[case("security_opt: [\"no-new-privileges:false\"]", Mechanism::NoNewPrivileges, false)]
#[case("security_opt: [\"label=type:container_t\", label=disable]", Mechanism::Selinux, false)]
#[case("{privileged: true, security_opt: [\"label=type:container_t\"]}", Mechanism::Selinux, false)]
#[case("security_opt: [apparmor=docker-default]", Mechanism::Apparmor, true)]
#[case("{privileged: true, security_opt: [apparmor=docker-default]}", Mechanism::Apparmor, true)]
#[case("security_opt: [apparmor=unconfined]", Mechanism::Apparmor, false)]
#[case("sysctls: {net.ipv4.ip_unprivileged_port_start: \"1024\"}", Mechanism::Sysctl, true)]
#[case("{network_mode: host, sysctls: {net.ipv4.ip_forward: \"1\"}}", Mechanism::Sysctl, false)]
#[case("{ipc: host, sysctls: {kernel.shmmax: \"1\"}}", Mechanism::Sysctl, false)]
#[case("{}", Mechanism::UserNamespace, false)]
#[case("{}\ndaemon: {userns-remap: nobody}", Mechanism::UserNamespace, true)]
#[case("{userns_mode: host}\ndaemon: {userns-remap: nobody}", Mechanism::UserNamespace, false)]
#[case("{privileged: true}\ndaemon: {userns-remap: nobody}", Mechanism::UserNamespace, true)]
fn a_key_turns_what_it_is_said_to_turn(
    #[case] service: &str,
    #[case] mechanism: Mechanism,
    #[case] on: bool,
) {
    assert_eq!(Mechanism::on_in(&settings(service), &REACH).contains(&mechanism), on);
}

#[rstest]
#[case("cap_add: [SYS_TIME]")]
#[case("cap_drop: [CHOWN]")]
fn the_default_filter_depends_on_the_capabilities(#[case] service: &str) {
    let (usual, turned) = (settings("{}"), settings(service));
    assert_ne!(usual.capabilities, turned.capabilities);
    assert_eq!(usual.seccomp == turned.seccomp, service.contains("CHOWN"), "no rule is about CHOWN");
}

/// Root on a host that has everything.
const REACH: Reach = Reach {
    privileged: true,
    bounding_set: CapabilitySet::ALL,
    many_ids: true,
    control_groups: true,
    selinux: true,
    apparmor: true,
    disposable: false,
};

fn settings(service: &str) -> Settings {
    let service = if service.starts_with('{') { service.to_owned() } else { format!("{{{service}}}") };
    let text = format!("title: a title\nteaches: something\nservice: {service}\n");
    let scenario = Scenario::parse("x", &text, Origin::BuiltIn).unwrap();
    let host = Host::read();
    let defaults = Defaults::docker(DefaultProfile::Docker26);
    let context = Context { host: &host, reach: &REACH, defaults: &defaults, docker: false };
    scenario.resolve(&context).unwrap().settings().unwrap()
}
