//! Collects the events between a probe's marks: from lines of all processes to spans of one guarded call each.

use std::collections::HashMap;

use whyblocked_agent::bracket::{AFTER, ASKED_CAPABILITY, BEFORE, HARNESS, MAGIC, UNKNOWN};

use super::line::{Event, Line};

/// What the kernel saw between the marks before and after one guarded call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The process, by its number in the initial pid namespace.
    pub pid: i32,
    /// The process's own credentials and user namespace at that moment, if the kernel showed them.
    pub own: Option<Own>,
    /// Its effective capabilities, if it could learn them.
    pub effective: Option<u64>,
    /// What happened.
    pub events: Vec<Event>,
    /// Whether the mark after the call was seen.
    pub ended: bool,
}

/// Numbers of kernel objects: they mean nothing but "the same" or "another".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The credentials.
    pub credentials: u64,
    /// The user namespace.
    pub namespace: u64,
}

/// The spans of one probe, oldest first.
pub type Spans = Vec<Span>;

/// More spans than any probe makes; a program that makes marks of its own could fill the memory otherwise.
const MOST_SPANS: usize = 4096;
/// More events than any guarded call causes that the spans are read for.
const MOST_EVENTS: usize = 1024;

/// The state between lines.
#[derive(Debug, Default)]
pub(super) struct Collector {
    open: HashMap<i32, Open>,
    done: HashMap<(u64, u64), Spans>,
    /// The initial user namespace, which is the harness's.
    pub(super) initial: Option<u64>,
    /// How often events were lost.
    pub(super) losses: u64,
}

#[derive(Debug)]
struct Open {
    key: Option<(u64, u64)>,
    phase: Phase,
    span: Span,
    /// Capability questions whose answers are still to come.
    asked: Vec<(u64, u64, i32)>,
}

/// How far the mark's own calls have come.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// The mark itself has not returned yet.
    Marking,
    /// The question that shows the process's own credentials has not been answered yet.
    Asking,
    /// The guarded call.
    Inside,
}

/// `lseek` and `prctl` of this architecture.
const MARK: u32 = libc::SYS_lseek as u32;
const QUESTION: u32 = libc::SYS_prctl as u32;

impl Collector {
    /// Takes the next line.
    pub(super) fn take(&mut self, line: Line) {
        match line {
            Line::Lost => self.losses += 1,
            Line::Event(pid, Event::Enter { number: MARK, args }) if is_mark(&args) => self.mark(pid, args),
            Line::Event(pid, event) => {
                let Some(open) = self.open.get_mut(&pid) else { return };
                open.take(event);
                if open.key.is_none() && open.phase == Phase::Inside {
                    self.initial = open.span.own.map(|own| own.namespace).or(self.initial);
                    self.open.remove(&pid);
                }
            }
        }
    }

    fn mark(&mut self, pid: i32, [_, _, phase, trial, place, effective]: [u64; 6]) {
        if let Some(open) = self.open.remove(&pid) {
            let ended = phase == AFTER && open.key == Some((trial, place));
            self.close(open, ended);
        }
        let key = match phase {
            BEFORE => Some((trial, place)),
            HARNESS => None,
            _ => return,
        };
        let effective = Some(effective).filter(|set| *set & UNKNOWN == 0);
        let span = Span { pid, effective, ..Span::default() };
        self.open.insert(pid, Open { key, phase: Phase::Marking, span, asked: Vec::new() });
    }

    fn close(&mut self, open: Open, ended: bool) {
        let Some(key) = open.key else { return };
        let spans = self.done.entry(key).or_default();
        if spans.len() < MOST_SPANS {
            spans.push(Span { ended, ..open.span });
        }
    }

