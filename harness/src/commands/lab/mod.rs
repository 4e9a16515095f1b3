//! `whyblocked lab`: the workshop. Labs are started in a folder of the learner's own, and checked by what is observed.

mod attempt;
mod author;
mod check;
mod course;
mod group;
mod verify;
mod watch;

use std::path::PathBuf;

use clap::Subcommand;

use super::selection::Place;
use super::{Exit, Failure, Format, print};
use crate::lab::folder::Folder;
use crate::lab::{Lab, LabError};
use crate::survey::EngineChoice;

/// Options of `lab`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

const AFTER_HELP: &str = "\
Without a word, `whyblocked lab` does what comes next: it shows what to begin with, or checks the step that you are at.";

#[derive(Debug, Subcommand)]
enum Action {
    /// List the labs, and which are done
    List {
        #[command(flatten)]
        at: At,
        /// How the list is written to standard output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Begin a lab: the next one, or the one that is named
    Start {
        /// Its number or name, or the folder of a lab by somebody else
        lab: Option<String>,
        #[command(flatten)]
        at: At,
        /// What you want to be called in your file of progress
        #[arg(long)]
        name: Option<String>,
    },
    /// Show the lesson, and the step that you are at
    Show {
        #[command(flatten)]
        at: At,
    },
    /// Check the step that you are at; a question is asked, or answered with ANSWER
    Check {
        /// The answer to a question: its letter, or the word
        answer: Option<String>,
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        how: How,
        /// Pass over this step
        #[arg(long, conflicts_with = "answer")]
        skip: bool,
    },
    /// Check again whenever scenario.yaml is saved
    Watch {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        how: How,
    },
    /// Show the next hint
    Hint {
        #[command(flatten)]
        at: At,
    },
    /// Put the lab back to its beginning; what you have changed is kept beside it
    Reset {
        /// Which, if not the one that is under way
        lab: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Show a solution of the step that you are at
    Solution {
        #[command(flatten)]
        at: At,
    },
    /// Say how far you are
    Status {
        #[command(flatten)]
        at: At,
        /// How it is written to standard output
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Begin a lab of your own: a folder with a lesson, steps, a scenario and its solution
    New {
        /// The folder to make
        dir: PathBuf,
    },
    /// Check labs: that the beginning fails as the lesson says, that solutions pass, hints work, and short cuts are refused
    Verify {
        /// Folders of labs, or names of built-in ones; all that are built in, if not given
        labs: Vec<String>,
        #[command(flatten)]
        how: How,
    },
    /// Make a page of a group's files of progress
    Report {
        /// The files
        #[arg(required = true)]
        progress: Vec<PathBuf>,
        /// The page to write
        #[arg(long, value_name = "FILE")]
        page: PathBuf,
    },
}

/// Which folder.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct At {
    /// Your folder of labs [default: the one around or in this directory; `start` makes whyblocked-labs]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// How scenarios are run.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct How {
    /// What starts the containers
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Where they are started: here, or in a lab machine: vagrant, or vagrant:MACHINE
    #[arg(long = "in", default_value_t, value_name = "PLACE")]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    match args.action.as_ref() {
        None => next(),
        Some(Action::List { at, format }) => course::list(at, *format),
        Some(Action::Start { lab, at, name }) => course::start(lab.as_deref(), at, name.as_deref()),
        Some(Action::Show { at }) => course::show(at),
        Some(Action::Check { at, skip: true, .. }) => check::skip(at),
        Some(Action::Check { answer, at, how, skip: false }) => check::check(answer.as_deref(), at, how),
        Some(Action::Watch { at, how }) => watch::watch(at, how),
        Some(Action::Hint { at }) => course::hint(at),
        Some(Action::Reset { lab, at }) => course::reset(lab.as_deref(), at),
        Some(Action::Solution { at }) => course::solution(at),
        Some(Action::Status { at, format }) => course::status(at, *format),
        Some(Action::New { dir }) => author::new(dir),
        Some(Action::Verify { labs, how }) => verify::verify(labs, how),
        Some(Action::Report { progress, page }) => group::report(progress, page),
    }
}

/// What comes next.
fn next() -> Result<Exit, Failure> {
    let at = At::default();
    match Folder::open(None) {
        Err(LabError::NoFolder { .. }) => {
            course::list(&at, Format::Text)?;
            print("\nBegin with: whyblocked lab start\n").map(|()| Exit::Expected)
        }
        Err(error) => Err(error.into()),
        Ok(folder) => match step_of(&folder)? {
            Some(_) => check::check(None, &at, &How::default()),
            None => course::start(None, &at, None),
        },
    }
}

/// The lab that is under way, and the step that is not done yet; none if all are.
fn step_of(folder: &Folder) -> Result<Option<(Lab, usize)>, Failure> {
    let lab = folder.current()?;
    let mut taken = folder.progress.of(&lab.id).cloned();
    if let Some(taken) = &mut taken {
        taken.fit(&lab);
    }
    let step = taken.map_or(Some(0), |taken| taken.next());
    Ok(step.map(|step| (lab, step)))
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Unwritable { .. } => Self::failed(error),
            _ => Self::usage(error),
        }
    }
}
