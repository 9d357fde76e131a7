//! What a peer serves and what it does not, asked by hand: each gate of DESIGN §8 by a raw request.

use std::fs;

use lanspread_protocol::message::{Refusal, Request, WantedUnit};
use lanspread_protocol::{Blake3Hash, Manifest, ManifestId, UnitIndex, limits};
use lanspread_tests::{Answer, Game, MIB, Party, Peer, Published, Stranger, copy_tree};
use serde_json::json;

fn manifest_of(game: &Published) -> ManifestId {
    game.manifest.parse().unwrap_or_else(|_| unreachable!("publish prints a manifest id"))
}

fn units_of(game: &Published, units: impl IntoIterator<Item = u32>) -> Request {
    Request::Units {
        game: game.id.parse().unwrap_or_else(|_| unreachable!("publish accepts only ids")),
        manifest: manifest_of(game),
        units: units.into_iter().map(|unit| WantedUnit::whole(UnitIndex(unit))).collect(),
    }
}

/// The manifest as a peer hands it out.
#[track_caller]
fn fetch_manifest(stranger: &Stranger, game: &Published) -> Manifest {
    let answer = stranger.request(&Request::Manifest(manifest_of(game)));
    let Answer::Bytes(bytes) = answer else { unreachable!("a manifest is served: {answer:?}") };
    Manifest::decode(&bytes).unwrap_or_else(|error| unreachable!("a manifest decodes: {error}"))
}

/// Requires that this peer serves no unit of the game, and says why.
#[track_caller]
fn refuses(peer: &Peer, game: &Published, why: &[Refusal]) {
    let stranger = Stranger::greeting(&peer.address());
    let answer = stranger.request(&units_of(game, [0]));
    let as_expected = matches!(&answer, Answer::Refused(refusal) if why.contains(refusal));
    assert!(as_expected, "answered by {answer:?}, not refused as {why:?}");
    assert_eq!(peer.status("served_chunks"), 0);
}

/// The chunks' bytes of one unit, all of them right.
fn is_unit(manifest: &Manifest, unit: UnitIndex, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let chunks = manifest.units()[unit.as_usize()].chunks.clone();
    let right = manifest.chunks()[chunks.start as usize..chunks.end as usize].iter().all(|chunk| {
        let Some((own, after)) = rest.split_at_checked(chunk.bytes as usize) else { return false };
        rest = after;
        Blake3Hash::of(own) == chunk.hash
    });
    right && rest.is_empty()
}

#[test]
fn a_complete_game_is_served_unit_by_unit() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.seed("seed", &[&game]).start();
    seed.until_state("chess", "downloaded");
    let stranger = Stranger::greeting(&seed.address());
    let manifest = fetch_manifest(&stranger, &game);
    assert_eq!(manifest.id(), manifest_of(&game));
    for unit in (0..manifest.units().len()).map(|unit| UnitIndex(u32::try_from(unit).unwrap())) {
        let answer = stranger.request(&units_of(&game, [unit.0]));
        let Answer::Bytes(bytes) = answer else { panic!("unit {unit:?}: {answer:?}") };
        assert!(is_unit(&manifest, unit, &bytes), "{unit:?} is not what the manifest says");
    }
    assert!(seed.status("served_chunks") > 0);
}

#[test]
fn a_game_that_is_not_in_the_catalog_is_not_served() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let other = Party::new();
    other.publish(&Game::small("go"));
    let holder = other.peer("holder");
    copy_tree(&game.payload, &holder.games().join("chess"));
    let holder = holder.start();
    holder.until_state("chess", "not-in-catalog");
    refuses(&holder, &game, &[Refusal::UnknownGame]);
}

#[test]
fn another_version_than_the_expected_one_is_not_served() {
    let party = Party::new();
    let old = party.publish(&Game::small("chess"));
    party.publish(&Game::small("chess").in_version("2.0").text("new.txt", "new"));
    let holder = party.seed("holder", &[&old]).start();
    holder.until_state("chess", "wrong-version");
    refuses(&holder, &old, &[Refusal::WrongManifest]);
}

#[test]
fn another_manifest_than_the_accepted_one_is_not_served() {
    let party = Party::new();
    let other = party.publish(&Game::small("chess").text("readme.txt", "other words"));
    let game = party.publish(&Game::small("chess"));
    let holder = party.seed("holder", &[&game]).start();
    holder.until_state("chess", "downloaded");
    refuses(&holder, &other, &[Refusal::WrongManifest]);
    // The right version with the files of another manifest is not served under either name.
    let liar = party.seed("liar", &[&other]).start();
    liar.until_state("chess", "modified");
    refuses(&liar, &other, &[Refusal::WrongManifest, Refusal::NotHere]);
    refuses(&liar, &game, &[Refusal::NotHere]);
}

