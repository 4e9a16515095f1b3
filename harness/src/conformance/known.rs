//! Why engines differ, where that is known: one entry for each reason, with what must be seen for it to be the reason.
//! An entry that would explain more than it means is a lie told in advance.

use globset::GlobMatcher;

use super::Pair;
use super::cells::state;
use crate::engine::About;
use crate::mechanism::{self, Mechanism};
use crate::record::{Cell, Outcome, Posture};
use crate::scenario;

/// A known reason.
#[derive(Debug)]
pub struct Known {
    /// A glob over the ids of probes.
    pub probe: &'static str,
    /// A glob over the ids of scenarios.
    pub scenario: &'static str,
    /// Globs over the engines, `NAME VERSION`, in either order.
    pub between: [&'static str; 2],
    /// What is seen where this is the reason, given in the order of `between`.
    pub seen: fn([Seen<'_>; 2]) -> bool,
    /// The reason in plain words: a sentence without its full stop.
    pub why: &'static str,
    /// Where it can be read up.
    pub sources: &'static [&'static str],
}

/// What one side says of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The verdict.
    pub cell: &'a Cell,
    /// The mechanisms that were on in the scenario, and how they stood.
    pub posture: &'a [Posture],
}

impl Seen<'_> {
    /// Whether a mechanism answered, or would have been enough alone.
    fn stops(&self, mechanism: Mechanism) -> bool {
        self.cell.blocked_by == Some(mechanism) || self.cell.layers.contains(&mechanism)
    }

    /// How a mechanism stood, if it was on.
    fn state(&self, mechanism: Mechanism) -> Option<&str> {
        state(self.posture, mechanism)
    }
}

/// The reasons; the first that fits is the one.
pub const ALL: &[Known] = &[
    Known {
        probe: "mount-quotactl",
        scenario: "*",
        between: ["embedded *", "{docker,podman} *"],
        seen: |[embedded, docker]| {
            embedded.stops(Mechanism::MountNamespace) && !docker.stops(Mechanism::MountNamespace)
        },
        why: "a container of Docker's or Podman's has files that lie on the daemon's disk, /etc/hostname for one (and its whole root \
              directory, with the storage driver vfs), and a disk's file system knows quotas; the built-in engine's container \
              lies in memory, and its mount namespace shows no file whose file system does",
        sources: &[
            "https://github.com/moby/moby/blob/v20.10.24/container/container_unix.go",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/quota/quota.c",
        ],
    },
    Known {
        probe: "cgroup-*",
        scenario: "userns-remap-opt-out",
        between: ["embedded *", "docker *"],
        seen: |[embedded, docker]| {
            embedded.stops(Mechanism::ReadOnlyMount) && !docker.stops(Mechanism::ReadOnlyMount)
        },
        why: "a daemon that remaps leaves the control groups writable in all its containers, because runc could not remount \
              them in a user namespace; it asks whether it remaps itself, not whether the container has opted out, so that \
              there the host's own root may write to them. The built-in engine has no daemon, and mounts them read-only",
        sources: &["https://github.com/moby/moby/blob/v20.10.24/daemon/oci_linux.go"],
    },
    Known {
        probe: "file-name-to-handle",
        scenario: "*",
        between: ["embedded *", "docker *"],
        seen: |[embedded, docker]| {
            let reached = [embedded, docker].iter().all(|side| side.cell.outcome == Outcome::Allowed);
            reached && docker.cell.errno.as_deref() == Some("EOPNOTSUPP")
        },
        why: "the call is about the container's root directory: overlayfs, which is Docker's usual storage, gives no file \
              handles unless it is mounted with nfs_export, and the built-in engine's file system in memory gives them; both \
              errnos come after every check",
        sources: &["https://docs.kernel.org/filesystems/overlayfs.html#nfs-export"],
    },
    Known {
        probe: "*",
        scenario: "*",
        between: ["*", "*"],
        seen: |[one, other]| {
            let stops = [one, other].map(|side| side.stops(Mechanism::Seccomp));
            one.state(Mechanism::Seccomp) != other.state(Mechanism::Seccomp) && stops[0] != stops[1]
        },
        why: "the two containers had different filters, and only one of them refuses the call: run both with the same \
              --seccomp-default to compare the engines alone",
        sources: &[
            "https://github.com/moby/moby/blob/v20.10.24/profiles/seccomp/default.json",
            "https://github.com/moby/moby/blob/v26.1.5/profiles/seccomp/default.json",
        ],
    },
    Known {
        probe: "net-bind-low-port",
        scenario: "*",
        between: ["*", "podman *"],
        seen: |[one, podman]| podman.stops(Mechanism::Capabilities) && !one.stops(Mechanism::Capabilities),
        why: "Docker sets net.ipv4.ip_unprivileged_port_start to 0 in a container's own network, so that a low port takes no \
              capability there; Podman leaves the kernel's 1024",
        sources: &[
            "https://github.com/moby/moby/blob/v20.10.24/daemon/oci_linux.go",
            "https://docs.kernel.org/networking/ip-sysctl.html",
        ],
    },
    Known {
        probe: "cgroup-mkdir",
        scenario: "*",
        between: ["*", "podman *"],
        seen: |[one, podman]| {
            one.state(Mechanism::UserNamespace).is_some()
                && podman.cell.blocked_by == Some(Mechanism::ReadOnlyMount)
                && one.cell.layers == podman.cell.layers
        },
        why: "in a user namespace Docker, and the built-in engine with it, leave the control groups' mounts writable, so that \
              mode bits refuse; Podman mounts them read-only there too, and that is asked first",
        sources: &["https://github.com/moby/moby/blob/v20.10.24/daemon/oci_linux.go"],
    },
    Known {
        probe: "*",
        scenario: "*",
        between: ["*", "podman *"],
        seen: |[one, podman]| {
            mechanism::ALL.iter().any(|entry| {
                one.state(entry.id) != podman.state(entry.id) && one.stops(entry.id) != podman.stops(entry.id)
            })
        },
        why: "a container that asks for nothing gets something else from Podman: fewer capabilities, other limits and paths, \
              and with control groups of version 1 the host's control-group namespace; what stood differently is listed above",
        sources: &[
            "https://github.com/containers/common/blob/v0.49.1/pkg/config/default.go",
            "https://docs.podman.io/en/v4.3/markdown/podman-run.1.html",
        ],
    },
];

