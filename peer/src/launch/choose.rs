//! Which program a start means.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use lanspread_protocol::{GameId, LaunchEntry, Os};

use super::LaunchError;
use super::invocation::find;
use crate::disk::GameFolder;

/// The entry that prepares a game for its first start.
const SETUP: &str = "setup";
/// What runs Windows programs here, the first that is there. Wine first: umu-run may want to fetch from the internet.
const WINDOWS_RUNNERS: [&str; 2] = ["wine", "umu-run"];

/// What a start runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub program: Program,
    /// To be run before the first start.
    pub setup: Option<Program>,
}

/// A program, and how it is run here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub what: What,
    pub by: Runner,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Of the catalog.
    Entry(LaunchEntry),
    /// Of the payload.
    Script(Script),
}

/// A script that ETI packages have by convention, for Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Start,
    Server,
    Setup,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runner {
    /// The system itself.
    System,
    /// Wine, or a program that is called like it.
    Wine(PathBuf),
}

impl Script {
    const ALL: [Self; 3] = [Self::Start, Self::Server, Self::Setup];

    pub fn file_name(self) -> &'static str {
        match self {
            Self::Start => "game_start.cmd",
            Self::Server => "server_start.cmd",
            Self::Setup => "game_setup.cmd",
        }
    }

    /// The name of the launch entry that it stands for.
    pub fn entry_name(self) -> &'static str {
        match self {
            Self::Start => "play",
            Self::Server => "server",
            Self::Setup => SETUP,
        }
    }
}

pub(super) fn choose(
    game: &GameId,
    folder: &GameFolder,
    launch: &[LaunchEntry],
    name: &str,
    path: Option<&OsStr>,
) -> Result<Choice, LaunchError> {
    Search { game, folder, launch, os: Os::CURRENT, path }.choose(name)
}

struct Search<'a> {
    game: &'a GameId,
    folder: &'a GameFolder,
    launch: &'a [LaunchEntry],
    os: Os,
    path: Option<&'a OsStr>,
}

