//! Opening a store: finds out what is here, and puts every chunk that is anywhere to everywhere.
//!
//! Three passes. *Search* hashes all that lies in the game's folder (the payload, part files, an update's files) and
//! changes nothing. *Copy* writes found chunks to part files and still changes nothing that was searched, so that
//! every source stays valid. *Settle* moves complete files to their places and removes what is of no more use. A
//! crash at any time is an open with other files next time.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::{Arc, atomic::AtomicBool};

use lanspread_protocol::limits::CHUNK_MAX_BYTES;
use lanspread_protocol::{Blake3Hash, Manifest};

use super::files::{FileState, Files, file_of_part};
use super::map::{ByHash, ChunkMap};
use super::{Board, Mode, Opened, PayloadStore, is_zero};
use crate::disk::error::Tried as _;
use crate::disk::hash::{Hashers, hash_file, matching_chunks};
use crate::disk::parallel::{HASHERS, for_each, lock};
use crate::disk::tree::{FileStat, Follow, read_exact_at, walk, write_all_at};
use crate::disk::{Cancel, DiskError, GameFolder, Progress, atomic, space};
use crate::transaction::Known;
use crate::transaction::ours::Ours;

/// A file that may hold chunks.
#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    stat: FileStat,
    role: Role,
}

/// What a candidate may be; the numbers are files of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    /// This manifest's part file.
    Part(u32),
    /// At its final place, with the right size.
    Final(u32),
    /// In `new/`, with the right size.
    New(u32),
    /// Anything else; its chunks may still be of use.
    Other,
}

/// What a candidate holds.
#[derive(Debug, Default)]
struct Findings {
    /// For a file of the manifest that could be read: which of its chunks are right.
    right: Option<Vec<bool>>,
    /// Chunks found by cutting: (first occurrence, offset).
    cut: Vec<(u32, u64)>,
}

impl Findings {
    fn is_complete(&self) -> bool {
        self.right.as_ref().is_some_and(|right| right.iter().all(|right| *right))
    }

    fn has_any(&self) -> bool {
        self.right.as_ref().is_some_and(|right| right.contains(&true))
    }
}

/// All that was found.
struct Search {
    candidates: Vec<Candidate>,
    findings: Vec<Findings>,
    states: Vec<FileState>,
    /// For each chunk whether it is at this place.
    at_place: Vec<bool>,
    /// For each first occurrence a candidate and an offset that have the chunk.
    sources: Vec<Option<(usize, u64)>>,
}

