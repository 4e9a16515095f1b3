//! The filters that are really installed, dumped from the container's process and run for the probe's own call.
//!
//! `PTRACE_SECCOMP_GET_FILTER` (Linux 4.4, with `CONFIG_CHECKPOINT_RESTORE`) takes `CAP_SYS_ADMIN` in the initial user
//! namespace and a tracer without a filter of its own (`seccomp_get_filter`, `kernel/seccomp.c`).

use std::ptr;

use super::{Finding, Named, Scene};
use crate::mechanism::Mechanism;
use crate::observation::errno_name;
use crate::seccomp::interpreter::{Data, run_all};
use crate::seccomp::{Architecture, Instruction};

/// A stack of filters, oldest first.
pub type Stack = Vec<Vec<Instruction>>;

/// `linux/ptrace.h`.
const PTRACE_SECCOMP_GET_FILTER: u32 = 0x420c;
/// More filters than a process has that can still do something.
const HIGHEST_STACK: usize = 64;

/// The filters of a process that this thread traces and that is stopped.
pub fn dump(pid: i32) -> Result<Stack, String> {
    let mut stack = Vec::new();
    while stack.len() < HIGHEST_STACK {
        let length = match get_filter(pid, stack.len(), ptr::null_mut()) {
            Ok(length) => length,
            Err(libc::ENOENT) => break,
            // No filter at all.
            Err(libc::EINVAL) if stack.is_empty() => break,
            Err(errno) => return Err(reason(errno)),
        };
        let mut program = vec![Instruction { code: 0, jt: 0, jf: 0, k: 0 }; length];
        get_filter(pid, stack.len(), program.as_mut_ptr()).map_err(reason)?;
        stack.push(program);
    }
    Ok(stack)
}

fn get_filter(pid: i32, place: usize, to: *mut Instruction) -> Result<usize, i32> {
    // SAFETY: `to` is null, which asks for the length only, or has room for as many instructions as it said.
    let length = unsafe { libc::ptrace(PTRACE_SECCOMP_GET_FILTER, pid, place, to) };
    usize::try_from(length).map_err(|_| std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

fn reason(errno: i32) -> String {
    match errno {
        libc::EACCES => "reading installed filters takes root (CAP_SYS_ADMIN), and a harness that is under no filter itself".to_owned(),
        libc::EIO | libc::EINVAL => "this kernel does not hand filters out (CONFIG_CHECKPOINT_RESTORE)".to_owned(),
        other => format!("the installed filters cannot be read: {}", errno_name(other)),
    }
}

/// What the installed filters say to the call that an observation is about.
pub(super) fn saw(scene: &Scene<'_>) -> Option<Finding> {
    let stack = scene.watched.filters.as_ref()?;
    let number = scene.seen.number?;
    let args = scene.seen.args?;
    let architecture = match scene.seen.door.as_deref() {
        Some(_) => Architecture::NATIVE.compat(),
        None => Architecture::NATIVE,
    };
    let data = Data { number, architecture: architecture.audit(), args, ..Data::default() };
    let finding = Finding { method: "filter", ..Finding::default() };
    let answer = match run_all(stack.iter().map(Vec::as_slice), &data) {
        Ok(answer) => answer,
        Err(fault) => {
            let says = "the installed filter cannot be evaluated".to_owned();
            return Some(Finding { says, detail: fault.to_string(), ..finding });
        }
    };
    let detail = match stack.len() {
        0 => "no filter is installed".to_owned(),
        count => format!(
            "{count} installed, {} instructions, run for {} with its own arguments",
            stack.iter().map(Vec::len).sum::<usize>(),
            scene.seen.call
        ),
    };
    let says = words(answer);
    Some(if lets_through(answer) {
        Finding { excludes: vec![Mechanism::Seccomp], says, detail, ..finding }
    } else {
        Finding { named: Some(Named::only(Mechanism::Seccomp)), says, detail, ..finding }
    })
}

/// Whether the call goes on to the kernel.
pub(crate) fn lets_through(answer: u32) -> bool {
    matches!(answer & libc::SECCOMP_RET_ACTION_FULL, libc::SECCOMP_RET_ALLOW | libc::SECCOMP_RET_LOG)
}

/// `ERRNO(1)`, `ALLOW`: as the manual page calls the actions.
pub fn words(answer: u32) -> String {
    let data = answer & libc::SECCOMP_RET_DATA;
    match answer & libc::SECCOMP_RET_ACTION_FULL {
        libc::SECCOMP_RET_ALLOW => "ALLOW".to_owned(),
        libc::SECCOMP_RET_LOG => "LOG".to_owned(),
        libc::SECCOMP_RET_ERRNO => format!("ERRNO({data})"),
        libc::SECCOMP_RET_TRACE => format!("TRACE({data})"),
        libc::SECCOMP_RET_TRAP => "TRAP".to_owned(),
        libc::SECCOMP_RET_USER_NOTIF => "USER_NOTIF".to_owned(),
        libc::SECCOMP_RET_KILL_THREAD => "KILL_THREAD".to_owned(),
        // What the kernel does with an action that it does not know, too.
        _ => "KILL_PROCESS".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0x7fff_0000, "ALLOW", true)]
    #[case(0x7ffc_0000, "LOG", true)]
    #[case(0x0005_0001, "ERRNO(1)", false)]
    #[case(0x7ff0_0007, "TRACE(7)", false)]
    #[case(0x0003_0000, "TRAP", false)]
    #[case(0, "KILL_THREAD", false)]
    #[case(0x8000_0000, "KILL_PROCESS", false)]
    #[case(0x1234_0000, "KILL_PROCESS", false)]
    fn answers_in_words(#[case] answer: u32, #[case] text: &str, #[case] through: bool) {
        assert_eq!(words(answer), text);
        assert_eq!(lets_through(answer), through);
    }
}
