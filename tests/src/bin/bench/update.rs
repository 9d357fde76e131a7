//! What an update fetches, beside what is really new in it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lanspread_tests::{Game, KIB, MIB, Party};
use serde_json::json;
use walkdir::WalkDir;

use crate::cost::Meter;

/// What counts as absent from the old version: each block of so many bytes of a new file, from the file's begin, which
/// stands nowhere in the old files, at any offset. What a file's last whole block leaves over is there if the block
/// that ends with the file is; a file smaller than a block is there if an old file is the same. What is absent twice counts twice.
const BLOCK: usize = 16 * KIB as usize;

/// The update from one folder to the other, two versions of one game; without folders from a generated one.
pub(crate) fn update(folders: &[String]) {
    let party = Party::new();
    let (old, new) = match folders {
        [old, new] => (PathBuf::from(old), PathBuf::from(new)),
        _ => generated(&party),
    };
    let game = |version| Game::new("arena", version).publish_arg("--links", "skip");
    let before = party.publish_from(&game("old"), &old);
    let ben = party.origin("ben", &before).pinned().patient().arg("--no-fetch-ahead");
    let after = party.publish_from(&game("new"), &new);
    let seed = party.origin("seed", &after).patient().start();
    let ben = ben.knows(&seed).start();
    ben.until("the new version is there", |ben| {
        ben.game("arena")["update_available"] == true && ben.sources("arena") > 0
    });
    let meter = Meter::start([&seed, &ben]);
    let mark = ben.mark();
    let start = Instant::now();
    ben.ask(json!({ "cmd": "update", "game": "arena" }));
    ben.wait_downloaded(mark, "arena");
    let secs = start.elapsed().as_secs_f64();
    let fetched = ben.status("rx_bytes");
    let absent = absent_bytes(&old, &new);
    println!("   {} bytes in the new version, {} in the old one", after.bytes, before.bytes);
    println!("   {absent} of them are absent from the old version in blocks of 16 KiB");
    println!("   {fetched} fetched in {secs:.1} s: {:.3} × what is absent", fetched as f64 / absent as f64);
    meter.print();
}

/// A large archive with edits, files that change, come and go.
fn generated(party: &Party) -> (PathBuf, PathBuf) {
    let old = Game::new("arena", "old")
        .noise("data/everything.pak", 96 * MIB)
        .noise("data/maps.pak", 8 * MIB)
        .small_files(500, KIB, 60 * KIB);
    let mut new = old
        .clone()
        .edited_noise("data/everything.pak", 96 * MIB, 40 * MIB, "a few bytes more")
        .other_noise("data/maps.pak", 8 * MIB, "new")
        .noise("data/music.pak", 6 * MIB);
    for number in (0..500).step_by(10) {
        let path = format!("files/{:03}/{number:05}.dat", number / 100);
        new = new.other_noise(&path, 40 * KIB, "new");
    }
    let folders = (party.path().join("generated-old"), party.path().join("generated-new"));
    old.write_to(&folders.0);
    new.write_to(&folders.1);
    folders
}

fn files(root: &Path) -> Vec<PathBuf> {
    let files = WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != ".lanspread");
    files.flatten().filter(|file| file.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// A hash that is quickly told for the next offset.
struct Rolling {
    hash: u64,
    /// What the byte that leaves has been multiplied by.
    leaving: u64,
}

const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rolling {
    fn of(block: &[u8]) -> Self {
        let hash = block.iter().fold(0_u64, |hash, byte| step(hash, *byte));
        let leaving = (0..BLOCK).fold(1_u64, |power, _| power.wrapping_mul(BASE));
        Self { hash, leaving }
    }

    fn roll(&mut self, leaves: u8, comes: u8) {
        self.hash = step(self.hash, comes).wrapping_sub((u64::from(leaves) + 1).wrapping_mul(self.leaving));
    }
}

fn step(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1)
}

fn absent_bytes(old: &Path, new: &Path) -> u64 {
    // Blocks that are looked for, by the hash that rolls: their true hash and the bytes that each stands for.
    let mut wanted: HashMap<u64, Vec<(blake3::Hash, u64)>> = HashMap::new();
    let mut small: HashMap<blake3::Hash, u64> = HashMap::new();
    for path in files(new) {
        let bytes = fs::read(&path).unwrap();
        if bytes.len() < BLOCK {
            *small.entry(blake3::hash(&bytes)).or_default() += bytes.len() as u64;
            continue;
        }
        let left_over = bytes.len() % BLOCK;
        let end = (&bytes[bytes.len() - BLOCK..], left_over as u64);
        let blocks = bytes.chunks_exact(BLOCK).map(|block| (block, BLOCK as u64));
        for (block, stands_for) in blocks.chain((left_over > 0).then_some(end)) {
            wanted.entry(Rolling::of(block).hash).or_default().push((blake3::hash(block), stands_for));
        }
    }
    for path in files(old) {
        let bytes = fs::read(&path).unwrap();
        small.remove(&blake3::hash(&bytes));
        take_found(&bytes, &mut wanted);
    }
    wanted.values().flatten().map(|(_, bytes)| bytes).sum::<u64>() + small.values().sum::<u64>()
}

/// Removes what stands in these bytes.
fn take_found(bytes: &[u8], wanted: &mut HashMap<u64, Vec<(blake3::Hash, u64)>>) {
    if bytes.len() < BLOCK {
        return;
    }
    let mut window = Rolling::of(&bytes[..BLOCK]);
    for start in 0..=bytes.len() - BLOCK {
        if start > 0 {
            window.roll(bytes[start - 1], bytes[start + BLOCK - 1]);
        }
        if let Some(blocks) = wanted.get_mut(&window.hash) {
            let hash = blake3::hash(&bytes[start..start + BLOCK]);
            blocks.retain(|(wanted, _)| *wanted != hash);
            if blocks.is_empty() {
                wanted.remove(&window.hash);
            }
        }
    }
}