impl PayloadStore {
    /// Opens a download of `manifest` in `folder`, resuming whatever is there. Hashes it, copies what is of use, and
    /// checks the free space for what will be written. `progress` counts the bytes hashed and copied.
    pub fn open(
        folder: GameFolder,
        manifest: Arc<Manifest>,
        mode: Mode,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<Opened, DiskError> {
        if fs::symlink_metadata(folder.intent()).is_ok() {
            return Err(DiskError::Unfinished { path: folder.intent() });
        }
        let sizes = manifest.files().iter().map(|file| (file.path.as_str(), file.bytes));
        space::check_sizes(folder.root(), sizes)?;
        let parts = folder.parts();
        fs::create_dir_all(&parts).tried("create the folder", &parts)?;
        if mode == Mode::Beside {
            let new_files = folder.new_files();
            fs::create_dir_all(&new_files).tried("create the folder", &new_files)?;
        }
        let map = ChunkMap::new(manifest);
        let ours = Ours::of(&folder, &Known::default())?;
        let mut search = Search::run(&folder, &map, mode, &ours, (cancel, progress))?;
        space::check(folder.root(), search.bytes_to_write(&map))?;

        let mut files =
            Files::new(folder.clone(), Arc::clone(&map.manifest), mode, search.states.clone(), ours);
        if mode == Mode::Fresh && !search.is_finished(&map) {
            search.take_sentinel_off(&folder)?;
        }
        search.copy(&map, &mut files, cancel, progress)?;
        files.note_placed()?;
        let here: Vec<bool> = search.sources.iter().map(Option::is_some).collect();
        let board = Board::new(&map, here);
        settle(&folder, &map, mode, &board, &mut files, cancel)?;

        let (units, wanted, bytes_missing) =
            (board.complete_units(), board.wanted(&map), board.missing_bytes());
        let bytes_total = map.manifest.units().iter().map(|unit| u64::from(unit.own_bytes)).sum();
        let store = Self {
            folder,
            mode,
            map,
            board: Mutex::new(board),
            files: Mutex::new(files),
            is_closed: AtomicBool::new(false),
        };
        Ok(Opened { store, units, wanted, bytes_missing, bytes_total })
    }
}

impl Search {
    fn run(
        folder: &GameFolder,
        map: &ChunkMap,
        mode: Mode,
        ours: &Ours,
        (cancel, progress): (&Cancel, &Progress),
    ) -> Result<Self, DiskError> {
        let candidates = list_candidates(folder, &map.manifest, cancel)?;
        progress.expect_more(candidates.iter().map(|candidate| candidate.stat.bytes).sum());
        let by_hash = map.by_hash();
        let hashers = Hashers::default();
        let found: Mutex<HashMap<usize, Findings>> = Mutex::default();
        let numbered: Vec<(usize, &Candidate)> = candidates.iter().enumerate().collect();
        for_each("search", HASHERS, &numbered, |(nth, candidate)| {
            match search_one(candidate, map, mode, &by_hash, &hashers, cancel, progress) {
                Ok(findings) => {
                    lock(&found).insert(*nth, findings);
                }
                Err(DiskError::Cancelled) => return Err(DiskError::Cancelled),
                // It is fetched then, and a file in the way is replaced.
                Err(error) => tracing::warn!(%error, "a file was not searched for chunks"),
            }
            Ok(())
        })?;
        let mut found = lock(&found);
        let findings = (0..candidates.len()).map(|nth| found.remove(&nth).unwrap_or_default()).collect();
        drop(found);
        let mut search = Self {
            candidates,
            findings,
            states: vec![FileState::Absent; map.manifest.files().len()],
            at_place: vec![false; map.manifest.chunks().len()],
            sources: vec![None; map.manifest.chunks().len()],
        };
        search.choose_states(map, mode, ours);
        search.choose_sources(map);
        Ok(search)
    }

    /// For each file the best that is here of it.
    fn choose_states(&mut self, map: &ChunkMap, mode: Mode, ours: &Ours) {
        let mut ranks: HashMap<u32, u8> = HashMap::new();
        for (candidate, findings) in self.candidates.iter().zip(&self.findings) {
            let (file, rank, state) = match candidate.role {
                Role::Final(file) if findings.is_complete() => (file, 3, FileState::InPlace(candidate.stat)),
                Role::New(file) if mode == Mode::Beside && findings.is_complete() => {
                    (file, 2, FileState::Done)
                }
                Role::Part(file) => (file, 1, FileState::Part { is_fresh: false }),
                Role::Final(file)
                    if mode == Mode::Fresh
                        && ours.is_placed(&map.manifest.files()[file as usize].path, candidate.stat)
                        && is_repairable(candidate, findings) =>
                {
                    (file, 0, FileState::Repairing)
                }
                Role::Final(_) | Role::New(_) | Role::Other => continue,
            };
            let entry = &map.manifest.files()[file as usize];
            let Some(right) = &findings.right else { continue };
            // The sentinel is a part file until the end.
            let is_out_of_order = entry.path.is_sentinel() && rank != 1;
            if is_out_of_order || ranks.get(&file).is_some_and(|best| *best >= rank) {
                continue;
            }
            ranks.insert(file, rank);
            self.states[file as usize] = state;
            for (index, right) in entry.chunks.clone().zip(right) {
                self.at_place[index as usize] = *right;
            }
        }
    }

