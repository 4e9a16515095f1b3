//! Every flag of `docker run`, `docker create` and `podman run`: whether it takes a value, and what part it plays in
//! what a process in the container may do. Nothing here reads a command line.

use Part::{ApiSocket, Many, Mount, NoPart, NotLookedAt, One, Switch};

/// A flag.
#[derive(Debug)]
pub struct Flag {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// Its letter.
    pub short: Option<char>,
    /// Whether it takes a value. Those that do not can be given one all the same, after `=`: `true` or `false`.
    pub value: bool,
    /// What part it plays.
    pub part: Part,
}

/// What part a flag plays. Compose's keys are by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// None in what the process may do.
    NoPart,
    /// One that no attempt tells anything about: why it may matter, as a fragment.
    NotLookedAt(&'static str),
    /// It is this key; the last value counts.
    One(&'static str),
    /// It is this key; each value counts.
    Many(&'static str),
    /// It is this key, and says yes or no.
    Switch(&'static str),
    /// `--mount`: a volume or a file system in memory, in a notation of its own.
    Mount,
    /// `--use-api-socket`: the daemon's socket, without naming it.
    ApiSocket,
}

const PROCESSOR: &str = "how much of the processor it may take; no attempt uses it up";
const DISKS: &str = "how fast it may use disks; no attempt uses them up";
const IDS: &str = "which ids of the host its ids are";

/// All of them, sorted. From `docker run --help` of 28.2 and `podman run --help` of 4.3, with the aliases that these
/// hide, and what later versions have added.
pub const FLAGS: &[Flag] = &[
    Flag { long: "add-host", short: None, value: true, part: NoPart },
    Flag {
        long: "annotation",
        short: None,
        value: true,
        part: NotLookedAt("some runtimes obey annotations"),
    },
    Flag { long: "arch", short: None, value: true, part: NoPart },
    Flag { long: "attach", short: Some('a'), value: true, part: NoPart },
    Flag { long: "authfile", short: None, value: true, part: NoPart },
    Flag { long: "blkio-weight", short: None, value: true, part: NotLookedAt(DISKS) },
    Flag { long: "blkio-weight-device", short: None, value: true, part: NotLookedAt(DISKS) },
    Flag { long: "cap-add", short: None, value: true, part: Many("cap_add") },
    Flag { long: "cap-drop", short: None, value: true, part: Many("cap_drop") },
    Flag { long: "cert-dir", short: None, value: true, part: NoPart },
    Flag { long: "cgroup-conf", short: None, value: true, part: NotLookedAt("files of its control group") },
    Flag {
        long: "cgroup-parent",
        short: None,
        value: true,
        part: NotLookedAt("which limits it shares with others"),
    },
    Flag { long: "cgroupns", short: None, value: true, part: One("cgroup") },
    Flag {
        long: "cgroups",
        short: None,
        value: true,
        part: NotLookedAt("whether it has a control group of its own"),
    },
    Flag {
        long: "chrootdirs",
        short: None,
        value: true,
        part: NotLookedAt("where further files of the host appear"),
    },
    Flag { long: "cidfile", short: None, value: true, part: NoPart },
    Flag { long: "conmon-pidfile", short: None, value: true, part: NoPart },
    Flag { long: "cpu-count", short: None, value: true, part: NoPart },
    Flag { long: "cpu-percent", short: None, value: true, part: NoPart },
    Flag { long: "cpu-period", short: None, value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "cpu-quota", short: None, value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "cpu-rt-period", short: None, value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "cpu-rt-runtime", short: None, value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "cpu-shares", short: Some('c'), value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "cpus", short: None, value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "cpuset-cpus", short: None, value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "cpuset-mems", short: None, value: true, part: NotLookedAt(PROCESSOR) },
    Flag { long: "creds", short: None, value: true, part: NoPart },
    Flag { long: "decryption-key", short: None, value: true, part: NoPart },
    Flag { long: "detach", short: Some('d'), value: false, part: NoPart },
    Flag { long: "detach-keys", short: None, value: true, part: NoPart },
    Flag { long: "device", short: None, value: true, part: Many("devices") },
    Flag { long: "device-cgroup-rule", short: None, value: true, part: Many("device_cgroup_rules") },
    Flag { long: "device-read-bps", short: None, value: true, part: NotLookedAt(DISKS) },
    Flag { long: "device-read-iops", short: None, value: true, part: NotLookedAt(DISKS) },
    Flag { long: "device-write-bps", short: None, value: true, part: NotLookedAt(DISKS) },
    Flag { long: "device-write-iops", short: None, value: true, part: NotLookedAt(DISKS) },
    Flag { long: "disable-content-trust", short: None, value: false, part: NoPart },
    Flag { long: "dns", short: None, value: true, part: NoPart },
    Flag { long: "dns-opt", short: None, value: true, part: NoPart },
    Flag { long: "dns-option", short: None, value: true, part: NoPart },
    Flag { long: "dns-search", short: None, value: true, part: NoPart },
    Flag { long: "domainname", short: None, value: true, part: NoPart },
    Flag { long: "entrypoint", short: None, value: true, part: NoPart },
    Flag { long: "env", short: Some('e'), value: true, part: NoPart },
    Flag { long: "env-file", short: None, value: true, part: NoPart },
    Flag { long: "env-host", short: None, value: false, part: NoPart },
    Flag { long: "env-merge", short: None, value: true, part: NoPart },
    Flag { long: "expose", short: None, value: true, part: NoPart },
    Flag { long: "gidmap", short: None, value: true, part: NotLookedAt(IDS) },
    Flag {
        long: "gpus",
        short: None,
        value: true,
        part: NotLookedAt("devices and driver files of the graphics card"),
    },
    Flag { long: "group-add", short: None, value: true, part: Many("group_add") },
    Flag { long: "group-entry", short: None, value: true, part: NoPart },
    Flag { long: "health-cmd", short: None, value: true, part: NoPart },
    Flag { long: "health-interval", short: None, value: true, part: NoPart },
    Flag { long: "health-log-destination", short: None, value: true, part: NoPart },
    Flag { long: "health-max-log-count", short: None, value: true, part: NoPart },
    Flag { long: "health-max-log-size", short: None, value: true, part: NoPart },
    Flag { long: "health-on-failure", short: None, value: true, part: NoPart },
    Flag { long: "health-retries", short: None, value: true, part: NoPart },
    Flag { long: "health-start-interval", short: None, value: true, part: NoPart },
    Flag { long: "health-start-period", short: None, value: true, part: NoPart },
    Flag { long: "health-startup-cmd", short: None, value: true, part: NoPart },
    Flag { long: "health-startup-interval", short: None, value: true, part: NoPart },
    Flag { long: "health-startup-retries", short: None, value: true, part: NoPart },
    Flag { long: "health-startup-success", short: None, value: true, part: NoPart },
    Flag { long: "health-startup-timeout", short: None, value: true, part: NoPart },
    Flag { long: "health-timeout", short: None, value: true, part: NoPart },
    Flag { long: "help", short: None, value: false, part: NoPart },
    Flag { long: "hostname", short: Some('h'), value: true, part: NoPart },
    Flag { long: "hosts-file", short: None, value: true, part: NoPart },
    Flag { long: "hostuser", short: None, value: true, part: NoPart },
    Flag { long: "http-proxy", short: None, value: false, part: NoPart },
    Flag { long: "image-volume", short: None, value: true, part: NoPart },
    Flag { long: "init", short: None, value: false, part: NoPart },
    Flag { long: "init-path", short: None, value: true, part: NoPart },
    Flag { long: "interactive", short: Some('i'), value: false, part: NoPart },
    Flag { long: "io-maxbandwidth", short: None, value: true, part: NoPart },
    Flag { long: "io-maxiops", short: None, value: true, part: NoPart },
    Flag { long: "ip", short: None, value: true, part: NoPart },
    Flag { long: "ip6", short: None, value: true, part: NoPart },
    Flag { long: "ipc", short: None, value: true, part: One("ipc") },
    Flag { long: "isolation", short: None, value: true, part: NoPart },
    Flag {
        long: "kernel-memory",
        short: None,
        value: true,
        part: NotLookedAt("a limit that Linux no longer has"),
    },
    Flag { long: "label", short: Some('l'), value: true, part: NoPart },
    Flag { long: "label-file", short: None, value: true, part: NoPart },
    Flag { long: "link", short: None, value: true, part: NoPart },
    Flag { long: "link-local-ip", short: None, value: true, part: NoPart },
    Flag { long: "log-driver", short: None, value: true, part: NoPart },
    Flag { long: "log-opt", short: None, value: true, part: NoPart },
    Flag { long: "mac-address", short: None, value: true, part: NoPart },
    Flag { long: "memory", short: Some('m'), value: true, part: One("mem_limit") },
    Flag {
        long: "memory-reservation",
        short: None,
        value: true,
        part: NotLookedAt("a limit that counts only when memory is short"),
    },
    Flag {
        long: "memory-swap",
        short: None,
        value: true,
        part: NotLookedAt("how much it may swap; no attempt uses that up"),
    },
    Flag { long: "memory-swappiness", short: None, value: true, part: NoPart },
    Flag { long: "mount", short: None, value: true, part: Mount },
    Flag { long: "name", short: None, value: true, part: NoPart },
    Flag { long: "net", short: None, value: true, part: One("network_mode") },
    Flag { long: "net-alias", short: None, value: true, part: NoPart },
    Flag { long: "network", short: None, value: true, part: One("network_mode") },
    Flag { long: "network-alias", short: None, value: true, part: NoPart },
    Flag { long: "no-healthcheck", short: None, value: false, part: NoPart },
    Flag { long: "no-hostname", short: None, value: false, part: NoPart },
    Flag { long: "no-hosts", short: None, value: false, part: NoPart },
    Flag {
        long: "oom-kill-disable",
        short: None,
        value: false,
        part: NotLookedAt("what happens when its memory runs out"),
    },
    Flag {
        long: "oom-score-adj",
        short: None,
        value: true,
        part: NotLookedAt("who is killed first when the host runs out of memory"),
    },
    Flag { long: "os", short: None, value: true, part: NoPart },
    Flag { long: "passwd", short: None, value: false, part: NoPart },
    Flag { long: "passwd-entry", short: None, value: true, part: NoPart },
    Flag {
        long: "personality",
        short: None,
        value: true,
        part: NotLookedAt("which old behaviour the kernel shows it"),
    },
    Flag { long: "pid", short: None, value: true, part: One("pid") },
    Flag { long: "pidfile", short: None, value: true, part: NoPart },
    Flag { long: "pids-limit", short: None, value: true, part: One("pids_limit") },
    Flag { long: "platform", short: None, value: true, part: NoPart },
    Flag { long: "pod", short: None, value: true, part: NotLookedAt("the namespaces of its pod are shared") },
    Flag { long: "pod-id-file", short: None, value: true, part: NoPart },
    Flag { long: "preserve-fd", short: None, value: true, part: NotLookedAt("open files that it inherits") },
    Flag { long: "preserve-fds", short: None, value: true, part: NotLookedAt("open files that it inherits") },
    Flag { long: "privileged", short: None, value: false, part: Switch("privileged") },
    Flag { long: "publish", short: Some('p'), value: true, part: NoPart },
    Flag { long: "publish-all", short: Some('P'), value: false, part: NoPart },
    Flag { long: "pull", short: None, value: true, part: NoPart },
    Flag { long: "quiet", short: Some('q'), value: false, part: NoPart },
    Flag {
        long: "rdt-class",
        short: None,
        value: true,
        part: NotLookedAt("which processor cache it may use"),
    },
    Flag { long: "read-only", short: None, value: false, part: Switch("read_only") },
    Flag {
        long: "read-only-tmpfs",
        short: None,
        value: false,
        part: NotLookedAt("whether a read-only container has writable file systems in memory"),
    },
    Flag { long: "replace", short: None, value: false, part: NoPart },
    Flag { long: "requires", short: None, value: true, part: NoPart },
    Flag { long: "restart", short: None, value: true, part: NoPart },
    Flag { long: "retry", short: None, value: true, part: NoPart },
    Flag { long: "retry-delay", short: None, value: true, part: NoPart },
    Flag { long: "rm", short: None, value: false, part: NoPart },
    Flag { long: "rmi", short: None, value: false, part: NoPart },
    Flag {
        long: "rootfs",
        short: None,
        value: false,
        part: NotLookedAt("its root directory is a directory of the host"),
    },
    Flag {
        long: "runtime",
        short: None,
        value: true,
        part: NotLookedAt("another runtime may sandbox it, or not"),
    },
    Flag { long: "sdnotify", short: None, value: true, part: NoPart },
    Flag {
        long: "seccomp-policy",
        short: None,
        value: true,
        part: NotLookedAt("the image may bring the filter"),
    },
    Flag { long: "secret", short: None, value: true, part: NotLookedAt("a file with a secret is mounted") },
    Flag { long: "security-opt", short: None, value: true, part: Many("security_opt") },
    Flag {
        long: "shm-size",
        short: None,
        value: true,
        part: NotLookedAt("how large /dev/shm is; no attempt fills it"),
    },
    Flag {
        long: "shm-size-systemd",
        short: None,
        value: true,
        part: NotLookedAt("how large the file systems of its systemd are"),
    },
    Flag { long: "sig-proxy", short: None, value: false, part: NoPart },
    Flag { long: "stop-signal", short: None, value: true, part: NoPart },
    Flag { long: "stop-timeout", short: None, value: true, part: NoPart },
    Flag { long: "storage-opt", short: None, value: true, part: NotLookedAt("how much disk it may fill") },
    Flag { long: "subgidname", short: None, value: true, part: NotLookedAt(IDS) },
    Flag { long: "subuidname", short: None, value: true, part: NotLookedAt(IDS) },
    Flag { long: "sysctl", short: None, value: true, part: Many("sysctls") },
    Flag {
        long: "systemd",
        short: None,
        value: true,
        part: NotLookedAt("more file systems are mounted for a systemd inside"),
    },
    Flag { long: "timeout", short: None, value: true, part: NoPart },
    Flag { long: "tls-verify", short: None, value: false, part: NoPart },
    Flag { long: "tmpfs", short: None, value: true, part: Many("tmpfs") },
    Flag { long: "tty", short: Some('t'), value: false, part: NoPart },
    Flag { long: "tz", short: None, value: true, part: NoPart },
    Flag { long: "uidmap", short: None, value: true, part: NotLookedAt(IDS) },
    Flag { long: "ulimit", short: None, value: true, part: Many("ulimits") },
    Flag {
        long: "umask",
        short: None,
        value: true,
        part: NotLookedAt("the modes of the files that it makes"),
    },
    Flag { long: "unsetenv", short: None, value: true, part: NoPart },
    Flag { long: "unsetenv-all", short: None, value: false, part: NoPart },
    Flag { long: "use-api-socket", short: None, value: false, part: ApiSocket },
    Flag { long: "user", short: Some('u'), value: true, part: One("user") },
    Flag { long: "userns", short: None, value: true, part: One("userns_mode") },
    Flag { long: "uts", short: None, value: true, part: One("uts") },
    Flag { long: "variant", short: None, value: true, part: NoPart },
    Flag { long: "volume", short: Some('v'), value: true, part: Many("volumes") },
    Flag { long: "volume-driver", short: None, value: true, part: NotLookedAt("what mounts its volumes") },
    Flag {
        long: "volumes-from",
        short: None,
        value: true,
        part: NotLookedAt("the volumes of another container"),
    },
    Flag { long: "workdir", short: Some('w'), value: true, part: NoPart },
];

/// The flag of this name.
pub fn long(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.long == name)
}

/// The flag of this letter.
pub fn short(letter: char) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.short == Some(letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::most_like;

    /// What `docker run --help` lists: name, letter, and whether a value follows.
    const DOCKERS: &str = include_str!("../../../corpus/docker-run-flags.txt");

    #[test]
    fn every_flag_of_dockers_list_is_known_as_docker_has_it() {
        for line in DOCKERS.lines() {
            let [name, letter, value] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let flag = long(name).unwrap_or_else(|| panic!("--{name} is missing"));
            let letter = letter.chars().next().filter(|letter| *letter != '-');
            assert_eq!((flag.short, flag.value), (letter, value == "value"), "--{name}");
        }
        assert!(DOCKERS.lines().count() > 100);
    }

    #[test]
    fn the_table_is_sorted_and_says_each_flag_once() {
        for pair in FLAGS.windows(2) {
            assert!(pair[0].long < pair[1].long, "--{} and --{}", pair[0].long, pair[1].long);
        }
        let mut letters: Vec<char> = FLAGS.iter().filter_map(|flag| flag.short).collect();
        letters.sort_unstable();
        assert!(letters.windows(2).all(|pair| pair[0] != pair[1]), "{letters:?}");
    }

    #[test]
    fn every_key_of_a_flag_is_one_that_scenarios_have() {
        for flag in FLAGS {
            let (One(key) | Many(key) | Switch(key)) = flag.part else { continue };
            let text = format!("title: a\nteaches: b\nservice:\n  {key}: null\n");
            let error = crate::scenario::Scenario::parse("x", &text, crate::scenario::Origin::BuiltIn).err();
            let error = error.map_or_else(String::new, |error| error.to_string());
            assert!(!error.contains("unknown key"), "--{}: {error}", flag.long);
        }
    }

    #[test]
    fn a_switch_takes_no_value_and_every_other_key_takes_one() {
        for flag in FLAGS {
            match flag.part {
                Switch(_) | ApiSocket => assert!(!flag.value, "--{}", flag.long),
                One(_) | Many(_) | Mount => assert!(flag.value, "--{}", flag.long),
                NoPart | NotLookedAt(_) => {}
            }
        }
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_flag() {
        let names = || FLAGS.iter().map(|flag| flag.long);
        assert_eq!(most_like("cap-dorp", names()).as_deref(), Some("cap-drop"));
        assert_eq!(most_like("readonly", names()).as_deref(), Some("read-only"));
    }
}
