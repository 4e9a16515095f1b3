//! A span in words, for people: the chain of what happened, and where a capability was asked for. It decides nothing.

use nix::errno::Errno;

use super::line::Event;
use super::reading::{Reader, Refusal};
use super::span::exit;
use crate::capability::Capability;
use crate::observation::errno_name;

impl Reader<'_> {
    /// `CAP_SYS_TIME in the initial user namespace`.
    pub(super) fn words(&self, refusal: &Refusal) -> String {
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
    pub(super) fn chain(&self) -> String {
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