impl Search<'_> {
    fn choose(&self, name: &str) -> Result<Choice, LaunchError> {
        if let Some(entry) = self.entry(name, self.os) {
            let by = Runner::System;
            return Ok(self.with_setup(name, self.os, Program { what: What::Entry(entry), by }));
        }
        let entry = self.entry(name, Os::Windows).map(What::Entry);
        let what = entry.or_else(|| self.script(name)).ok_or_else(|| LaunchError::NoEntry {
            game: self.game.clone(),
            name: name.to_owned(),
            found: self.found(),
        })?;
        let by = self
            .windows_runner()
            .ok_or_else(|| LaunchError::NeedsWine { game: self.game.clone(), name: name.to_owned() })?;
        Ok(self.with_setup(name, Os::Windows, Program { what, by }))
    }

    /// The setup is for the system that the program is for.
    fn with_setup(&self, name: &str, os: Os, program: Program) -> Choice {
        let entry = || self.entry(SETUP, os).map(What::Entry);
        let script = || if os == Os::Windows { self.script(SETUP) } else { None };
        let what = if name == SETUP { None } else { entry().or_else(script) };
        let setup = what.map(|what| Program { what, by: program.by.clone() });
        Choice { program, setup }
    }

    fn entry(&self, name: &str, os: Os) -> Option<LaunchEntry> {
        self.launch.iter().find(|entry| entry.name == name && entry.os == os).cloned()
    }

    fn script(&self, name: &str) -> Option<What> {
        let script = Script::ALL.into_iter().find(|script| script.entry_name() == name)?;
        self.has(script).then_some(What::Script(script))
    }

    fn has(&self, script: Script) -> bool {
        find(self.folder.root(), [script.file_name()]).is_some()
    }

    fn windows_runner(&self) -> Option<Runner> {
        if self.os == Os::Windows {
            return Some(Runner::System);
        }
        let folders: Vec<_> = std::env::split_paths(self.path?).collect();
        let candidates =
            WINDOWS_RUNNERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        candidates.filter(|program| is_program(program)).map(Runner::Wine).next()
    }

    /// What there is to start, for a person.
    fn found(&self) -> Vec<String> {
        let entries = self.launch.iter().map(|entry| {
            let os = match entry.os {
                Os::Windows => "Windows",
                Os::Linux => "Linux",
            };
            format!("“{}” for {os}", entry.name)
        });
        let scripts = Script::ALL.into_iter().filter(|script| self.has(*script));
        entries.chain(scripts.map(|script| script.file_name().to_owned())).collect()
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.is_absolute()
        && path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_absolute() && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;

    fn entry(name: &str, os: Os) -> LaunchEntry {
        let program = "bin/game".parse().unwrap();
        LaunchEntry { name: name.into(), os, program, args: vec![], folder: None, env: BTreeMap::new() }
    }

    /// A game's folder, and one for `PATH`.
    struct World {
        game: tempfile::TempDir,
        path: tempfile::TempDir,
    }

    impl World {
        fn new(scripts: &[Script]) -> Self {
            let world = Self { game: tempfile::tempdir().unwrap(), path: tempfile::tempdir().unwrap() };
            for script in scripts {
                fs::write(world.game.path().join(script.file_name()), "").unwrap();
            }
            world
        }

        #[cfg(unix)]
        fn with_tool(self, name: &str) -> Self {
            use std::os::unix::fs::PermissionsExt as _;
            let tool = self.path.path().join(name);
            fs::write(&tool, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
            self
        }

        fn choose(&self, os: Os, launch: &[LaunchEntry], name: &str) -> Result<Choice, LaunchError> {
            let folder = GameFolder::new(self.game.path());
            let path = Some(self.path.path().as_os_str());
            Search { game: &"ut".parse().unwrap(), folder: &folder, launch, os, path }.choose(name)
        }
    }

    #[test]
    fn the_entry_for_this_system_comes_first() {
        let launch = [entry("play", Os::Windows), entry("play", Os::Linux), entry("setup", Os::Windows)];
        let world = World::new(&[Script::Start, Script::Setup]);
        let on = |os| world.choose(os, &launch, "play").unwrap();
        let linux = on(Os::Linux);
        assert_eq!(linux.program, Program { what: What::Entry(launch[1].clone()), by: Runner::System });
        assert_eq!(linux.setup, None);
        let windows = on(Os::Windows);
        assert_eq!(windows.program, Program { what: What::Entry(launch[0].clone()), by: Runner::System });
        assert_eq!(windows.setup.unwrap().what, What::Entry(launch[2].clone()));
    }

    #[cfg(unix)]
    #[test]
    fn wine_runs_what_is_for_windows_if_it_is_there() {
        let launch = [entry("play", Os::Windows)];
        let world = World::new(&[Script::Start, Script::Setup]);
        let error = world.choose(Os::Linux, &launch, "play").unwrap_err().to_string();
        assert!(error.contains("install wine"), "{error}");
        fs::write(world.path.path().join("wine"), "no program").unwrap();
        assert!(matches!(world.choose(Os::Linux, &launch, "play"), Err(LaunchError::NeedsWine { .. })));
        let world = world.with_tool("umu-run");
        let umu = Runner::Wine(world.path.path().join("umu-run"));
        let choice = world.choose(Os::Linux, &launch, "play").unwrap();
        assert_eq!(choice.program, Program { what: What::Entry(launch[0].clone()), by: umu });
        let world = world.with_tool("wine");
        let wine = Runner::Wine(world.path.path().join("wine"));
        let choice = world.choose(Os::Linux, &[], "play").unwrap();
        assert_eq!(choice.program, Program { what: What::Script(Script::Start), by: wine.clone() });
        assert_eq!(choice.setup, Some(Program { what: What::Script(Script::Setup), by: wine }));
    }

    #[test]
    fn scripts_stand_for_entries() {
        let world = World::new(&Script::ALL);
        for script in Script::ALL {
            let choice = world.choose(Os::Windows, &[], script.entry_name()).unwrap();
            assert_eq!(choice.program, Program { what: What::Script(script), by: Runner::System });
            assert_eq!(choice.setup.is_some(), script != Script::Setup);
        }
    }

    #[test]
    fn an_error_says_what_there_is() {
        let launch = [entry("play", Os::Linux), entry("edit", Os::Windows)];
        let world = World::new(&[Script::Server]);
        let error = world.choose(Os::Windows, &launch, "join").unwrap_err().to_string();
        assert_eq!(
            error,
            "“ut” has no “join” to start; it has “play” for Linux, “edit” for Windows, server_start.cmd"
        );
        let error = World::new(&[]).choose(Os::Windows, &[], "play").unwrap_err().to_string();
        assert_eq!(error, "“ut” has no “play” to start; it has nothing to start");
    }
}
