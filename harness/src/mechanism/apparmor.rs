//! AppArmor: profiles that name paths, capabilities, mounts and signals. It must be loaded by the host: no
//! profile is loaded here.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::Apparmor,
    title: "AppArmor",
    about: "A profile names the paths, capabilities, mounts and signals that a program may use. Refusals are EACCES or EPERM; those of deny rules leave no record.",
    checks: &["apparmor_file_open", "apparmor_sb_mount", "apparmor_capable"],
    keys: &["security_opt: apparmor="],
    open_with: "security_opt: [\"apparmor=unconfined\"]   # or a profile of your own",
    sources: &[
        "https://docs.kernel.org/admin-guide/LSM/apparmor.html",
        "https://docs.docker.com/engine/security/apparmor/",
    ],
    relax: Some(|settings, _| settings.apparmor = None),
    state: |settings| settings.apparmor.clone().unwrap_or_default(),
};
