//! The command line: what can be typed, and which exit code says what.

mod baseline;
mod check;
mod clean;
mod doctor;
mod exit;
mod explain;
mod inside;
mod interruption;
mod lab;
mod list;
mod mdbook;
mod progress;
mod report;
mod run;
mod selection;
mod session;
mod try_;
mod vm;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use exit::{Exit, Failure};

/// Finds out, by experiment, which mechanism said no to a process in a container.
#[derive(Debug, Parser)]
#[command(name = "whyblocked", version, about, after_help = AFTER_HELP, arg_required_else_help = false)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// A paragraph is one line: it is wrapped to the terminal.
const AFTER_HELP: &str = "\
Exit codes: 0 as expected · 1 hardening differs from what was wanted · 2 wrong usage, or a file that does not parse · \
3 the harness could not do its work · 4 nothing was run.

A run that is interrupted puts everything away, writes nothing, and ends by the signal.";

/// No line has more than 80 characters.
const WHAT_TO_TYPE: &str = "\
whyblocked finds out which mechanism said no to a process in a container.

  whyblocked run --record r.json --book out
      every scenario, every probe; then open out/index.html
  whyblocked explain docker-default time-settimeofday
      one attempt, mechanism by mechanism
  whyblocked try -- docker run --privileged nginx
      a configuration of your own: what gets through, and what would close most
  whyblocked baseline write b.toml
  whyblocked check --baseline b.toml
      what is, agreed on; and, later, what has become weaker since
  whyblocked lab start
      the workshop: learn by doing who stops what
  whyblocked list scenarios
      what can be run; also: list probes, list mechanisms
  whyblocked doctor
      what this machine can and cannot show
  whyblocked --help
      everything else

From a checkout: cargo run --release -- run --record r.json --book out
";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios × probes: a record, a table, a book
    Run(run::Args),
    /// Check a run against what was agreed on: weaker hardening fails
    Check(check::Args),
    /// What is agreed on, in a file
    Baseline(baseline::Args),
    /// Try a configuration of your own: what gets through, and which single change closes most
    Try(try_::Args),
    /// Explain one verdict, mechanism by mechanism
    Explain(explain::Args),
    /// List what there is
    List(list::Args),
    /// Make a book of records: hosts, engines or dates side by side
    Report(report::Args),
    /// Say what this machine can and cannot show
    Doctor(doctor::Args),
    /// Remove what killed runs have left behind
    Clean(clean::Args),
    /// A preprocessor for mdBook: verdicts from records in a book of your own
    Mdbook(mdbook::Args),
    /// The workshop: labs that check what you really built
    Lab(lab::Args),
    /// The lab machines, for what this kernel cannot show
    Vm(vm::Args),
}

/// How results are written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Writes a result to standard output; colours only where a terminal shows them.
fn print(text: &str) -> Result<(), Failure> {
    match anstream::stdout().write_all(text.as_bytes()) {
        // `whyblocked … | head` is no failure.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something beside the result, on standard error. That nobody listens any more (`whyblocked … 2>&1 | head`) ends nothing: a run
/// has things to put away.
fn say(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A value as JSON for standard output.
fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(Failure::failed)
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let exit = if message.use_stderr() { Exit::Usage } else { Exit::Expected };
            // Nobody is left to tell if that fails.
            let _ = message.print();
            return exit.into();
        }
    };
    let done = match cli.command {
        None => print(WHAT_TO_TYPE).map(|()| Exit::Expected),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Baseline(args)) => baseline::run(&args),
        Some(Command::Try(args)) => try_::run(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::List(args)) => list::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Doctor(args)) => doctor::run(&args),
        Some(Command::Clean(args)) => clean::run(&args),
        Some(Command::Mdbook(args)) => mdbook::run(&args),
        Some(Command::Lab(args)) => lab::run(&args),
        Some(Command::Vm(args)) => vm::run(&args),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            say(format_args!("whyblocked: {}", failure.message()));
            if let Some(signal) = failure.signal() {
                // Whoever started the program is to see that it was ended, and by what: a shell's loop ends then too.
                let _ = signal_hook::low_level::emulate_default_handler(signal as i32);
            }
            failure.exit().into()
        }
    }
}
