//! The IPC namespace: System V objects and POSIX message queues. Shared memory below `/dev/shm` is a mount,
//! not part of it.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::IpcNamespace,
    title: "IPC namespace",
    about: "System V shared memory, semaphores and queues, and POSIX message queues, are the container's own. The host's have no id inside.",
    checks: &["ipc_obtain_object_check"],
    keys: &["ipc"],
    open_with: "ipc: host",
    sources: &["https://man7.org/linux/man-pages/man7/ipc_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.ipc = false),
    state: |_| "own".to_owned(),
};
