//! AppArmor: profiles that name paths, capabilities, mounts and signals. It must be loaded by the host: no
//! profile is loaded here.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Apparmor,
    title: "AppArmor",
    about: "A profile names the paths, capabilities, mounts and signals that a program may use. Refusals are EACCES or EPERM; those of deny rules leave no record.",
    checks: &[
        Check { function: "apparmor_file_open", asks: "whether the profile lets this path be opened so" },
        Check { function: "apparmor_sb_mount", asks: "whether it lets this be mounted there" },
        Check { function: "apparmor_capable", asks: "whether it lets this capability be used" },
    ],
    errnos: &["EACCES", "EPERM"],
    trace: "A kretprobe on the hook returns an errno, the innermost of its chain: apparmor_file_open=-13, apparmor_task_kill=-13, apparmor_capable=-1 below security_capable. Audit has a record of type 1400 (apparmor=DENIED, with the operation, the profile, and a name or a capability). Deny rules are silent: they leave no record, and only kretprobes see them. From outside, /proc/PID/attr/current names the profile and whether it is enforced.",
    keys: &[
        Key {
            key: "security_opt: apparmor=",
            turns: "PROFILE is a profile that the host has loaded, unconfined is none, and then it runs under its starter's; where nothing is said Docker takes docker-default, which its daemon loads when it starts, and the built-in engine too, where it is loaded; where the kernel runs without AppArmor the built-in engine reports the scenario as not run, while Docker accepts the option in silence",
        },
        Key { key: "privileged", turns: "is unconfined, unless security_opt names a profile" },
    ],
    open_with: "security_opt: [\"apparmor=unconfined\"]   # or a profile of your own",
    sources: &[
        "https://docs.kernel.org/admin-guide/LSM/apparmor.html",
        "https://docs.docker.com/engine/security/apparmor/",
        "https://elixir.bootlin.com/linux/v6.12/source/security/apparmor/lsm.c",
    ],
    relax: Some(|settings, _| settings.apparmor = None),
    state: |settings| settings.apparmor.clone().unwrap_or_default(),
};
