//! What a span says: who refused the guarded call, or that nobody was seen to. Pure.
//!
//! Nothing seen is said to be nothing seen. The one conclusion from an errno alone is for those that a single
//! mechanism gives.

use nix::errno::Errno;
use whyblocked_agent::wire::Observation;
use whyblocked_agent::{Outcome, Probe};

use super::line::Event;
use super::{Own, Span, Traced};
use crate::capability::Capability;
use crate::mechanism::Mechanism;
use crate::verdict::errno_name;
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

fn exit(span: &Span, number: u32) -> Option<i64> {
    span.events.iter().rev().find_map(|event| match event {
        Event::Exit { number: ended, returned } if *ended == number => Some(*returned),
        _ => None,
    })
}

fn unwitnessed(why: &str) -> Finding {
    Finding { method: "trace", says: "unwitnessed".to_owned(), detail: why.to_owned(), ..Finding::default() }
}

struct Reader<'a> {
    span: &'a Span,
    initial: Option<u64>,
    circumstances: &'a Circumstances<'a>,
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

    fn entered(&self) -> bool {
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
                Named::only(Mechanism::ReadOnlyMount),
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
                Named::only(Mechanism::PidNamespace),
                "the call was entered and found no such process".to_owned(),
            )),
            libc::EMFILE => Ok((
                Named::only(Mechanism::ResourceLimit),
                "the call was entered; only RLIMIT_NOFILE gives EMFILE".to_owned(),
            )),
            libc::EAGAIN if seen.call == "clone" => Ok((
                Named::only(Mechanism::ResourceLimit),
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
            Event::Function { name, caller, returned } => Some((whose(name)?, name, caller, returned)),
            _ => None,
        });
        // A module's word counts for more than what the rest of the kernel makes of it.
        let ((rank, mechanism), name, caller, returned) = refused.min_by_key(|((rank, _), ..)| *rank)?;
        if rank == MODE_BITS && self.circumstances.seen.errno != libc::EACCES {
            return None;
        }
        let errno = errno_name(-returned);
        Some((named(mechanism), format!("{name}, called by {caller}, said {errno}")))
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
            named(Mechanism::Ownership)
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
    fn foreign(&self, namespace: u64) -> bool {
        match self.span.own {
            Some(Own { namespace: own, .. }) => own != namespace,
            None => self.circumstances.user_namespace && self.initial == Some(namespace),
        }
    }

    fn words(&self, refusal: &Refusal) -> String {
        format!("{} in {}", capability_name(refusal.capability), self.place(refusal.namespace))
    }

    fn place(&self, namespace: u64) -> &'static str {
        if self.initial == Some(namespace) {
            "the initial user namespace"
        } else if self.foreign(namespace) {
            "another user namespace"
        } else {
            "the container's user namespace"
        }
    }

    /// The whole chain in words, in the order of time.
    fn chain(&self) -> String {
        let mut links: Vec<String> = Vec::new();
        let number = self.circumstances.seen.number;
        let call = &self.circumstances.seen.call;
        let ours = |of: &u32| number.is_none_or(|number| number == *of);
        for event in &self.span.events {
            let link = match event {
                Event::Enter { number, .. } if ours(number) => format!("sys_enter {call}"),
                Event::Exit { number, returned } if ours(number) => {
                    format!("sys_exit {call} = {}", value(*returned))
                }
                Event::Capable { credentials, namespace, capability, returned } => {
                    let whose = if self.span.own.is_some_and(|own| own.credentials != *credentials) {
                        ", under other credentials"
                    } else {
                        ""
                    };
                    let answer = if *returned == 0 { "yes" } else { "no" };
                    format!(
                        "cap_capable {} in {}{whose}: {answer}",
                        capability_name(*capability),
                        self.place(*namespace)
                    )
                }
                Event::Function { name, caller, returned } => {
                    format!("{name} ← {caller} = {}", value((*returned).into()))
                }
                _ => continue,
            };
            if links.last() != Some(&link) {
                links.push(link);
            }
        }
        if !self.entered() {
            links.insert(0, "no sys_enter".to_owned());
        }
        if !self.span.ended && number.is_none_or(|number| exit(self.span, number).is_none()) {
            links.push("it never returned".to_owned());
        }
        if links.len() > LONGEST_CHAIN {
            let left_out = links.len() - LONGEST_CHAIN;
            links.splice(LONGEST_CHAIN / 2..LONGEST_CHAIN / 2 + left_out, [format!("… {left_out} more …")]);
        }
        links.join("; ")
    }
}

/// Links that a reader still reads.
const LONGEST_CHAIN: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    capability: i32,
    namespace: u64,
}

/// `CAP_SYS_TIME`.
fn capability_name(number: i32) -> String {
    u8::try_from(number)
        .ok()
        .and_then(Capability::by_number)
        .map_or_else(|| format!("capability {number}"), |capability| capability.name().to_owned())
}

