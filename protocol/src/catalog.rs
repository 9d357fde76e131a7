//! The party's catalog: its games with the one expected version of each, as RON that a person can edit.
//!
//! The catalog is the authority: what is not in it is shown and never served. Fields this program does not know are
//! skipped, so that a newer organiser's catalog still serves older guests. Errors name the line and the game.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::{MAX_CATALOG_BYTES, MAX_GAMES, MAX_NAME_BYTES, MAX_TEXT_BYTES};
use crate::{Blake3Hash, GameId, ManifestId, PathError, RelPath, Version};

/// A party's games.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// The party's name.
    pub party: String,
    /// Grows with each change; of two catalogs by one key the greater serial is newer.
    #[serde(default)]
    pub serial: u64,
    #[serde(default)]
    pub games: Vec<Game>,
}

/// A game as the party plays it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    pub id: GameId,
    pub title: String,
    /// The expected version. A game without one is shown, never served or fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Pins the payload byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestId>,
    /// The payload's size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub players: Option<Players>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// By language code: `en`, `de`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub description: BTreeMap<String, String>,
    /// The cover image's hash; the image travels as a blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Blake3Hash>,
    /// How `local/` is made of the payload; without it the payload's files tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<InstallRecipe>,
    /// How the game is started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub launch: Vec<LaunchEntry>,
    /// Globs in `local/` of what survives an update: saves, configs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
}

impl Game {
    /// A game of which nothing is known but its id and title.
    pub fn new(id: GameId, title: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            version: None,
            manifest: None,
            size: None,
            genre: None,
            players: None,
            year: None,
            publisher: None,
            description: BTreeMap::new(),
            cover: None,
            install: None,
            launch: Vec::new(),
            keep: Vec::new(),
        }
    }
}

/// How many can play together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Players {
    pub from: u16,
    pub to: u16,
}

/// How `local/` is made of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstallRecipe {
    /// All files but `version.ini`, as they are.
    Files,
    /// What is in these archives of the payload, one after another.
    Unpack(Vec<RelPath>),
}

/// A program of a game, started by a person's click.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchEntry {
    /// `play`, `server`, `setup`, `join`, or anything.
    pub name: String,
    pub os: Os,
    /// Relative to `local/`.
    pub program: RelPath,
    /// `{player} {lang} {game_dir} {local_dir} {server}` are filled in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Where it runs; by default the program's own folder, as after a double click on it: most games look for their
    /// data there. A start by the shell from `local/`, which some ports expect, is `"."`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<WorkingFolder>,
    /// Set in its environment; filled in as the arguments are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

/// The folder that a program runs in; as text `.` or a path relative to `local/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WorkingFolder {
    /// `local/` itself.
    Local,
    /// A folder in `local/`.
    Below(RelPath),
}

impl TryFrom<String> for WorkingFolder {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        if text == "." { Ok(Self::Local) } else { text.parse().map(Self::Below) }
    }
}

impl From<WorkingFolder> for String {
    fn from(folder: WorkingFolder) -> Self {
        match folder {
            WorkingFolder::Local => ".".to_owned(),
            WorkingFolder::Below(path) => path.to_string(),
        }
    }
}

/// An operating system that a launch entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    Windows,
    Linux,
}

impl Os {
    /// The system this program runs on; programs for Linux are tried on every other Unix.
    pub const CURRENT: Self = if cfg!(windows) { Self::Windows } else { Self::Linux };
}

/// Why a file is no catalog.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CatalogError {
    #[error("the catalog has {0} bytes; at most {MAX_CATALOG_BYTES} are allowed")]
    TooLarge(usize),
    #[error("the catalog is not UTF-8 text")]
    NotText,
    #[error("line {line}{}: {message}", .game.as_ref().map(|game| format!(" (game “{game}”)")).unwrap_or_default())]
    At { line: usize, game: Option<String>, message: String },
    #[error("the catalog has {0} games; at most {MAX_GAMES} are allowed")]
    TooManyGames(usize),
    #[error("the catalog cannot be written: {0}")]
    Write(String),
}

