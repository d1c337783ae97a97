//! The command line: parse, dispatch, print the error, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    memreel::cli::main().into()
}
