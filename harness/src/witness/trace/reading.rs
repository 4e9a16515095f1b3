//! What a span says: who refused the guarded call, or that nobody was seen to. Pure.
//!
//! Nothing seen is said to be nothing seen. The one conclusion from an errno alone is for those that a single
//! mechanism gives.

use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Outcome, Probe};

use super::line::Event;
use super::span::exit;
use super::{Own, Span, Traced};
use crate::capability::Capability;
use crate::mechanism::Mechanism;
use crate::observation::errno_name;
use crate::witness::{Finding, Named};

/// What is known beside the trace.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The probe.
    pub probe: &'a Probe,
    /// What it says it saw.
    pub seen: &'a Observation,
    /// Whether the container has a user namespace of its own.
    pub user_namespace: bool,
    /// How many of the kernel's permission functions show their refusals.
    pub functions: usize,
}

/// `CAP_DAC_OVERRIDE` and `CAP_DAC_READ_SEARCH`: what gets past mode bits.
const PAST_MODE_BITS: [i32; 2] = [1, 2];

/// What the trace of a trial says of the probe at `place` of its request.
pub fn read(traced: &Traced, place: u64, circumstances: &Circumstances<'_>) -> Finding {
    if let Some(why) = &traced.lost {
        return unwitnessed(why);
    }
    if circumstances.seen.call.is_empty() {
        return unwitnessed("no guarded call was made, so there was nothing to see");
    }
    let spans = traced.spans.get(&place).map_or(&[][..], Vec::as_slice);
    let Some(span) = spans.iter().rev().find(|span| is_of(span, circumstances.seen)) else {
        let why = if spans.is_empty() {
            "the trace shows no mark of this probe: the filter may refuse the marks' own calls"
        } else {
            "none of the calls in the trace is the one that answered"
        };
        return unwitnessed(why);
    };
    Reader { span, initial: traced.initial, circumstances }.finding()
}

/// Whether a span is that of the call that an observation is about.
fn is_of(span: &Span, seen: &Observation) -> bool {
    let Some(number) = seen.number else { return true };
    let entered = span.events.iter().find_map(|event| match event {
        Event::Enter { number: entered, args } if *entered == number => Some(args),
        _ => None,
    });
    // The same arguments, unless an attempt reports a call that a child of it made.
    let same_args =
        |args: &[u64; 6]| seen.args.as_ref().is_none_or(|told| told == args) || seen.returned == Some(0);
    if entered.is_some_and(|args| !same_args(args)) {
        return false;
    }
    match (exit(span, number), seen.returned) {
        (Some(returned), Some(told)) => returned == told || returned >= 0 && told >= 0,
        (None, _) => entered.is_some() && !span.ended,
        (Some(_), None) => true,
    }
}

fn unwitnessed(why: &str) -> Finding {
    Finding { method: "trace", says: "unwitnessed".to_owned(), detail: why.to_owned(), ..Finding::default() }
}

/// One who reads a span.
pub(super) struct Reader<'a> {
    pub(super) span: &'a Span,
    pub(super) initial: Option<u64>,
    pub(super) circumstances: &'a Circumstances<'a>,
}

