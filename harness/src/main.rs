//! The `whyblocked` program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    whyblocked::commands::main()
}
