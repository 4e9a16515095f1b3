//! `no_new_privs`: what executing a program cannot give any more. It takes nothing away that the process has.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::NoNewPrivileges,
    title: "no_new_privs",
    about: "Once set, executing a program gives nothing that the process did not have: set-user-id bits and file capabilities are ignored. The program still runs, so there is no errno; the privilege is just not there.",
    checks: &["mnt_may_suid", "bprm_fill_uid", "cap_bprm_creds_from_file"],
    keys: &["security_opt: no-new-privileges"],
    open_with: "security_opt: [\"no-new-privileges:false\"]",
    sources: &["https://docs.kernel.org/userspace-api/no_new_privs.html"],
    relax: Some(|settings, _| settings.no_new_privileges = false),
    state: |_| "set".to_owned(),
};
