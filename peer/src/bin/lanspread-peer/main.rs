//! `lanspread-peer`: a peer without a window, and the organiser's tools.
//!
//! Results and events go to stdout, and nothing else does. What goes wrong is one line on stderr that says what and
//! where: wrong use exits 2, a failed command 1.

mod args;
mod catalog;
mod inspect;
mod output;
mod progress;
mod publish;
mod run;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, CatalogCommand, Command};

/// Wrong use of the command line.
const EXIT_WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    if let Some(code) = lanspread_peer::launch::keep_if_asked() {
        return code;
    }
    let args = match parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code,
    };
    match execute(args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn parse(args: impl Iterator<Item = OsString>) -> Result<Args, ExitCode> {
    Args::try_parse_from(args).map_err(|error| {
        if error.use_stderr() {
            output::complain(&args::one_line(&error));
            return ExitCode::from(EXIT_WRONG_USE);
        }
        // Help and version are what was asked for.
        match output::print(error.render().to_string().trim_end()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_closed) => ExitCode::FAILURE,
        }
    })
}

/// What failed and where, and why. Most messages end with their cause already.
fn with_causes(error: &anyhow::Error) -> String {
    let messages = error.chain().map(ToString::to_string);
    let join =
        |text: String, cause: String| if text.contains(&cause) { text } else { format!("{text}: {cause}") };
    messages.reduce(join).unwrap_or_default()
}

fn execute(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Publish(args) => publish::publish(args),
        Command::Catalog { command: CatalogCommand::Check { file } } => catalog::check(&file),
        Command::Catalog { command: CatalogCommand::Show { file, json } } => catalog::show(&file, json),
        Command::Catalog { command: CatalogCommand::Sign { file, key } } => catalog::sign(&file, &key),
        Command::Catalog { command: CatalogCommand::ImportEti { database, out } } => {
            catalog::import_eti(&database, &out)
        }
        Command::Keygen { out } => catalog::keygen(&out),
        Command::Verify(args) => inspect::verify(&args),
        Command::Scan(args) => inspect::scan(&args),
    }
}
