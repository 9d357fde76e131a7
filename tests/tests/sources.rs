//! Bad sources beside a sound one: they lie about what they have, stall in every phase, send a byte a second, or
//! return under new identities. The download goes on from the sound one and says who was given up.
//!
//! Nothing here is timed: the sound source's bytes bound what was fetched, and a deadline only ends a hang.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use lanspread_protocol::frame;
use lanspread_protocol::message::{Control, Offer, Refusal, Request};
use lanspread_tests::{
    Game, MIB, Mark, Party, Payload, Peer, Published, Reply, Stranger, assert_same_tree, refusal,
};
use serde_json::json;

/// The bad source's address: a PC of its own.
const BAD: &str = "127.0.0.201";
/// The good source's upload limit, so that a bad one is asked while it is busy.
const RATE: u64 = 4 * MIB;
/// A bad source's answers, made from the payload that it offers.
type Behaviour = fn(&Payload, &Request) -> Reply;

/// A guest, a game, and those who say that they have it.
struct Scene {
    /// Before the party: its folder is deleted when nothing writes there any more.
    ben: Peer,
    party: Party,
    game: Published,
    payload: Arc<Payload>,
}

impl Scene {
    fn new() -> Self {
        let party = Party::new();
        let game = party.publish(&Game::big("arena", 8 * MIB));
        let payload = Arc::new(Payload::of(&game));
        let ben = party.peer("ben").patient().start();
        Self { ben, party, game, payload }
    }

    /// A bad source, and a signal for each of its requests that the behaviour has answered.
    fn bad(&self, offer: Offer, behaviour: Behaviour) -> (Stranger, Receiver<Request>) {
        let bad = Stranger::offering_from(BAD, &self.ben.address(), vec![offer]);
        let (asked, was_asked) = sync_channel(1024);
        let payload = Arc::clone(&self.payload);
        bad.replies(move |request| {
            // A full channel means that nobody counts the rest.
            drop(asked.try_send(request.clone()));
            behaviour(&payload, request)
        });
        (bad, was_asked)
    }

    fn sound(&self) -> Peer {
        self.party.seed("sound", &[&self.game]).upload_limit(RATE).knows(&self.ben).start()
    }

    /// The game is here, the sound source has sent it about once, and nobody sound was given up.
    #[track_caller]
    fn is_finished(&self, mark: Mark, sound: &Peer) {
        self.ben.wait_downloaded(mark, "arena");
        assert_same_tree(&self.game.payload, &self.ben.folder("arena"));
        let (sent, bytes) = (sound.status("tx_bytes"), self.game.bytes);
        assert!(sent <= bytes * 5 / 4, "the sound source sent {sent} bytes of a game of {bytes}");
        let blamed = self.given_up();
        assert!(
            blamed.iter().all(|(peer, _)| *peer != sound.id()),
            "the sound source was given up: {blamed:?}"
        );
    }

    /// The sources that were given up so far, and why.
    fn given_up(&self) -> Vec<(String, String)> {
        let events = self.ben.events().into_iter().filter(|event| event.about("source-given-up", "arena"));
        events.map(|event| (event.text("peer_id").to_owned(), event.text("reason").to_owned())).collect()
    }

    /// By the end of the download the bad source was given up, for one of these reasons.
    #[track_caller]
    fn says_that_it_gave_up(&self, bad: &Stranger, reasons: &[&str]) {
        let given_up = self.given_up();
        let named = given_up.iter().any(|(peer, why)| *peer == bad.id() && reasons.contains(&why.as_str()));
        assert!(named, "{} was not given up as {reasons:?}: {given_up:?}", bad.id());
    }
}

/// A source that serves the manifest and then behaves badly, beside a sound one from the start.
#[track_caller]
fn the_sound_source_finishes(offer: fn(&Payload) -> Offer, behaviour: Behaviour, reasons: &[&str]) {
    let scene = Scene::new();
    let (bad, was_asked) = scene.bad(offer(&scene.payload), behaviour);
    let sound = scene.sound();
    scene.ben.until_connected_to(&sound);
    scene.ben.until_sources("arena", 2);
    let mark = scene.ben.download("arena");
    scene.is_finished(mark, &sound);
    let units = was_asked.try_iter().filter(|request| matches!(request, Request::Units { .. })).count();
    assert!(units > 0, "the bad source was never asked for a unit");
    scene.says_that_it_gave_up(&bad, reasons);
}

