//! From one verdict to another about the same attempt: is that weaker? The same classes as
//! where a run is held against a baseline; it must not guess where one of the two is no answer.

use crate::baseline::{Class, Expected};
use crate::record::Cell;
use crate::side_by_side::answer;

/// What became of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Fewer mechanisms stop it, or none does any more.
    Weaker,
    /// More mechanisms stop it, or one does now.
    Stronger,
    /// Another mechanism answers, as deep as before.
    Another,
    /// One of the two is no answer: not testable, or the experiment failed.
    Undecided,
    /// The same answer, with something else behind it: layers, what opens it, errno.
    Behind,
    /// The same.
    Same,
}

impl Step {
    /// All but the last, the weakest first.
    pub const DIFFERENT: [Self; 5] =
        [Self::Weaker, Self::Stronger, Self::Another, Self::Undecided, Self::Behind];

    /// From this verdict to that.
    pub fn between(before: &Cell, now: &Cell) -> Self {
        match Class::between(&Expected::of(before), &Expected::of(now)) {
            Some(Class::Weaker) => Self::Weaker,
            Some(Class::Stronger) => Self::Stronger,
            Some(Class::Another) if answer(before) != answer(now) => Self::Another,
            Some(Class::Another) => Self::Behind,
            Some(Class::Untestable | Class::New | Class::Gone) => Self::Undecided,
            None if before.outcome != now.outcome || before.reason != now.reason => Self::Undecided,
            None if behind(before) != behind(now) => Self::Behind,
            None => Self::Same,
        }
    }

    /// In a word or two, after a number.
    pub fn words(self) -> &'static str {
        match self {
            Self::Weaker => "weaker",
            Self::Stronger => "stronger",
            Self::Another => "by another mechanism",
            Self::Undecided => "without an answer on one side",
            Self::Behind => "the same answer, and something else behind it",
            Self::Same => "the same",
        }
    }
}

/// What stands behind a block; of what got through there is nothing to tell.
fn behind(cell: &Cell) -> impl PartialEq + use<> {
    let blocked = cell.blocked_by.is_some() || !cell.layers.is_empty();
    (blocked.then(|| (cell.layers.clone(), cell.opens.clone(), cell.errno.clone())), cell.proof)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::mechanism::Mechanism;
    use crate::record::Outcome::{self, Allowed, Blocked, Broken, Untestable};
    use crate::testing::record;

    const NONE: &[Mechanism] = &[];
    const SECCOMP: &[Mechanism] = &[Mechanism::Seccomp];
    const BOTH: &[Mechanism] = &[Mechanism::Seccomp, Mechanism::Capabilities];
    const OTHER: &[Mechanism] = &[Mechanism::Yama];

    fn cell(outcome: Outcome, layers: &[Mechanism]) -> Cell {
        let record = record().with_cells(&[("s", "p", outcome, layers)]);
        record.cells[0].clone()
    }

    #[rstest]
    #[case::opened((Blocked, SECCOMP), (Allowed, NONE), Step::Weaker)]
    #[case::one_less((Blocked, BOTH), (Blocked, SECCOMP), Step::Weaker)]
    #[case::closed((Allowed, NONE), (Blocked, SECCOMP), Step::Stronger)]
    #[case::one_more((Blocked, SECCOMP), (Blocked, BOTH), Step::Stronger)]
    #[case::somebody_else((Blocked, SECCOMP), (Blocked, OTHER), Step::Another)]
    #[case::no_answer_any_more((Blocked, SECCOMP), (Untestable, NONE), Step::Undecided)]
    #[case::no_answer_before((Broken, NONE), (Allowed, NONE), Step::Undecided)]
    #[case::never_an_answer((Untestable, NONE), (Untestable, NONE), Step::Same)]
    #[case::for_another_reason((Untestable, NONE), (Untestable, SECCOMP), Step::Undecided)]
    #[case::the_same((Blocked, BOTH), (Blocked, BOTH), Step::Same)]
    fn what_became_of_it(
        #[case] before: (Outcome, &[Mechanism]),
        #[case] now: (Outcome, &[Mechanism]),
        #[case] step: Step,
    ) {
        let [before, now] = [before, now].map(|(outcome, layers)| cell(outcome, layers));
        assert_eq!(Step::between(&before, &now), step);
    }

    #[test]
    fn another_errno_is_something_behind_it() {
        let before = cell(Blocked, SECCOMP);
        let now = Cell { errno: Some("ENOSYS".to_owned()), ..before.clone() };
        assert_eq!(Step::between(&before, &now), Step::Behind);
    }
}