impl Reader<'_> {
    fn finding(&self) -> Finding {
        let seen = self.circumstances.seen;
        let mut finding = Finding { method: "trace", detail: self.chain(), ..Finding::default() };
        match self.answer() {
            Ok((named, says)) => {
                finding.named = Some(named);
                finding.says = says;
            }
            Err(says) => {
                finding.through = (seen.outcome == Outcome::Reached).then_some(true);
                finding.says = says;
                if self.entered() {
                    finding.excludes.push(Mechanism::Seccomp);
                }
            }
        }
        finding
    }

    pub(super) fn entered(&self) -> bool {
        let number = self.circumstances.seen.number;
        self.span
            .events
            .iter()
            .any(|event| matches!(event, Event::Enter { number: entered, .. } if number.is_none_or(|number| number == *entered)))
    }

    /// Who answered, or else what was seen instead.
    fn answer(&self) -> Result<(Named, String), String> {
        let seen = self.circumstances.seen;
        if !self.entered() {
            return Ok((Named::only(Mechanism::Seccomp), "the call was answered before it began".to_owned()));
        }
        if seen.outcome == Outcome::Reached {
            return Err("the call was entered and nothing refused it".to_owned());
        }
        if let Some(found) = self.function() {
            return Ok(found);
        }
        let refused = self.refused();
        match seen.errno {
            libc::EROFS => Ok((
                Named::check(Mechanism::ReadOnlyMount),
                "the call was entered; no capability was missing; EROFS comes from a read-only mount alone"
                    .to_owned(),
            )),
            libc::EACCES | libc::EPERM if !refused.is_empty() => Ok(self.missing(&refused, seen.errno)),
            // It worked, and something was withheld for want of the capability that the probe names.
            0 if seen.outcome == Outcome::Denied => {
                let wanted: Vec<Refusal> =
                    refused.into_iter().filter(|refusal| self.wants(refusal.capability)).collect();
                if wanted.is_empty() {
                    Err("the call was entered and returned; what it withheld does not show".to_owned())
                } else {
                    Ok(self.missing(&wanted, 0))
                }
            }
            libc::ESRCH if seen.call == "kill" => Ok((
                Named::check(Mechanism::PidNamespace),
                "the call was entered and found no such process".to_owned(),
            )),
            libc::EMFILE => Ok((
                Named::check(Mechanism::ResourceLimit),
                "the call was entered; only RLIMIT_NOFILE gives EMFILE".to_owned(),
            )),
            libc::EAGAIN if seen.call == "clone" => Ok((
                Named::check(Mechanism::ResourceLimit),
                "the call was entered; only a limit on processes gives EAGAIN here".to_owned(),
            )),
            libc::EACCES | libc::EPERM => Err(self.silent()),
            _ => Err("the call was entered; nothing refused it, and nothing was found".to_owned()),
        }
    }

    fn silent(&self) -> String {
        if self.circumstances.functions > 0 {
            "the call was entered and refused by a check outside the watched ones".to_owned()
        } else {
            "the call was entered and refused; no capability was asked for, and other checks do not show on this kernel".to_owned()
        }
    }

    fn wants(&self, capability: i32) -> bool {
        let name = u8::try_from(capability).ok().and_then(Capability::by_number).map(Capability::name);
        name.is_some_and(|name| self.circumstances.probe.capabilities.contains(&name))
    }

    /// The innermost of the kernel's policy functions that refused.
    fn function(&self) -> Option<(Named, String)> {
        let refused = self.span.events.iter().filter_map(|event| match event {
            // On a read-only mount the time of the last access is not written, and no call fails for that.
            Event::Function { caller, .. } if caller == "touch_atime" => None,
            Event::Function { name, caller, returned } => Some((whose(name)?, name, caller, returned)),
            _ => None,
        });
        // A module's word counts for more than what the rest of the kernel makes of it.
        let ((rank, mechanism), name, caller, returned) = refused.min_by_key(|((rank, _), ..)| *rank)?;
        if rank == MODE_BITS && self.circumstances.seen.errno != libc::EACCES {
            return None;
        }
        let errno = errno_name(-returned);
        Some((Named::check(mechanism), format!("{name}, called by {caller}, said {errno}")))
    }

    /// Capability checks of the process's own that failed, after the last one that it passed.
    fn refused(&self) -> Vec<Refusal> {
        let mut refused: Vec<Refusal> = Vec::new();
        let mut earlier: Vec<Refusal> = Vec::new();
        for event in &self.span.events {
            let Event::Capable { credentials, namespace, capability, returned } = event else { continue };
            // The kernel checks under other credentials too: those of whoever mounted an overlay, for one.
            if self.span.own.is_some_and(|own| own.credentials != *credentials) {
                continue;
            }
            if *returned == 0 {
                earlier.append(&mut refused);
            } else if !refused.iter().any(|known| known.capability == *capability) {
                refused.push(Refusal { capability: *capability, namespace: *namespace });
            }
        }
        if refused.is_empty() { earlier } else { refused }
    }

    /// Which mechanism it is that a capability is missing.
    fn missing(&self, refused: &[Refusal], errno: i32) -> (Named, String) {
        let names: Vec<String> = refused.iter().map(|refusal| self.words(refusal)).collect();
        let held = refused.iter().any(|refusal| self.held_elsewhere(refusal));
        let but = if held { ": held, but not there" } else { ": not held" };
        let says = format!("asked for {}{but}", names.join(" or "));
        let all_past_mode_bits = refused.iter().all(|refusal| PAST_MODE_BITS.contains(&refusal.capability));
        let named = if errno == libc::EACCES && all_past_mode_bits {
            Named::check(Mechanism::Ownership)
        } else if held {
            Named::only(Mechanism::UserNamespace)
        } else if refused.iter().any(|refusal| self.foreign(refusal.namespace)) {
            Named::of(Mechanism::Capabilities, &[Mechanism::Ownership, Mechanism::UserNamespace])
        } else {
            Named::of(Mechanism::Capabilities, &[Mechanism::Ownership])
        };
        (named, says)
    }

    fn held(&self, capability: i32) -> Option<bool> {
        self.span.effective.map(|set| set >> capability & 1 == 1)
    }

    /// Whether the process holds the capability, in a user namespace that is not the one that was asked.
    fn held_elsewhere(&self, refusal: &Refusal) -> bool {
        self.foreign(refusal.namespace) && self.held(refusal.capability).unwrap_or(true)
    }

    /// Whether a user namespace is another than the process's own.
    pub(super) fn foreign(&self, namespace: u64) -> bool {
        match self.span.own {
            Some(Own { namespace: own, .. }) => own != namespace,
            None => self.circumstances.user_namespace && self.initial == Some(namespace),
        }
    }
}

/// A capability check that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) capability: i32,
    pub(super) namespace: u64,
}

/// Mode bits come last: whoever may override them is asked after them.
const MODE_BITS: u8 = 9;

/// Whose refusal a function's is, and how much it counts beside others.
fn whose(function: &str) -> Option<(u8, Mechanism)> {
    const BEGINNINGS: [(&str, Mechanism); 4] = [
        ("apparmor_", Mechanism::Apparmor),
        ("selinux_", Mechanism::Selinux),
        ("yama_", Mechanism::Yama),
        ("hook_", Mechanism::Landlock),
    ];
    let module = BEGINNINGS.iter().find(|(beginning, _)| function.starts_with(beginning));
    match (module, function) {
        (Some((_, mechanism)), _) => Some((0, *mechanism)),
        (_, "lockdown_is_locked_down") => Some((1, Mechanism::Lockdown)),
        (_, "__cgroup_bpf_check_dev_permission" | "devcgroup_check_permission") => {
            Some((2, Mechanism::DeviceCgroup))
        }
        (_, "mnt_want_write" | "__mnt_want_write" | "mnt_want_write_file" | "mnt_get_write_access") => {
            Some((3, Mechanism::ReadOnlyMount))
        }
        (_, "generic_permission") => Some((MODE_BITS, Mechanism::Ownership)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
