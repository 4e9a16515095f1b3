//! The mount namespace: which directories the container sees. What may be done with them is for other
//! mechanisms to say.

use whyblocked_agent::layout;

use super::{Check, Entry, Key, Mechanism};
use crate::settings::Settings;

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::MountNamespace,
    title: "Mount namespace",
    about: "The container sees a root directory of its own and what was mounted into it. A path of the host that was not mounted has no name inside, so there is nothing to ask permission for: ENOENT.",
    checks: &[
        Check {
            function: "path_lookupat",
            asks: "where a path leads from the process's own root directory, if anywhere",
        },
        Check {
            function: "link_path_walk",
            asks: "whether each directory on the way has an entry of the next name",
        },
    ],
    errnos: &["ENOENT"],
    trace: "The call is entered, no capability fails, and it ends with -2. No event names the namespace: a path that exists nowhere looks the same, and nothing is audited. From outside, /proc/PID/ns/mnt is another namespace than the host's, and there the path exists.",
    keys: &[
        Key {
            key: "volumes",
            turns: "a bind gives one directory or file of the host, with all that is mounted below it, a name in the container; nothing turns the namespace off as a whole",
        },
        Key {
            key: "devices",
            turns: "gives one device node of the host a name in /dev; whether it may be opened is for the device cgroup to say",
        },
        Key {
            key: "privileged",
            turns: "gives all of the host's device nodes names in /dev, and nothing else",
        },
    ],
    open_with: "volumes: [\"/:/host\"]   # the host's own directories",
    sources: &[
        "https://man7.org/linux/man-pages/man7/mount_namespaces.7.html",
        "https://docs.docker.com/reference/compose-file/services/#volumes",
        "https://elixir.bootlin.com/linux/v6.12/source/fs/namei.c",
    ],
    relax: Some(|settings, _| {
        settings.namespaces.mount = false;
        keep_off_the_host(settings);
    }),
    state: |_| "own".to_owned(),
};

/// Where the container sees the host's own directories, a mount point that is missing would be made there, and stay.
/// What the scenario mounts is mounted in the container's scratch directory instead; its device nodes are in the
/// host's `/dev` by their own names.
fn keep_off_the_host(settings: &mut Settings) {
    let own = |target: &str| {
        let below = |place: &str| {
            target.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        below(layout::HOST) || below(layout::SCRATCH)
    };
    let targets = settings.binds.iter_mut().map(|bind| &mut bind.target);
    for target in targets.chain(settings.tmpfs.iter_mut().map(|tmpfs| &mut tmpfs.target)) {
        if !own(target) {
            *target = format!("{}/mounted{target}", layout::SCRATCH);
        }
    }
    settings.devices.nodes.clear();
}

#[cfg(test)]
mod tests {
    use crate::mechanism::Mechanism;
    use crate::testing;

    #[test]
    fn without_it_nothing_is_mounted_among_the_hosts_directories() {
        for id in crate::scenario::builtin_ids() {
            let Some(settings) = testing::try_settings(id) else { continue };
            let relaxed = Mechanism::relaxed(&settings, [Mechanism::MountNamespace], &testing::ROOT);
            let binds = relaxed.binds.iter().map(|bind| &bind.target);
            for target in binds.chain(relaxed.tmpfs.iter().map(|tmpfs| &tmpfs.target)) {
                assert!(target.starts_with("/host") || target.starts_with("/scratch/"), "{id}: {target}");
            }
            assert!(relaxed.devices.nodes.is_empty(), "{id}");
        }
    }
}