    /// The spans of a trial whose processes have all ended, by the places of its probes; what was still open
    /// never came to its end.
    pub(super) fn finish(&mut self, trial: u64) -> HashMap<u64, Spans> {
        let open: Vec<i32> = self
            .open
            .iter()
            .filter(|(_, open)| open.key.is_some_and(|(of, _)| of == trial))
            .map(|(pid, _)| *pid)
            .collect();
        for pid in open {
            if let Some(open) = self.open.remove(&pid) {
                self.close(open, false);
            }
        }
        let keys: Vec<(u64, u64)> = self.done.keys().filter(|(of, _)| *of == trial).copied().collect();
        keys.into_iter().filter_map(|key| Some((key.1, self.done.remove(&key)?))).collect()
    }
}

fn is_mark(args: &[u64; 6]) -> bool {
    args[0] == u64::MAX && args[1] == MAGIC
}

/// What the last call of this number in a span returned.
pub(super) fn exit(span: &Span, number: u32) -> Option<i64> {
    span.events.iter().rev().find_map(|event| match event {
        Event::Exit { number: ended, returned } if *ended == number => Some(*returned),
        _ => None,
    })
}

impl Open {
    fn take(&mut self, event: Event) {
        let event = match event {
            Event::Asked { credentials, namespace, capability } => {
                return self.asked.push((credentials, namespace, capability));
            }
            // Answers come in the reverse order of the questions.
            Event::Answered { returned } => match self.asked.pop() {
                Some((credentials, namespace, capability)) => {
                    Event::Capable { credentials, namespace, capability, returned }
                }
                None => return,
            },
            event => event,
        };
        match (&self.phase, event) {
            (Phase::Marking, Event::Exit { number: MARK, .. }) => self.phase = Phase::Asking,
            (Phase::Asking, Event::Capable { credentials, namespace, capability: ASKED_CAPABILITY, .. }) => {
                self.span.own.get_or_insert(Own { credentials, namespace });
            }
            (Phase::Asking, Event::Exit { number: QUESTION, .. }) => self.phase = Phase::Inside,
            (Phase::Inside, event) if self.span.events.len() < MOST_EVENTS => self.span.events.push(event),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::line::parse;
    use super::*;

    fn enter(number: u32, args: [u64; 6]) -> Event {
        Event::Enter { number, args }
    }

    fn mark(phase: u64, trial: u64, place: u64) -> Event {
        enter(MARK, [u64::MAX, MAGIC, phase, trial, place, 0b11])
    }

    fn exit(number: u32, returned: i64) -> Event {
        Event::Exit { number, returned }
    }

    fn capable(namespace: u64, capability: i32, returned: i32) -> Event {
        Event::Capable { credentials: 5, namespace, capability, returned }
    }

    fn opening(trial: u64, place: u64) -> Vec<Event> {
        vec![
            mark(BEFORE, trial, place),
            exit(MARK, -9),
            enter(QUESTION, [24, 4000, 0, 0, 0, 0]),
            capable(77, ASKED_CAPABILITY, 0),
            exit(QUESTION, -22),
        ]
    }

    fn collect(lines: impl IntoIterator<Item = (i32, Event)>) -> Collector {
        let mut collector = Collector::default();
        lines.into_iter().for_each(|(pid, event)| collector.take(Line::Event(pid, event)));
        collector
    }

    #[test]
    fn a_span_holds_what_lies_between_the_marks_and_nothing_else() {
        let guarded = [enter(164, [0; 6]), capable(1, 25, -1), exit(164, -1)];
        let after = [mark(AFTER, 3, 9), exit(MARK, -9), enter(231, [0; 6])];
        let before = [enter(12, [0; 6]), exit(12, 0)];
        let all = before.into_iter().chain(opening(3, 9)).chain(guarded.clone()).chain(after);
        let spans = collect(all.map(|event| (7, event))).finish(3);
        let own = Some(Own { credentials: 5, namespace: 77 });
        let span = Span { pid: 7, own, effective: Some(0b11), events: guarded.to_vec(), ended: true };
        assert_eq!(spans, HashMap::from([(9, vec![span])]));
    }

    #[test]
    fn a_call_that_never_returns_leaves_an_open_span() {
        let all = opening(3, 9).into_iter().chain([enter(9, [0; 6])]).map(|event| (7, event));
        let spans = collect(all).finish(3);
        assert!(!spans[&9][0].ended);
        assert_eq!(spans[&9][0].events, [enter(9, [0; 6])]);
    }

    #[test]
    fn processes_do_not_mix() {
        let one = opening(1, 0).into_iter().chain([exit(164, -1), mark(AFTER, 1, 0)]).map(|event| (7, event));
        let two = opening(1, 1).into_iter().chain([exit(165, -2), mark(AFTER, 1, 1)]).map(|event| (8, event));
        let mixed = one.zip(two).flat_map(|(one, two)| [one, two]);
        let spans = collect(mixed).finish(1);
        assert_eq!(spans[&0][0].events, [exit(164, -1)]);
        assert_eq!(spans[&1][0].events, [exit(165, -2)]);
    }

    #[test]
    fn halves_of_a_capability_check_are_paired_last_in_first_out() {
        let asked = |capability| Event::Asked { credentials: 5, namespace: 1, capability };
        let answered = |returned| Event::Answered { returned };
        let inner = [asked(21), asked(39), answered(-1), answered(0), mark(AFTER, 0, 0)];
        let spans = collect(opening(0, 0).into_iter().chain(inner).map(|event| (7, event))).finish(0);
        assert_eq!(spans[&0][0].events, [capable(1, 39, -1), capable(1, 21, 0)]);
    }

    #[test]
    fn the_harness_shows_the_initial_namespace() {
        let introduction = [
            enter(MARK, [u64::MAX, MAGIC, HARNESS, 0, 0, 0]),
            exit(MARK, -9),
            enter(QUESTION, [24, 4000, 0, 0, 0, 0]),
            capable(1, ASKED_CAPABILITY, 0),
            exit(QUESTION, -22),
        ];
        let collector = collect(introduction.map(|event| (7, event)));
        assert_eq!(collector.initial, Some(1));
        assert!(collector.open.is_empty());
    }

    #[test]
    fn one_trials_end_leaves_the_others_alone() {
        let one = opening(1, 0).into_iter().chain([exit(164, -1)]).map(|event| (7, event));
        let two = opening(2, 0).into_iter().chain([exit(165, -2)]).map(|event| (8, event));
        let mut collector = collect(one.chain(two));
        assert_eq!(collector.finish(1).len(), 1);
        assert_eq!(collector.finish(2)[&0][0].events, [exit(165, -2)]);
    }

    proptest! {
        /// Any text at all, as a program of another's might cause it.
        #[test]
        fn no_sequence_of_events_makes_it_panic_or_grow(picks in proptest::collection::vec((0usize..10, 0i32..3), 0..400)) {
            let texts = [
                "sys_enter: NR 8 (ffffffffffffffff, 70726f6265, 1, 1, 0, 0)",
                "sys_enter: NR 8 (ffffffffffffffff, 70726f6265, 2, 1, 0, 0)",
                "sys_enter: NR 8 (ffffffffffffffff, 70726f6265, 3, 1, 0, 0)",
                "sys_exit: NR 8 = -9",
                "sys_exit: NR 157 = -22",
                "cap_capable: cred 1, target_ns 2, capable_ns (null), cap 8, ret -1",
                "cap_asked: (cap_capable+0x0/0x90) cred=0x10 target=1 cap=6",
                "cap_answered: (x+0x3f/0x60 <- cap_capable) ret=-1",
                "mnt_want_write: (do_open+0x1/0x2 <- mnt_want_write) ret=-30",
                "sys_enter: NR 164 (0, 0, 0, 0, 0, 0)",
            ];
            let mut collector = Collector::default();
            for (text, pid) in picks {
                if let Some(line) = parse(&format!("x-{pid} [000] ..... 1.0: {}", texts[text])) {
                    collector.take(line);
                }
            }
            prop_assert!(collector.open.len() <= 3);
            collector.finish(1);
            prop_assert!(collector.done.is_empty());
        }
    }
}
