//! `assets.eti`: an archive with `assets/<id>.jpg` or `.png`, of which each fitting one becomes a blob.
//!
//! Covers are worth no failure: what cannot be used is told of, and the game has none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lanspread_protocol::limits::{MAX_COVER_BYTES, MAX_GAMES};
use lanspread_protocol::{Blake3Hash, Game, InnerPath};

use super::ImportError;
use crate::disk::error::Tried as _;
use crate::disk::layout::under;
use crate::disk::{Cancel, DiskError, Progress, atomic};
use crate::unpack::{Limits, UnpackError, unpack};

/// Endings of covers, the preferred first.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];
/// The archive also has what the other launcher needs for itself.
const MAX_ASSETS_BYTES: u64 = 4 * 1024 * 1024 * 1024;
const MAX_ASSETS: usize = 10 * MAX_GAMES;

/// Puts covers into `folder` and into the games; how many.
pub(super) fn import(
    assets: &Path,
    folder: &Path,
    games: &mut [Game],
    warnings: &mut Vec<String>,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<usize, ImportError> {
    let unpacked = tempfile::tempdir().tried("make a folder in", &std::env::temp_dir())?;
    let mut limits = Limits::of(unpacked.path())?;
    limits.max_bytes = limits.max_bytes.min(MAX_ASSETS_BYTES);
    limits.max_files = MAX_ASSETS;
    let mut files: BTreeMap<String, InnerPath> = BTreeMap::new();
    let result = unpack(assets, unpacked.path(), &limits, cancel, progress, &mut |file| {
        files.insert(file.path.as_str().to_ascii_lowercase(), file.path);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(UnpackError::Disk(DiskError::Cancelled)) => return Err(DiskError::Cancelled.into()),
        Err(error) => {
            warnings.push(format!("covers are left out: {error}"));
            return Ok(0);
        }
    }
    fs::create_dir_all(folder).tried("create the folder", folder)?;
    let mut covers = 0;
    for game in games {
        cancel.check()?;
        let path = ENDINGS.iter().find_map(|ending| files.get(&format!("assets/{}.{ending}", game.id)));
        let Some(path) = path else { continue };
        match read(&under(unpacked.path(), path))? {
            Ok(bytes) => {
                let hash = Blake3Hash::of(&bytes);
                atomic::write(&folder.join(hash.to_string()), &bytes)?;
                game.cover = Some(hash);
                covers += 1;
            }
            Err(reason) => warnings.push(format!("{}: imported without its cover, which {reason}", game.id)),
        }
    }
    Ok(covers)
}

/// An image's bytes, or what is wrong with it.
fn read(path: &Path) -> Result<Result<Vec<u8>, String>, DiskError> {
    let size = fs::metadata(path).tried("look at", path)?.len();
    if size > MAX_COVER_BYTES as u64 {
        return Ok(Err(format!("has {size} bytes; at most {MAX_COVER_BYTES} are allowed")));
    }
    let bytes = fs::read(path).tried("read", path)?;
    let is_image = bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff");
    Ok(if is_image { Ok(bytes) } else { Err("is no PNG or JPEG image".to_owned()) })
}
