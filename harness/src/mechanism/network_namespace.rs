//! The network namespace: which interfaces, ports and abstract sockets the container has. Sockets with a
//! path belong to the mount namespace.

use super::{Entry, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::NetworkNamespace,
    title: "Network namespace",
    about: "The container has interfaces, ports and abstract sockets of its own. The host's loopback is another loopback: ECONNREFUSED.",
    checks: &["sock_net", "__inet_lookup_listener", "unix_find_socket_byname"],
    keys: &["network_mode"],
    open_with: "network_mode: host",
    sources: &["https://man7.org/linux/man-pages/man7/network_namespaces.7.html"],
    relax: Some(|settings, _| settings.namespaces.network = false),
    state: |_| "own".to_owned(),
};
