//! For unit tests: built-in scenarios as a host with everything would see them.

use proptest::prelude::*;

use crate::capability::CapabilitySet;
use crate::host::{Host, Reach};
use crate::scenario::defaults::Defaults;
use crate::scenario::{self, Context};
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
    disposable: false,
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
        disposable: false,
        bounding_set: CapabilitySet::ALL,
        versions: Vec::new(),
    }
}

/// A built-in scenario's settings, if it can be run by the built-in engine.
pub(crate) fn try_settings(id: &str) -> Option<Settings> {
    let host = host();
    let defaults = Defaults::docker(DefaultProfile::Docker26);
    let context = Context { host: &host, reach: &ROOT, defaults: &defaults, docker: false };
    let scenarios = scenario::select(&[id.to_owned()]).unwrap();
    scenarios[0].resolve(&context).unwrap().settings().ok()
}

/// A built-in scenario's settings.
pub(crate) fn settings(id: &str) -> Settings {
    try_settings(id).unwrap()
}

/// Texts of a corpus with a piece cut out, put in, or said twice: what a careless or hostile writer would send.
pub(crate) fn damaged(corpus: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\x00".to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just("\u{202e}".as_bytes().to_vec()),
        Just(b"[[[[[[[[".to_vec()),
        Just(b"-9223372036854775809".to_vec()),
        Just(b"&a [*a, *a]".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    let place = 0usize..1 << 20;
    (proptest::sample::select(corpus), place.clone(), place, piece, any::<bool>()).prop_map(
        |(text, from, length, piece, twice)| {
            let bytes = text.as_bytes();
            let from = from % (bytes.len() + 1);
            let to = from + length % (bytes.len() - from + 1);
            let mut damaged = bytes[..from].to_vec();
            damaged.extend(piece);
            if twice {
                damaged.extend(&bytes[from..to]);
                damaged.extend(&bytes[from..]);
            } else {
                damaged.extend(&bytes[to..]);
            }
            damaged
        },
    )
}
