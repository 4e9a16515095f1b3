//! The IPC namespace: System V objects and POSIX message queues. Shared memory below `/dev/shm` is a mount,
//! not part of it.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::IpcNamespace,
    title: "IPC namespace",
    about: "System V shared memory, semaphores and queues, and POSIX message queues, are the container's own. The host's have no id inside.",
    checks: &[
        Check {
            function: "ipc_obtain_object_check",
            asks: "whether the caller's IPC namespace has an object of this id",
        },
        Check { function: "ipc_findkey", asks: "whether it has an object of this key" },
        Check {
            function: "do_mq_open",
            asks: "whether the namespace's own mqueue file system has a queue of this name",
        },
    ],
    errnos: &["EINVAL", "ENOENT"],
    trace: "The call is entered, no capability fails, and it ends with -22 for an id, -2 for a key or a queue's name: permission is asked for what was found, and nothing was. No event names the namespace, and nothing is audited. From outside, /proc/PID/ns/ipc is another namespace than the host's, and the host's /proc/sysvipc lists the object.",
    keys: &[Key {
        key: "ipc",
        turns: "host puts the container into the host's IPC namespace and gives it the host's /dev/shm; private, shareable and none are a namespace of its own, and the built-in engine makes no difference between them",
    }],
    open_with: "ipc: host",
    sources: &[
        "https://man7.org/linux/man-pages/man7/ipc_namespaces.7.html",
        "https://elixir.bootlin.com/linux/v6.12/source/ipc/util.c",
        "https://elixir.bootlin.com/linux/v6.12/source/ipc/mqueue.c",
    ],
    relax: Some(|settings, _| settings.namespaces.ipc = false),
    state: |_| "own".to_owned(),
};
