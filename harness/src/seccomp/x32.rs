//! The numbers of the x32 calls: x86-64's with a bit of their own, except for calls whose structures differ, which have
//! numbers of their own, and calls that x32 has not. From Linux `arch/x86/entry/syscalls/syscall_64.tbl`, which marks
//! the one `x32` and the other `64`.

use syscalls::x86_64::Sysno;

/// All x32 calls have it.
pub(super) const BIT: u32 = 0x4000_0000;

/// Those with numbers of their own, from this one on.
const FIRST_OF_ITS_OWN: u32 = 512;

const OF_ITS_OWN: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// Those that x32 has not.
const NOT_THERE: [&str; 12] = [
    "uselib",
    "_sysctl",
    "create_module",
    "get_kernel_syms",
    "query_module",
    "nfsservctl",
    "set_thread_area",
    "get_thread_area",
    "epoll_ctl_old",
    "epoll_wait_old",
    "vserver",
    "uretprobe",
];

/// The number of a call by its name, with the bit.
pub(super) fn number(name: &str) -> Option<u32> {
    if NOT_THERE.contains(&name) {
        return None;
    }
    let own = OF_ITS_OWN.iter().position(|own| *own == name).map(|at| FIRST_OF_ITS_OWN + at as u32);
    let number = own.or_else(|| name.parse::<Sysno>().ok().map(|call| call.id() as u32))?;
    Some(BIT | number)
}
