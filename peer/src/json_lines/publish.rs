//! What is published, as it is written on a command line and in a JSON command: one set of names, one way to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lanspread_protocol::{Game, GameId, LaunchEntry, Players, Version};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::api::{Links, PublishRequest};
use crate::publish::{LaunchError, parse_launch_entry};

/// The language of a description that names none.
const DESCRIPTION_LANGUAGE: &str = "en";

/// The fields of a publish command; the command line's flags have the same names and are explained by these comments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct PublishFields {
    /// The catalog to put the game into; made if it is not there
    #[arg(long, value_name = "FILE")]
    pub catalog: PathBuf,
    /// The game's id: its folder's name, 1 to 64 of a-z, 0-9, _ and -
    #[arg(long, value_name = "ID")]
    #[serde(rename = "game")]
    pub id: GameId,
    /// The version that everybody is to have, such as 1.2 or 20260401
    #[arg(long, value_name = "V")]
    pub version: Version,
    /// The game's title
    #[arg(long, value_name = "T")]
    pub title: String,
    /// What to publish: a folder, or an archive; may be given several times for archives. It is left as it is
    #[arg(long, value_name = "SRC", required = true)]
    #[serde(deserialize_with = "one_or_many")]
    pub from: Vec<PathBuf>,
    /// The game's genre
    #[arg(long, value_name = "G")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    /// How many can play together: 16, or 2-16
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub players: Option<PlayerCount>,
    /// The year it came out
    #[arg(long, value_name = "Y")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// Who published it
    #[arg(long, value_name = "P")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// A few sentences about the game
    #[arg(long, value_name = "TEXT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A cover image of at most 512 KiB
    #[arg(long, value_name = "IMAGE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<PathBuf>,
    /// How the game is started, as below; may be given several times
    ///
    /// An entry is written `'[NAME=]PROGRAM ARGS…[@OS]'`. PROGRAM is relative to the installed game, words are split as in a shell, and `{player} {lang} {game_dir}
    /// {local_dir} {server}` are filled in. NAME is play unless given (server, setup, join, or anything), OS is windows
    /// or linux, unless given the one this runs on.
    #[arg(long, value_name = "ENTRY")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<StartEntry>,
    /// Files of the installed game that survive an update, such as 'saves/**'; may be given several times
    #[arg(long, value_name = "GLOB")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<KeepRule>,
    /// The organiser's key file; unless given the one beside the catalog, made by the first publish
    #[arg(long, value_name = "FILE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// What becomes of links that lead out of SRC
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    #[serde(default)]
    pub links: LinksChoice,
}

/// [`Links`] with names for the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LinksChoice {
    /// Nothing is published, and all of them are listed
    #[default]
    Refuse,
    /// What they lead to is published in their place
    Copy,
    /// They are left out
    Skip,
}

impl PublishFields {
    /// With all paths made absolute: whoever does the work may stand in another folder.
    pub fn absolute(mut self) -> std::io::Result<Self> {
        let paths = std::iter::once(&mut self.catalog).chain(&mut self.from);
        for path in paths.chain(&mut self.cover).chain(&mut self.key) {
            *path = std::path::absolute(&*path)?;
        }
        Ok(self)
    }

    /// What the peer is asked for.
    pub fn into_request(self) -> PublishRequest {
        let mut game = Game::new(self.id, self.title);
        game.version = Some(self.version.clone());
        game.genre = self.genre;
        game.players = self.players.map(|players| players.0);
        game.year = self.year;
        game.publisher = self.publisher;
        let description = self.description.map(|text| (DESCRIPTION_LANGUAGE.to_owned(), text));
        game.description = description.into_iter().collect::<BTreeMap<_, _>>();
        game.launch = self.start.into_iter().map(|start| start.entry).collect();
        game.keep = self.keep.into_iter().map(|rule| rule.0).collect();
        PublishRequest {
            game,
            version: self.version,
            from: self.from,
            catalog: self.catalog,
            cover: self.cover,
            key: self.key,
            links: match self.links {
                LinksChoice::Refuse => Links::Refuse,
                LinksChoice::Copy => Links::Copy,
                LinksChoice::Skip => Links::Skip,
            },
            leave_out: Vec::new(),
        }
    }

    /// The first path that JSON cannot carry.
    pub fn path_beyond_json(&self) -> Option<&Path> {
        let mut paths = std::iter::once(&self.catalog).chain(&self.from).chain(&self.cover).chain(&self.key);
        paths.find(|path| path.to_str().is_none()).map(PathBuf::as_path)
    }
}

