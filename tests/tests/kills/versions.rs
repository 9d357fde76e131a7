//! Two versions of a game, and who serves them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use lanspread_tests::{Game, KIB, MIB, Node, Party, Peer, PeerBuilder, Published, read_tree};

const SMALL_FILES: u64 = 240;
const BIG_FILE: u64 = 3 * MIB;

pub(crate) type Tree = BTreeMap<String, Node>;

pub(crate) fn old_version() -> Game {
    Game::new("arena", "1.0")
        .small_files(SMALL_FILES, KIB, 8 * KIB)
        .noise("data/everything.pak", BIG_FILE)
        .text("readme.txt", "The first version.\n")
        .text("config/settings.cfg", "volume=5\n")
        .text("only-in-old.txt", "old")
        .script("bin/game", "#!/bin/sh\n")
        .publish_arg("--start", "bin/game@linux")
        .publish_arg("--keep", "saves/**")
        .publish_arg("--keep", "config/*.cfg")
}

pub(crate) fn new_version() -> Game {
    let mut game = old_version()
        .in_version("2.0")
        .edited_noise("data/everything.pak", BIG_FILE, BIG_FILE / 2, "a few bytes more")
        .text("readme.txt", "The second version, which says more.\n")
        .noise("data/new.pak", 300 * KIB)
        .without("only-in-old.txt");
    for number in (0..SMALL_FILES).step_by(3) {
        let path = format!("files/{:03}/{number:05}.dat", number / 100);
        game = match number % 2 {
            0 => game.other_noise(&path, 5 * KIB, "2.0"),
            _ => game.without(&path),
        };
    }
    game
}

/// How a version's files become what is published.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packed {
    AsFiles,
    /// In `game.zip`, which an install unpacks.
    InArchive,
}

/// One of the two versions.
pub(crate) struct Version {
    pub(crate) game: Game,
    pub(crate) published: Published,
    pub(crate) payload: Tree,
    pub(crate) local: Tree,
    /// Serves it.
    pub(crate) _seed: Peer,
    /// The peer that is killed, with this version's catalog.
    pub(crate) ben: PeerBuilder,
}
fn pack(source: &Path, archive: &Path) {
    let mut writer = zip::ZipWriter::new(fs::File::create(archive).unwrap());
    for (path, node) in read_tree(source) {
        let Node::File { executable, .. } = node else { continue };
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(if executable { 0o755 } else { 0o644 });
        writer.start_file(path.as_str(), options).unwrap();
        writer.write_all(&fs::read(source.join(&path)).unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

pub(crate) fn version(party: &Party, games: &Path, number: usize, game: Game, packed: Packed) -> Version {
    let source = party.path().join(format!("files-{number}"));
    game.write_to(&source);
    let from = match packed {
        Packed::AsFiles => source.clone(),
        Packed::InArchive => {
            let archive = party.path().join(format!("archive-{number}/game.zip"));
            fs::create_dir_all(archive.parent().unwrap()).unwrap();
            pack(&source, &archive);
            archive
        }
    };
    let published = party.publish_from(&game, &from);
    let seed = party.seed(&format!("seed-{number}"), &[&published]).start();
    let ben = party.peer_on(&format!("ben-{number}"), games).knows(&seed).arg("--no-fetch-ahead");
    let (payload, local) = (read_tree(&published.payload), read_tree(&source));
    Version { game, published, payload, local, _seed: seed, ben }
}
