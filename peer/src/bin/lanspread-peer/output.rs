//! The two ways out: results to stdout, complaints to stderr.

use std::io::{self, Write as _};

use serde::Serialize;

/// Prints one piece of a result. An error means that nobody reads it.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Prints one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(print(&serde_json::to_string(value)?)?)
}

/// Says what is wrong.
pub(crate) fn complain(message: &str) {
    // Where stderr is closed nobody wants to know.
    drop(writeln!(io::stderr().lock(), "lanspread-peer: {message}"));
}
