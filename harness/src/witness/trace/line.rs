//! One line of `trace_pipe`, read from its end: a line begins with the name that a process gave itself, which may be
//! anything, and everything after that is the kernel's own.

/// A line that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// An event of a process, by its number in the initial pid namespace.
    Event(i32, Event),
    /// The ring buffer was too small: events are missing.
    Lost,
}

/// What the kernel saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call began: its number and all six argument registers.
    Enter {
        /// Its number.
        number: u32,
        /// The registers.
        args: [u64; 6],
    },
    /// A call ended, or was answered before it began.
    Exit {
        /// Its number.
        number: u32,
        /// What it returned.
        returned: i64,
    },
    /// The kernel asked whether a capability is held.
    Capable {
        /// Whose: which credentials, by a number that means nothing but "the same" or "another".
        credentials: u64,
        /// In which user namespace, likewise.
        namespace: u64,
        /// Which.
        capability: i32,
        /// 0, or a negative errno.
        returned: i32,
    },
    /// A function of the kernel returned a negative errno.
    Function {
        /// Its name.
        name: String,
        /// Who had called it.
        caller: String,
        /// What it returned.
        returned: i32,
    },
    /// The entry half of [`Event::Capable`], where it takes two probes to see both.
    Asked {
        /// See [`Event::Capable`].
        credentials: u64,
        /// See [`Event::Capable`].
        namespace: u64,
        /// See [`Event::Capable`].
        capability: i32,
    },
    /// The other half.
    Answered {
        /// See [`Event::Capable`].
        returned: i32,
    },
}

/// Names of our own kprobe events; others are named as the function is.
pub(super) const CAPABLE: &str = "cap_capable";
pub(super) const ASKED: &str = "cap_asked";
pub(super) const ANSWERED: &str = "cap_answered";

/// Parses a line; `None` if it is none of the events that were asked for, or no line of a trace at all.
pub(super) fn parse(line: &str) -> Option<Line> {
    // `CPU:1 [LOST 23 EVENTS]`
    if line.starts_with("CPU:") && line.contains("[LOST ") {
        return Some(Line::Lost);
    }
    // The body holds no ": ", so the last one ends the event's name, and the one before it the time.
    let (head, body) = line.rsplit_once(": ")?;
    let (head, name) = head.rsplit_once(": ")?;
    Some(Line::Event(process(head)?, event(name.trim(), body.trim_end())?))
}

/// `    name-1234    [001] d..2.   805.123456`: the number before the processor's.
fn process(head: &str) -> Option<i32> {
    let (before, _) = head.rsplit_once(" [")?;
    let (_, number) = before.trim_end().rsplit_once('-')?;
    number.parse().ok()
}

fn event(name: &str, body: &str) -> Option<Event> {
    match name {
        "sys_enter" => {
            let (number, args) = body.strip_prefix("NR ")?.split_once(" (")?;
            Some(Event::Enter { number: call(number)?, args: registers(args.strip_suffix(')')?)? })
        }
        "sys_exit" => {
            let (number, returned) = body.strip_prefix("NR ")?.split_once(" = ")?;
            Some(Event::Exit { number: call(number)?, returned: returned.parse().ok()? })
        }
        CAPABLE if body.starts_with("cred ") => {
            let field =
                |name: &str| body.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix(' '));
            Some(Event::Capable {
                credentials: hex(field("cred")?)?,
                namespace: hex(field("target_ns")?)?,
                capability: field("cap")?.parse().ok()?,
                returned: field("ret")?.parse().ok()?,
            })
        }
        // `(caller+0x1/0x2 <- function) name=value …`
        _ => probed(name, body),
    }
}

