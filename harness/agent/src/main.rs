//! The agent: `/agent REQUEST`, where REQUEST is a [`whyblocked_agent::wire::Request`] as JSON, or
//! `/agent inspect`, which prints an [`whyblocked_agent::inspect::Inspection`], or `/agent sweep`, which prints what
//! its filters answer to every call ([`whyblocked_agent::sweep`]), or `/agent neighbour`
//! ([`whyblocked_agent::roles::be_the_neighbour`]). Under other names it has other roles
//! ([`whyblocked_agent::roles::by_name`], [`whyblocked_agent::runtime`]).

use std::process::ExitCode;

use whyblocked_agent::hold::Hold;
use whyblocked_agent::{inspect::Inspection, layout, roles, runner, runtime, sweep, wire::Request};

fn main() -> ExitCode {
    let mut args = std::env::args();
    let program = args.next().unwrap_or_default();
    if program.rsplit('/').next() == Some(layout::RUNTIME_NAME) {
        return ExitCode::from(runtime::become_runc(std::env::args_os().skip(1).collect()) as u8);
    }
    if let Some(status) = roles::by_name(&program) {
        return ExitCode::from(status as u8);
    }
    let Some(text) = args.next() else {
        eprintln!("usage: whyblocked-agent REQUEST\nThe harness starts this program inside a container.");
        return ExitCode::from(2);
    };
    match text.as_str() {
        "inspect" => return tell(Inspection::of_self()),
        "sweep" => return tell(sweep::of_self()),
        "neighbour" => return ExitCode::from(roles::be_the_neighbour() as u8),
        _ => {}
    }
    match serde_json::from_str::<Request>(&text) {
        Ok(request) => {
            let hold = request.hold.then(Hold::begin);
            runner::run(&request);
            if let Some(hold) = hold {
                hold.end();
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("whyblocked-agent: the request does not parse: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints what a process has found out about itself, as JSON.
fn tell<T: serde::Serialize>(found: std::io::Result<T>) -> ExitCode {
    match found.map(|found| serde_json::to_string(&found)) {
        Ok(Ok(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => complain(&error),
        Err(error) => complain(&error),
    }
}

fn complain(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("whyblocked-agent: cannot look at this process: {error}");
    ExitCode::from(3)
}
