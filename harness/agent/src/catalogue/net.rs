//! Sockets reach past the file system: to the host's loopback and abstract sockets where the network
//! namespace is shared, and into rarely used parts of the kernel. Nothing leaves the machine, nothing listens.

use std::os::fd::{AsRawFd, OwnedFd};

use syscalls::Sysno;

use crate::probe::{Aim, Answer, Attempt, Broken, Effect, Need, Probe};
use crate::sys::{self, Made, addr, addr_mut};
use crate::wire::Request;

/// `AUDIT_GET`, `linux/audit.h`: the audit system's state.
const AUDIT_GET: u16 = 1000;
/// The loopback interface has this index in every network namespace (`LOOPBACK_IFINDEX`).
const LOOPBACK_INDEX: i32 = 1;
/// A port below 1024 that hardly anything uses.
const LOW_PORT: u16 = 87;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "net-see-host-abstract-sockets",
        title: "Connect to an abstract socket of the host",
        tries: "connect to an abstract Unix socket that the harness listens on outside the container",
        gains: "the host's services that listen on abstract sockets: no file, so no mode bits; containerd's shims did until CVE-2020-15257",
        calls: &[Sysno::socket, Sysno::connect],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Listener],
        needs: &[Need::Listener],
        effect: Effect::Harmless,
        harmless_because: "the socket is the harness's own, and the connection is closed without a word",
        sources: &[
            "https://man7.org/linux/man-pages/man7/unix.7.html",
            "https://nvd.nist.gov/vuln/detail/CVE-2020-15257",
        ],
        run: see_host_abstract_sockets,
    },
    Probe {
        id: "net-raw-socket",
        title: "Open a raw socket",
        tries: "socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)",
        gains: "packets with forged addresses: answers in another container's name",
        calls: &[Sysno::socket],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_NET_RAW"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "nothing is sent or received, and the socket is closed",
        sources: &["https://man7.org/linux/man-pages/man7/raw.7.html"],
        run: raw_socket,
    },
    Probe {
        id: "net-packet-socket",
        title: "Open a packet socket",
        tries: "socket(AF_PACKET, SOCK_STREAM, 0): a type that packet sockets do not have",
        gains: "every packet on the network namespace's interfaces, and ARP replies of its own",
        calls: &[Sysno::socket],
        proof: &[libc::ESOCKTNOSUPPORT],
        refusal: &[],
        capabilities: &["CAP_NET_RAW"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the type is refused with ESOCKTNOSUPPORT, after the permission check; where the kernel would have to load a module for the family, it is not asked",
        sources: &[
            "https://man7.org/linux/man-pages/man7/packet.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/net/packet/af_packet.c",
        ],
        run: packet_socket,
    },
    Probe {
        id: "net-bind-low-port",
        title: "Take a port below 1024",
        tries: "bind of 127.0.0.1:87, TCP; allowed to everybody from sysctl net.ipv4.ip_unprivileged_port_start on, which Docker sets to 0",
        gains: "the port of a service that others trust, where the network namespace is the host's",
        calls: &[Sysno::socket, Sysno::bind],
        proof: &[libc::EADDRINUSE],
        refusal: &[],
        capabilities: &["CAP_NET_BIND_SERVICE"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "the socket never listens, and closing it gives the port back",
        sources: &[
            "https://man7.org/linux/man-pages/man7/ip.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/net/ipv4/af_inet.c",
        ],
        run: bind_low_port,
    },
    Probe {
        id: "net-set-link",
        title: "Set up a network interface",
        tries: "RTM_NEWLINK for the loopback interface, up if it is up and down if it is down; the kernel's answer to the message is reported as the call's",
        gains: "the network's addresses, routes and firewall; the host's where the namespace is the host's",
        calls: &[Sysno::socket, Sysno::sendto],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_NET_ADMIN"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "exactly the present state is asked for, after the permission check",
        sources: &[
            "https://man7.org/linux/man-pages/man7/rtnetlink.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/net/core/rtnetlink.c",
        ],
        run: set_link,
    },
    Probe {
        id: "net-af-alg",
        title: "Open a socket of the kernel's cryptography",
        tries: "socket(AF_ALG, SOCK_SEQPACKET, 0)",
        gains: "a part of the kernel with a history of holes, which hardly any container needs",
        calls: &[Sysno::socket],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "no algorithm is named, and the socket is closed; where the kernel would have to load a module for it, it is not asked",
        sources: &[
            "https://docs.kernel.org/crypto/userspace-if.html",
            "https://elixir.bootlin.com/linux/v6.12/source/crypto/af_alg.c",
        ],
        run: af_alg,
    },
    Probe {
        id: "net-af-vsock",
        title: "Open a socket to the hypervisor",
        tries: "socket(AF_VSOCK, SOCK_STREAM, 0)",
        gains: "services of the hypervisor's, and no network namespace between: up to Linux 6.18 vsock ignores them",
        calls: &[Sysno::socket],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the socket is closed unconnected; where the kernel would have to load a module for it, it is not asked",
        sources: &["https://man7.org/linux/man-pages/man7/vsock.7.html"],
        run: af_vsock,
    },
    Probe {
        id: "net-netlink-audit",
        title: "Ask the audit system for its state",
        tries: "AUDIT_GET over a netlink socket; opening the socket takes no right, the question does. The kernel's answer to the message is reported as the call's",
        gains: "the audit system's switch: the capability that may ask may also turn it off and change its rules",
        calls: &[Sysno::socket, Sysno::sendto],
        proof: &[],
        // What the audit system answers in every user namespace but the first, as if it did not exist.
        refusal: &[libc::ECONNREFUSED],
        capabilities: &["CAP_AUDIT_CONTROL"],
        aims: &[Aim::Namespace("user"), Aim::Namespace("pid")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a question changes nothing",
        sources: &[
            "https://man7.org/linux/man-pages/man7/netlink.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/audit.c",
        ],
        run: netlink_audit,
    },
    Probe {
        id: "net-reach-host-loopback",
        title: "Connect to the host's loopback",
        tries: "connect to a TCP port of 127.0.0.1 that the harness listens on outside the container",
        gains: "the host's services that trust whoever is on the same machine: databases, debuggers, admin pages",
        calls: &[Sysno::socket, Sysno::connect],
        proof: &[],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Listener],
        needs: &[Need::Listener],
        effect: Effect::Harmless,
        harmless_because: "the port is the harness's own, and the connection is closed without a word",
        sources: &["https://man7.org/linux/man-pages/man7/network_namespaces.7.html"],
        run: reach_host_loopback,
    },
];

fn see_host_abstract_sockets(request: &Request) -> Attempt {
    let Some(name) = &request.abstract_socket else {
        return Ok(Answer::absent("the harness listens on no abstract socket"));
    };
    let socket = match sys::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).or_answer() {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    connect_unix(&socket, format!("\0{name}").as_bytes()).answer()
}

/// `connect` to a Unix socket: a path, or a NUL and an abstract name.
pub(super) fn connect_unix(socket: &OwnedFd, name: &[u8]) -> Made {
    // SAFETY: all-zero bytes are a valid `sockaddr_un`.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    for (place, byte) in address.sun_path.iter_mut().zip(name) {
        *place = *byte as libc::c_char;
    }
    // An abstract name is as long as the address says, a path ends at its NUL or there.
    let length = size_of::<libc::sa_family_t>() + name.len().min(address.sun_path.len());
    sys::call(Sysno::connect, &[socket.as_raw_fd() as usize, addr(&address), length])
}

