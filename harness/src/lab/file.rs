//! A lab's `lab.yaml` as it was written: a heading, what it needs, and its steps.

use serde::Deserialize;

use crate::mechanism::Mechanism;
use crate::record::Outcome;
use crate::scenario::Facility;

/// A `lab.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// A heading.
    pub title: String,
    /// What there is to learn, in a line.
    pub teaches: String,
    /// How long it takes, about.
    pub minutes: u32,
    /// What the host must have.
    #[serde(default)]
    pub needs: Vec<Facility>,
    /// What the learner does, in this order.
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The learner commits to an answer before anything is run; then the run shows it.
    Predict(Question),
    /// The learner changes their scenario until the goals hold.
    Configure(Configure),
    /// The learner is shown evidence, and says which mechanism answered.
    Explain(Question),
}

/// A question that a verdict answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question, in Markdown.
    pub asks: String,
    /// Of which scenario: a built-in one's id, or a file of the lab; the learner's own if not given.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Of which attempt.
    pub probe: String,
    /// The mechanisms to choose from; none if the question is whether it gets through.
    #[serde(default)]
    pub choices: Vec<Mechanism>,
    /// What there is to say once it was answered, in Markdown.
    pub because: String,
}

/// What the learner's scenario has to become.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configure {
    /// The task, in Markdown.
    pub asks: String,
    /// What has to be seen.
    pub goals: Vec<Goal>,
    /// Attempts that stand for what the application needs: they have to get through.
    #[serde(default)]
    pub must_still_work: Vec<String>,
    /// Settings that have to stay as they were.
    #[serde(default)]
    pub forbidden: Vec<Forbidden>,
    /// What is wrong with verdicts that this lesson is about, in its words.
    #[serde(default)]
    pub wrong: Vec<Wrong>,
    /// A scenario that reaches the goals.
    #[serde(default = "solution")]
    pub solution: String,
    /// A scenario that reaches them by what is forbidden.
    #[serde(default)]
    pub shortcut: Option<String>,
    /// Each says more than the one before.
    #[serde(default)]
    pub hints: Vec<Hint>,
    /// What there is to say once it is done, in Markdown.
    pub because: String,
}

fn solution() -> String {
    "solution.yaml".to_owned()
}

/// What has to be seen of one attempt. What is not given may be anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// The attempt.
    pub probe: String,
    /// Whether it gets through.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Who answers.
    #[serde(default)]
    pub blocked_by: Option<Mechanism>,
    /// Each of these has to be enough alone.
    #[serde(default)]
    pub layers: Vec<Mechanism>,
    /// How many mistakes it has to take at least.
    #[serde(default)]
    pub depth_at_least: Option<u32>,
}

/// A setting that has to stay as it was.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbidden {
    /// A key of `service`, or `daemon.KEY`.
    pub knob: String,
    /// Only this value of it may not come in; if not given, none may change.
    #[serde(default)]
    pub value: Option<String>,
    /// Why that would miss the point.
    pub because: String,
}

/// A verdict that misses the goal, and what that means in the lesson's words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    /// The attempt.
    pub probe: String,
    /// Whether it got through.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Who answered.
    #[serde(default)]
    pub blocked_by: Option<Mechanism>,
    /// What that means.
    pub says: String,
}

/// A hint.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// What to think of, in Markdown.
    pub says: String,
    /// What to type, after `whyblocked`, in the lab's folder.
    #[serde(default)]
    pub command: Option<String>,
}

/// Which scenario a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The learner's own.
    Own,
    /// A built-in one, by its id.
    BuiltIn(&'a str),
    /// A file of the lab.
    File(&'a str),
}

impl Question {
    /// Which scenario it is about.
    pub fn subject(&self) -> Subject<'_> {
        match self.scenario.as_deref() {
            None => Subject::Own,
            Some(file) if file.contains(['/', '.']) => Subject::File(file),
            Some(id) => Subject::BuiltIn(id),
        }
    }
}

impl Step {
    /// Which kind it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Predict(_) => "predict",
            Self::Configure(_) => "configure",
            Self::Explain(_) => "explain",
        }
    }

    /// What it asks for.
    pub fn asks(&self) -> &str {
        match self {
            Self::Predict(question) | Self::Explain(question) => &question.asks,
            Self::Configure(configure) => &configure.asks,
        }
    }

    /// What there is to say once it is done.
    pub fn because(&self) -> &str {
        match self {
            Self::Predict(question) | Self::Explain(question) => &question.because,
            Self::Configure(configure) => &configure.because,
        }
    }

    /// Its hints, from the first to the last.
    pub fn hints(&self) -> &[Hint] {
        match self {
            Self::Predict(_) | Self::Explain(_) => &[],
            Self::Configure(configure) => &configure.hints,
        }
    }

    /// Every attempt that it looks at, each once.
    pub fn probes(&self) -> Vec<&str> {
        let mut probes: Vec<&str> = Vec::new();
        let mut add = |probe| {
            if !probes.contains(&probe) {
                probes.push(probe);
            }
        };
        match self {
            Self::Predict(question) | Self::Explain(question) => add(question.probe.as_str()),
            Self::Configure(configure) => {
                configure.goals.iter().for_each(|goal| add(&goal.probe));
                configure.must_still_work.iter().for_each(|probe| add(probe));
            }
        }
        probes
    }
}
