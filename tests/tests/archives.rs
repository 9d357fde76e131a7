//! Games that are shared as archives: published as they are, fetched, and unpacked by who installs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use lanspread_tests::{Game, KIB, Node, Party, assert_same_tree, read_tree};
use serde_json::json;

fn game() -> Game {
    Game::new("chess", "1.0")
        .small_files(40, KIB, 20 * KIB)
        .noise("data/maps.pak", 700 * KIB)
        .text("docs/Lies mich – bitte.txt", "Viel Spaß!\n")
        .empty_file("data/empty")
        .empty_folder("mods")
        .script("bin/game", "#!/bin/sh\nexit 0\n")
        .publish_arg("--start", "bin/game@linux")
}

/// Makes an archive of a folder.
type Pack = fn(&Path, &Path);

/// Whether a path of the tree is a program, a file or a folder, and what it holds.
struct Member {
    path: String,
    /// `None` is a folder.
    content: Option<Vec<u8>>,
    is_program: bool,
}

fn members(source: &Path) -> Vec<Member> {
    let member = |(path, node): (String, Node)| match node {
        Node::Folder => Member { path, content: None, is_program: false },
        Node::File { executable, .. } => {
            let content = Some(fs::read(source.join(&path)).unwrap());
            Member { path, content, is_program: executable }
        }
    };
    read_tree(source).into_iter().map(member).collect()
}

fn zip(source: &Path, archive: &Path) {
    let mut writer = zip::ZipWriter::new(File::create(archive).unwrap());
    for member in members(source) {
        let mode = if member.is_program { 0o755 } else { 0o644 };
        let options = zip::write::SimpleFileOptions::default().unix_permissions(mode);
        match member.content {
            None => writer.add_directory(member.path, options).unwrap(),
            Some(content) => {
                writer.start_file(member.path, options).unwrap();
                writer.write_all(&content).unwrap();
            }
        }
    }
    writer.finish().unwrap();
}

fn seven_zip(source: &Path, archive: &Path) {
    let mut writer = sevenz_rust2::ArchiveWriter::create(archive).unwrap();
    for member in members(source) {
        match member.content {
            None => {
                let entry = sevenz_rust2::ArchiveEntry::new_directory(&member.path);
                writer.push_archive_entry::<&[u8]>(entry, None).unwrap();
            }
            Some(content) => {
                let mut entry = sevenz_rust2::ArchiveEntry::new_file(&member.path);
                if member.is_program {
                    entry.has_windows_attributes = true;
                    entry.windows_attributes = 0x8000 | 0o100_755 << 16;
                }
                writer.push_archive_entry(entry, Some(content.as_slice())).unwrap();
            }
        }
    }
    writer.finish().unwrap();
}

fn tar_zst(source: &Path, archive: &Path) {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all(".", source).unwrap();
    let tar = builder.into_inner().unwrap();
    let packed = ruzstd::encoding::compress_to_vec(&tar[..], ruzstd::encoding::CompressionLevel::Fastest);
    fs::write(archive, packed).unwrap();
}

fn rar(source: &Path, archive: &Path) {
    let mut builder = rars::Builder::new(rars::ArchiveVersion::Rar50);
    for member in members(source) {
        let name = member.path.into_bytes();
        let mode = member.is_program.then_some(0o100_755);
        match member.content {
            None => builder.add_directory(name, None, None).unwrap(),
            Some(content) => builder.add_bytes(name, content, None, mode).unwrap(),
        }
    }
    builder.write_to_path(archive, None).unwrap();
}

#[test]
fn archives_are_published_fetched_and_unpacked() {
    let formats: [(&str, Pack); 4] =
        [("game.zip", zip), ("game.7z", seven_zip), ("game.tar.zst", tar_zst), ("game.rar", rar)];
    for (name, pack) in formats {
        let party = Party::new();
        let source = party.path().join("source");
        game().write_to(&source);
        let archive = party.path().join(name);
        pack(&source, &archive);
        let published = party.publish_from(&game(), &archive);
        assert_eq!(files(&published.payload), [name, "version.ini"]);
        let seed = party.origin("seed", &published).start();
        let ben = party.peer("ben").knows(&seed).start();
        ben.until_sources("chess", 1);
        ben.carry_out("install", json!({ "cmd": "download", "game": "chess", "install": true }));
        assert_eq!(ben.state("chess"), "installed", "{name}");
        assert_eq!(fs::read(ben.folder("chess").join(name)).unwrap(), fs::read(&archive).unwrap());
        assert_same_tree(&source, &ben.folder("chess").join("local"));
        // What was unpacked is shared as the archive, not as its files.
        assert_eq!(ben.game("chess")["local"]["bytes"], published.bytes, "{name}");
        seed.until_sources("chess", 1);
    }
}

#[test]
fn a_game_of_several_archives_is_unpacked_in_the_order_of_their_names() {
    let party = Party::new();
    let (base, patch) = (party.path().join("base"), party.path().join("patch"));
    Game::small("chess").write_to(&base);
    Game::new("chess", "1.0").text("readme.txt", "patched").text("new.txt", "new").write_to(&patch);
    let archives: [PathBuf; 2] = ["1-base.zip", "2-patch.7z"].map(|name| party.path().join(name));
    zip(&base, &archives[0]);
    seven_zip(&patch, &archives[1]);
    let game = Game::new("chess", "1.0").publish_arg("--from", &archives[1].display().to_string());
    let published = party.publish_from(&game, &archives[0]);
    let ben = party.origin("ben", &published).start();
    ben.until_state("chess", "downloaded");
    ben.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    let expected = party.path().join("expected");
    Game::small("chess").text("readme.txt", "patched").text("new.txt", "new").write_to(&expected);
    assert_same_tree(&expected, &ben.folder("chess").join("local"));
}

fn files(folder: &Path) -> Vec<String> {
    read_tree(folder).into_keys().collect()
}
