//! The UTS namespace: whose host name the container reads and sets. It only hides; whether a name may be
//! set is a matter of capabilities.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::UtsNamespace,
    title: "UTS namespace",
    about: "The host name that the container reads and sets is its own. It hides the host's name; it refuses nothing by itself.",
    checks: &[
        Check {
            function: "utsname",
            asks: "whose host name is meant: that of the process's own UTS namespace",
        },
        Check { function: "proc_do_uts_string", asks: "the same for kernel.hostname and kernel.domainname" },
    ],
    errnos: &[],
    trace: "It refuses nothing, so that there is no event: uname and sethostname are entered and work, or fail for another reason. From outside, /proc/PID/ns/uts is another namespace than the host's, and the host's name is as it was; nothing is audited. Who may set the name shows in capability:cap_capable: CAP_SYS_ADMIN (21), in the user namespace that owns the UTS namespace.",
    keys: &[Key {
        key: "uts",
        turns: "host puts the container into the host's UTS namespace: the name that it reads is the host's, and the name that it sets too, if it has CAP_SYS_ADMIN",
    }],
    open_with: "uts: host",
    sources: &[
        "https://man7.org/linux/man-pages/man7/uts_namespaces.7.html",
        "https://elixir.bootlin.com/linux/v6.12/source/kernel/utsname_sysctl.c",
    ],
    relax: Some(|settings, _| settings.namespaces.uts = false),
    state: |_| "own".to_owned(),
};