    fn choose_sources(&mut self, map: &ChunkMap) {
        for (nth, (candidate, findings)) in self.candidates.iter().zip(&self.findings).enumerate() {
            if let Role::Part(file) | Role::Final(file) | Role::New(file) = candidate.role {
                let chunks = map.manifest.files()[file as usize].chunks.clone();
                for (index, _) in chunks.zip(findings.right.iter().flatten()).filter(|(_, right)| **right) {
                    self.sources[map.first(index) as usize] = Some((nth, map.place(index).offset));
                }
            }
            for (first, offset) in &findings.cut {
                self.sources[*first as usize].get_or_insert((nth, *offset));
            }
        }
    }

    /// Nothing has to be changed but, perhaps, the sentinel written anew.
    fn is_finished(&self, map: &ChunkMap) -> bool {
        let in_place = self.states.iter().filter(|state| matches!(state, FileState::InPlace(_))).count();
        let has_sentinel = self.candidates.iter().zip(&self.findings).any(|(candidate, findings)| {
            let Role::Final(file) = candidate.role else { return false };
            map.manifest.files()[file as usize].path.is_sentinel() && findings.is_complete()
        });
        in_place + 1 == self.states.len() && has_sentinel
    }

    /// The payload is not complete from here on. The sentinel's bytes are still a source.
    fn take_sentinel_off(&mut self, folder: &GameFolder) -> Result<(), DiskError> {
        let sentinel = folder.sentinel();
        if let Some(candidate) = self.candidates.iter_mut().find(|candidate| candidate.path == sentinel) {
            candidate.path = folder.parts().join("old-version.ini");
            atomic::move_file(&sentinel, &candidate.path)?;
        } else if fs::symlink_metadata(&sentinel).is_ok_and(|there| there.is_symlink()) {
            atomic::remove_if_there(&sentinel)?;
        }
        atomic::sync_folder(folder.root())
    }

    /// What has yet to be written somewhere: copies, too. Whole chunks of zeros take no room.
    fn bytes_to_write(&self, map: &ChunkMap) -> u64 {
        let zeros = Blake3Hash::of(&vec![0; CHUNK_MAX_BYTES]);
        let missing = (0_u32..).zip(&self.at_place).filter(|(_, at_place)| !**at_place);
        let counted = missing.map(|(index, _)| index).filter(|index| {
            let is_repaired = self.states[map.place(*index).file as usize] == FileState::Repairing;
            !is_repaired && map.chunk(*index).hash != zeros
        });
        counted.map(|index| u64::from(map.chunk(index).bytes)).sum()
    }