/// A source that behaves badly about the manifest while it is the only one; the sound one comes afterwards.
#[track_caller]
fn the_sound_source_starts(behaviour: Behaviour, reasons: &[&str]) {
    let scene = Scene::new();
    let (bad, was_asked) = scene.bad(scene.payload.complete(), behaviour);
    scene.ben.until_sources("arena", 1);
    let mark = scene.ben.download("arena");
    assert!(matches!(was_asked.recv().unwrap(), Request::Manifest(_)));
    let sound = scene.sound();
    scene.ben.until_connected_to(&sound);
    scene.is_finished(mark, &sound);
    scene.says_that_it_gave_up(&bad, reasons);
}

fn complete(payload: &Payload) -> Offer {
    payload.complete()
}

/// The offer of a fellow downloader that has every unit already, of the highest weight.
fn every_unit(payload: &Payload) -> Offer {
    payload.every_unit(7)
}

/// Answers requests for units by this, and others as an honest source does.
fn to_units(payload: &Payload, request: &Request, reply: impl FnOnce(Vec<u8>) -> Reply) -> Reply {
    let answer = payload.answer(request);
    if matches!(request, Request::Units { .. }) { reply(answer) } else { Reply::Bytes(answer) }
}

fn never(_: Vec<u8>) -> Reply {
    Reply::Stall(Vec::new())
}

/// Sends all but the last `left` bytes, and those never.
fn all_but(answer: &[u8], left: usize) -> Reply {
    Reply::Stall(answer[..answer.len() - left].to_vec())
}

/// Sends the answer's frame at once and its bytes at this rate.
fn trickle(answer: &[u8], bytes_per_sec: u32) -> Reply {
    let length = frame::payload_length(answer[..4].try_into().unwrap()).unwrap();
    let (first, rest) = answer.split_at(frame::FRAME_HEADER_BYTES + length);
    Reply::Trickle { first: first.to_vec(), rest: rest.to_vec(), bytes_per_sec }
}

// It stalls

#[test]
fn a_source_that_stalls_in_its_offer_is_no_source() {
    let scene = Scene::new();
    let mut bad = Stranger::dial_from(BAD, &scene.ben.address());
    bad.say(&bad.hello());
    let library = Control::Library { revision: 1, offers: vec![scene.payload.complete()] };
    let library = frame::encode(&library).unwrap();
    bad.say_bytes(&library[..library.len() - 1]).unwrap();
    let sound = scene.sound();
    scene.ben.until_connected_to(&sound);
    let mark = scene.ben.download("arena");
    scene.is_finished(mark, &sound);
    assert!(bad.is_open(), "half a message is no offence yet");
    assert_eq!(scene.given_up(), [], "who offered nothing is not given up");
}

#[test]
fn a_source_that_stalls_before_the_manifest_is_given_up() {
    the_sound_source_starts(|_, _| Reply::Stall(Vec::new()), &["silent"]);
}

#[test]
fn a_source_that_stalls_in_the_manifest_is_given_up() {
    the_sound_source_starts(|payload, request| all_but(&payload.answer(request), 1), &["silent", "slow"]);
}

#[test]
fn a_source_that_sends_a_byte_of_the_manifest_a_second_is_given_up() {
    the_sound_source_starts(|payload, request| trickle(&payload.answer(request), 1), &["slow"]);
}

#[test]
fn a_source_that_stalls_before_the_first_byte_is_given_up() {
    let behaviour: Behaviour = |payload, request| to_units(payload, request, never);
    the_sound_source_finishes(complete, behaviour, &["silent"]);
}

#[test]
fn a_source_that_stalls_in_the_middle_of_a_unit_is_given_up() {
    let behaviour: Behaviour =
        |payload, request| to_units(payload, request, |answer| all_but(&answer, answer.len() / 2));
    the_sound_source_finishes(complete, behaviour, &["silent", "slow"]);
}

#[test]
fn a_source_that_keeps_the_last_byte_is_given_up() {
    let behaviour: Behaviour = |payload, request| to_units(payload, request, |answer| all_but(&answer, 1));
    the_sound_source_finishes(complete, behaviour, &["silent", "slow"]);
}

#[test]
fn a_source_that_sends_a_byte_a_second_is_given_up() {
    let behaviour: Behaviour = |payload, request| to_units(payload, request, |answer| trickle(&answer, 1));
    the_sound_source_finishes(complete, behaviour, &["silent", "slow"]);
}

