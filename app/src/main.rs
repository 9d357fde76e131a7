//! Lanspread's desktop program.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use lanspread_app::start::{Args, run};

fn main() -> ExitCode {
    // Games are kept by this program itself.
    lanspread_peer::launch::keep_if_asked();
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be told when stderr is closed.
            drop(writeln!(std::io::stderr(), "lanspread: {error}"));
            ExitCode::FAILURE
        }
    }
}