fn probed(name: &str, body: &str) -> Option<Event> {
    let (place, fields) = body.strip_prefix('(')?.split_once(')')?;
    let field = |name: &str| {
        fields.split_ascii_whitespace().find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let number = |name: &str| field(name)?.parse::<i32>().ok();
    let asked = || Some((hex(field("cred")?)?, field("target")?.parse::<u64>().ok()?, number("cap")?));
    match name {
        CAPABLE => {
            let (credentials, namespace, capability) = asked()?;
            Some(Event::Capable { credentials, namespace, capability, returned: number("ret")? })
        }
        ASKED => {
            let (credentials, namespace, capability) = asked()?;
            Some(Event::Asked { credentials, namespace, capability })
        }
        ANSWERED => Some(Event::Answered { returned: number("ret")? }),
        _ => {
            let caller = place.split_once(" <- ")?.0;
            let caller = caller.split(['+', '/']).next()?.to_owned();
            Some(Event::Function { name: name.to_owned(), caller, returned: number("ret")? })
        }
    }
}

/// A call's number; 32-bit and 64-bit ones alike are small.
fn call(text: &str) -> Option<u32> {
    text.parse::<i64>().ok().and_then(|number| u32::try_from(number).ok())
}

fn registers(text: &str) -> Option<[u64; 6]> {
    let mut args = [0; 6];
    let mut parts = text.split(", ");
    for arg in &mut args {
        *arg = hex(parts.next()?)?;
    }
    parts.next().is_none().then_some(args)
}

/// A hexadecimal number, with or without 0x; the null pointer has a name of its own.
fn hex(text: &str) -> Option<u64> {
    match text {
        "(null)" => Some(0),
        _ => u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const CASES: [(&str, Event); 7] = [
        (
            "sys_enter: NR 8 (ffffffffffffffff, 70726f6265, 1, 3, 0, 0)",
            Event::Enter { number: 8, args: [u64::MAX, 0x70_726f_6265, 1, 3, 0, 0] },
        ),
        ("sys_exit: NR 164 = -1", Event::Exit { number: 164, returned: -1 }),
        (
            "cap_capable: cred 00000000deadbeef, target_ns 000000001234abcd, capable_ns (null), cap 25, ret -1",
            Event::Capable { credentials: 0xdead_beef, namespace: 0x1234_abcd, capability: 25, returned: -1 },
        ),
        (
            "cap_capable: (ns_capable+0x38/0x70 <- cap_capable) cred=0xffff888101a2b3c0 target=4026531837 cap=25 ret=-1",
            Event::Capable {
                credentials: 0xffff_8881_01a2_b3c0,
                namespace: 4_026_531_837,
                capability: 25,
                returned: -1,
            },
        ),
        (
            "cap_asked: (cap_capable+0x0/0x90) cred=0x10 target=4026531837 cap=6",
            Event::Asked { credentials: 16, namespace: 4_026_531_837, capability: 6 },
        ),
        (
            "cap_answered: (security_capable+0x3f/0x60 <- cap_capable) ret=-1",
            Event::Answered { returned: -1 },
        ),
        (
            "mnt_want_write: (do_open+0x1/0x2 <- mnt_want_write) ret=-30",
            Event::Function { name: String::new(), caller: String::new(), returned: -30 },
        ),
    ];

    fn expected(event: &Event) -> Event {
        match event {
            // A constant cannot own text.
            Event::Function { returned, .. } => Event::Function {
                name: "mnt_want_write".to_owned(),
                caller: "do_open".to_owned(),
                returned: *returned,
            },
            other => other.clone(),
        }
    }

    #[test]
    fn lines_of_a_trace() {
        for (text, event) in &CASES {
            let line = format!("           <...>-4711    [001] d..2.   805.123456: {text}\n");
            assert_eq!(parse(&line), Some(Line::Event(4711, expected(event))), "{text}");
        }
    }

    #[rstest]
    #[case("CPU:1 [LOST 23 EVENTS]", Some(Line::Lost))]
    #[case("", None)]
    #[case("# tracer: nop", None)]
    #[case("a-1 [000] ..... 1.0: sched_switch: prev_comm=x ret: 0", None)]
    #[case("a-1 [000] ..... 1.0: sys_enter: NR -1 (0, 0, 0, 0, 0, 0)", None)]
    #[case("a-1 [000] ..... 1.0: sys_enter: NR 1 (0, 0, 0, 0, 0)", None)]
    #[case("a-1 [000] ..... 1.0: sys_enter: NR 1 (0, 0, 0, 0, 0, 0, 0)", None)]
    fn lines_that_say_nothing(#[case] text: &str, #[case] line: Option<Line>) {
        assert_eq!(parse(text), line);
    }

    proptest! {
        /// A process calls itself what it likes: it never makes its events another's, or other events.
        #[test]
        fn no_name_misleads(name in "[ -~\u{1}\u{7f}]{0,15}", pid in 1i32..4_194_304, which in 0usize..7) {
            let (text, event) = &CASES[which];
            let line = format!("{name:>16}-{pid:<7} [000] .....  99.000001: {text}");
            prop_assert_eq!(parse(&line), Some(Line::Event(pid, expected(event))));
        }

        /// The rest of a line whose beginning a name with a line break has cut off says the same.
        #[test]
        fn no_line_break_in_a_name_misleads(name in "[ -~]{0,14}", pid in 1i32..4_194_304) {
            let line = format!("x\n{name}-{pid:<7} [000] .....  99.000001: {}", CASES[1].0);
            let read: Vec<_> = line.lines().filter_map(parse).collect();
            prop_assert_eq!(read, [Line::Event(pid, CASES[1].1.clone())]);
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }
    }
}
