//! Liars, forgers, floods, and garbage.

use std::time::Duration;

use lanspread_engine::{Event, LeaveReason, LocalState};
use lanspread_protocol::GameId;

use crate::content::{plain, release};
use crate::downloads::{all_gone, failed, party};
use crate::node::Setup;
use crate::world::World;

fn rejected(event: &Event) -> bool {
    matches!(event, Event::ChunkRejected { .. })
}

#[test]
fn a_liar_is_rejected_named_and_passed_over() {
    for seed in 0..10 {
        let payload = release("ut", "1", 100);
        let (mut world, sources, guest) = party(seed, 3, &payload, 20_000_000);
        world.nodes[sources[1].0].lies.insert(payload.game.clone());
        let liar = world.nodes[sources[1].0].peer;
        world.download(guest, &payload);
        world.until("it is here", 20, |world| world.shares(guest, &payload));
        let named = |event: &Event| matches!(event, Event::ChunkRejected { peer_id, .. } if *peer_id == liar);
        assert!(world.count(guest, named) >= 1);
        assert_eq!(world.count(guest, named), world.count(guest, rejected), "nobody else is named");
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
        let told = |event: &Event| matches!(event, Event::Notice { .. });
        assert_eq!(world.count(sources[1], told), 1, "it is told, and checks itself once");
    }
}

#[test]
fn a_liar_alone_is_not_asked_again() {
    let payload = release("ut", "1", 100);
    let (mut world, sources, guest) = party(1, 1, &payload, 20_000_000);
    world.nodes[sources[0].0].lies.insert(payload.game.clone());
    world.download(guest, &payload);
    world.run_for(Duration::from_secs(30));
    assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (1, 0), "{}", world.story());
    let good = Setup::new().catalog(&plain(vec![payload.pinned()])).has(&payload);
    world.add(good);
    world.until("an honest one ends it", 20, |world| world.shares(guest, &payload));
}

#[test]
fn a_rotten_payload_is_found_withdrawn_and_repaired() {
    let payload = release("ut", "1", 60);
    let (mut world, sources, guest) = party(1, 2, &payload, 20_000_000);
    let rotten = sources[0];
    world.nodes[rotten.0].disk.folder(&payload.game).complete.as_mut().unwrap().is_rotten = true;
    world.download(guest, &payload);
    world.until("it is here", 20, |world| world.shares(guest, &payload));
    let damaged =
        |event: &Event| matches!(event, Event::VerifyFinished { damaged, .. } if !damaged.is_empty());
    world.until("the rotten one finds out", 10, |world| world.count(rotten, damaged) == 1);
    world.until("and repairs itself", 20, |world| {
        let complete = world.nodes[rotten.0].disk.games[&payload.game].complete.as_ref();
        complete.is_some_and(|complete| !complete.is_rotten)
            && world.game(rotten, &payload.game).unwrap().local.map(|local| local.state)
                == Some(LocalState::Downloaded)
    });
    world.until("and is a source again", 5, |world| world.sources(guest, &payload) == 2);
}

#[test]
fn a_repeated_liar_is_banned_for_the_session() {
    let payloads: Vec<_> = (0..4).map(|nth| release(&format!("game{nth}"), "1", 40)).collect();
    let mut world = World::new(2);
    let given = plain(payloads.iter().map(crate::content::Release::pinned).collect());
    let all = |setup: Setup| payloads.iter().fold(setup, Setup::has);
    let liar = world.add(all(Setup::new().catalog(&given)));
    world.add(all(Setup::new().catalog(&given)));
    for payload in &payloads {
        world.nodes[liar.0].lies.insert(payload.game.clone());
    }
    let guest = world.add(Setup::new().catalog(&given));
    world.until("both are known", 5, |world| {
        payloads.iter().all(|payload| world.sources(guest, payload) == 2)
    });
    for payload in &payloads {
        world.download(guest, payload);
    }
    world.until("all are here", 30, |world| payloads.iter().all(|payload| world.shares(guest, payload)));
    let banned = |event: &Event| matches!(event, Event::PeerLeft { reason: LeaveReason::Banned, .. });
    assert_eq!(world.count(guest, banned), 1);
    world.run_for(Duration::from_mins(1));
    assert!(!world.sees(guest, liar), "it does not come back");
    let dials = world.nodes[guest.0].sent_to.get(&world.nodes[liar.0].addresses[0].0).copied();
    assert!(dials.is_none_or(|at| at < world.now - Duration::from_secs(40)), "nor is it dialled");
}

#[test]
fn a_complaint_without_reason_is_believed_once() {
    let payload = release("ut", "1", 60);
    let (mut world, sources, guest) = party(1, 1, &payload, 20_000_000);
    let manifest = payload.manifest.id();
    for _ in 0..20 {
        let conn = *world.nodes[guest.0].run().conns.keys().next().unwrap();
        let game: GameId = payload.game.clone();
        let unit = lanspread_protocol::UnitIndex(0);
        world.send(guest, conn, lanspread_protocol::message::Control::Damaged { game, manifest, unit });
        world.run_for(Duration::from_secs(65));
    }
    let checked = |event: &Event| matches!(event, Event::VerifyFinished { .. });
    assert_eq!(world.count(sources[0], checked), 1);
}

#[test]
fn a_source_that_answers_with_nothing_is_left_alone() {
    // It says that all was sent and sends nothing: modelled by its end of the request.
    let payload = release("ut", "1", 60);
    let (mut world, sources, guest) = party(1, 2, &payload, 20_000_000);
    world.nodes[sources[0].0].is_empty_handed = true;
    world.download(guest, &payload);
    world.until("it is here", 20, |world| world.shares(guest, &payload));
    assert!(world.nodes[guest.0].stats.requests < 400, "{}", world.nodes[guest.0].stats.requests);
}