impl Catalog {
    /// Reads and checks a catalog file.
    pub fn parse(bytes: &[u8]) -> Result<Self, CatalogError> {
        if bytes.len() > MAX_CATALOG_BYTES {
            return Err(CatalogError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_invalid| CatalogError::NotText)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let options = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
            .with_recursion_limit(32);
        let catalog: Self = options.from_str(text).map_err(|error| CatalogError::At {
            line: error.span.start.line,
            game: game_before_line(text, error.span.end.line),
            message: error.code.to_string(),
        })?;
        catalog.check(text)?;
        Ok(catalog)
    }

    /// The file's text.
    pub fn to_text(&self) -> Result<String, CatalogError> {
        let config = ron::ser::PrettyConfig::default()
            .extensions(ron::extensions::Extensions::IMPLICIT_SOME)
            .new_line("\n".to_owned());
        let mut text = ron::ser::to_string_pretty(self, config)
            .map_err(|error| CatalogError::Write(error.to_string()))?;
        text.push('\n');
        Ok(text)
    }

    pub fn game(&self, id: &GameId) -> Option<&Game> {
        self.games.iter().find(|game| game.id == *id)
    }

    /// Adds a game, or replaces the one with its id.
    pub fn put(&mut self, game: Game) {
        match self.games.iter_mut().find(|old| old.id == game.id) {
            Some(old) => *old = game,
            None => self.games.push(game),
        }
    }

    fn check(&self, text: &str) -> Result<(), CatalogError> {
        if self.games.len() > MAX_GAMES {
            return Err(CatalogError::TooManyGames(self.games.len()));
        }
        if self.party.len() > MAX_NAME_BYTES {
            let message = format!("the party's name is longer than {MAX_NAME_BYTES} bytes");
            return Err(CatalogError::At { line: 1, game: None, message });
        }
        let mut ids = BTreeSet::new();
        for game in &self.games {
            let at = |message: String| CatalogError::At {
                line: line_of_game(text, &game.id),
                game: Some(game.id.to_string()),
                message,
            };
            if !ids.insert(&game.id) {
                return Err(at("the id stands in the catalog twice".to_owned()));
            }
            game.check().map_err(at)?;
        }
        Ok(())
    }
}

impl Game {
    fn check(&self) -> Result<(), String> {
        let names = [Some(&self.title), self.genre.as_ref(), self.publisher.as_ref()];
        if names
            .into_iter()
            .flatten()
            .chain(self.launch.iter().map(|entry| &entry.name))
            .any(|name| name.len() > MAX_NAME_BYTES)
        {
            return Err(format!(
                "a title, genre, publisher or entry name is longer than {MAX_NAME_BYTES} bytes"
            ));
        }
        if self.title.trim().is_empty() {
            return Err("the title is empty".to_owned());
        }
        if self.manifest.is_some() && self.version.is_none() {
            return Err("a manifest needs a version".to_owned());
        }
        if self.players.is_some_and(|players| players.from > players.to) {
            return Err("players: “from” is greater than “to”".to_owned());
        }
        let texts = self
            .description
            .values()
            .chain(&self.keep)
            .chain(self.launch.iter().flat_map(|entry| &entry.args))
            .chain(
                self.launch.iter().flat_map(|entry| entry.env.iter().flat_map(|(name, value)| [name, value])),
            );
        if texts.map(String::len).sum::<usize>() > MAX_TEXT_BYTES {
            return Err(format!(
                "description, keep rules, arguments and environment are longer than {MAX_TEXT_BYTES} bytes"
            ));
        }
        self.launch.iter().try_for_each(LaunchEntry::check)?;
        let mut entries = BTreeSet::new();
        match self.launch.iter().find(|entry| !entries.insert((&entry.name, entry.os))) {
            Some(entry) => Err(format!("launch entry “{}” stands twice for one system", entry.name)),
            None => Ok(()),
        }
    }
}

impl LaunchEntry {
    /// What no system can give to a program.
    fn check(&self) -> Result<(), String> {
        let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        if let Some(name) = self.env.keys().find(|name| !is_name(name)) {
            return Err(format!("launch entry “{}”: “{name}” cannot name a variable", self.name));
        }
        if self.args.iter().chain(self.env.values()).any(|text| text.contains('\0')) {
            return Err(format!("launch entry “{}” has a NUL character", self.name));
        }
        Ok(())
    }
}

/// The id written last before the end of a line: the game that a parser's error is about.
fn game_before_line(text: &str, line: usize) -> Option<String> {
    text.lines().take(line).filter_map(id_in_line).last().map(str::to_owned)
}

fn line_of_game(text: &str, id: &GameId) -> usize {
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, line)| id_in_line(line) == Some(id.as_str()))
        .map(|(number, _)| number)
        .last()
        .unwrap_or(1)
}