fn raw_socket(_: &Request) -> Attempt {
    sys::closing(sys::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)).answer()
}

fn packet_socket(_: &Request) -> Attempt {
    // A real one would take 15 ms to close: the kernel waits until no processor can be using it.
    of_family(libc::AF_PACKET, "PACKET", libc::SOCK_STREAM)
}

fn af_alg(_: &Request) -> Attempt {
    of_family(libc::AF_ALG, "ALG", libc::SOCK_SEQPACKET)
}

fn af_vsock(_: &Request) -> Attempt {
    of_family(libc::AF_VSOCK, "AF_VSOCK", libc::SOCK_STREAM)
}

/// Opens a socket of a family that may be a module: asked for one that is not loaded, the kernel would
/// load it on the host, whoever asks, and keep it. `protocol` is the family's in `/proc/net/protocols`.
fn of_family(family: i32, protocol: &str, kind: i32) -> Attempt {
    let known = std::fs::read_to_string("/proc/net/protocols").unwrap_or_default();
    if known.lines().any(|line| line.split_ascii_whitespace().next() == Some(protocol)) {
        return sys::closing(sys::socket(family, kind, 0)).answer();
    }
    let why =
        format!("/proc/net/protocols has no {protocol}: the kernel lacks it, or would load a module for it");
    Ok(Answer::absent(why))
}

/// An address and port of IPv4.
fn inet(address: [u8; 4], port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address) },
        sin_zero: [0; 8],
    }
}

