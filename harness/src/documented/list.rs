//! The calls of which Docker's manual says that the default profile blocks them, under "Significant syscalls blocked by
//! the default profile": the reasons in our words, the capability that the manual says the kernel wants for it as well,
//! and how far the manual's words go. It says nothing of whether they are so.

use super::Source;

/// Where the manual has the list.
pub(super) const SOURCE: Source = Source {
    title: "Seccomp security profiles for Docker",
    url: "https://docs.docker.com/engine/security/seccomp/",
    version: "https://github.com/docker/docs/blob/2c92482e6aba70316cdd61cc7adf1dbe7002936c/content/manuals/engine/security/seccomp.md",
};

/// A call of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub call: &'static str,
    /// Why the manual wants it blocked.
    pub because: &'static str,
    /// The capability that it says the kernel asks for anyway.
    pub gate: Option<&'static str>,
    /// What of the call it says is blocked.
    pub blocked: Blocked,
}

/// How much of a call the manual's own words say is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// All of it.
    Whole,
    /// Some of it, by its arguments: which.
    Some(&'static str),
    /// All of it, on kernels before this one; later it is let through.
    Before(u32, u32),
}

impl Listed {
    const fn only(self, blocked: Blocked) -> Self {
        Self { blocked, ..self }
    }
}

const fn listed(call: &'static str, because: &'static str, gate: &'static str) -> Listed {
    let gate = if gate.is_empty() { None } else { Some(gate) };
    Listed { call, because, gate, blocked: Blocked::Whole }
}

/// The list, in the manual's order.
pub(super) const LIST: &[Listed] = &[
    listed("acct", "turns off the accounting that limits it", "CAP_SYS_PACCT"),
    listed("add_key", "keyrings are in no namespace", ""),
    listed("bpf", "programs that stay in the kernel", "CAP_SYS_ADMIN"),
    listed("clock_adjtime", "time is in no namespace", "CAP_SYS_TIME"),
    listed("clock_settime", "time is in no namespace", "CAP_SYS_TIME"),
    listed("clone", "new namespaces", "CAP_SYS_ADMIN").only(Blocked::Some("with a flag for a new namespace")),
    listed("create_module", "modules; obsolete", "CAP_SYS_MODULE"),
    listed("delete_module", "modules", "CAP_SYS_MODULE"),
    listed("finit_module", "modules", "CAP_SYS_MODULE"),
    listed("get_kernel_syms", "the kernel's symbols; obsolete", ""),
    listed("get_mempolicy", "placement of memory", "CAP_SYS_NICE"),
    listed("init_module", "modules", "CAP_SYS_MODULE"),
    listed("ioperm", "the machine's ports", "CAP_SYS_RAWIO"),
    listed("iopl", "the machine's ports", "CAP_SYS_RAWIO"),
    listed("kcmp", "looks into processes", "CAP_SYS_PTRACE"),
    listed("kexec_file_load", "another kernel", "CAP_SYS_BOOT"),
    listed("kexec_load", "another kernel", "CAP_SYS_BOOT"),
    listed("keyctl", "keyrings are in no namespace", ""),
    listed("lookup_dcookie", "profiling, which tells about the host", "CAP_SYS_ADMIN"),
    listed("mbind", "placement of memory", "CAP_SYS_NICE"),
    listed("mount", "mounting", "CAP_SYS_ADMIN"),
    listed("move_pages", "placement of memory", ""),
    listed("nfsservctl", "obsolete since Linux 3.1", ""),
    listed("open_by_handle_at", "an old way out of a container", "CAP_DAC_READ_SEARCH"),
    listed("perf_event_open", "profiling, which tells about the host", ""),
    listed("personality", "emulation of other systems, little tested", "")
        .only(Blocked::Some("all but a few of its arguments")),
    listed("pivot_root", "should take a privilege", ""),
    listed("process_vm_readv", "looks into processes", "CAP_SYS_PTRACE"),
    listed("process_vm_writev", "looks into processes", "CAP_SYS_PTRACE"),
    listed("ptrace", "goes round a filter before Linux 4.8", "CAP_SYS_PTRACE").only(Blocked::Before(4, 8)),
    listed("query_module", "modules; obsolete", ""),
    listed("quotactl", "turns off limits", "CAP_SYS_ADMIN"),
    listed("reboot", "restarts the host", "CAP_SYS_BOOT"),
    listed("request_key", "keyrings are in no namespace", ""),
    listed("set_mempolicy", "placement of memory", "CAP_SYS_NICE"),
    listed("setns", "other namespaces", "CAP_SYS_ADMIN"),
    listed("settimeofday", "time is in no namespace", "CAP_SYS_TIME"),
    listed("stime", "time is in no namespace", "CAP_SYS_TIME"),
    listed("swapon", "swap space", "CAP_SYS_ADMIN"),
    listed("swapoff", "swap space", "CAP_SYS_ADMIN"),
    listed("sysfs", "obsolete", ""),
    listed("_sysctl", "obsolete", ""),
    listed("umount", "unmounting", "CAP_SYS_ADMIN"),
    listed("umount2", "unmounting", "CAP_SYS_ADMIN"),
    listed("unshare", "new namespaces, user namespaces excepted", "CAP_SYS_ADMIN"),
    listed("uselib", "old, and unused", ""),
    listed("userfaultfd", "handles page faults of the kernel", ""),
    listed("ustat", "obsolete", ""),
    listed("vm86", "real mode in the kernel", "CAP_SYS_ADMIN"),
    listed("vm86old", "real mode in the kernel", "CAP_SYS_ADMIN"),
];
