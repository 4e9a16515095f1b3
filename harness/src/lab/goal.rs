//! Goals: whether a learner's scenario does what the lab asks for, from its verdicts alone, and what is wrong in the lesson's
//! words.

use super::file::{Configure, Goal};
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Record};
use crate::verdict::list;

/// How one goal stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Judged {
    /// The attempt.
    pub probe: String,
    /// What it was to be.
    pub wanted: String,
    /// What it was.
    pub seen: String,
    /// Whether that is it.
    pub met: bool,
    /// What is wrong, in the lesson's words, if it has any for that.
    pub says: Option<String>,
    /// Whether nothing could be seen here, so that nothing the learner does will help.
    pub undecided: bool,
}

/// Every goal, and every attempt that has to get through still, held against the verdicts of `scenario`.
pub fn judge(configure: &Configure, record: &Record, scenario: &str) -> Vec<Judged> {
    let still = configure.must_still_work.iter().map(|probe| Goal {
        probe: probe.clone(),
        outcome: Some(Outcome::Allowed),
        blocked_by: None,
        layers: Vec::new(),
        depth_at_least: None,
    });
    configure
        .goals
        .iter()
        .cloned()
        .map(|goal| (goal, false))
        .chain(still.map(|goal| (goal, true)))
        .map(|(goal, still)| {
            let cell = record.cell(scenario, &goal.probe);
            let met = cell.is_some_and(|cell| reached(&goal, cell));
            let undecided =
                cell.is_none_or(|cell| matches!(cell.outcome, Outcome::Untestable | Outcome::Broken));
            let says =
                cell.filter(|_| !met && !undecided).and_then(|cell| in_the_lessons_words(configure, cell));
            Judged {
                wanted: if still { "has to work still".to_owned() } else { in_words(&goal) },
                seen: seen(&goal, cell),
                probe: goal.probe,
                met,
                says,
                undecided,
            }
        })
        .collect()
}

/// Whether a verdict is what the goal asks for.
fn reached(goal: &Goal, cell: &Cell) -> bool {
    let decided = matches!(cell.outcome, Outcome::Allowed | Outcome::Blocked);
    decided
        && goal.outcome.is_none_or(|outcome| cell.outcome == outcome)
        && goal.blocked_by.is_none_or(|by| cell.blocked_by == Some(by))
        && goal.layers.iter().all(|layer| cell.layers.contains(layer))
        && goal.depth_at_least.is_none_or(|depth| cell.depth.is_some_and(|found| found >= depth))
}

fn in_the_lessons_words(configure: &Configure, cell: &Cell) -> Option<String> {
    let fits = |outcome: Option<Outcome>, by: Option<Mechanism>| {
        outcome.is_none_or(|outcome| cell.outcome == outcome)
            && by.is_none_or(|by| cell.blocked_by == Some(by))
    };
    configure
        .wrong
        .iter()
        .find(|wrong| wrong.probe == cell.probe && fits(wrong.outcome, wrong.blocked_by))
        .map(|wrong| wrong.says.trim().to_owned())
}

/// What a goal asks for.
pub fn in_words(goal: &Goal) -> String {
    let mut parts = Vec::new();
    match (goal.outcome, goal.blocked_by) {
        (_, Some(by)) => parts.push(format!("blocked, and {by} has to answer")),
        (Some(Outcome::Blocked), None) => parts.push("blocked".to_owned()),
        (Some(Outcome::Allowed), None) => parts.push("gets through".to_owned()),
        (Some(_) | None, None) => {}
    }
    if !goal.layers.is_empty() {
        let enough = if goal.layers.len() == 1 { "is" } else { "are each" };
        parts.push(format!("{} {enough} enough alone", list(&goal.layers)));
    }
    match goal.depth_at_least {
        Some(1) | None => {}
        Some(depth) => parts.push(format!("it takes {depth} mistakes or more")),
    }
    parts.join("; ")
}

