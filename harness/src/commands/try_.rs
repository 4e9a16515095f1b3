//! `whyblocked try`: a configuration of the user's own, every probe in it, and which single change closes most.

use std::path::PathBuf;

use whyblocked_agent::Outcome as Seen;

use super::selection::{Place, Selection};
use super::session::{self, Purpose, Receivers};
use super::{Exit, Failure, Format, json, print};
use crate::engine::EngineError;
use crate::engine::docker::Daemon;
use crate::experiment::Ended;
use crate::host::{Host, Reach};
use crate::record::{self, Outcome, Record, Tried};
use crate::report::{book, tried};
use crate::scenario;
use crate::seccomp::DefaultProfile;
use crate::survey::EngineChoice;
use crate::tryout::{self, Change, ThisHost, Tryout, Written};

/// Options of `try`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, override_usage = USAGE)]
pub(super) struct Args {
    /// A line that starts a container: docker or podman, run or create; also as one quoted word
    #[arg(value_name = "LINE", trailing_var_arg = true, allow_hyphen_values = true)]
    #[arg(required_unless_present_any = ["compose", "container"], conflicts_with_all = ["compose", "container"])]
    line: Vec<String>,
    /// A service of this Compose file
    #[arg(long, value_name = "FILE", conflicts_with = "container")]
    compose: Option<PathBuf>,
    /// Which service, if the file has several
    #[arg(long, value_name = "NAME", requires = "compose", conflicts_with_all = ["line", "container"])]
    service: Option<String>,
    /// A container that the Docker daemon has already, running or not; it is only described, never entered
    #[arg(long, value_name = "NAME|ID")]
    container: Option<String>,
    /// Only show the scenario that would be run, as a file, with what is replaced and what is not looked at
    #[arg(long)]
    show: bool,
    /// Probes: ids or globs; all if not given
    #[arg(long = "probe", value_name = "GLOB")]
    probes: Vec<String>,
    /// What starts the containers
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// Whose default system-call filter a container gets [default: 26; with --engine docker or --container the daemon's own]
    #[arg(long, value_enum)]
    seccomp_default: Option<DefaultProfile>,
    /// Write the record, as JSON
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write a book; open DIR/index.html
    #[arg(long, value_name = "DIR")]
    book: Option<PathBuf>,
    /// How the result is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const USAGE: &str = "whyblocked try [OPTIONS] -- docker run [FLAGS] IMAGE [COMMAND]…
       whyblocked try [OPTIONS] --compose FILE [--service NAME]
       whyblocked try [OPTIONS] --container NAME|ID";

/// A paragraph is one line: it is wrapped to the terminal.
const AFTER_HELP: &str = "\
The image, its command and its variables play no part: the attempts are made by a program of our own. No directory of the \
host is mounted: directories like /etc, made for the run, stand in for the host's, and sockets are not touched. Devices are \
the host's. Whatever is replaced, left out or not looked at is said.

How much a change closes is found by trying it: every attempt that gets through is made again with that one change. All of \
them count, and all count the same; those that also get through with Docker's defaults are listed by themselves.";

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(dir) = &args.book {
        book::check_place(dir)?;
    }
    let host = Host::read();
    let reach = Reach::of(&host);
    let look = ThisHost { selinux: reach.selinux, apparmor: reach.apparmor };
    let (written, theirs) = args.written(look)?;
    let tryout = tryout::adapt(written, &look)?;
    let scenario = tryout.scenario()?;
    if args.show {
        let text = match args.format {
            Format::Text => tried::scenario_file(&described(&tryout), &scenario.settings),
            Format::Json => json(&serde_json::json!({
                "settings": scenario.settings, "tried": described(&tryout),
            }))?,
        };
        return print(&text).map(|()| Exit::Expected);
    }
    let changes = tryout::changes(&tryout)?;
    let defaults = scenario::select(&["docker-default".to_owned()])?;
    let others: Vec<_> = defaults.iter().chain(changes.iter().map(|change| &change.scenario)).collect();
    let selection = Selection {
        scenarios: Vec::new(),
        compose: None,
        service: None,
        probes: args.probes.clone(),
        engine: args.engine,
        place: Place::default(),
        seccomp_default: args.seccomp_default.or(theirs),
        prepare_host: false,
    };
    let (mut record, mut ended) = session::compared(&[scenario], &others, &selection, Purpose::Survey)?;
    let of_changes = ended.split_off(defaults.len());
    record.tried = Some(Tried {
        defaults: ended.into_iter().next().and_then(Result::ok).map(|ended| {
            let through = ended.iter().filter(|(_, seen)| **seen == Seen::Reached);
            through.map(|(probe, _)| (*probe).to_owned()).collect::<Vec<_>>()
        }),
        changes: ranked(&record, &changes, of_changes),
        ..described(&tryout)
    });
    let to = Receivers { file: args.record.as_deref(), book: args.book.as_deref(), format: args.format };
    session::hand_over(&record, &to, tried::text)
}

impl Args {
    /// What was written; and, for a container, its daemon's default filter.
    fn written(&self, look: ThisHost) -> Result<(Written, Option<DefaultProfile>), Failure> {
        if let Some(path) = &self.compose {
            return Ok((tryout::compose::read(path, self.service.as_deref(), &look)?, None));
        }
        let Some(container) = &self.container else {
            let here = std::env::current_dir()
                .map_err(|error| Failure::failed(format!("the current directory cannot be read: {error}")))?;
            return Ok((tryout::docker_run::parse(&self.line, &here)?, None));
        };
        let daemon = Daemon::connect().map_err(EngineError::from)?;
        let description = daemon.describe(container).map_err(EngineError::from)?;
        let who = tryout::container::Daemon {
            version: daemon.version(),
            address: daemon.address(),
            security: daemon.security(),
        };
        let written = tryout::container::read(&description, &who, &look);
        Ok((written, Some(daemon.default_profile())))
    }
}

/// What is known before anything is run.
fn described(tryout: &Tryout) -> Tried {
    let Written { id, source, warnings, notes, not_looked_at, no_part, .. } = &tryout.written;
    Tried {
        scenario: id.clone(),
        source: source.clone(),
        warnings: warnings.clone(),
        notes: notes.clone(),
        not_looked_at: not_looked_at.clone(),
        no_part: no_part.clone(),
        ..Tried::default()
    }
}

/// The changes, those that close most first.
fn ranked(record: &Record, changes: &[Change], ended: Vec<Ended>) -> Vec<record::Change> {
    let before = |outcome: Outcome| {
        record.cells.iter().filter(move |cell| cell.outcome == outcome).map(|cell| cell.probe.as_str())
    };
    let mut ranked: Vec<record::Change> = changes
        .iter()
        .zip(ended)
        .map(|(change, ended)| {
            let now = |probe: &str, seen: &[Seen]| {
                ended.as_ref().ok().and_then(|ended| ended.get(probe)).is_some_and(|one| seen.contains(one))
            };
            let through = before(Outcome::Allowed).filter(|probe| now(probe, &[Seen::Denied, Seen::Absent]));
            let stopped = before(Outcome::Blocked).filter(|probe| now(probe, &[Seen::Reached]));
            record::Change {
                how: change.how.clone(),
                does: change.does.clone(),
                closes: through.map(str::to_owned).collect(),
                opens: stopped.map(str::to_owned).collect(),
                not_tried: ended.as_ref().err().cloned(),
            }
        })
        .collect();
    ranked.sort_by_key(|change| (std::cmp::Reverse(change.closes.len()), change.opens.len()));
    ranked
}
