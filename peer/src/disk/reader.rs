//! [`PayloadReader`]: serves the units of a complete payload.
//!
//! A payload may be changed by its owner at any time. Every file must look as it did when the reader was opened,
//! before and after each read; one that does not is [`DiskError::Changed`], nothing of it is sent, and the game is
//! scanned anew. Links that leave the folder are never followed.

use std::fs::{self, File};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{Chunk, FileEntry, Manifest};
use lru::LruCache;

use super::error::Tried as _;
use super::parallel::lock;
use super::scan::{Printer, is_sentinel_of, read_sentinel};
use super::tree::{FileStat, Fingerprint, Locator, read_exact_at};
use super::{Cancel, DiskError, GameFolder};

/// Files held open at once: transfers to thirty peers read from few places at a time.
const MAX_OPEN: NonZero<usize> = NonZero::new(64).unwrap();

/// A complete payload, ready to be read by unit from several threads.
#[derive(Debug)]
pub struct PayloadReader {
    folder: GameFolder,
    manifest: Arc<Manifest>,
    /// By file, as all of them looked when the reader was opened.
    stats: Vec<FileStat>,
    open: Mutex<LruCache<u32, Arc<Open>>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    /// Each chunk's offset: files of many chunks are not added up for each read.
    offsets: Vec<u64>,
}

impl PayloadReader {
    /// Looks at every file, without reading but the sentinel. `expected` is the fingerprint that the payload had when
    /// it was hashed as this manifest: with it, what is read later is what was hashed then.
    pub fn open(
        folder: GameFolder,
        manifest: Arc<Manifest>,
        expected: Option<Fingerprint>,
        cancel: &Cancel,
    ) -> Result<Self, DiskError> {
        let changed = |path: PathBuf| DiskError::Changed { path };
        let sentinel = read_sentinel(&folder)?.filter(|bytes| is_sentinel_of(bytes, &manifest));
        let sentinel = sentinel.ok_or_else(|| changed(folder.sentinel()))?;
        let mut print = Printer::default();
        print.sentinel(&sentinel);
        let mut stats = Vec::with_capacity(manifest.files().len());
        let mut locator = Locator::new(folder.root());
        for (nth, file) in manifest.files().iter().enumerate() {
            if nth % 1024 == 0 {
                cancel.check()?;
            }
            let located = locator.file(&file.path)?.filter(|located| located.stat.bytes == file.bytes);
            let located = located.ok_or_else(|| changed(folder.file(&file.path)))?;
            print.file(file.path.as_str(), Some(located.stat));
            stats.push(located.stat);
        }
        print.folders(&folder, &manifest);
        if expected.is_some_and(|expected| expected != print.finish()) {
            return Err(changed(folder.root().to_owned()));
        }
        Ok(Self { folder, manifest, stats, open: Mutex::new(LruCache::new(MAX_OPEN)) })
    }

    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Appends the wanted chunks' bytes to `out`.
    pub fn read_unit(&self, wanted: &WantedUnit, out: &mut Vec<u8>) -> Result<(), DiskError> {
        let not_here = || DiskError::NotHere { folder: self.folder.root().to_owned(), unit: wanted.unit.0 };
        let unit = self.manifest.units().get(wanted.unit.as_usize()).ok_or_else(not_here)?;
        let mut chunks = unit.chunks.clone().enumerate().filter(|(nth, _)| wanted.wants(*nth)).peekable();
        // A unit's chunks are consecutive: those of one file are read in one go.
        while let Some((_, first)) = chunks.next() {
            let entry = self.manifest.file_of_chunk(first).ok_or_else(not_here)?;
            let mut last = first;
            while let Some((_, next)) =
                chunks.next_if(|(_, next)| *next == last + 1 && entry.chunks.contains(next))
            {
                last = next;
            }
            self.read_run(entry, first, last, out)?;
        }
        Ok(())
    }

    /// Appends the bytes of consecutive chunks of one file.
    fn read_run(&self, entry: &FileEntry, first: u32, last: u32, out: &mut Vec<u8>) -> Result<(), DiskError> {
        let at = self.manifest.files().partition_point(|file| file.path < entry.path);
        let open = self.open_file(at, entry)?;
        let changed = || DiskError::Changed { path: open.path.clone() };
        let is_same = || open.file.metadata().is_ok_and(|now| FileStat::of(&now) == self.stats[at]);
        if !is_same() {
            return Err(changed());
        }
        let offset = open.offsets[(first - entry.chunks.start) as usize];
        let chunks = &self.manifest.chunks()[first as usize..=last as usize];
        let bytes: usize = chunks.iter().map(|chunk| chunk.bytes as usize).sum();
        let start = out.len();
        out.resize(start + bytes, 0);
        let read = read_exact_at(&open.file, &mut out[start..], offset);
        if read.is_err() || !is_same() {
            out.truncate(start);
            if is_same() {
                return read.tried("read", &open.path);
            }
            return Err(changed());
        }
        Ok(())
    }