// It lies about what it has

#[test]
fn a_source_that_refuses_what_it_offers_is_given_up() {
    let behaviour: Behaviour =
        |payload, request| to_units(payload, request, |_| Reply::Bytes(refusal(Refusal::NotHere)));
    the_sound_source_finishes(complete, behaviour, &["refused"]);
}

#[test]
fn a_downloader_that_refuses_every_unit_that_it_announces_is_given_up() {
    let behaviour: Behaviour =
        |payload, request| to_units(payload, request, |_| Reply::Bytes(refusal(Refusal::NotHere)));
    the_sound_source_finishes(every_unit, behaviour, &["refused"]);
}

#[test]
fn a_downloader_that_sends_nothing_of_what_it_announces_is_given_up() {
    let behaviour: Behaviour = |payload, request| to_units(payload, request, never);
    the_sound_source_finishes(every_unit, behaviour, &["silent"]);
}

#[test]
fn a_source_that_ends_every_answer_early_is_given_up() {
    let behaviour: Behaviour = |payload, request| {
        to_units(payload, request, |answer| Reply::Bytes(answer[..answer.len() / 2].to_vec()))
    };
    the_sound_source_finishes(complete, behaviour, &["broken"]);
}

// It returns under new identities

/// Six identities of one address, one after the other: each leaves as soon as it was asked for units, and the last one
/// stays and stalls.
#[test]
fn a_source_that_returns_under_new_identities_holds_nothing_up() {
    const IDENTITIES: usize = 6;
    let scene = Scene::new();
    let behaviour: Behaviour = |payload, request| to_units(payload, request, never);
    let sound = scene.sound();
    // The download must outlast the strangers, however busy the machine is.
    let limit = |bytes_per_sec: u64| sound.ask(json!({ "cmd": "set", "upload_limit": bytes_per_sec }));
    limit(RATE / 16);
    scene.ben.until_connected_to(&sound);
    let (first, was_asked) = scene.bad(scene.payload.complete(), behaviour);
    scene.ben.until_sources("arena", 2);
    let mark = scene.ben.download("arena");
    let mut identities = vec![first.id()];
    let (mut current, mut was_asked) = (first, was_asked);
    while identities.len() < IDENTITIES {
        // A stranger that is not asked any more has lost its welcome: nothing is left to try.
        let is_asked = was_asked.recv_timeout(std::time::Duration::from_secs(1)).is_ok();
        if !is_asked && identities.len() > 2 {
            break;
        }
        drop(current);
        (current, was_asked) = scene.bad(scene.payload.complete(), behaviour);
        identities.push(current.id());
    }
    scene.ben.wait_after(mark, "somebody is given up", |event| event.about("source-given-up", "arena"));
    limit(RATE);
    scene.is_finished(mark, &sound);
    let given_up = scene.given_up();
    assert!(given_up.iter().all(|(peer, _)| identities.contains(peer)), "{given_up:?} of {identities:?}");
}

/// Five identities of one address offer the game and send its manifest a few bytes a second; a sound source comes later.
#[test]
fn a_manifest_at_a_trickle_from_five_identities_does_not_keep_the_download_from_starting() {
    let scene = Scene::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let strangers: Vec<_> = (0..5)
        .map(|_| {
            let offer = vec![scene.payload.complete()];
            let stranger = Stranger::offering_from(BAD, &scene.ben.address(), offer);
            let (payload, asked) = (Arc::clone(&scene.payload), Arc::clone(&asked));
            stranger.replies(move |request| {
                asked.fetch_add(1, Ordering::Relaxed);
                trickle(&payload.answer(request), 4)
            });
            stranger
        })
        .collect();
    scene.ben.until_sources("arena", 5);
    let mark = scene.ben.download("arena");
    scene.ben.until("one of them is asked", |_| asked.load(Ordering::Relaxed) > 0);
    let sound = scene.sound();
    scene.ben.until_connected_to(&sound);
    scene.is_finished(mark, &sound);
    let ids: Vec<String> = strangers.iter().map(Stranger::id).collect();
    let given_up = scene.given_up();
    assert!(!given_up.is_empty(), "nobody was given up");
    assert!(given_up.iter().all(|(peer, _)| ids.contains(peer)), "{given_up:?} of {ids:?}");
}
