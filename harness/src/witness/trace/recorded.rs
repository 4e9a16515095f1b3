//! Traces that kernels really wrote, given to the reader whole and damaged.

use proptest::prelude::*;
use rstest::rstest;

use super::line::{Event, Line, parse};
use super::span::Collector;

const LINUX_6_1: &str = include_str!("../../../corpus/trace-6.1.txt");
const LINUX_6_12: &str = include_str!("../../../corpus/trace-6.12.txt");
const LINUX_6_18: &str = include_str!("../../../corpus/trace-6.18.txt");

/// Trials and probes have small numbers in the recordings.
const TRIALS: u64 = 16;

fn collect(text: &str) -> (Collector, Vec<super::Span>) {
    let mut collector = Collector::default();
    text.lines().filter_map(parse).for_each(|line| collector.take(line));
    let spans = (0..TRIALS).flat_map(|trial| collector.finish(trial)).flat_map(|(_, spans)| spans).collect();
    (collector, spans)
}

#[rstest]
#[case::two_kprobes(LINUX_6_1)]
#[case::one_kretprobe(LINUX_6_12)]
#[case::a_tracepoint(LINUX_6_18)]
fn every_line_is_read_and_every_span_is_whole(#[case] text: &str) {
    for line in text.lines() {
        assert!(parse(line).is_some(), "{line}");
    }
    let (collector, spans) = collect(text);
    // One of the marks is the harness's own.
    let marks = text.matches("70726f6265, 1, ").count();
    assert!(marks >= 15, "{marks} marks");
    assert_eq!(spans.len(), marks);
    assert!(collector.initial.is_some(), "the harness did not introduce itself");
    for span in &spans {
        assert!(span.own.is_some(), "{span:?}");
    }
    let refused = |event: &Event| matches!(event, Event::Capable { returned: -1, .. });
    assert!(spans.iter().any(|span| span.events.iter().any(refused)), "no capability is refused");
    // One capability check is one event, on every kernel.
    let asked = text.matches("cap_asked: ").count();
    assert_eq!(asked, text.matches("cap_answered: ").count());
}

#[test]
fn a_filters_answer_is_an_exit_without_an_entry_on_every_kernel() {
    for text in [LINUX_6_1, LINUX_6_12, LINUX_6_18] {
        let (_, spans) = collect(text);
        let entered =
            |span: &super::Span| span.events.iter().any(|event| matches!(event, Event::Enter { .. }));
        let ended = |span: &super::Span| {
            span.events.iter().any(|event| matches!(event, Event::Exit { number: 164, .. }))
        };
        assert!(spans.iter().any(|span| ended(span) && !entered(span)));
    }
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic_or_lose_its_way(text in crate::testing::damaged(&[LINUX_6_1, LINUX_6_12, LINUX_6_18])) {
        let text = String::from_utf8_lossy(&text);
        let (_, spans) = collect(&text);
        // A span begins with a mark, and a piece that is said twice brings its marks along.
        prop_assert!(spans.len() <= text.matches("70726f6265").count());
        for line in text.lines() {
            if let Some(Line::Event(pid, _)) = parse(line) {
                prop_assert!(line.contains(&pid.to_string()));
            }
        }
    }
}
