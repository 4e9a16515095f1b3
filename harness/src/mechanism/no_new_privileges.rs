//! `no_new_privs`: what executing a program cannot give any more. It takes nothing away that the process has.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::NoNewPrivileges,
    title: "no_new_privs",
    about: "Once set, executing a program gives nothing that the process did not have: set-user-id bits and file capabilities are ignored. The program still runs, so there is no errno; the privilege is just not there.",
    checks: &[
        Check {
            function: "check_unsafe_exec",
            asks: "whether no_new_privs is set; if so, this execve is marked",
        },
        Check {
            function: "bprm_fill_uid",
            asks: "whether a set-user-id bit counts: not with no_new_privs, not on a nosuid mount",
        },
        Check {
            function: "cap_bprm_creds_from_file",
            asks: "whether the new program may have more than the old one: not if the execve is marked",
        },
    ],
    errnos: &[],
    trace: "It refuses nothing, so that there is no event: execve is entered and works, and the new program has the old ids and capabilities. From outside, /proc/PID/status says NoNewPrivs: 1, and its Uid, Gid and CapEff lines stay as they were. A nosuid mount has the same effect; /proc/PID/mountinfo tells the two apart. Nothing is audited, except where SELinux or AppArmor would have changed the label.",
    keys: &[
        Key {
            key: "security_opt: no-new-privileges",
            turns: "alone or with :true sets it before the program starts; :false does not",
        },
        Key {
            key: "daemon: no-new-privileges",
            turns: "sets it for containers that say nothing; the built-in engine has no daemon, and reports such a scenario as not run",
        },
    ],
    open_with: "security_opt: [\"no-new-privileges:false\"]",
    sources: &[
        "https://docs.kernel.org/userspace-api/no_new_privs.html",
        "https://elixir.bootlin.com/linux/v6.12/source/fs/exec.c",
        "https://elixir.bootlin.com/linux/v6.12/source/security/commoncap.c",
    ],
    relax: Some(|settings, _| settings.no_new_privileges = false),
    state: |_| "set".to_owned(),
};
