//! Return probes on the kernel's permission functions: they show the refusals of security modules, mounts, mode bits
//! and device rules, and capability checks on kernels before 6.14. Kernels without kprobes do without.

use std::collections::HashSet;
use std::fs;

use super::btf;
use super::line::{ANSWERED, ASKED, CAPABLE};
use super::tracefs::{Tracefs, group};

/// Functions that refuse, and return an int: those that return nothing leave garbage.
const CORE: [&str; 12] = [
    "__seccomp_filter",
    "generic_permission",
    "inode_permission",
    "may_open",
    "mnt_want_write",
    "mnt_want_write_file",
    // Until 6.8, and since.
    "__mnt_want_write",
    "mnt_get_write_access",
    "devcgroup_check_permission",
    "__cgroup_bpf_check_dev_permission",
    "__ptrace_may_access",
    "lockdown_is_locked_down",
];

/// Questions that security modules are asked and the catalogue causes; `security_X` for all, then one a module.
const HOOKS: [&str; 54] = [
    "bpf",
    "bpf_map",
    "bpf_map_create",
    "bprm_check_security",
    "bprm_creds_for_exec",
    "capable",
    "file_mprotect",
    "file_open",
    "file_permission",
    "file_truncate",
    "inode_create",
    "inode_init_security_anon",
    "inode_link",
    "inode_mkdir",
    "inode_mknod",
    "inode_permission",
    "inode_rename",
    "inode_setattr",
    "inode_setxattr",
    "inode_unlink",
    "kernel_load_data",
    "kernel_read_file",
    "key_alloc",
    "key_permission",
    "locked_down",
    "mmap_file",
    "move_mount",
    "netlink_send",
    "path_chmod",
    "path_chown",
    "path_chroot",
    "path_mkdir",
    "path_mknod",
    "path_unlink",
    "perf_event_open",
    "ptrace_access_check",
    "ptrace_traceme",
    "quotactl",
    "sb_mount",
    "sb_umount",
    "setprocattr",
    "settime64",
    "socket_bind",
    "socket_connect",
    "socket_create",
    "syslog",
    "task_kill",
    "task_prlimit",
    "task_setnice",
    "task_setrlimit",
    "task_setscheduler",
    "unix_may_send",
    "unix_stream_connect",
    "userns_create",
];

/// Functions of SELinux that have other names than their hooks.
const OTHERWISE_NAMED: [&str; 4] =
    ["selinux_mount", "selinux_umount", "selinux_socket_unix_stream_connect", "selinux_socket_unix_may_send"];

/// Whose function it is, by the beginning of its name; Landlock's begin with `hook_`.
const MODULES: [&str; 8] =
    ["security_", "apparmor_", "selinux_", "yama_", "hook_", "tomoyo_", "smack_", "bpf_lsm_"];

/// The probes of a run; the instance removes them.
#[derive(Debug)]
pub(super) struct Kprobes {
    group: String,
    functions: Vec<String>,
}

/// Defines the probes that this kernel can have; `capabilities` says whether capability checks need one too.
pub(super) fn define(tracefs: &Tracefs, run: &str, capabilities: bool) -> Option<Kprobes> {
    if !tracefs.path("kprobe_events").exists() {
        return None;
    }
    let group = group(run);
    if capabilities {
        define_capable(tracefs, &group);
    }
    let symbols = fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let known = functions(&symbols);
    let functions = candidates()
        .filter(|function| known.contains(function.as_str()))
        .filter(|function| {
            tracefs.define(&format!("r:{group}/{function} {function} ret=$retval:s32")).is_ok()
        })
        .collect();
    Some(Kprobes { group, functions })
}

/// Where the fields lie comes from the kernel's own type information. The function's name can be used in one probe
/// from 6.9 on, where a return probe still sees the arguments; before, it takes two.
fn define_capable(tracefs: &Tracefs, group: &str) {
    let Some(inode) = btf::read()
        .and_then(|btf| Some(btf.offset("user_namespace", "ns")? + btf.offset("ns_common", "inum")?))
    else {
        return;
    };
    let seen = format!("cred=$arg1:x64 target=+{inode}($arg2):u32 cap=$arg3:s32");
    let one = format!("r:{group}/{CAPABLE} cap_capable {seen} ret=$retval:s32");
    if tracefs.define(&one).is_err() {
        let both = [
            format!("p:{group}/{ASKED} cap_capable {seen}"),
            format!("r:{group}/{ANSWERED} cap_capable ret=$retval:s32"),
        ];
        for half in both {
            let _ = tracefs.define(&half);
        }
    }
}

fn candidates() -> impl Iterator<Item = String> {
    let hooks = HOOKS.iter().flat_map(|hook| MODULES.iter().map(move |module| format!("{module}{hook}")));
    CORE.iter().chain(&OTHERWISE_NAMED).map(|name| (*name).to_owned()).chain(hooks)
}

/// The functions in the text of `/proc/kallsyms`.
fn functions(symbols: &str) -> HashSet<&str> {
    symbols
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            matches!(fields.next()?, "t" | "T").then(|| fields.next())?
        })
        .collect()
}

impl Kprobes {
    pub(super) fn group(&self) -> &str {
        &self.group
    }

    /// The functions whose refusals show.
    pub(super) fn filtered(&self) -> &[String] {
        &self.functions
    }

    /// Returns that were missed because too many of a kind were under way: the last column of `kprobe_profile`.
    pub(super) fn missed(&self, tracefs: &Tracefs) -> u64 {
        let profile = fs::read_to_string(tracefs.path("kprobe_profile")).unwrap_or_default();
        misses(&profile, |name| name == CAPABLE || self.functions.iter().any(|function| function == name))
    }
}

fn misses(profile: &str, ours: impl Fn(&str) -> bool) -> u64 {
    profile
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let name = fields.next()?;
            fields.nth(1)?.parse::<u64>().ok().filter(|_| ours(name))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_can_be_probed() {
        let text = "0000000000000000 T cap_capable\n0000000000000000 d selinux_x\n0 t yama_y\t[yama]\nx\n";
        assert_eq!(functions(text), HashSet::from(["cap_capable", "yama_y"]));
    }

    #[test]
    fn misses_are_those_of_our_own_probes() {
        let text = "  may_open    17    3\n  other   1    9\n  cap_capable 5 1\nbroken\n";
        assert_eq!(misses(text, |name| name != "other"), 4);
    }

    #[test]
    fn no_function_is_probed_twice() {
        let all: Vec<String> = candidates().collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