/// What a call returned: a value, or the name of an errno.
fn value(returned: i64) -> String {
    match i32::try_from(-returned) {
        Ok(errno @ 1..=4095) if Errno::from_raw(errno) != Errno::UnknownErrno => errno_name(errno),
        _ if returned < 0 => returned.to_string(),
        _ => format!("{returned:#x}").replacen("0x0", "0", 1),
    }
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

/// A mechanism, with the knobs that can make its check say no.
fn named(mechanism: Mechanism) -> Named {
    match mechanism {
        // Root is past mode bits by a capability, and that counts for ids that the user namespace maps.
        Mechanism::Ownership => Named::of(mechanism, &[Mechanism::Capabilities, Mechanism::UserNamespace]),
        other => Named::only(other),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use whyblocked_agent::catalogue;

    use super::super::Traced;
    use super::*;

    /// The initial user namespace and another one, as a trace numbers them.
    const INITIAL: u64 = 1;
    const INNER: u64 = 2;
    const TIME: i32 = 25;

    /// What happened in a span, in short.
    enum Happened {
        Enter,
        Exit(i64),
        Cap(i32, u64, i32),
        /// Under other credentials than the process's own.
        OthersCap(i32),
        Function(&'static str, i32),
    }
    use Happened::{Cap, Enter, Exit, Function, OthersCap};

    fn read_span(happened: &[Happened], seen: &Observation, own: u64, effective: u64) -> Finding {
        let probe = catalogue::find("time-settimeofday").unwrap();
        let number = seen.number.unwrap_or(164);
        let events = happened.iter().map(|event| match *event {
            Enter => Event::Enter { number, args: [0; 6] },
            Exit(returned) => Event::Exit { number, returned },
            Cap(capability, namespace, returned) => {
                Event::Capable { credentials: 7, namespace, capability, returned }
            }
            OthersCap(capability) => {
                Event::Capable { credentials: 8, namespace: INITIAL, capability, returned: -1 }
            }
            Function(name, returned) => {
                Event::Function { name: name.to_owned(), caller: "caller".to_owned(), returned }
            }
        });
        let span = Span {
            pid: 9,
            own: Some(Own { credentials: 7, namespace: own }),
            effective: Some(effective),
            events: events.collect(),
            ended: true,
        };
        let traced = Traced { spans: [(0, vec![span])].into(), initial: Some(INITIAL), lost: None };
        let circumstances = Circumstances { probe, seen, user_namespace: own != INITIAL, functions: 0 };
        read(&traced, 0, &circumstances)
    }

    fn seen(call: &str, outcome: Outcome, errno: i32) -> Observation {
        Observation {
            probe: "time-settimeofday".to_owned(),
            outcome,
            call: call.to_owned(),
            number: Some(164),
            args: Some([0; 6]),
            door: None,
            returned: Some(-i64::from(errno)),
            errno,
            detail: String::new(),
            micros: 1,
        }
    }

    #[rstest]
    #[case::no_entry(&[Exit(-1)], libc::EPERM, Some(Mechanism::Seccomp))]
    #[case::a_missing_capability(&[Enter, Cap(TIME, INITIAL, -1), Exit(-1)], libc::EPERM, Some(Mechanism::Capabilities))]
    #[case::either_of_two(&[Enter, Cap(39, INITIAL, -1), Cap(21, INITIAL, -1), Exit(-1)], libc::EPERM, Some(Mechanism::Capabilities))]
    #[case::mode_bits(&[Enter, Cap(2, INITIAL, -1), Cap(1, INITIAL, -1), Exit(-13)], libc::EACCES, Some(Mechanism::Ownership))]
    #[case::another_capability_with_eacces(&[Enter, Cap(23, INITIAL, -1), Exit(-13)], libc::EACCES, Some(Mechanism::Capabilities))]
    #[case::others_credentials_do_not_count(&[Enter, OthersCap(TIME), Exit(-1)], libc::EPERM, None)]
    #[case::refused_before_another_was_granted(&[Enter, Cap(39, INITIAL, -1), Cap(21, INITIAL, 0), Exit(-1)], libc::EPERM, Some(Mechanism::Capabilities))]
    #[case::a_read_only_mount(&[Enter, Exit(-30)], libc::EROFS, Some(Mechanism::ReadOnlyMount))]
    #[case::nothing_is_nothing(&[Enter, Exit(-1)], libc::EPERM, None)]
    #[case::not_found(&[Enter, Exit(-2)], libc::ENOENT, None)]
    #[case::a_module(&[Enter, Cap(TIME, INITIAL, 0), Function("selinux_capable", -13), Function("security_capable", -13), Exit(-1)], libc::EPERM, Some(Mechanism::Selinux))]
    #[case::an_innermost_module_before_the_rest(&[Enter, Function("generic_permission", -13), Function("apparmor_file_open", -13), Exit(-13)], libc::EACCES, Some(Mechanism::Apparmor))]
    #[case::lockdown(&[Enter, Function("lockdown_is_locked_down", -1), Function("security_locked_down", -1), Exit(-1)], libc::EPERM, Some(Mechanism::Lockdown))]
    #[case::device_rules(&[Enter, Function("__cgroup_bpf_check_dev_permission", -1), Function("inode_permission", -1), Exit(-1)], libc::EPERM, Some(Mechanism::DeviceCgroup))]
    #[case::yama(&[Enter, Cap(19, INITIAL, -1), Function("yama_ptrace_access_check", -1), Exit(-1)], libc::EPERM, Some(Mechanism::Yama))]
    #[case::landlock(&[Enter, Function("hook_file_open", -13), Exit(-13)], libc::EACCES, Some(Mechanism::Landlock))]
    #[case::mode_bits_of_a_step_on_the_way(&[Enter, Function("generic_permission", -13), Exit(-1)], libc::EPERM, None)]
    fn who_answered(#[case] happened: &[Happened], #[case] errno: i32, #[case] mechanism: Option<Mechanism>) {
        let finding = read_span(happened, &seen("settimeofday", Outcome::Denied, errno), INITIAL, 0);
        assert_eq!(finding.named.map(|named| named.mechanism), mechanism, "{}", finding.says);
    }

    #[rstest]
    #[case::held_but_not_there(1 << TIME, Mechanism::UserNamespace)]
    #[case::not_held_at_all(0, Mechanism::Capabilities)]
    fn in_a_user_namespace_it_counts_where_the_capability_is_held(
        #[case] effective: u64,
        #[case] by: Mechanism,
    ) {
        let happened = [Enter, Cap(TIME, INITIAL, -1), Exit(-1)];
        let finding =
            read_span(&happened, &seen("settimeofday", Outcome::Denied, libc::EPERM), INNER, effective);
        assert_eq!(finding.named.map(|named| named.mechanism), Some(by), "{}", finding.says);
        assert!(finding.says.contains("CAP_SYS_TIME in the initial user namespace"), "{}", finding.says);
    }

    #[rstest]
    #[case::signals_that_find_nobody("kill", libc::ESRCH, Some(Mechanism::PidNamespace))]
    #[case::other_calls_that_find_nobody("ptrace", libc::ESRCH, None)]
    #[case::too_many_files("fcntl", libc::EMFILE, Some(Mechanism::ResourceLimit))]
    #[case::too_many_processes("clone", libc::EAGAIN, Some(Mechanism::ResourceLimit))]
    #[case::busy("fcntl", libc::EAGAIN, None)]
    fn errnos_that_one_mechanism_gives(
        #[case] call: &str,
        #[case] errno: i32,
        #[case] mechanism: Option<Mechanism>,
    ) {
        let happened = [Enter, Exit(-i64::from(errno))];
        let finding = read_span(&happened, &seen(call, Outcome::Denied, errno), INITIAL, 0);
        assert_eq!(finding.named.map(|named| named.mechanism), mechanism, "{}", finding.says);
    }

    #[test]
    fn a_passage_is_seen_and_excludes_the_filter() {
        let finding = read_span(&[Enter, Exit(0)], &seen("settimeofday", Outcome::Reached, 0), INITIAL, 0);
        assert_eq!((finding.through, finding.excludes), (Some(true), vec![Mechanism::Seccomp]));
    }

    #[rstest]
    #[case::another_result(&[Enter, Exit(0)])]
    #[case::nothing_at_all(&[])]
    fn a_call_that_the_trace_does_not_show_is_unwitnessed(#[case] happened: &[Happened]) {
        let finding = read_span(happened, &seen("settimeofday", Outcome::Denied, libc::EPERM), INITIAL, 0);
        assert_eq!(finding.says, "unwitnessed");
        assert!(finding.named.is_none() && finding.excludes.is_empty());
    }

    #[test]
    fn other_arguments_are_another_call() {
        let told = Observation { args: Some([1; 6]), ..seen("settimeofday", Outcome::Denied, libc::EPERM) };
        let finding = read_span(&[Enter, Exit(-1)], &told, INITIAL, 0);
        assert_eq!(finding.says, "unwitnessed");
    }

    #[test]
    fn a_trace_with_holes_is_not_read() {
        let probe = catalogue::find("time-settimeofday").unwrap();
        let traced = Traced { lost: Some("overrun".to_owned()), ..Traced::default() };
        let told = seen("settimeofday", Outcome::Denied, libc::EPERM);
        let circumstances = Circumstances { probe, seen: &told, user_namespace: false, functions: 0 };
        let finding = read(&traced, 0, &circumstances);
        assert_eq!((finding.says.as_str(), finding.detail.as_str()), ("unwitnessed", "overrun"));
    }
}
