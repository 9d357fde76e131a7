//! What is to be published, as a person or a program wrote it, and the proof that it makes sense.

use std::fs;
use std::path::PathBuf;

use lanspread_protocol::limits::MAX_COVER_BYTES;
use lanspread_protocol::{Blake3Hash, Game, GameId, LaunchEntry, Players, Version};
use serde::{Deserialize, Deserializer};

use super::{PublishError, parse_launch_entry};
use crate::disk::{DiskError, Links};

/// The flags of `publish`, or the fields of the command of that name.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PublishRequest {
    pub id: String,
    pub version: String,
    pub title: String,
    /// The folder that becomes the payload.
    pub from: PathBuf,
    #[serde(default)]
    pub genre: Option<String>,
    /// `16` or `2-16`.
    #[serde(default, deserialize_with = "text_or_number")]
    pub players: Option<String>,
    #[serde(default, deserialize_with = "text_or_number")]
    pub year: Option<String>,
    #[serde(default)]
    pub publisher: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    /// An image file.
    #[serde(default)]
    pub cover: Option<PathBuf>,
    /// `[NAME=]PROGRAM ARGS…[@OS]`.
    #[serde(default)]
    pub start: Vec<String>,
    /// Globs in `local/`.
    #[serde(default)]
    pub keep: Vec<String>,
    /// The organiser's key file.
    #[serde(default)]
    pub key: Option<PathBuf>,
    #[serde(default)]
    pub links: Links,
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrNumber {
        Text(String),
        Number(u64),
    }
    let value = Option::<TextOrNumber>::deserialize(deserializer)?;
    Ok(value.map(|value| match value {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    }))
}

/// The language of a description that says none.
const LANGUAGE: &str = "en";

/// A request whose every field is what it should be.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) game: GameId,
    pub(super) version: Version,
    title: String,
    genre: Option<String>,
    players: Option<Players>,
    year: Option<u16>,
    publisher: Option<String>,
    description: Option<String>,
    pub(super) cover: Option<(Blake3Hash, Vec<u8>)>,
    launch: Vec<LaunchEntry>,
    keep: Vec<String>,
}

impl Checked {
    pub(super) fn new(request: &PublishRequest) -> Result<Self, PublishError> {
        let field = |field, reason: String| PublishError::Field { field, reason };
        let game = request.id.parse::<GameId>().map_err(|error| field("--id", error.to_string()))?;
        let version = request
            .version
            .parse()
            .map_err(|error: lanspread_protocol::id::VersionError| field("--version", error.to_string()))?;
        let players = request.players.as_deref().map(parse_players).transpose();
        let players = players.map_err(|reason| field("--players", reason))?;
        let parse_year = |year: &str| year.trim().parse::<u16>();
        let year = request.year.as_deref().map(parse_year).transpose();
        let year = year.map_err(|error| field("--year", error.to_string()))?;
        let launch = request.start.iter().map(|entry| {
            parse_launch_entry(entry).map_err(|cause| PublishError::Launch { entry: entry.clone(), cause })
        });
        for glob in &request.keep {
            globset::Glob::new(glob).map_err(|error| field("--keep", error.to_string()))?;
        }
        Ok(Self {
            game,
            version,
            title: request.title.trim().to_owned(),
            genre: request.genre.clone(),
            players,
            year,
            publisher: request.publisher.clone(),
            description: request.description.clone(),
            cover: request.cover.as_ref().map(read_cover).transpose()?,
            launch: launch.collect::<Result<_, _>>()?,
            keep: request.keep.clone(),
        })
    }

    /// The catalog's entry, which keeps of the old one what the request does not mention.
    pub(super) fn entry(&self, old: Option<&Game>) -> Game {
        let mut entry = old.cloned().unwrap_or_else(|| Game::new(self.game.clone(), ""));
        entry.title.clone_from(&self.title);
        entry.version = Some(self.version.clone());
        entry.manifest = None;
        entry.size = None;
        entry.genre = self.genre.clone().or(entry.genre);
        entry.players = self.players.or(entry.players);
        entry.year = self.year.or(entry.year);
        entry.publisher = self.publisher.clone().or(entry.publisher);
        entry.cover = self.cover.as_ref().map(|(hash, _)| *hash).or(entry.cover);
        if let Some(description) = &self.description {
            entry.description.insert(LANGUAGE.to_owned(), description.clone());
        }
        if !self.launch.is_empty() {
            entry.launch.clone_from(&self.launch);
        }
        if !self.keep.is_empty() {
            entry.keep.clone_from(&self.keep);
        }
        entry
    }
}

/// `16` is 1 to 16.
fn parse_players(text: &str) -> Result<Players, String> {
    let (from, to) = text.split_once('-').unwrap_or(("1", text));
    let number = |text: &str| text.trim().parse::<u16>().map_err(|_invalid| "expected 16 or 2-16".to_owned());
    let players = Players { from: number(from)?, to: number(to)? };
    if players.from > players.to || players.to == 0 {
        return Err("expected 16 or 2-16".to_owned());
    }
    Ok(players)
}

fn read_cover(path: &PathBuf) -> Result<(Blake3Hash, Vec<u8>), PublishError> {
    let io = |cause| DiskError::Io { action: "read", path: path.clone(), cause };
    let field = |reason: String| PublishError::Field { field: "--cover", reason };
    let size = fs::metadata(path).map_err(io)?.len();
    if size > MAX_COVER_BYTES as u64 {
        return Err(field(format!(
            "“{}” has {size} bytes; at most {MAX_COVER_BYTES} are allowed",
            path.display()
        )));
    }
    let bytes = fs::read(path).map_err(io)?;
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    if !(is_webp || bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff")) {
        return Err(field(format!("“{}” is no PNG, JPEG or WebP image", path.display())));
    }
    Ok((Blake3Hash::of(&bytes), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_from_the_command_s_fields() {
        let json = r#"{"id":"ut","version":"1","title":"UT","from":"/src","players":16,"year":"1999","links":"skip"}"#;
        let request: PublishRequest = serde_json::from_str(json).unwrap();
        assert_eq!(request.links, Links::Skip);
        let checked = Checked::new(&request).unwrap();
        assert_eq!((checked.players, checked.year), (Some(Players { from: 1, to: 16 }), Some(1999)));
    }

    #[test]
    fn a_field_that_makes_no_sense_is_named() {
        let good =
            PublishRequest { id: "ut".into(), version: "1".into(), title: "UT".into(), ..Default::default() };
        let error = |change: &dyn Fn(&mut PublishRequest)| {
            let mut request = good.clone();
            change(&mut request);
            Checked::new(&request).unwrap_err().to_string()
        };
        assert!(error(&|request| request.id = "U T".into()).starts_with("--id: "));
        assert!(error(&|request| request.version = " ".into()).starts_with("--version: "));
        assert!(error(&|request| request.players = Some("16-2".into())).starts_with("--players: "));
        assert!(error(&|request| request.year = Some("soon".into())).starts_with("--year: "));
        assert!(error(&|request| request.keep = vec!["[".into()]).starts_with("--keep: "));
        assert!(error(&|request| request.start = vec!["../x".into()]).starts_with("--start “../x”: "));
        assert!(error(&|request| request.cover = Some("no such file".into())).contains("no such file"));
    }
}
