//! `whyblocked mdbook`: a preprocessor of mdBook. It speaks mdBook's protocol: `supports RENDERER` is asked first, and then
//! a book comes over standard input, as JSON, and goes over standard output.

use std::path::PathBuf;

use clap::Subcommand;
use mdbook_preprocessor::book::Book;
use mdbook_preprocessor::{PreprocessorContext, parse_input};
use serde::Deserialize;

use super::{Exit, Failure, print};
use crate::record;
use crate::report::inline::{InlineError, with_verdicts};
use crate::side_by_side::{Named, named};

/// Options of `mdbook`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(subcommand)]
    question: Option<Question>,
}

const AFTER_HELP: &str = "\
In a book.toml:

  [preprocessor.whyblocked]
  command = \"whyblocked mdbook\"
  records = [\"here.json\"]        # beside book.toml; made with `whyblocked run --record`

Then {{#verdict docker-default time-settimeofday}} in a chapter becomes what those records show.";

#[derive(Debug, Subcommand)]
enum Question {
    /// Whether this renderer's books can be served: all can
    Supports {
        /// Which
        renderer: String,
    },
}

/// What a `book.toml` says of this preprocessor; `command` and the rest are mdBook's own.
#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(default)]
    records: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(Question::Supports { .. }) = &args.question {
        return Ok(Exit::Expected);
    }
    let (context, mut book) = parse_input(std::io::stdin().lock())
        .map_err(|error| Failure::usage(format!("this is what mdBook calls, and no book came: {error:#}")))?;
    fill(&context, &mut book)?;
    let text = serde_json::to_string(&book).map_err(Failure::failed)?;
    print(&text).map(|()| Exit::Expected)
}

fn fill(context: &PreprocessorContext, book: &mut Book) -> Result<(), Failure> {
    let config: Option<Config> = context
        .config
        .get("preprocessor.whyblocked")
        .map_err(|error| Failure::usage(format!("book.toml: preprocessor.whyblocked: {error:#}")))?;
    let mut records = Vec::new();
    for path in config.unwrap_or_default().records {
        records.push((path.clone(), record::read(&context.root.join(&path))?));
    }
    let records: Vec<Named<'_>> = named(records.iter().map(|(path, record)| (path.as_path(), record)));
    let mut wrong = None;
    book.for_each_chapter_mut(|chapter| match with_verdicts(&chapter.content, &records) {
        Ok(text) => chapter.content = text,
        Err(error) => {
            wrong.get_or_insert_with(|| (chapter.name.clone(), error));
        }
    });
    match wrong {
        None => Ok(()),
        Some((chapter, error)) => Err(unknown(&chapter, &error)),
    }
}

fn unknown(chapter: &str, error: &InlineError) -> Failure {
    let help = match error {
        InlineError::Unknown { .. } => "; name records in book.toml, preprocessor.whyblocked.records",
        InlineError::Words { .. } | InlineError::Open { .. } => "",
    };
    Failure::usage(format!("the chapter '{}': {error}{help}", chapter.escape_debug()))
}
