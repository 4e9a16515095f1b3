//! Sockets reach past the file system: to the host's loopback and abstract sockets where the network
//! namespace is shared, and into rarely used parts of the kernel. Nothing leaves the machine, nothing listens.

mod families;
mod namespace;

use std::os::fd::{AsRawFd, OwnedFd};

use syscalls::Sysno;

use crate::probe::{Answer, Attempt, Broken, Probe};
use crate::sys::{self, Made, addr, addr_mut};

/// The family's probes: what belongs to the network namespace, and kinds of sockets.
pub(super) const GROUPS: &[&[Probe]] = &[namespace::PROBES, families::PROBES];

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

/// A netlink socket, or why there is none.
pub(super) fn netlink(protocol: i32) -> Result<OwnedFd, Answer> {
    sys::socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol).or_answer().map(sys::own)
}

/// A socket to the audit system, or why there is none.
///
/// EINVAL for the socket itself is never the kernel's word: Podman's default filter answers so, to those who may not
/// write to the log (containers-common, `pkg/seccomp/default_linux.go`). Afterwards EINVAL is about the message.
pub(super) fn audit() -> Result<OwnedFd, Answer> {
    netlink(libc::NETLINK_AUDIT).map_err(|answer| match answer {
        Answer::Made(made) if made.result == Err(libc::EINVAL) => {
            Answer::Withheld { made, why: "there is no socket to the audit system".to_owned() }
        }
        other => other,
    })
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
