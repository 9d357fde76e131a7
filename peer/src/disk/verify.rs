//! Compares a payload on disk with its manifest, byte by byte.

use std::sync::Mutex;

use lanspread_protocol::{Manifest, RelPath};

use super::hash::matching_chunks;
use super::parallel::{HASHERS, for_each, lock};
use super::tree::Locator;
use super::{Cancel, DiskError, GameFolder, Progress};

/// A file that is not what the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// A file, or an empty folder that is missing.
    pub path: RelPath,
    /// Bytes of the chunks that are wrong or missing.
    pub bytes: u64,
    pub is_missing: bool,
}

/// Every damaged or missing file, in byte order of the paths. Extra files are none of the payload's business.
pub fn verify(
    folder: &GameFolder,
    manifest: &Manifest,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<Damage>, DiskError> {
    progress.expect_more(manifest.total_bytes());
    let damages = Mutex::new(Vec::new());
    let locator = Mutex::new(Locator::new(folder.root()));
    for_each("verify", HASHERS, manifest.files(), |file| {
        cancel.check()?;
        let damage = |bytes, is_missing| Damage { path: file.path.clone(), bytes, is_missing };
        let located = match lock(&locator).file(&file.path) {
            Err(DiskError::LeadsOut { .. }) => None,
            located => located?,
        };
        let Some(located) = located else {
            progress.add(file.bytes);
            lock(&damages).push(damage(file.bytes, true));
            return Ok(());
        };
        let chunks = &manifest.chunks()[file.chunks.start as usize..file.chunks.end as usize];
        let matches = match matching_chunks(&located.path, chunks, cancel, progress) {
            // It vanished meanwhile.
            Err(DiskError::Io { cause, .. }) if super::atomic::is_absent(&cause) => vec![false; chunks.len()],
            matches => matches?,
        };
        let wrong = chunks.iter().zip(matches).filter(|(_, matches)| !matches);
        let bytes = wrong.map(|(chunk, _)| u64::from(chunk.bytes)).sum();
        if bytes > 0 || located.stat.bytes != file.bytes {
            lock(&damages).push(damage(bytes, false));
        }
        Ok(())
    })?;
    let mut damages = std::mem::take(&mut *lock(&damages));
    let lost_folders = manifest.empty_folders().iter().filter(|path| !folder.file(path).is_dir());
    damages.extend(lost_folders.map(|path| Damage { path: path.clone(), bytes: 0, is_missing: true }));
    damages.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(damages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::{Tree, noise};

    #[test]
    fn damage_is_found_where_it_is() {
        let tree = Tree::new(&[
            ("version.ini", b"1"),
            ("a", &noise("a", 3_000_000)),
            ("b", b"b"),
            ("c", b"c"),
            ("longer", b"l"),
        ]);
        std::fs::create_dir(tree.path().join("void")).unwrap();
        let manifest = tree.manifest();
        let check =
            |tree: &Tree| verify(&tree.folder(), &manifest, &Cancel::new(), &Progress::new()).unwrap();
        tree.put("extra", b"mine");
        assert_eq!(check(&tree), []);
        let mut a = tree.get("a");
        a[1_500_000] ^= 1;
        tree.put("a", &a);
        tree.put("longer", b"longer");
        std::fs::remove_file(tree.path().join("b")).unwrap();
        std::fs::remove_dir(tree.path().join("void")).unwrap();
        let damages = check(&tree);
        let paths: Vec<_> = damages.iter().map(|damage| (damage.path.as_str(), damage.is_missing)).collect();
        assert_eq!(paths, [("a", false), ("b", true), ("longer", false), ("void", true)]);
        assert!((1..=1024 * 1024).contains(&damages[0].bytes));
        let cancel = Cancel::new();
        cancel.cancel();
        let cancelled = verify(&tree.folder(), &manifest, &cancel, &Progress::new());
        assert!(matches!(cancelled, Err(DiskError::Cancelled)));
    }
}
