//! Combinations of container settings for the differential test: each switch alone, and a reproducible random
//! selection. Only such as Docker itself would start.

use std::sync::Arc;

use whyblocked::capability::{Capability, CapabilitySet};
use whyblocked::host::{Host, Reach};
use whyblocked::scenario::{defaults, values};
use whyblocked::seccomp::{DefaultProfile, Situation, docker_json, kernel_version};
use whyblocked::settings::{
    Bind, BindSource, IdRange, Identity, Relabel, Settings, Tmpfs, Ulimit, UserNamespace,
};

use crate::builtin;
use crate::random::Random;

/// Settings, and which switches they came from.
#[derive(Clone, Debug)]
pub struct Combination {
    /// The switches that are not at their default: `user-1000+read-only-root`.
    pub name: String,
    /// What to start.
    pub settings: Settings,
}

/// Each switch alone, and random ones until there are `count`, all different.
pub fn combinations(host: &Host, count: usize, random: &mut Random) -> Vec<Combination> {
    let default = [0; SWITCHES.len()];
    let mut positions = vec![default];
    for (switch, choices) in SWITCHES.iter().enumerate() {
        for choice in 1..=choices.len() {
            let mut alone = default;
            alone[switch] = choice;
            positions.push(alone);
        }
    }
    while positions.len() < count {
        let next = std::array::from_fn(|switch| {
            // Half of the switches stay where they are, or everything would be blocked by everything.
            let choices = SWITCHES[switch].len() as u64;
            if random.below(2) == 0 { 0 } else { 1 + random.below(choices) as usize }
        });
        if !positions.contains(&next) {
            positions.push(next);
        }
    }
    let maker = Maker::new(host);
    let mut made: Vec<Combination> = Vec::new();
    for position in positions {
        let combination = maker.make(&position);
        // Two positions can mean the same where one switch overrules another.
        if made.iter().all(|earlier| earlier.settings != combination.settings) {
            made.push(combination);
        }
    }
    made
}

