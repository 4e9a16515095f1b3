//! Shared memory is shared with whoever shares the namespace. Nothing is attached here: the question is
//! only whose namespace this is.

use syscalls::Sysno;

use crate::probe::{Aim, Answer, Attempt, Effect, Probe};
use crate::sys::{self, CWD, addr_mut, ptr};
use crate::wire::Request;

/// The family's probes.
pub(super) const PROBES: &[Probe] = &[Probe {
    id: "ipc-see-host",
    title: "Share the host's System V IPC and message queues",
    tries: "readlinkat(\"/proc/self/ns/ipc\"), compared with the host's namespace",
    gains: "the shared memory, semaphores and message queues of the host's programs (databases keep their pages there)",
    calls: &[Sysno::readlinkat],
    proof: &[],
    refusal: &[],
    capabilities: &[],
    aims: &[Aim::Namespace("ipc")],
    needs: &[],
    effect: Effect::Harmless,
    harmless_because: "a number is read; no segment, semaphore or queue is touched",
    sources: &["https://man7.org/linux/man-pages/man7/ipc_namespaces.7.html"],
    run: see_host,
}];

fn see_host(request: &Request) -> Attempt {
    let Some((_, host)) = request.host_namespaces.iter().find(|(kind, _)| kind == "ipc") else {
        return Ok(Answer::absent("the harness did not say which ipc namespace the host's is"));
    };
    let mut link = [0u8; 64];
    let made =
        sys::call(Sysno::readlinkat, &[CWD, ptr(c"/proc/self/ns/ipc"), addr_mut(&mut link), link.len()]);
    let Ok(length) = made.result else {
        return made.answer();
    };
    let own = String::from_utf8_lossy(&link[..length as usize]).into_owned();
    if own == format!("ipc:[{host}]") {
        return made.answer();
    }
    Ok(Answer::Hollow { made, why: format!("this is {own}, the host's is ipc:[{host}]") })
}
