//! For unit tests: built-in scenarios as a host with everything would see them.

use crate::capability::CapabilitySet;
use crate::host::{Host, Reach};
use crate::scenario::{self, Context, Resolution};
use crate::seccomp::DefaultProfile;
use crate::settings::Settings;

/// Root on a host with SELinux and `AppArmor`.
pub(crate) const ROOT: Reach = Reach {
    privileged: true,
    bounding_set: CapabilitySet::ALL,
    many_ids: true,
    control_groups: true,
    selinux: true,
    apparmor: true,
};

/// A host that loads modules.
pub(crate) fn host() -> Host {
    Host {
        kernel: "6.12.0".to_owned(),
        arch: "x86_64".to_owned(),
        system: "Test".to_owned(),
        lsm: Vec::new(),
        selinux: "absent".to_owned(),
        apparmor: "absent".to_owned(),
        modules: "loadable".to_owned(),
        lockdown: "none".to_owned(),
        cgroup: "v2".to_owned(),
        privilege: "root".to_owned(),
        bounding_set: CapabilitySet::ALL,
        versions: Vec::new(),
    }
}

/// A built-in scenario's settings, if it can be run by the built-in engine.
pub(crate) fn try_settings(id: &str) -> Option<Settings> {
    let host = host();
    let context = Context { host: &host, reach: &ROOT, default_profile: DefaultProfile::Docker26 };
    let scenarios = scenario::select(&[id.to_owned()]).unwrap();
    match scenarios[0].resolve(&context).unwrap() {
        Resolution::Run(resolved) => Some(resolved.settings),
        Resolution::NotRun(_) => None,
    }
}

/// A built-in scenario's settings.
pub(crate) fn settings(id: &str) -> Settings {
    try_settings(id).unwrap()
}