    /// Writes found chunks to the places that lack them, into part files and files under repair only.
    fn copy(
        &self,
        map: &ChunkMap,
        files: &mut Files,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<(), DiskError> {
        let mut open: Option<(usize, File)> = None;
        let mut buffer = Vec::new();
        let lacking = (0_u32..).zip(&self.at_place).filter(|(_, at_place)| !**at_place);
        for (index, _) in lacking {
            let chunk = map.chunk(index);
            let Some((nth, offset)) = self.sources[map.first(index) as usize] else { continue };
            cancel.check()?;
            let source = &self.candidates[nth].path;
            let file = match open.take() {
                Some((last, file)) if last == nth => file,
                _ => File::open(source).tried("open", source)?,
            };
            buffer.resize(chunk.bytes as usize, 0);
            let read = read_exact_at(&file, &mut buffer, offset);
            if read.is_err() || Blake3Hash::of(&buffer) != chunk.hash {
                return Err(DiskError::Changed { path: source.clone() });
            }
            open = Some((nth, file));
            let place = map.place(index);
            let target = files.open(place.file)?;
            let is_hole = files.state(place.file) == FileState::Part { is_fresh: true } && is_zero(&buffer);
            if !is_hole {
                write_all_at(&target, &buffer, place.offset).tried("write", &files.path(place.file))?;
            }
            progress.expect_more(u64::from(chunk.bytes));
            progress.add(u64::from(chunk.bytes));
        }
        Ok(())
    }
}

/// A damaged file is repaired where it stands when that changes no other file.
fn is_repairable(candidate: &Candidate, findings: &Findings) -> bool {
    findings.has_any() && {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            fs::symlink_metadata(&candidate.path).is_ok_and(|metadata| metadata.nlink() == 1)
        }
        #[cfg(not(unix))]
        {
            candidate.stat.bytes > 0
        }
    }
}

fn list_candidates(
    folder: &GameFolder,
    manifest: &Manifest,
    cancel: &Cancel,
) -> Result<Vec<Candidate>, DiskError> {
    let file_named = |name: &str, bytes: u64| {
        let at = manifest.files().binary_search_by(|file| file.path.as_str().cmp(name)).ok()?;
        (manifest.files()[at].bytes == bytes).then(|| u32::try_from(at).ok())?
    };
    let mut candidates = Vec::new();
    for file in walk(folder.root(), Follow::Nothing, cancel)?.files {
        let role = file_named(&file.name, file.stat.bytes).map_or(Role::Other, Role::Final);
        candidates.push(Candidate { path: file.path, stat: file.stat, role });
    }
    if folder.new_files().is_dir() {
        for file in walk(&folder.new_files(), Follow::Nothing, cancel)?.files {
            let role = file_named(&file.name, file.stat.bytes).map_or(Role::Other, Role::New);
            candidates.push(Candidate { path: file.path, stat: file.stat, role });
        }
    }
    for file in walk(&folder.parts(), Follow::Nothing, cancel)?.files {
        let role = file_of_part(manifest, &file.name).map_or(Role::Other, Role::Part);
        candidates.push(Candidate { path: file.path, stat: file.stat, role });
    }
    Ok(candidates)
}

fn search_one(
    candidate: &Candidate,
    map: &ChunkMap,
    mode: Mode,
    by_hash: &ByHash<'_>,
    hashers: &Hashers,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Findings, DiskError> {
    let mut findings = Findings::default();
    if let Role::Part(file) | Role::Final(file) | Role::New(file) = candidate.role {
        let chunks = map.manifest.files()[file as usize].chunks.clone();
        let chunks = &map.manifest.chunks()[chunks.start as usize..chunks.end as usize];
        findings.right = Some(matching_chunks(&candidate.path, chunks, cancel, progress)?);
        // A file that is repaired where it stands is cut to pieces meanwhile: only its right chunks are sources.
        let is_kept = mode == Mode::Fresh && findings.has_any();
        if findings.is_complete() || is_kept || matches!(candidate.role, Role::Part(_)) {
            return Ok(findings);
        }
        progress.expect_more(candidate.stat.bytes);
    }
    let mut offset = 0;
    hashers.with(|hasher| {
        hash_file(hasher, &candidate.path, candidate.stat, cancel, |chunk, _| {
            findings.cut.extend(by_hash.find(chunk.hash).map(|first| (first, offset)));
            offset += u64::from(chunk.bytes);
            progress.add(u64::from(chunk.bytes));
            Ok(())
        })
    })?;
    Ok(findings)
}

/// Moves complete files to their places, makes empty ones, and removes what is of no more use.
fn settle(
    folder: &GameFolder,
    map: &ChunkMap,
    mode: Mode,
    board: &Board,
    files: &mut Files,
    cancel: &Cancel,
) -> Result<(), DiskError> {
    for (file, entry) in (0_u32..).zip(map.manifest.files()) {
        if board.is_file_complete(file) && !entry.path.is_sentinel() {
            cancel.check()?;
            files.complete(file)?;
        }
    }
    let is_in_use = |name: &str| {
        let file = file_of_part(&map.manifest, name);
        file.is_some_and(|file| matches!(files.state(file), FileState::Part { .. }))
    };
    for part in walk(&folder.parts(), Follow::Nothing, cancel)?.files {
        if !is_in_use(&part.name) {
            atomic::remove_if_there(&part.path)?;
        }
    }
    let new_files = folder.new_files();
    if mode == Mode::Fresh {
        atomic::remove_tree_if_there(&new_files)?;
    } else if new_files.is_dir() {
        for file in walk(&new_files, Follow::Nothing, cancel)?.files {
            let at = map.manifest.files().binary_search_by(|entry| entry.path.as_str().cmp(&file.name));
            if at.is_err() || at.is_ok_and(|at| files.states[at] != FileState::Done) {
                atomic::remove_if_there(&file.path)?;
            }
        }
    }
    Ok(())
}
