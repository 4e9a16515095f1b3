//! Setting the clock. There is one wall clock for all containers and the host; time namespaces cover only
//! the monotonic and boot-time clocks (`time_namespaces(7)`).

use syscalls::Sysno;

use crate::probe::{Aim, Attempt, Effect, Probe};
use crate::sys::{self, addr, addr_mut};
use crate::wire::Request;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        id: "time-settimeofday",
        title: "Set the clock with settimeofday",
        tries: "settimeofday(NULL, NULL): asks for permission to set the clock, and then sets nothing",
        gains: "the host's time: expired certificates become valid, logs lie, scheduled jobs run or never run",
        calls: &[Sysno::settimeofday],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_TIME"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "with both pointers NULL the kernel checks permission and has nothing to set",
        sources: &[
            "https://man7.org/linux/man-pages/man2/settimeofday.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/time/time.c",
        ],
        run: settimeofday,
    },
    Probe {
        id: "time-clock-settime",
        title: "Set the clock with clock_settime",
        tries: "clock_settime(CLOCK_REALTIME, 1970-01-01T00:00:00Z): a well-formed time that is earlier than the machine's start",
        gains: "the host's time, as with settimeofday",
        calls: &[Sysno::clock_settime],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_TIME"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "since Linux 4.3 a time before boot is refused with EINVAL, after the permission check; a malformed time would be refused before it and prove nothing",
        sources: &[
            "https://man7.org/linux/man-pages/man2/clock_settime.2.html",
            "https://git.kernel.org/torvalds/c/e1d7ba8735551ed79c7a0463a042353574b96da3",
        ],
        run: clock_settime,
    },
    Probe {
        id: "time-set-clock",
        title: "Set the clock forward by an hour",
        tries: "clock_settime(CLOCK_REALTIME, an hour from now), for real; and back in the next line, by the monotonic clock, which nobody can set",
        gains: "the host's time, as with settimeofday",
        calls: &[Sysno::clock_settime],
        proof: &[],
        refusal: &[],
        capabilities: &["CAP_SYS_TIME"],
        aims: &[],
        needs: &[],
        effect: Effect::Disposable,
        harmless_because: "the clock is back after some microseconds, and the harness looks at it from outside and puts it right; what runs in the machine meanwhile is thrown away with it",
        sources: &[
            "https://man7.org/linux/man-pages/man2/clock_settime.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/time/timekeeping.c",
        ],
        run: set_clock,
    },
    Probe {
        id: "time-clock-adjtime",
        title: "Adjust the clock with clock_adjtime",
        tries: "clock_adjtime(CLOCK_REALTIME, tick = 0): an adjustment that is out of range",
        gains: "the host's time, slowly: a clock that drifts is harder to notice than one that jumps",
        calls: &[Sysno::clock_adjtime],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_TIME"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a tick of 0 is out of range and refused with EINVAL, after the permission check",
        sources: &[
            "https://man7.org/linux/man-pages/man2/adjtimex.2.html",
            "https://elixir.bootlin.com/linux/v6.12/source/kernel/time/timekeeping.c",
        ],
        run: clock_adjtime,
    },
    Probe {
        id: "time-adjtimex",
        title: "Adjust the clock with adjtimex",
        tries: "adjtimex(tick = 0): an adjustment that is out of range",
        gains: "the host's time, slowly",
        calls: &[Sysno::adjtimex],
        proof: &[libc::EINVAL],
        refusal: &[],
        capabilities: &["CAP_SYS_TIME"],
        aims: &[],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "a tick of 0 is out of range and refused with EINVAL, after the permission check",
        sources: &["https://man7.org/linux/man-pages/man2/adjtimex.2.html"],
        run: adjtimex,
    },
    Probe {
        id: "time-open-rtc",
        title: "Open the hardware clock",
        tries: "open(\"/dev/rtc0\", O_RDONLY): the driver's settings need no more than that",
        gains: "the hardware clock, from which the host takes its time at the next boot",
        calls: &[Sysno::openat],
        proof: &[libc::EBUSY],
        refusal: &[],
        capabilities: &[],
        aims: &[Aim::Path("/dev/rtc0")],
        needs: &[],
        effect: Effect::Harmless,
        harmless_because: "the device is opened and closed again; no request is made",
        sources: &["https://man7.org/linux/man-pages/man4/rtc.4.html"],
        run: open_rtc,
    },
];

fn settimeofday(_: &Request) -> Attempt {
    sys::call(Sysno::settimeofday, &[0, 0]).answer()
}

fn clock_settime(_: &Request) -> Attempt {
    let epoch = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    sys::call(Sysno::clock_settime, &[libc::CLOCK_REALTIME as usize, addr(&epoch)]).answer()
}

/// Seconds by which the clock is set forward.
const AN_HOUR: i64 = 3600;

fn set_clock(_: &Request) -> Attempt {
    let (began, mut wanted) = (read(libc::CLOCK_MONOTONIC), read(libc::CLOCK_REALTIME));
    wanted.tv_sec += AN_HOUR;
    let made = sys::call(Sysno::clock_settime, &[libc::CLOCK_REALTIME as usize, addr(&wanted)]);
    if made.worked() {
        let ended = read(libc::CLOCK_MONOTONIC);
        let nanoseconds = wanted.tv_nsec + ended.tv_nsec - began.tv_nsec;
        let back = libc::timespec {
            tv_sec: wanted.tv_sec - AN_HOUR + ended.tv_sec - began.tv_sec + nanoseconds.div_euclid(SECOND),
            tv_nsec: nanoseconds.rem_euclid(SECOND),
        };
        // SAFETY: `back` is alive. Not by `sys::call`: it is not what is being tried.
        unsafe { libc::syscall(libc::SYS_clock_settime, libc::CLOCK_REALTIME, &raw const back) };
    }
    made.answer()
}

/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills `now` in, which is alive. Every process may read these clocks.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, &raw mut now) };
    now
}

/// An adjustment that every permission check lets through and the range check refuses.
fn bad_tick() -> libc::timex {
    // SAFETY: all-zero bytes are a valid `timex`.
    let mut adjustment: libc::timex = unsafe { std::mem::zeroed() };
    adjustment.modes = libc::ADJ_TICK;
    adjustment
}

fn clock_adjtime(_: &Request) -> Attempt {
    let mut adjustment = bad_tick();
    sys::call(Sysno::clock_adjtime, &[libc::CLOCK_REALTIME as usize, addr_mut(&mut adjustment)]).answer()
}

fn adjtimex(_: &Request) -> Attempt {
    let mut adjustment = bad_tick();
    sys::call(Sysno::adjtimex, &[addr_mut(&mut adjustment)]).answer()
}

fn open_rtc(_: &Request) -> Attempt {
    sys::closing(sys::open(c"/dev/rtc0", libc::O_RDONLY, 0)).answer()
}
