//! The UTS namespace: whose host name the container reads and sets. It only hides; whether a name may be
//! set is a matter of capabilities.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::UtsNamespace,
    title: "UTS namespace",
    about: "The host name that the container reads and sets is its own. It hides the host's name; it refuses nothing by itself.",
    checks: &["utsname"],
    keys: &["uts"],
    open_with: "uts: host",
    sources: &["https://man7.org/linux/man-pages/man7/uts_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.uts = false),
    state: |_| "own".to_owned(),
};
