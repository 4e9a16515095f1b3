//! The network namespace: which interfaces, ports and abstract sockets the container has. Sockets with a
//! path belong to the mount namespace.

use super::{Check, Entry, Key, Mechanism};

pub(super) const ENTRY: Entry = Entry {
    id: Mechanism::NetworkNamespace,
    title: "Network namespace",
    about: "The container has interfaces, ports and abstract sockets of its own. The host's loopback is another loopback: ECONNREFUSED.",
    checks: &[
        Check {
            function: "__inet_lookup_listener",
            asks: "whether a socket listens on this port in the sender's network namespace",
        },
        Check {
            function: "unix_find_socket_byname",
            asks: "whether a socket of the same network namespace has this abstract name",
        },
        Check {
            function: "__dev_get_by_name",
            asks: "whether the network namespace has an interface of this name",
        },
    ],
    errnos: &["ECONNREFUSED", "ENETUNREACH", "ENODEV"],
    trace: "The call is entered and ends with -111 or its like: the name or the port was looked up in another namespace, and nobody was there. No event says so, a port on which nobody listens looks the same, and nothing is audited. From outside, /proc/PID/ns/net is another namespace than the host's, and the listener is in the host's. What a network namespace owns asks for capabilities in the user namespace that made it: the target in capability:cap_capable.",
    keys: &[Key {
        key: "network_mode",
        turns: "host puts the container into the host's network namespace, none and bridge into one of its own; with the built-in engine that has a loopback interface and nothing else; under userns-remap Docker refuses host unless userns_mode is host, the built-in engine does not",
    }],
    open_with: "network_mode: host",
    sources: &[
        "https://man7.org/linux/man-pages/man7/network_namespaces.7.html",
        "https://elixir.bootlin.com/linux/v6.12/source/net/ipv4/inet_hashtables.c",
        "https://elixir.bootlin.com/linux/v6.12/source/net/unix/af_unix.c",
    ],
    relax: Some(|settings, _| settings.namespaces.network = false),
    state: |_| "own".to_owned(),
};
