//! Trees of every shape arrive as they were.

use lanspread_tests::{GIB, Game, KIB, Party, assert_same_tree};

/// Publishes, downloads and compares.
#[track_caller]
fn travels(game: &Game) {
    let party = Party::new();
    let published = party.publish(game);
    let seed = party.origin("seed", &published).start();
    let ben = party.peer("ben").knows(&seed).start();
    ben.fetch(&game.id);
    assert_same_tree(&published.source, &ben.folder(&game.id));
    assert_same_tree(&published.payload, &ben.folder(&game.id));
}

#[test]
fn five_thousand_small_files() {
    travels(&Game::new("many", "1").small_files(5000, 10, 3000));
}

#[test]
fn names_of_many_tongues() {
    travels(
        &Game::new("names", "2024-05")
            .noise("with spaces/and more spaces/a file.dat", 70 * KIB)
            .noise("Umlaute/Überraschung für Ärmel.pak", 5000)
            .noise("日本語/地図.dat", 5000)
            .noise("Русский/карта 🎮.dat", 5000)
            .text("a&b (c) [d] {e} 'f' #g %h% !i ^j ~k @l $m ;n =o +p ,q.txt", "punctuation")
            .text("dots..and.more...inside.txt", "dots")
            .text(&format!("{}.txt", "long".repeat(50)), "a long name")
            .text(&format!("{}end.txt", "deep/".repeat(40)), "a deep one"),
    );
}

#[test]
fn empty_files_empty_folders_and_scripts() {
    travels(
        &Game::new("empty", "v3 (final)")
            .empty_file("nothing.dat")
            .empty_file("folder/also nothing.dat")
            .empty_folder("mods")
            .empty_folder("saves/slot 1")
            .empty_folder("saves/slot 2")
            .script("bin/start.sh", "#!/bin/sh\nexec ./game\n")
            .script("tool", "#!/usr/bin/env python3\n")
            .text("no script.txt", "plain"),
    );
}

#[test]
fn a_game_without_a_byte_but_its_version() {
    travels(&Game::new("folders", "0").empty_folder("maps"));
    travels(&Game::new("files", "0").empty_file("nothing.dat"));
}

#[test]
fn five_gibibytes_with_holes() {
    let party = Party::new();
    let game = Game::new("huge", "1").hole("data/holes.pak", 5 * GIB).noise("data/end.pak", 700 * KIB);
    let published = party.publish_in_place(&game);
    let seed = party.origin("seed", &published).patient().start();
    let ben = party.peer("ben").knows(&seed).patient().start();
    let finished = ben.fetch("huge");
    assert_eq!(finished["version"], "1");
    assert_same_tree(&published.payload, &ben.folder("huge"));
}

#[test]
fn what_two_people_publish_from_equal_files_is_the_same_game() {
    let game = Game::small("chess").empty_folder("mods").noise("big.pak", 3_000_000);
    let (anna, ben) = (Party::new(), Party::new());
    assert_eq!(anna.publish(&game).manifest, ben.publish(&game).manifest);
    let changed = game.text("readme.txt", "other words\n");
    assert_ne!(anna.publish(&changed).manifest, ben.publish(&Game::small("chess")).manifest);
}
