//! Progress on standard error: a bar on a terminal, plain lines otherwise, nothing for what is over at once.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::say;
use super::session::Purpose;
use crate::experiment::Event;

/// Shows what a run is doing.
#[derive(Debug)]
pub(super) struct Progress {
    shown: Shown,
    started: Instant,
    failures: Mutex<u64>,
}

#[derive(Debug)]
enum Shown {
    Nothing,
    Lines,
    Bar(ProgressBar),
}

impl Progress {
    pub(super) fn new(purpose: Purpose, scenarios: usize, probes: usize) -> Self {
        let shown = if purpose == Purpose::Explanation {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            Shown::Bar(bar())
        } else if purpose == Purpose::Lesson {
            Shown::Nothing
        } else {
            let plural = |number: usize| if number == 1 { "" } else { "s" };
            let (many, more) = (plural(scenarios), plural(probes));
            say(format_args!("{scenarios} scenario{many} × {probes} probe{more}"));
            Shown::Lines
        };
        Self { shown, started: Instant::now(), failures: Mutex::new(0) }
    }

    pub(super) fn tell(&self, event: Event<'_>) {
        match event {
            Event::Watched { containers } => match &self.shown {
                Shown::Nothing => {}
                Shown::Lines => {
                    say(format_args!("{:5.1} s  watching: {containers} containers", self.seconds()));
                }
                Shown::Bar(bar) => {
                    bar.inc_length(containers as u64);
                    bar.set_message("watching");
                }
            },
            Event::Compared { containers } => match &self.shown {
                Shown::Nothing => {}
                Shown::Lines => {
                    say(format_args!("{:5.1} s  comparing: {containers} containers", self.seconds()));
                }
                Shown::Bar(bar) => {
                    bar.inc_length(containers as u64);
                    bar.set_message("comparing");
                }
            },
            Event::Round { number, containers } => match &self.shown {
                Shown::Nothing => {}
                Shown::Lines => {
                    say(format_args!("{:5.1} s  round {number}: {containers} containers", self.seconds()));
                }
                Shown::Bar(bar) => {
                    bar.inc_length(containers as u64);
                    bar.set_message(format!("round {number}"));
                }
            },
            Event::Ended { failed } => {
                if let Shown::Bar(bar) = &self.shown {
                    bar.inc(1);
                }
                if failed.is_some() {
                    *self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
                }
            }
        }
    }

    pub(super) fn done(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        let failures = *self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if failures > 0 && !matches!(self.shown, Shown::Nothing) {
            say(format_args!(
                "{failures} containers could not be started; the verdicts that needed them say why"
            ));
        }
    }

    fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} containers, {msg} ({elapsed})");
    let bar = ProgressBar::new(0);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