/// In JSON one path is a text, several are a list.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    struct Paths;
    impl<'de> serde::de::Visitor<'de> for Paths {
        type Value = Vec<PathBuf>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a path or a list of paths")
        }

        fn visit_str<E>(self, path: &str) -> Result<Self::Value, E> {
            Ok(vec![path.into()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut paths: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(path) = paths.next_element()? {
                all.push(path);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Paths)
}

/// How many can play together: `16` is 1 to 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "NumberOrText", into = "String")]
pub struct PlayerCount(Players);

/// Why a text is no number of players.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("“{0}” is no number of players: expected 16, or 2-16")]
pub struct PlayerCountError(String);

impl FromStr for PlayerCount {
    type Err = PlayerCountError;

    fn from_str(text: &str) -> Result<Self, PlayerCountError> {
        let (from, to) = text.split_once('-').unwrap_or(("1", text));
        match (from.trim().parse(), to.trim().parse()) {
            (Ok(from), Ok(to)) if 1 <= from && from <= to => Ok(Self(Players { from, to })),
            _ => Err(PlayerCountError(text.chars().take(80).collect())),
        }
    }
}

impl From<PlayerCount> for String {
    fn from(count: PlayerCount) -> Self {
        format!("{}-{}", count.0.from, count.0.to)
    }
}

/// In JSON `16` and `"2-16"` are both natural.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u16),
    Text(String),
}

impl TryFrom<NumberOrText> for PlayerCount {
    type Error = PlayerCountError;

    fn try_from(written: NumberOrText) -> Result<Self, PlayerCountError> {
        match written {
            NumberOrText::Number(number) => number.to_string().parse(),
            NumberOrText::Text(text) => text.parse(),
        }
    }
}

/// A glob of files in `local/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeepRule(String);

impl FromStr for KeepRule {
    type Err = globset::Error;

    fn from_str(text: &str) -> Result<Self, globset::Error> {
        globset::Glob::new(text).map(|glob| Self(glob.glob().to_owned()))
    }
}

impl TryFrom<String> for KeepRule {
    type Error = globset::Error;

    fn try_from(text: String) -> Result<Self, globset::Error> {
        text.parse()
    }
}

impl From<KeepRule> for String {
    fn from(rule: KeepRule) -> Self {
        rule.0
    }
}

/// A launch entry as it is written: `[NAME=]PROGRAM ARGS…[@OS]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StartEntry {
    text: String,
    entry: LaunchEntry,
}

/// Why a text is no launch entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartEntryError {
    #[error("“{0}”: the system after @ is windows or linux")]
    System(String),
    #[error("“{0}”: write / instead of \\ in the program's path")]
    Backslash(String),
    #[error("“{text}”: {cause}")]
    Entry { text: String, cause: LaunchError },
}

impl FromStr for StartEntry {
    type Err = StartEntryError;

    fn from_str(text: &str) -> Result<Self, StartEntryError> {
        let written = || text.to_owned();
        let entry = parse_launch_entry(text);
        let entry = entry.map_err(|cause| StartEntryError::Entry { text: written(), cause })?;
        // Two slips that would make another program of it without a word: what a shell does to a backslash, and a
        // misspelt system.
        if text.split_whitespace().next().is_some_and(|program| program.contains('\\')) {
            return Err(StartEntryError::Backslash(written()));
        }
        if entry.args.is_empty() && entry.program.as_str().contains('@') {
            return Err(StartEntryError::System(written()));
        }
        Ok(Self { text: written(), entry })
    }
}

impl TryFrom<String> for StartEntry {
    type Error = StartEntryError;

    fn try_from(text: String) -> Result<Self, StartEntryError> {
        text.parse()
    }
}

impl From<StartEntry> for String {
    fn from(start: StartEntry) -> Self {
        start.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_launch_entry_is_named() {
        let error = |text: &str| text.parse::<StartEntry>().unwrap_err().to_string();
        assert_eq!(error("play=@linux"), "“play=@linux”: there is no program");
        assert_eq!(error("game@widnows"), "“game@widnows”: the system after @ is windows or linux");
        assert!(error(r"bin\game.exe@windows").contains("write / instead of \\ in"));
        assert!(error("../game").starts_with("“../game”: the program is relative to the installed game"));
        assert!("join=game.exe +connect me@host".parse::<StartEntry>().is_ok());
    }

    #[test]
    fn players_are_a_number_or_a_range() {
        let players = |text: &str| text.parse::<PlayerCount>().map(|count| (count.0.from, count.0.to)).ok();
        assert_eq!(players("16"), Some((1, 16)));
        assert_eq!(players("2-16"), Some((2, 16)));
        for bad in ["", "0", "many", "5-2", "-3", "70000", "1-2-3"] {
            assert_eq!(players(bad), None, "{bad}");
        }
        assert_eq!(serde_json::from_str::<PlayerCount>("8").unwrap(), "8".parse().unwrap());
        assert_eq!(serde_json::from_str::<PlayerCount>("\"2-8\"").unwrap(), "2-8".parse().unwrap());
    }

    #[test]
    fn fields_travel_as_json() {
        let fields = serde_json::json!({
            "catalog": "c.ron", "game": "chess", "version": "1", "title": "Chess", "from": "src", "players": 2,
            "start": ["bin/game@linux"], "keep": ["saves/**"], "description": "Old.", "links": "copy",
        });
        let fields: PublishFields = serde_json::from_value(fields).unwrap();
        let again = serde_json::to_value(&fields).unwrap();
        assert_eq!(serde_json::from_value::<PublishFields>(again).unwrap(), fields);
        let request = fields.into_request();
        assert_eq!(request.game.launch[0].program.as_str(), "bin/game");
        assert_eq!(request.from, [PathBuf::from("src")]);
        assert_eq!(request.game.description["en"], "Old.");
        assert_eq!(request.links, Links::Copy);
        assert!("[".parse::<KeepRule>().is_err());
    }
}
