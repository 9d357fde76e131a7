//! What is to be published, as a person or a program wrote it, and the proof that it makes sense.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lanspread_protocol::limits::MAX_COVER_BYTES;
use lanspread_protocol::{Blake3Hash, Game, GameId, RelPath, Version};

use super::{PublishError, PublishRequest};
use crate::disk::DiskError;

/// A request with the cover's bytes: everything but the source was looked at.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) game: GameId,
    pub(super) version: Version,
    /// Files of the source that are not published.
    pub(super) leave_out: BTreeSet<RelPath>,
    asked: Game,
    pub(super) cover: Option<(Blake3Hash, Vec<u8>)>,
}

impl Checked {
    pub(super) fn new(request: &PublishRequest) -> Result<Self, PublishError> {
        Ok(Self {
            game: request.game.id.clone(),
            version: request.version.clone(),
            leave_out: request.leave_out.iter().cloned().collect(),
            asked: request.game.clone(),
            cover: request.cover.as_ref().map(read_cover).transpose()?,
        })
    }

    /// The catalog's entry, which keeps of the old one what the request does not mention.
    pub(super) fn entry(&self, old: Option<&Game>) -> Game {
        let mut entry = old.cloned().unwrap_or_else(|| Game::new(self.game.clone(), ""));
        let asked = self.asked.clone();
        asked.title.trim().clone_into(&mut entry.title);
        entry.version = Some(self.version.clone());
        entry.manifest = None;
        entry.size = None;
        entry.genre = asked.genre.or(entry.genre);
        entry.players = asked.players.or(entry.players);
        entry.year = asked.year.or(entry.year);
        entry.publisher = asked.publisher.or(entry.publisher);
        entry.cover = self.cover.as_ref().map(|(hash, _)| *hash).or(entry.cover);
        entry.description.extend(asked.description);
        if !asked.launch.is_empty() {
            entry.launch = asked.launch;
        }
        if !asked.keep.is_empty() {
            entry.keep = asked.keep;
        }
        entry
    }
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
