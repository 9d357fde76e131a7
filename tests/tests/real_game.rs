//! A real game, published from its unpacked Debian package and fetched by a peer on another address.
//!
//! `.ci/run` puts packages into `<target>/real-games/<package>/`; `LANSPREAD_REAL_GAMES` names another folder.
//! Where there is none, a generated tree of the same kind stands in, and the test says so.

use std::fs;
use std::path::PathBuf;

use lanspread_tests::{Game, KIB, Party, assert_same_tree, program, read_tree, skip};

fn real_games() -> Vec<PathBuf> {
    let folder = std::env::var_os("LANSPREAD_REAL_GAMES").map_or_else(
        || program().ancestors().nth(2).map(|target| target.join("real-games")).unwrap_or_default(),
        PathBuf::from,
    );
    let mut packages: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    packages.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    packages.sort();
    packages
}

#[test]
fn a_real_game_arrives_as_it_was_published() {
    let party = Party::new();
    let mut sources = Vec::new();
    for package in real_games() {
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A package may hold links, within it and to other packages.
        let game = Game::new(&name.replace('.', "-"), "debian").publish_arg("--links", "skip");
        sources.push((game, package));
    }
    if sources.is_empty() {
        skip("a real game", "no package in <target>/real-games: a generated tree stands in");
        let game = Game::new("stand-in", "1")
            .small_files(600, KIB, 40 * KIB)
            .noise("usr/share/games/stand-in/maps/harbour.map", 700 * KIB)
            .text("usr/share/doc/stand-in/copyright", "nobody's\n");
        let source = party.path().join("stand-in-source");
        game.write_to(&source);
        sources.push((game, source));
    }
    for (game, source) in sources {
        let published = party.publish_from(&game, &source);
        assert!(read_tree(&published.payload).len() > 10, "{} is hardly a game", source.display());
        let seed = party.origin(&format!("seed of {}", game.id), &published).start();
        let ben = party.peer(&format!("guest for {}", game.id)).knows(&seed).start();
        assert_ne!(seed.address(), ben.address());
        ben.fetch(&game.id);
        assert_same_tree(&published.payload, &ben.folder(&game.id));
        assert_same_tree(&source, &ben.folder(&game.id));
    }
}
