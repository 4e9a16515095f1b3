//! Questions: which answers there are to choose from, which one a learner means, and which one the verdict gives.

use super::file::Question;
use crate::mechanism::Mechanism;
use crate::record::{Cell, Outcome};
use crate::scenario::{most_like, nearest};

/// An answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It gets through.
    Allowed,
    /// Something stops it.
    Blocked,
    /// This is who answers.
    By(Mechanism),
}

impl Answer {
    /// As it is typed and kept.
    pub fn id(self) -> String {
        match self {
            Self::Allowed => "allowed".to_owned(),
            Self::Blocked => "blocked".to_owned(),
            Self::By(mechanism) => mechanism.id(),
        }
    }

    /// In words.
    pub fn in_words(self) -> String {
        match self {
            Self::Allowed => "it gets through".to_owned(),
            Self::Blocked => "something stops it".to_owned(),
            Self::By(mechanism) => mechanism.id(),
        }
    }
}

/// What there is to choose from, in the order in which it is shown.
pub fn choices(question: &Question) -> Vec<Answer> {
    if question.choices.is_empty() {
        vec![Answer::Allowed, Answer::Blocked]
    } else {
        question.choices.iter().copied().map(Answer::By).collect()
    }
}

/// The letter before a choice.
pub fn letter(place: usize) -> char {
    u8::try_from(place).ok().and_then(|place| b'a'.checked_add(place)).map_or('?', char::from)
}

/// The choice that a learner means: by its letter, or by its word. Otherwise what is wrong with it.
pub fn meant(question: &Question, said: &str) -> Result<Answer, String> {
    let choices = choices(question);
    let said = said.trim().to_lowercase();
    let by_letter = choices.iter().enumerate().find(|(place, _)| said == letter(*place).to_string());
    let by_word = || choices.iter().find(|choice| choice.id() == said);
    by_letter.map(|(_, choice)| choice).or_else(by_word).copied().ok_or_else(|| {
        let words: Vec<String> = choices.iter().map(|choice| choice.id()).collect();
        let near = most_like(&said, words.iter().map(String::as_str));
        format!(
            "'{}' is none of the choices: {}{}",
            said.escape_debug(),
            words.join(", "),
            nearest(near.as_deref())
        )
    })
}

/// The answer that a verdict gives; none, if it decides nothing.
pub fn given(question: &Question, cell: &Cell) -> Option<Answer> {
    match (cell.outcome, question.choices.is_empty()) {
        (Outcome::Allowed, true) => Some(Answer::Allowed),
        (Outcome::Blocked, true) => Some(Answer::Blocked),
        (Outcome::Blocked, false) => cell.blocked_by.map(Answer::By),
        (Outcome::Allowed, false) | (Outcome::Untestable | Outcome::Broken, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::cell;

    fn question(choices: &[Mechanism]) -> Question {
        Question {
            asks: String::new(),
            scenario: None,
            probe: "time-settimeofday".to_owned(),
            choices: choices.to_vec(),
            because: String::new(),
        }
    }

    const WHO: &[Mechanism] = &[Mechanism::Seccomp, Mechanism::Capabilities];

    #[rstest]
    #[case::letter(WHO, "b", Answer::By(Mechanism::Capabilities))]
    #[case::word(WHO, " Seccomp\n", Answer::By(Mechanism::Seccomp))]
    #[case::letter_of_an_outcome(&[], "a", Answer::Allowed)]
    #[case::word_of_an_outcome(&[], "blocked", Answer::Blocked)]
    fn an_answer_is_a_letter_or_a_word(
        #[case] choices: &[Mechanism],
        #[case] said: &str,
        #[case] answer: Answer,
    ) {
        assert_eq!(meant(&question(choices), said), Ok(answer));
    }

    #[rstest]
    #[case::beyond("c", "'c' is none of the choices: seccomp, capabilities")]
    #[case::near("secomp", "'secomp' is none of the choices: seccomp, capabilities; did you mean 'seccomp'?")]
    #[case::hostile("\u{1b}[2J", "'\\u{1b}[2j' is none of the choices: seccomp, capabilities")]
    fn what_is_no_choice_is_said(#[case] said: &str, #[case] why: &str) {
        assert_eq!(meant(&question(WHO), said).unwrap_err(), why);
    }

    #[rstest]
    #[case::who(WHO, cell(Outcome::Blocked, Some(Mechanism::Seccomp)), Some(Answer::By(Mechanism::Seccomp)))]
    #[case::nobody(WHO, cell(Outcome::Allowed, None), None)]
    #[case::whether(&[], cell(Outcome::Blocked, Some(Mechanism::Seccomp)), Some(Answer::Blocked))]
    #[case::not_decided(&[], cell(Outcome::Untestable, None), None)]
    fn the_verdict_answers(
        #[case] choices: &[Mechanism],
        #[case] cell: Cell,
        #[case] answer: Option<Answer>,
    ) {
        assert_eq!(given(&question(choices), &cell), answer);
    }
}