    fn open_file(&self, at: usize, entry: &FileEntry) -> Result<Arc<Open>, DiskError> {
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        if let Some(open) = lock(&self.open).get(&number) {
            return Ok(Arc::clone(open));
        }
        let located = Locator::new(self.folder.root()).file(&entry.path)?;
        let changed = || DiskError::Changed { path: self.folder.file(&entry.path) };
        let path = located.filter(|located| located.stat == self.stats[at]).ok_or_else(changed)?.path;
        let file = match File::open(&path) {
            Err(error) if super::atomic::is_absent(&error) => return Err(changed()),
            opened => opened.tried("open", &path)?,
        };
        let mut offset = 0;
        let chunks = &self.manifest.chunks()[entry.chunks.start as usize..entry.chunks.end as usize];
        let offset_of = |chunk: &Chunk| {
            offset += u64::from(chunk.bytes);
            offset - u64::from(chunk.bytes)
        };
        let open = Arc::new(Open { file, path, offsets: chunks.iter().map(offset_of).collect() });
        lock(&self.open).put(number, Arc::clone(&open));
        Ok(open)
    }

    /// Closes all files: what is served by nobody must not keep an owner from deleting it on Windows.
    pub fn close_files(&self) {
        lock(&self.open).clear();
    }
}

/// A blob that travels by hash (a cover): its bytes, if they are there and no larger than allowed.
pub fn read_blob(path: &std::path::Path, max_bytes: usize) -> Result<Option<Vec<u8>>, DiskError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() <= max_bytes as u64 => fs::read(path).map(Some).tried("read", path),
        Ok(_) => Ok(None),
        Err(error) if super::atomic::is_absent(&error) => Ok(None),
        Err(error) => Err(error).tried("look at", path),
    }
}

#[cfg(test)]
mod tests {
    use lanspread_protocol::UnitIndex;

    use super::*;
    use crate::disk::scan_game;
    use crate::disk::testing::{Tree, noise, unit_bytes};

    fn payload() -> (Tree, Arc<Manifest>) {
        let tree =
            Tree::new(&[("version.ini", b"1"), ("big", &noise("big", 3_000_000)), ("dir/small", b"small")]);
        let manifest = Arc::new(tree.manifest());
        (tree, manifest)
    }

    fn open(tree: &Tree, manifest: &Arc<Manifest>) -> PayloadReader {
        PayloadReader::open(tree.folder(), Arc::clone(manifest), None, &Cancel::new()).unwrap()
    }

    fn read(reader: &PayloadReader, wanted: &WantedUnit) -> Result<Vec<u8>, DiskError> {
        let mut out = Vec::new();
        reader.read_unit(wanted, &mut out).map(|()| out)
    }

    #[test]
    fn every_unit_is_read_with_and_without_what_is_skipped() {
        let (tree, manifest) = payload();
        let reader = open(&tree, &manifest);
        for unit in (0..).take(manifest.units().len()).map(UnitIndex) {
            let mut wanted = WantedUnit::whole(unit);
            assert_eq!(read(&reader, &wanted).unwrap(), unit_bytes(tree.path(), &manifest, &wanted));
            wanted.skip_chunk(0);
            assert_eq!(read(&reader, &wanted).unwrap(), unit_bytes(tree.path(), &manifest, &wanted));
        }
        assert!(matches!(read(&reader, &WantedUnit::whole(UnitIndex(999))), Err(DiskError::NotHere { .. })));
    }

    #[test]
    fn nothing_of_a_changed_payload_is_read() {
        let (tree, manifest) = payload();
        let game = "ut".parse().unwrap();
        let scanned = scan_game(&tree.folder(), &game, Some(&manifest), &Cancel::new()).unwrap();
        let with_print =
            |print| PayloadReader::open(tree.folder(), Arc::clone(&manifest), print, &Cancel::new());
        let reader = with_print(Some(scanned.fingerprint)).unwrap();
        let whole = WantedUnit::whole(UnitIndex(0));
        read(&reader, &whole).unwrap();
        // Rewritten in place, open or not: the same size, other bytes.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        tree.put("big", &noise("other", 3_000_000));
        File::options().write(true).open(tree.path().join("big")).unwrap().set_modified(later).unwrap();
        assert!(matches!(read(&reader, &whole), Err(DiskError::Changed { .. })));
        reader.close_files();
        assert!(matches!(read(&reader, &whole), Err(DiskError::Changed { .. })));
        assert!(matches!(with_print(Some(scanned.fingerprint)), Err(DiskError::Changed { .. })));
        fs::remove_file(tree.path().join("big")).unwrap();
        assert!(matches!(read(&reader, &whole), Err(DiskError::Changed { .. })));
        assert!(matches!(with_print(None), Err(DiskError::Changed { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_outside_is_not_followed() {
        let (tree, manifest) = payload();
        let outside = Tree::new(&[("big", &noise("big", 3_000_000))]);
        fs::remove_file(tree.path().join("big")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("big"), tree.path().join("big")).unwrap();
        let error = PayloadReader::open(tree.folder(), manifest, None, &Cancel::new()).unwrap_err();
        assert!(matches!(error, DiskError::LeadsOut { .. }), "{error}");
    }
}
