//! Kinds of sockets that ask for a capability, or that open a part of the kernel which hardly any container needs.

use syscalls::Sysno;

#[cfg(target_arch = "x86_64")]
use crate::catalogue::kernel::ia32::no_entry;
use crate::probe::{Answer, Attempt, Effect, Probe};
use crate::sys;
use crate::wire::Request;

pub(super) const PROBES: &[Probe] = &[
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
        run: |_| of_family(libc::AF_ALG, "ALG", libc::SOCK_SEQPACKET),
    },
    #[cfg(target_arch = "x86_64")]
    Probe {
        id: "net-af-alg-ia32",
        title: "Open a socket of the kernel's cryptography by a 32-bit call",
        tries: "socketcall(SYS_SOCKET, {AF_ALG, SOCK_SEQPACKET, 0}) through int 0x80: a filter sees the pointer, and not the family behind it. Docker 29.4.2 refused socketcall as a whole, which broke 32-bit programs; since 29.4.3 AppArmor and SELinux are to refuse the family, whatever the call",
        gains: "what net-af-alg gives, past a filter that refuses only that: so did CVE-2026-31431, a write to files that are in the page cache",
        calls: &[Sysno::socket],
        proof: &[],
        refusal: &[libc::ENOSYS],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "no algorithm is named, and the socket is closed; where the kernel would have to load a module for it, it is not asked",
        sources: &[
            "https://github.com/moby/moby/pull/52494",
            "https://github.com/moby/moby/pull/52547",
            "https://man7.org/linux/man-pages/man2/socketcall.2.html",
        ],
        run: |_| of_family_ia32(libc::AF_ALG, "ALG", libc::SOCK_SEQPACKET),
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
        run: |_| of_family(libc::AF_VSOCK, "AF_VSOCK", libc::SOCK_STREAM),
    },
    #[cfg(target_arch = "x86_64")]
    Probe {
        id: "net-af-vsock-ia32",
        title: "Open a socket to the hypervisor by a 32-bit call",
        tries: "socketcall(SYS_SOCKET, {AF_VSOCK, SOCK_STREAM, 0}) through int 0x80: Docker's filter looks at the family that socket is called with, and lets socketcall through, whose arguments it cannot see",
        gains: "what net-af-vsock gives, past the filter that refuses only that",
        calls: &[Sysno::socket],
        proof: &[],
        refusal: &[libc::ENOSYS],
        capabilities: &[],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the socket is closed unconnected; where the kernel would have to load a module for it, it is not asked",
        sources: &[
            "https://github.com/moby/moby/pull/44562",
            "https://man7.org/linux/man-pages/man2/socketcall.2.html",
        ],
        run: |_| of_family_ia32(libc::AF_VSOCK, "AF_VSOCK", libc::SOCK_STREAM),
    },
];

fn raw_socket(_: &Request) -> Attempt {
    sys::closing(sys::socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)).answer()
}

fn packet_socket(_: &Request) -> Attempt {
    // A real one would take 15 ms to close: the kernel waits until no processor can be using it.
    of_family(libc::AF_PACKET, "PACKET", libc::SOCK_STREAM)
}

/// Opens a socket of a family that may be a module.
fn of_family(family: i32, protocol: &str, kind: i32) -> Attempt {
    match not_there(protocol) {
        Some(answer) => Ok(answer),
        None => sys::closing(sys::socket(family, kind, 0)).answer(),
    }
}

/// Why no socket of a family can be asked for: of one that is a module and not loaded, the kernel would load the
/// module on the host, whoever asks, and keep it. `protocol` is the family's in `/proc/net/protocols`.
fn not_there(protocol: &str) -> Option<Answer> {
    let known = std::fs::read_to_string("/proc/net/protocols").unwrap_or_default();
    let there = known.lines().any(|line| line.split_ascii_whitespace().next() == Some(protocol));
    (!there).then(|| {
        Answer::absent(format!(
            "/proc/net/protocols has no {protocol}: the kernel lacks it, or would load a module for it"
        ))
    })
}

#[cfg(target_arch = "x86_64")]
#[cfg(target_arch = "x86_64")]
/// [`of_family`] by the call of 32-bit programs.
#[cfg(target_arch = "x86_64")]
fn of_family_ia32(family: i32, protocol: &str, kind: i32) -> Attempt {
    /// The call's number, `arch/x86/entry/syscalls/syscall_32.tbl`.
    const SOCKETCALL: u32 = 102;
    /// Which of the socket calls, `linux/net.h`.
    const SYS_SOCKET: u32 = 1;
    if let Some(answer) = not_there(protocol) {
        return Ok(answer);
    }
    if let Some(answer) = no_entry()? {
        return Ok(answer);
    }
    let mut memory = sys::Low::new()?;
    let arguments = memory.put([family as u32, (kind | libc::SOCK_CLOEXEC) as u32, 0]);
    let args = [SYS_SOCKET, arguments, 0, 0, 0, 0];
    sys::closing(sys::call_ia32("socketcall", SOCKETCALL, Sysno::socket, args)).answer()
}