/// What was seen, as closely as the goal looks.
fn seen(goal: &Goal, cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "not run here".to_owned() };
    let why = || {
        let why = cell.note.as_deref().or(cell.reason.as_deref()).unwrap_or("the reason is not known");
        why.to_owned()
    };
    match cell.outcome {
        Outcome::Allowed => "gets through".to_owned(),
        Outcome::Untestable => format!("cannot be tested here: {}", why()),
        Outcome::Broken => format!("the experiment failed: {}", why()),
        Outcome::Blocked => {
            let by = cell.blocked_by.map_or_else(String::new, |by| format!(" by {by}"));
            let errno = cell.errno.as_deref().map_or_else(String::new, |errno| format!(" ({errno})"));
            let mut parts = vec![format!("blocked{by}{errno}")];
            if !goal.layers.is_empty() && !cell.layers.is_empty() {
                parts.push(format!("enough alone: {}", list(&cell.layers)));
            }
            match (goal.depth_at_least, cell.depth) {
                (Some(_), Some(1)) => parts.push("1 mistake opens it".to_owned()),
                (Some(_), Some(depth)) => parts.push(format!("{depth} mistakes open it")),
                (None, _) | (_, None) => {}
            }
            parts.join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::lab::file::Wrong;
    use crate::testing::cell;

    fn goal() -> Goal {
        Goal {
            probe: "time-settimeofday".to_owned(),
            outcome: None,
            blocked_by: None,
            layers: Vec::new(),
            depth_at_least: None,
        }
    }

    fn blocked() -> Cell {
        Cell {
            layers: vec![Mechanism::Seccomp, Mechanism::Capabilities],
            depth: Some(2),
            ..cell(Outcome::Blocked, Some(Mechanism::Seccomp))
        }
    }

    #[rstest]
    #[case::blocked(Goal { outcome: Some(Outcome::Blocked), ..goal() }, true)]
    #[case::allowed(Goal { outcome: Some(Outcome::Allowed), ..goal() }, false)]
    #[case::who(Goal { blocked_by: Some(Mechanism::Seccomp), ..goal() }, true)]
    #[case::another(Goal { blocked_by: Some(Mechanism::Capabilities), ..goal() }, false)]
    #[case::a_layer(Goal { layers: vec![Mechanism::Capabilities], ..goal() }, true)]
    #[case::no_layer(Goal { layers: vec![Mechanism::Seccomp, Mechanism::Selinux], ..goal() }, false)]
    #[case::deep(Goal { depth_at_least: Some(2), ..goal() }, true)]
    #[case::not_deep(Goal { depth_at_least: Some(3), ..goal() }, false)]
    fn a_goal_is_held_against_the_verdict(#[case] goal: Goal, #[case] met: bool) {
        assert_eq!(reached(&goal, &blocked()), met);
    }

    #[test]
    fn what_was_not_decided_meets_no_goal() {
        assert!(!reached(&goal(), &cell(Outcome::Untestable, None)));
    }

    #[rstest]
    #[case(Goal { blocked_by: Some(Mechanism::Seccomp), ..goal() }, "blocked, and seccomp has to answer")]
    #[case(
        Goal { outcome: Some(Outcome::Blocked), layers: vec![Mechanism::Seccomp, Mechanism::Capabilities], depth_at_least: Some(2), ..goal() },
        "blocked; seccomp and capabilities are each enough alone; it takes 2 mistakes or more"
    )]
    #[case(Goal { outcome: Some(Outcome::Allowed), ..goal() }, "gets through")]
    fn a_goal_in_words(#[case] goal: Goal, #[case] words: &str) {
        assert_eq!(in_words(&goal), words);
    }

    #[test]
    fn what_is_wrong_is_said_in_the_lessons_words() {
        let configure = Configure {
            asks: String::new(),
            goals: vec![Goal { blocked_by: Some(Mechanism::Selinux), ..goal() }],
            must_still_work: vec!["limit-fork".to_owned()],
            forbidden: Vec::new(),
            wrong: vec![
                Wrong {
                    probe: "time-settimeofday".to_owned(),
                    outcome: Some(Outcome::Allowed),
                    blocked_by: None,
                    says: "nobody asked".to_owned(),
                },
                Wrong {
                    probe: "time-settimeofday".to_owned(),
                    outcome: None,
                    blocked_by: Some(Mechanism::Seccomp),
                    says: "SELinux was never asked\n".to_owned(),
                },
            ],
            solution: String::new(),
            shortcut: None,
            hints: Vec::new(),
            because: String::new(),
        };
        let mut record = crate::testing::record();
        record.cells = vec![Cell { errno: Some("EPERM".to_owned()), ..blocked() }];
        let judged = judge(&configure, &record, &record.cells[0].scenario);
        assert_eq!(judged[0].says.as_deref(), Some("SELinux was never asked"));
        assert_eq!(judged[0].seen, "blocked by seccomp (EPERM)");
        assert!(!judged[0].met && !judged[0].undecided);
        assert_eq!(judged[1].wanted, "has to work still");
        assert!(judged[1].undecided && !judged[1].met);
    }
}
