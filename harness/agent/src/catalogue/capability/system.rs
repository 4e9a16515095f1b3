//! Powers over the system as a whole: its logs, its ports, its terminals, its sleep.

use std::os::fd::AsRawFd;

use syscalls::Sysno;

use crate::catalogue::net;
use crate::probe::{Aim, Attempt, Effect, Probe};
use crate::sys::{self, addr, ptr};
use crate::wire::Request;

/// `AUDIT_USER`, `linux/audit.h`: a message of a program's, for the log.
const AUDIT_USER: u16 = 1005;
/// The bit of `AUDIT_NLGRP_READLOG`, the group that gets a copy of every record.
const READLOG: u32 = 1;
/// `SYSLOG_ACTION_SIZE_BUFFER`, `syslog(2)`.
const SIZE_BUFFER: usize = 10;

/// Ports of the processor's own exist on x86 alone.
#[cfg(target_arch = "x86_64")]
const PORT_CALLS: &[Sysno] = &[Sysno::iopl, Sysno::ioperm];
#[cfg(not(target_arch = "x86_64"))]
const PORT_CALLS: &[Sysno] = &[];

pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "capability-audit-write",
        title: "Write to the audit log",
        tries: "an AUDIT_USER message without a text, over a netlink socket; the kernel's answer to the message is reported as the call's",
        gains: "forged records in the host's audit log, and records lost in their number",
        calls: &[Sysno::socket, Sysno::sendto],
        proof: &[libc::EINVAL],
        // What the audit system answers in every user namespace but the first, as if it did not exist.
        refusal: &[libc::ECONNREFUSED],
        capabilities: &["CAP_AUDIT_WRITE"],
        aims: &[Aim::Namespace("user")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "an empty message is refused with EINVAL, or ignored where auditing is off, after the permission check and before anything is logged",
        sources: &[
            "https://man7.org/linux/man-pages/man7/capabilities.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/audit.c",
        ],
        run: audit_write,
    },
    Probe {
        id: "capability-audit-read",
        title: "Listen to the audit log",
        tries: "bind of a netlink socket to the group that gets a copy of every audit record",
        gains: "what happens on the host, record by record: commands, logins, denials",
        calls: &[Sysno::socket, Sysno::bind],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_AUDIT_READ"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "nothing is read, and the socket is closed; where auditing is on, the kernel logs the listener",
        sources: &[
            "https://man7.org/linux/man-pages/man7/capabilities.7.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/audit.c",
        ],
        run: audit_read,
    },
    Probe {
        id: "capability-rawio",
        title: "Get access to the processor's ports",
        tries: "iopl(3), or ioperm of one port (x86 only)",
        gains: "hardware without a driver between: disks, the machine's reset line, its firmware's settings",
        calls: PORT_CALLS,
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_RAWIO"],
        aims: &[],
        needs: &[],
        effect: Effect::Undone,
        harmless_because: "no port is read or written, and only the probe's own process, which ends right after, has the right",
        sources: &[
            "https://man7.org/linux/man-pages/man2/iopl.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/arch/x86/kernel/ioport.c",
        ],
        run: rawio,
    },
    Probe {
        id: "capability-acct",
        title: "Turn on process accounting",
        tries: "acct(\"/whyblocked-none/none\"): a file in a directory that does not exist",
        gains: "a record of every command that ends, and the choice of the file that the kernel writes it to",
        calls: &[Sysno::acct],
        proof: &[libc::ENOENT],
        refusal: &[],
        capabilities: &["CAP_SYS_PACCT"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the file is missing; ENOENT comes after the permission check and before accounting changes",
        sources: &[
            "https://man7.org/linux/man-pages/man2/acct.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/acct.c",
        ],
        run: acct,
    },
    Probe {
        id: "capability-vhangup",
        title: "Hang up the terminal",
        tries: "vhangup() in a session of its own, which has no terminal",
        gains: "other programs cut off from the terminal they share, and with the same capability ioctls on any virtual console",
        calls: &[Sysno::vhangup],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_TTY_CONFIG"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "there is no terminal to hang up; without the new session the call is not made",
        sources: &[
            "https://man7.org/linux/man-pages/man2/vhangup.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/open.c",
        ],
        run: vhangup,
    },
    Probe {
        id: "capability-syslog",
        title: "Ask for the kernel log",
        tries: "syslog(SYSLOG_ACTION_SIZE_BUFFER): the log's size; allowed to everybody where kernel.dmesg_restrict is 0",
        gains: "the kernel's messages: addresses, hardware, what other containers did wrong",
        calls: &[Sysno::syslog],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYSLOG"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a number is asked for; the check is the same as for reading the log",
        sources: &[
            "https://man7.org/linux/man-pages/man2/syslog.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/printk/printk.c",
        ],
        run: syslog,
    },
    Probe {
        id: "capability-wake-alarm",
        title: "Make a timer that wakes the machine",
        tries: "timerfd_create(CLOCK_BOOTTIME_ALARM); timer_create looks for a hardware clock before it looks for the capability",
        gains: "a laptop that wakes in its bag, a machine that never sleeps",
        calls: &[Sysno::timerfd_create],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_WAKE_ALARM"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the timer is never set, and closed again",
        sources: &[
            "https://man7.org/linux/man-pages/man2/timerfd_create.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/fs/timerfd.c",
        ],
        run: wake_alarm,
    },
];

fn audit_write(_: &Request) -> Attempt {
    match net::audit() {
        Ok(socket) => net::acknowledged(&socket, AUDIT_USER, ()),
        Err(answer) => Ok(answer),
    }
}

fn audit_read(_: &Request) -> Attempt {
    let socket = match net::audit() {
        Ok(socket) => socket,
        Err(answer) => return Ok(answer),
    };
    // SAFETY: all-zero bytes are a valid `sockaddr_nl`.
    let mut group: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
    group.nl_family = libc::AF_NETLINK as u16;
    group.nl_groups = READLOG;
    sys::call(Sysno::bind, &[socket.as_raw_fd() as usize, addr(&group), size_of_val(&group)]).answer()
}

#[cfg(target_arch = "x86_64")]
fn rawio(_: &Request) -> Attempt {
    /// Where the firmware shows how far it has come: nothing depends on it.
    const DIAGNOSTIC_PORT: usize = 0x80;
    sys::any_of(
        [sys::call(Sysno::iopl, &[3]), sys::call(Sysno::ioperm, &[DIAGNOSTIC_PORT, 1, 1])],
        sys::Made::worked,
    )
}

#[cfg(not(target_arch = "x86_64"))]
fn rawio(_: &Request) -> Attempt {
    Ok(crate::Answer::absent("this architecture has no ports"))
}

fn acct(_: &Request) -> Attempt {
    sys::call(Sysno::acct, &[ptr(c"/whyblocked-none/none")]).answer()
}

fn vhangup(_: &Request) -> Attempt {
    sys::call(Sysno::setsid, &[]).or_broken("begin a session without a terminal")?;
    sys::call(Sysno::vhangup, &[]).answer()
}

fn syslog(_: &Request) -> Attempt {
    sys::call(Sysno::syslog, &[SIZE_BUFFER, 0, 0]).answer()
}

fn wake_alarm(_: &Request) -> Attempt {
    let clock = libc::CLOCK_BOOTTIME_ALARM as usize;
    sys::closing(sys::call(Sysno::timerfd_create, &[clock, libc::TFD_CLOEXEC as usize])).answer()
}