#[test]
fn a_payload_without_its_sentinel_is_not_served() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let holder = party.seed("holder", &[&game]).start();
    holder.until_state("chess", "downloaded");
    fs::remove_file(holder.folder("chess").join("version.ini")).unwrap();
    holder.until_state("chess", "incomplete");
    refuses(&holder, &game, &[Refusal::NotHere]);
}

#[test]
fn a_game_that_is_only_installed_is_not_served() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let holder = party.peer("holder");
    copy_tree(&game.payload, &holder.games().join("chess/local"));
    let holder = holder.start();
    holder.until_state("chess", "local-only");
    refuses(&holder, &game, &[Refusal::NotHere]);
}

#[test]
fn of_a_game_in_the_making_only_verified_units_are_served() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(2 * MIB).start();
    let ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 25);

    let stranger = Stranger::greeting(&ben.address());
    let manifest = fetch_manifest(&stranger, &game);
    let (mut served, mut refused) = (0, 0);
    for unit in 0..u32::try_from(manifest.units().len()).unwrap() {
        match stranger.request(&units_of(&game, [unit])) {
            Answer::Bytes(bytes) => {
                assert!(is_unit(&manifest, UnitIndex(unit), &bytes), "an unverified unit was served: {unit}");
                served += 1;
            }
            Answer::Refused(refusal) => {
                assert_eq!(refusal, Refusal::NotHere);
                refused += 1;
            }
            Answer::Nothing => panic!("unit {unit} got no answer"),
        }
    }
    assert!(served > 0, "nothing was served");
    assert!(refused > 0, "the download was over before it was asked: {served} units served");
    seed.ask(json!({ "cmd": "set", "upload_limit": 0 }));
    ben.wait_downloaded(mark, "arena");
}

#[test]
fn a_game_that_is_being_removed_is_not_served() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let holder = party.seed("holder", &[&game]).start();
    holder.until_state("chess", "downloaded");
    let stranger = Stranger::greeting(&holder.address());
    let mark = holder.mark();
    holder.ask(json!({ "cmd": "remove", "game": "chess" }));
    // Accepted means that it is hidden, before a file is touched.
    let answer = stranger.request(&units_of(&game, [0]));
    assert!(matches!(answer, Answer::Refused(Refusal::Busy | Refusal::NotHere)), "{answer:?}");
    holder.wait_after(mark, "removed", |event| event.about("operation-finished", "chess"));
}

#[test]
fn requests_against_the_rules_are_refused() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.seed("seed", &[&game]).start();
    seed.until_state("chess", "downloaded");
    let too_many = u32::try_from(limits::MAX_UNITS_PER_REQUEST).unwrap() + 1;
    for request in [
        units_of(&game, [1_000_000]),
        units_of(&game, [u32::MAX]),
        units_of(&game, []),
        units_of(&game, vec![0; too_many as usize]),
    ] {
        // Malformed requests may cost the connection: each gets its own.
        let stranger = Stranger::greeting(&seed.address());
        let answer = stranger.request(&request);
        assert!(!matches!(&answer, Answer::Bytes(bytes) if !bytes.is_empty()), "{request:?}: {answer:?}");
    }
    let stranger = Stranger::greeting(&seed.address());
    for unknown in [
        Request::Manifest(ManifestId([7; 32])),
        Request::Cover(Blake3Hash([7; 32])),
        Request::Catalog(Blake3Hash([7; 32])),
    ] {
        let answer = stranger.request(&unknown);
        assert!(matches!(answer, Answer::Refused(_)), "{unknown:?}: {answer:?}");
    }
    // It still serves what is right.
    assert!(matches!(stranger.request(&units_of(&game, [0])), Answer::Bytes(_)));
}

#[test]
fn the_signed_catalog_is_handed_out_as_it_was_signed() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.seed("seed", &[&game]).pinned().start();
    let stranger = Stranger::greeting(&seed.address());
    let file = fs::read(party.catalog()).unwrap();
    let answer = stranger.request(&Request::Catalog(Blake3Hash::of(&file)));
    let Answer::Bytes(bytes) = answer else { panic!("{answer:?}") };
    assert_eq!(bytes[64..], file);
}