/// The value of the last `id: "…"` in a line.
fn id_in_line(line: &str) -> Option<&str> {
    line.match_indices("id")
        .filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .filter_map(|(at, word)| {
            let value =
                line[at + word.len()..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
            value.split('"').next()
        })
        .last()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = r#"(
    party: "LAN Nord 2026",
    serial: 7,
    games: [
        (
            id: "teeworlds",
            title: "Teeworlds",
            version: "0.7.5",
            players: (from: 2, to: 16),
            year: 2007,
            description: {"de": "Kugeln", "en": "Blobs"},
            launch: [
                (name: "play", os: linux, program: "bin/teeworlds"),
                (name: "server", os: windows, program: "srv.exe", args: ["-f", "{local_dir}"]),
                (name: "edit", os: linux, program: "bin/edit", folder: "data", env: {"HOME": "{local_dir}"}),
                (name: "setup", os: linux, program: "bin/setup", folder: "."),
            ],
            install: unpack(["data/base.zip", "patch.7z"]),
            keep: ["*.cfg"],
            something_newer: [1, 2],
        ),
        (id: "ut", title: "UT", install: files),
    ],
)
"#;

    fn error(text: &str) -> String {
        Catalog::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_catalog_is_read_and_written() {
        let catalog = Catalog::parse(EXAMPLE.as_bytes()).unwrap();
        let game = catalog.game(&"teeworlds".parse().unwrap()).unwrap();
        assert_eq!(game.launch[1].args, ["-f", "{local_dir}"]);
        let archives = ["data/base.zip", "patch.7z"].map(|path| path.parse().unwrap());
        assert_eq!(game.install, Some(InstallRecipe::Unpack(archives.to_vec())));
        assert_eq!(catalog.games[1].install, Some(InstallRecipe::Files));
        assert_eq!(game.launch[1].folder, None);
        assert_eq!(game.launch[2].folder, Some(WorkingFolder::Below("data".parse().unwrap())));
        assert_eq!(game.launch[2].env["HOME"], "{local_dir}");
        assert_eq!(game.launch[3].folder, Some(WorkingFolder::Local));
        assert_eq!(catalog.games[1].version, None);
        let text = catalog.to_text().unwrap();
        assert_eq!(Catalog::parse(text.as_bytes()).unwrap(), catalog, "{text}");
        let with_bom = format!("\u{feff}{EXAMPLE}");
        assert_eq!(Catalog::parse(with_bom.as_bytes()).unwrap(), catalog);
    }

    #[test]
    fn errors_name_the_line_and_the_game() {
        let broken = EXAMPLE.replace("year: 2007", "year: twothousand");
        assert!(error(&broken).starts_with("line 10 (game “teeworlds”): "), "{}", error(&broken));
        let twice = EXAMPLE.replace("\"ut\"", "\"teeworlds\"");
        assert_eq!(error(&twice), "line 22 (game “teeworlds”): the id stands in the catalog twice");
        let bad_id = EXAMPLE.replace("\"ut\"", "\"U T\"");
        assert!(
            error(&bad_id).contains("line 22") && error(&bad_id).contains("“U T” is no game id"),
            "{}",
            error(&bad_id)
        );
        let escape = EXAMPLE.replace("srv.exe", "../srv.exe");
        assert!(error(&escape).contains("line 14 (game “teeworlds”)"), "{}", error(&escape));
        let folder = EXAMPLE.replace("folder: \"data\"", "folder: \"../data\"");
        assert!(error(&folder).contains("line 15 (game “teeworlds”)"), "{}", error(&folder));
        for (wrong, why) in [("A=B", "“A=B” cannot name a variable"), ("", "“” cannot name a variable")]
        {
            let variable = EXAMPLE.replace("HOME", wrong);
            assert_eq!(error(&variable), format!("line 6 (game “teeworlds”): launch entry “edit”: {why}"));
        }
        let value = EXAMPLE.replace("{\"HOME\": \"{local_dir}", "{\"HOME\": \"\\0");
        assert_eq!(error(&value), "line 6 (game “teeworlds”): launch entry “edit” has a NUL character");
        let players = EXAMPLE.replace("from: 2", "from: 20");
        assert_eq!(error(&players), "line 6 (game “teeworlds”): players: “from” is greater than “to”");
        assert_eq!(error("(party: \"\u{0}"), error("(party: \"\u{0}"));
        assert_eq!(Catalog::parse(&[0xff]), Err(CatalogError::NotText));
    }

    #[test]
    fn a_game_is_added_once() {
        let mut catalog = Catalog::default();
        catalog.put(Game::new("a".parse().unwrap(), "One"));
        catalog.put(Game::new("a".parse().unwrap(), "Two"));
        assert_eq!(catalog.games.len(), 1);
        assert_eq!(catalog.games[0].title, "Two");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[(){}\\[\\]:,\"a-z0-9 ]{0,120}") {
            if let Ok(catalog) = Catalog::parse(text.as_bytes()) {
                let written = catalog.to_text().unwrap();
                proptest::prop_assert_eq!(Catalog::parse(written.as_bytes()).unwrap(), catalog);
            }
        }
    }
}
