//! What is expected of an attempt, and whether a verdict is that. Pure.

use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome, Proof};
use crate::verdict::list;

/// What is expected of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    outcome: Outcome,
    layers: Vec<Mechanism>,
    by: Option<Mechanism>,
    at_least: Option<u32>,
}

impl Expect {
    /// It gets through.
    pub fn allowed() -> Self {
        Self { outcome: Outcome::Allowed, layers: Vec::new(), by: None, at_least: None }
    }

    /// It is blocked, whoever says no.
    pub fn blocked() -> Self {
        Self { outcome: Outcome::Blocked, ..Self::allowed() }
    }

    /// It is blocked, and each of these would be enough alone. There may be more: that is stronger.
    pub fn blocked_by(layers: impl IntoIterator<Item = Mechanism>) -> Self {
        Self { layers: layers.into_iter().collect(), ..Self::blocked() }
    }

    /// And this one's check answers.
    #[must_use]
    pub fn answered_by(self, mechanism: Mechanism) -> Self {
        Self { by: Some(mechanism), ..self }
    }

    /// And it takes so many mistakes, or more, until it gets through.
    #[must_use]
    pub fn at_least(self, mistakes: u32) -> Self {
        Self { at_least: Some(mistakes), ..self }
    }

    /// What of it a verdict is not, in words; nothing, if it is as expected.
    pub(super) fn not_met(&self, cell: &Cell) -> Option<String> {
        if cell.proof == Some(Proof::Conflict) {
            return Some(format!(
                "the methods disagree: {}",
                cell.unconfirmed.as_deref().unwrap_or("see the evidence")
            ));
        }
        if cell.outcome != self.outcome {
            return Some(match cell.outcome {
                Outcome::Allowed => "it gets through".to_owned(),
                Outcome::Blocked => {
                    let by = cell.blocked_by.map_or_else(String::new, |by| format!(" by {by}"));
                    format!("it is blocked{by}")
                }
                Outcome::Untestable => "it cannot be tested".to_owned(),
                Outcome::Broken => "the experiment failed".to_owned(),
            });
        }
        let gone: Vec<Mechanism> =
            self.layers.iter().copied().filter(|layer| !cell.layers.contains(layer)).collect();
        if !gone.is_empty() {
            let left = match &cell.layers[..] {
                [] => "nothing alone".to_owned(),
                layers => list(layers),
            };
            return Some(format!("{} would not stop it alone; {left} would", list(&gone)));
        }
        if let Some(by) = self.by.filter(|by| cell.blocked_by != Some(*by)) {
            let other = cell.blocked_by.map_or_else(|| "nobody known".to_owned(), |other| other.to_string());
            return Some(format!("{other} answers, not {by}"));
        }
        let depth = cell.depth.unwrap_or(0);
        self.at_least
            .filter(|mistakes| depth < *mistakes)
            .map(|mistakes| format!("{depth} at once let it through, not {mistakes}"))
    }

    /// In words.
    pub(super) fn in_words(&self) -> String {
        let outcome = match self.outcome {
            Outcome::Allowed => "to get through",
            _ => "to be blocked",
        };
        let layers = match &self.layers[..] {
            [] => String::new(),
            layers => format!(" by {}", list(layers)),
        };
        let by = self.by.map_or_else(String::new, |by| format!(", with {by} answering"));
        let deep = self.at_least.map_or_else(String::new, |mistakes| format!(", {mistakes} deep"));
        format!("{outcome}{layers}{by}{deep}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::mechanism::Mechanism::{Capabilities, Seccomp, UserNamespace};

    fn cell(outcome: Outcome, layers: &[Mechanism]) -> Cell {
        let record = crate::testing::record().with_scenario("a", &[]).with_cell("b", outcome, layers);
        record.cells.into_iter().next().expect("one was added")
    }

    #[rstest]
    #[case::through(Expect::allowed(), Outcome::Allowed, &[], None)]
    #[case::blocked(Expect::blocked(), Outcome::Blocked, &[Seccomp], None)]
    #[case::more_layers_are_stronger(Expect::blocked_by([Seccomp]), Outcome::Blocked, &[Seccomp, Capabilities], None)]
    #[case::got_through(Expect::blocked_by([Seccomp]), Outcome::Allowed, &[], Some("it gets through"))]
    #[case::not_through(Expect::allowed(), Outcome::Blocked, &[Seccomp], Some("it is blocked by seccomp"))]
    #[case::a_layer_less(
        Expect::blocked_by([Seccomp, Capabilities]), Outcome::Blocked, &[Capabilities],
        Some("seccomp would not stop it alone; capabilities would")
    )]
    #[case::another_answers(
        Expect::blocked().answered_by(UserNamespace), Outcome::Blocked, &[Seccomp],
        Some("seccomp answers, not user-namespace")
    )]
    #[case::deep_enough(Expect::blocked().at_least(2), Outcome::Blocked, &[Seccomp, Capabilities], None)]
    #[case::not_deep_enough(
        Expect::blocked().at_least(2), Outcome::Blocked, &[Seccomp],
        Some("1 at once let it through, not 2")
    )]
    #[case::untestable(Expect::blocked(), Outcome::Untestable, &[], Some("it cannot be tested"))]
    fn what_is_not_met_is_said(
        #[case] expect: Expect,
        #[case] outcome: Outcome,
        #[case] layers: &[Mechanism],
        #[case] said: Option<&str>,
    ) {
        assert_eq!(expect.not_met(&cell(outcome, layers)).as_deref(), said);
    }

    #[test]
    fn methods_that_disagree_are_never_as_expected() {
        let mut cell = cell(Outcome::Blocked, &[Seccomp]);
        cell.proof = Some(Proof::Conflict);
        cell.unconfirmed = Some("the trace says otherwise".to_owned());
        let said = Expect::blocked().not_met(&cell);
        assert_eq!(said.as_deref(), Some("the methods disagree: the trace says otherwise"));
    }
}
