//! Launch entries as a person writes them: `[NAME=]PROGRAM ARGS…[@OS]`.

use std::collections::BTreeMap;

use lanspread_protocol::{LaunchEntry, Os, PathError};
use thiserror::Error;

/// The name of an entry that gives none.
const DEFAULT_NAME: &str = "play";

/// Why a text is no launch entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LaunchError {
    #[error("a quotation mark is open at the end")]
    Quotes,
    #[error("there is no program")]
    NoProgram,
    #[error("the program is relative to the installed game: {0}")]
    Program(#[from] PathError),
}

/// Words are split as in a shell. The name is letters, digits, `-` and `_`; the system `windows` or `linux`, by
/// default the one this program runs on.
pub fn parse_launch_entry(text: &str) -> Result<LaunchEntry, LaunchError> {
    let text = text.trim();
    let (text, os) = match text.rsplit_once('@') {
        Some((before, "windows")) => (before, Os::Windows),
        Some((before, "linux")) => (before, Os::Linux),
        Some(_) | None => (text, Os::CURRENT),
    };
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let (name, command) = match text.split_once('=') {
        Some((name, command)) if is_name(name) => (name, command),
        Some(_) | None => (DEFAULT_NAME, text),
    };
    let mut words = shlex::split(command).ok_or(LaunchError::Quotes)?.into_iter();
    let program = words.next().filter(|program| !program.is_empty()).ok_or(LaunchError::NoProgram)?;
    Ok(LaunchEntry {
        name: name.to_owned(),
        os,
        program: program.parse()?,
        args: words.collect(),
        folder: None,
        env: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (String, Os, String, Vec<String>) {
        let entry = parse_launch_entry(text).unwrap();
        (entry.name, entry.os, entry.program.to_string(), entry.args)
    }

    fn entry(name: &str, os: Os, program: &str, args: &[&str]) -> (String, Os, String, Vec<String>) {
        (name.into(), os, program.into(), args.iter().map(|arg| (*arg).to_owned()).collect())
    }

    #[test]
    fn entries_are_read_as_the_help_says() {
        assert_eq!(parse("bin/game@linux"), entry("play", Os::Linux, "bin/game", &[]));
        assert_eq!(parse("game.exe"), entry("play", Os::CURRENT, "game.exe", &[]));
        assert_eq!(
            parse("server=bin/game-srv -f 'my srv.cfg' --name={player} @linux"),
            entry("server", Os::Linux, "bin/game-srv", &["-f", "my srv.cfg", "--name={player}"])
        );
        assert_eq!(
            parse("join=game.exe +connect me@host@windows"),
            entry("join", Os::Windows, "game.exe", &["+connect", "me@host"])
        );
        assert_eq!(parse("'my game.exe' a=b"), entry("play", Os::CURRENT, "my game.exe", &["a=b"]));
    }

    #[test]
    fn what_is_no_entry_says_why() {
        assert_eq!(parse_launch_entry(" "), Err(LaunchError::NoProgram));
        assert_eq!(parse_launch_entry("server=@linux"), Err(LaunchError::NoProgram));
        assert_eq!(parse_launch_entry("game 'x"), Err(LaunchError::Quotes));
        assert!(matches!(parse_launch_entry("../game"), Err(LaunchError::Program(_))));
        assert!(matches!(parse_launch_entry("C:/game.exe"), Err(LaunchError::Program(_))));
    }
}