fn bind_low_port(_: &Request) -> Attempt {
    let socket = match sys::socket(libc::AF_INET, libc::SOCK_STREAM, 0).or_answer() {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    let fd = socket.as_raw_fd() as usize;
    let yes = 1i32;
    // Without it a connection that ended lately would hold the port.
    sys::call(
        Sysno::setsockopt,
        &[fd, libc::SOL_SOCKET as usize, libc::SO_REUSEADDR as usize, addr(&yes), size_of_val(&yes)],
    )
    .or_broken("allow the address to be reused")?;
    let bind =
        |address: &libc::sockaddr_in| sys::call(Sysno::bind, &[fd, addr(address), size_of_val(address)]);
    let made = bind(&inet([127, 0, 0, 1], LOW_PORT));
    if made.result == Err(libc::EADDRNOTAVAIL) {
        // The loopback interface is down: its address is looked for before the port is.
        return bind(&inet([0, 0, 0, 0], LOW_PORT)).answer();
    }
    made.answer()
}

fn reach_host_loopback(request: &Request) -> Attempt {
    let Some(port) = request.loopback_port else {
        return Ok(Answer::absent("the harness listens on no port"));
    };
    let socket = match sys::socket(libc::AF_INET, libc::SOCK_STREAM, 0).or_answer() {
        Ok(fd) => sys::own(fd),
        Err(answer) => return Ok(answer),
    };
    let address = inet([127, 0, 0, 1], port);
    let args = [socket.as_raw_fd() as usize, addr(&address), size_of_val(&address)];
    let made = sys::call(Sysno::connect, &args);
    if made.result == Err(libc::ENETUNREACH) {
        return Ok(Answer::absent("the loopback interface of this network namespace is down"));
    }
    made.answer()
}

fn netlink_audit(_: &Request) -> Attempt {
    match netlink(libc::NETLINK_AUDIT) {
        Ok(socket) => acknowledged(&socket, AUDIT_GET, ()),
        Err(answer) => Ok(answer),
    }
}

fn set_link(_: &Request) -> Attempt {
    let socket = match netlink(libc::NETLINK_ROUTE) {
        Ok(socket) => socket,
        Err(answer) => return Ok(answer),
    };
    // SAFETY: all-zero bytes are a valid `ifreq`.
    let mut interface: libc::ifreq = unsafe { std::mem::zeroed() };
    interface.ifr_name[0] = b'l' as libc::c_char;
    interface.ifr_name[1] = b'o' as libc::c_char;
    let fd = socket.as_raw_fd() as usize;
    sys::call(Sysno::ioctl, &[fd, libc::SIOCGIFFLAGS as usize, addr_mut(&mut interface)])
        .or_broken("read the loopback interface's flags")?;
    // SAFETY: the kernel has just filled in the flags.
    let present = u32::from(unsafe { interface.ifr_ifru.ifru_flags } as u16);
    let up = libc::IFF_UP as u32;
    // SAFETY: all-zero bytes are a valid `ifinfomsg`.
    let mut link: libc::ifinfomsg = unsafe { std::mem::zeroed() };
    link.ifi_index = LOOPBACK_INDEX;
    link.ifi_flags = present & up;
    link.ifi_change = up;
    acknowledged(&socket, libc::RTM_NEWLINK, link)
}

/// A netlink socket, or why there is none.
pub(super) fn netlink(protocol: i32) -> Result<OwnedFd, Answer> {
    sys::socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol).or_answer().map(sys::own)
}

/// A netlink message: the header and what belongs to its kind.
#[repr(C)]
struct Message<T> {
    header: libc::nlmsghdr,
    body: T,
}

/// Sends the kernel one netlink message and waits for nothing: what the kernel thinks of it is there
/// when the call returns. Its errno becomes the call's, as it would be were it not for netlink.
pub(super) fn acknowledged<T>(socket: &OwnedFd, kind: u16, body: T) -> Attempt {
    let message = Message {
        header: libc::nlmsghdr {
            nlmsg_len: size_of::<Message<T>>() as u32,
            nlmsg_type: kind,
            nlmsg_flags: (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16,
            nlmsg_seq: 1,
            nlmsg_pid: 0,
        },
        body,
    };
    let fd = socket.as_raw_fd() as usize;
    let made = sys::call(Sysno::sendto, &[fd, addr(&message), size_of_val(&message), 0, 0, 0]);
    if !made.worked() {
        return made.answer();
    }
    loop {
        // The errno comes first, negative; the message that it is about follows.
        // SAFETY: all-zero bytes are a valid header and valid numbers.
        let mut reply: Message<[i32; 256]> = unsafe { std::mem::zeroed() };
        let args = [fd, addr_mut(&mut reply), size_of_val(&reply), libc::MSG_DONTWAIT as usize, 0, 0];
        sys::call(Sysno::recvfrom, &args).or_broken("read the kernel's acknowledgement")?;
        if i32::from(reply.header.nlmsg_type) != libc::NLMSG_ERROR {
            continue;
        }
        return match -reply.body[0] {
            0 => made.answer(),
            errno @ 1.. => Made { result: Err(errno), ..made }.answer(),
            ..0 => Err(Broken::at("the kernel's acknowledgement is not one")),
        };
    }
}
