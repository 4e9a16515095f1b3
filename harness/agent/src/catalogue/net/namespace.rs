//! What belongs to the network namespace: sockets that listen in it, its ports, its interfaces, its audit system.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use super::{acknowledged, audit, connect_unix, netlink};
use crate::probe::{Aim, Answer, Attempt, Effect, Need, Probe};
use crate::sys::{self, addr, addr_mut};
use crate::wire::Request;

/// `AUDIT_GET`, `linux/audit.h`: the audit system's state.
const AUDIT_GET: u16 = 1000;
/// The loopback interface has this index in every network namespace (`LOOPBACK_IFINDEX`).
const LOOPBACK_INDEX: i32 = 1;
/// A port below 1024 that hardly anything uses.
const LOW_PORT: u16 = 87;

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

/// An address and port of IPv4.
fn inet(address: [u8; 4], port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address) },
        sin_zero: [0; 8],
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

fn netlink_audit(_: &Request) -> Attempt {
    match audit() {
        Ok(socket) => acknowledged(&socket, AUDIT_GET, ()),
        Err(answer) => Ok(answer),
    }
}