/// A switch's position away from its default: its name, and what it does.
type Choice = (&'static str, fn(&mut Draft));

/// Settings in the making.
struct Draft {
    settings: Settings,
    filter: Filter,
    reach: Reach,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    Default(DefaultProfile),
    Unconfined,
    Custom,
    Dyed,
}

/// The switches, in an order in which later ones see what earlier ones did.
const SWITCHES: [&[Choice]; 17] = [
    &[("userns-remap", |draft| {
        let range = IdRange { first: 100_000, size: 65_536 };
        draft.settings.user_namespace = Some(UserNamespace::Remap(range));
    })],
    &[
        ("user-1000", |draft| draft.settings.identity = user(1000, &[])),
        ("user-1000-with-groups", |draft| draft.settings.identity = user(1000, &[27, 4242])),
        ("user-65534", |draft| draft.settings.identity = user(65_534, &[])),
        ("root-with-groups", |draft| draft.settings.identity = user(0, &[1000])),
    ],
    &[
        ("no-capabilities", |draft| draft.settings.capabilities = CapabilitySet::EMPTY),
        ("all-capabilities", |draft| draft.settings.capabilities = draft.reach.bounding_set),
        ("add-sys-time", |draft| draft.add(&["SYS_TIME"])),
        ("add-sys-admin", |draft| draft.add(&["SYS_ADMIN"])),
        ("add-net-admin-and-ptrace", |draft| draft.add(&["NET_ADMIN", "SYS_PTRACE"])),
        ("drop-kill", |draft| draft.drop(&["KILL"])),
        ("drop-setuid-and-setgid", |draft| draft.drop(&["SETUID", "SETGID"])),
        ("drop-dac-override-and-mknod", |draft| draft.drop(&["DAC_OVERRIDE", "MKNOD"])),
    ],
    &[
        ("seccomp-20.10", |draft| draft.filter = Filter::Default(DefaultProfile::Docker20)),
        ("seccomp-unconfined", |draft| draft.filter = Filter::Unconfined),
        ("seccomp-custom", |draft| draft.filter = Filter::Custom),
        ("seccomp-dyed", |draft| draft.filter = Filter::Dyed),
    ],
    &[("no-new-privileges", |draft| draft.settings.no_new_privileges = true)],
    &[("read-only-root", |draft| draft.settings.read_only_root = true)],
    &[
        ("bind-etc", |draft| draft.bind("etc", "/host/etc", false)),
        ("bind-etc-read-only", |draft| {
            draft.bind("etc", "/host/etc", true);
            draft.bind("var", "/host/var", true);
        }),
        ("bind-shared", |draft| draft.bind("shared", "/host/etc", false)),
    ],
    &[
        ("paths-unconfined", |draft| {
            draft.settings.masked_paths.clear();
            draft.settings.read_only_paths.clear();
        }),
        ("masked-only", |draft| draft.settings.read_only_paths.clear()),
    ],
    &[("host-pid", |draft| draft.settings.namespaces.pid = draft.is_remapped())],
    &[("host-network", |draft| draft.settings.namespaces.network = draft.is_remapped())],
    &[("host-ipc", |draft| draft.settings.namespaces.ipc = draft.is_remapped())],
    &[("host-uts", |draft| draft.settings.namespaces.uts = false)],
    &[("host-cgroup", |draft| draft.settings.namespaces.cgroup = false)],
    &[
        ("tmpfs", |draft| draft.tmpfs("/tmp", NO_SUID_DEV_EXEC, "")),
        ("tmpfs-exec-and-read-only", |draft| {
            draft.tmpfs("/run", libc::MS_NOSUID | libc::MS_NODEV, "size=1m,mode=1777");
            draft.tmpfs("/var/empty", NO_SUID_DEV_EXEC | libc::MS_RDONLY, "mode=0700");
        }),
    ],
    &[
        ("nofile-256", |draft| draft.ulimit("nofile", 256, 256)),
        ("core-and-memlock", |draft| {
            draft.ulimit("core", 0, 0);
            draft.ulimit("memlock", 65_536, 131_072);
        }),
    ],
    &[
        ("sysctl-port", |draft| draft.sysctl("net.ipv4.ip_unprivileged_port_start", "1024")),
        ("sysctls", |draft| {
            draft.sysctl("net.ipv4.ip_forward", "1");
            draft.sysctl("kernel.msgmax", "4096");
        }),
    ],
    &[
        ("devices-unconfined", |draft| draft.settings.devices.allowed = None),
        ("device-kmsg", |draft| {
            let rule = values::device_rule("c 1:11 r").expect("it is a rule");
            draft.settings.devices.allowed.get_or_insert_default().push(rule);
        }),
        ("writable-sys", |draft| draft.settings.read_only_kernel_mounts = false),
        ("limits", |draft| {
            draft.settings.limits.pids = Some(64);
            draft.settings.limits.memory = Some(64 << 20);
        }),
    ],
];

const NO_SUID_DEV_EXEC: u64 = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;

/// A profile of which every kind of condition is in use.
const CUSTOM: &str = include_str!("custom-profile.json");

fn user(id: u32, groups: &[u32]) -> Identity {
    Identity { uid: id, gid: id, groups: groups.to_vec() }
}

fn named(names: &[&str]) -> CapabilitySet {
    names.iter().map(|name| Capability::named(name).expect("it is a capability")).collect()
}

impl Draft {
    // Docker refuses to share these of the host's namespaces with a container that is remapped.
    fn is_remapped(&self) -> bool {
        self.settings.user_namespace.is_some()
    }

    fn add(&mut self, names: &[&str]) {
        self.settings.capabilities =
            self.settings.capabilities.with(named(names).and(self.reach.bounding_set));
    }

    fn drop(&mut self, names: &[&str]) {
        self.settings.capabilities = self.settings.capabilities.without(named(names));
    }

    fn bind(&mut self, below: &str, target: &str, read_only: bool) {
        let source = BindSource::Lab(below.into());
        self.settings.binds.push(Bind { source, target: target.to_owned(), read_only, relabel: Relabel::No });
    }

    fn tmpfs(&mut self, target: &str, flags: u64, options: &str) {
        let (target, options) = (target.to_owned(), options.to_owned());
        self.settings.tmpfs.push(Tmpfs { target, flags, options });
    }

    fn ulimit(&mut self, name: &str, soft: u64, hard: u64) {
        let limit: Ulimit = values::ulimit(name, soft, hard).expect("it is a limit");
        self.settings.limits.ulimits.push(limit);
    }

    fn sysctl(&mut self, name: &str, value: &str) {
        self.settings.sysctls.insert(name.to_owned(), value.to_owned());
    }
}

/// Makes settings of positions.
struct Maker {
    default: Settings,
    reach: Reach,
    kernel: (u32, u32),
}

impl Maker {
    fn new(host: &Host) -> Self {
        let reach = Reach::of(host);
        Self {
            default: builtin::settings("docker-default", host, &reach),
            kernel: kernel_version(&host.kernel),
            reach,
        }
    }

    fn make(&self, position: &[usize; SWITCHES.len()]) -> Combination {
        let mut draft = Draft {
            settings: self.default.clone(),
            filter: Filter::Default(DefaultProfile::Docker26),
            reach: self.reach.clone(),
        };
        draft.settings.sysctls.clear();
        let mut names = Vec::new();
        for (choices, position) in SWITCHES.iter().zip(position) {
            if let Some((name, apply)) = position.checked_sub(1).and_then(|choice| choices.get(choice)) {
                let before = (draft.settings.clone(), draft.filter);
                apply(&mut draft);
                // Some switches are overruled by earlier ones.
                if before != (draft.settings.clone(), draft.filter) {
                    names.push(*name);
                }
            }
        }
        let Draft { mut settings, filter, .. } = draft;
        let situation = Situation { capabilities: settings.capabilities, kernel: self.kernel };
        settings.seccomp = match filter {
            Filter::Unconfined => None,
            Filter::Default(profile) => Some(Arc::new(profile.resolve(&situation))),
            Filter::Dyed => Some(Arc::new(DefaultProfile::Docker26.resolve(&situation).dyed())),
            Filter::Custom => {
                let policy = docker_json::parse("custom", CUSTOM, &situation);
                Some(Arc::new(policy.expect("the profile parses")))
            }
        };
        let wanted = std::mem::take(&mut settings.sysctls);
        settings.sysctls = defaults::sysctls(&settings);
        settings.sysctls.extend(wanted);
        settings.drop_host_sysctls();
        let name = if names.is_empty() { "docker-default".to_owned() } else { names.join("+") };
        Combination { name, settings }
    }
}