/// The reasons that can be one between two engines, ready to be looked at.
#[derive(Debug)]
pub(crate) struct Reasons(Vec<Ready>);

#[derive(Debug)]
struct Ready {
    known: &'static Known,
    probe: GlobMatcher,
    scenario: GlobMatcher,
    /// Which side is `between`'s first; both where the globs fit either way.
    orders: Vec<[usize; 2]>,
}

impl Reasons {
    pub(crate) fn between(engines: [&About; 2]) -> Self {
        let names = engines.map(|engine| format!("{} {}", engine.name, engine.version));
        let ready = ALL.iter().filter_map(|known| {
            let globs = known.between.map(matcher);
            let fits = |order: &[usize; 2]| {
                globs[0].is_match(&names[order[0]]) && globs[1].is_match(&names[order[1]])
            };
            let orders: Vec<[usize; 2]> = [[0, 1], [1, 0]].into_iter().filter(fits).collect();
            let (probe, scenario) = (matcher(known.probe), matcher(known.scenario));
            (!orders.is_empty()).then_some(Ready { known, probe, scenario, orders })
        });
        Self(ready.collect())
    }

    pub(crate) fn find(&self, pair: &Pair<'_>, stood: [&[Posture]; 2]) -> Option<&'static Known> {
        let seen = |side: usize| Seen { cell: pair.cells[side], posture: stood[side] };
        let fits = |ready: &&Ready| {
            ready.probe.is_match(pair.place.probe)
                && ready.scenario.is_match(pair.place.scenario)
                && ready.orders.iter().any(|order| (ready.known.seen)(order.map(seen)))
        };
        self.0.iter().find(fits).map(|ready| ready.known)
    }
}

fn matcher(glob: &str) -> GlobMatcher {
    scenario::glob(glob).expect("a test builds every glob of the table")
}

#[cfg(test)]
mod tests {
    use whyblocked_agent::catalogue;

    use super::*;

    #[test]
    fn every_reason_is_about_something_that_there_is_and_cites_a_source() {
        for known in ALL {
            let [probe, scenario] = [known.probe, known.scenario].map(matcher);
            assert!(catalogue::all().any(|one| probe.is_match(one.id)), "{}", known.probe);
            let scenarios = scenario::select(&[]).unwrap();
            assert!(scenarios.iter().any(|one| scenario.is_match(&one.id)), "{}", known.scenario);
            let _ = known.between.map(matcher);
            assert!(
                known.sources.iter().all(|source| source.starts_with("https://"))
                    && !known.sources.is_empty()
            );
            assert!(!known.why.ends_with('.') && !known.why.contains("  "), "{}", known.why);
        }
    }
}
