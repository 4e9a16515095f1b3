//! The course as chapters of the project's own book, made from the labs: the lesson, what there is to do, and beside it what
//! was observed, for mdBook's preprocessor to fill in. Pure, and committed, like the reference pages.

use std::fmt::Write as _;

use whyblocked_agent::catalogue;

use super::Page;
use super::markdown::{code, escape, link};
use super::reference::MADE;
use crate::lab::answer::{Answer, choices, letter};
use crate::lab::file::{Configure, Question, Step, Subject};
use crate::lab::{self, Lab, LabError, goal, knob};

/// The chapters, with paths relative to the book's `src`.
pub fn pages() -> Result<Vec<Page>, LabError> {
    Ok(lab::all()?.iter().map(|lab| Page::new(path(lab), chapter(lab))).collect())
}

/// The verdicts that the chapters show: scenario and probe.
pub fn observed() -> Result<Vec<(String, String)>, LabError> {
    let labs = lab::all()?;
    let steps = labs.iter().flat_map(|lab| &lab.file.steps);
    Ok(steps.filter_map(|step| observed_in(step).map(|(a, b)| (a.to_owned(), b.to_owned()))).collect())
}

fn path(lab: &Lab) -> String {
    format!("labs/{}.md", lab.id)
}

/// The verdict that answers a step's question, if it is one about a built-in scenario.
fn observed_in(step: &Step) -> Option<(&str, &str)> {
    match step {
        Step::Predict(question) | Step::Explain(question) => match question.subject() {
            Subject::BuiltIn(id) => Some((id, &question.probe)),
            Subject::Own | Subject::File(_) => None,
        },
        Step::Configure(_) => None,
    }
}

fn chapter(lab: &Lab) -> String {
    let mut text = format!("{MADE}{}\n", lab.lesson.trim_end());
    let needs: Vec<&str> = lab.file.needs.iter().map(|need| need.in_words()).collect();
    let needs = if needs.is_empty() { String::new() } else { format!(" It needs {}.", needs.join(", ")) };
    let _ = write!(
        text,
        "\n## What to do {{#what-to-do}}\n\nAbout {} minutes.{needs}\n\n```console\n# whyblocked lab start {}\n```\n",
        lab.file.minutes,
        lab.id.split('-').next().unwrap_or(&lab.id)
    );
    for (number, step) in (1..).zip(&lab.file.steps) {
        let _ = write!(
            text,
            "\n### Step {number}: {} {{#step-{number}}}\n\n{}\n",
            step.kind(),
            step.asks().trim_end()
        );
        match step {
            Step::Predict(question) | Step::Explain(question) => ask(&mut text, step, question),
            Step::Configure(configure) => task(&mut text, configure),
        }
    }
    text
}

/// A question, with its answer folded away.
fn ask(text: &mut String, step: &Step, question: &Question) {
    text.push('\n');
    for (place, choice) in choices(question).into_iter().enumerate() {
        let _ = writeln!(text, "- **{}** {}", letter(place), choice_in_words(choice));
    }
    let about = match question.subject() {
        Subject::Own => "your `scenario.yaml`".to_owned(),
        Subject::File(name) => code(name),
        Subject::BuiltIn(id) => link(&format!("../reference/scenarios.md#{id}"), &escape(id)),
    };
    let _ = writeln!(text, "\nThe attempt is {}, in {about}.", probe(&question.probe));
    text.push_str("\n<details><summary>What was observed</summary>\n\n");
    if let Some((scenario, probe)) = observed_in(step) {
        let _ = writeln!(text, "{{{{#verdict {scenario} {probe}}}}}\n");
    }
    let _ = writeln!(text, "{}\n\n</details>", question.because.trim_end());
}

/// A choice, with the page of its mechanism.
fn choice_in_words(choice: Answer) -> String {
    let words = escape(&choice.in_words());
    match choice {
        Answer::By(mechanism) => link(&format!("../reference/mechanisms/{}.md", mechanism.id()), &words),
        Answer::Allowed | Answer::Blocked => words,
    }
}

/// The goals, and what there is to say at the end, folded away.
fn task(text: &mut String, configure: &Configure) {
    text.push_str("\n| attempt | has to be |\n|---|---|\n");
    for goal in &configure.goals {
        let _ = writeln!(text, "| {} | {} |", probe(&goal.probe), escape(&goal::in_words(goal)));
    }
    for still in &configure.must_still_work {
        let _ = writeln!(text, "| {} | got through: the application needs it |", probe(still));
    }
    let forbidden: Vec<String> =
        configure.forbidden.iter().map(|forbidden| code(&knob::in_words(forbidden))).collect();
    if !forbidden.is_empty() {
        let _ = writeln!(text, "\nNot by: {}.", forbidden.join(", "));
    }
    let _ = writeln!(
        text,
        "\n<details><summary>Once it is done</summary>\n\n{}\n\n</details>",
        configure.because.trim_end()
    );
}

fn probe(id: &str) -> String {
    catalogue::find(id).map_or_else(
        || code(id),
        |probe| link(&format!("../reference/probes/{}.md#{id}", probe.family()), &escape(id)),
    )
}
