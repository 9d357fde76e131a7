//! The catalog travels, and only the right one; unpinned payloads are chosen by vote.

use std::sync::Arc;
use std::time::Duration;

use lanspread_engine::{
    AfterDownload, Command, Event, FolderState, Input, NoticeKind, Phase, Purpose, QueuedDownload, ReplyId,
};
use lanspread_protocol::GameId;

use crate::content::{game, organiser, plain, release, signed, signed_file};
use crate::node::{NodeId, Setup};
use crate::world::World;

fn serial(world: &World, id: NodeId) -> u64 {
    world.engine(id).map_or(0, |engine| engine.view().serial)
}

#[test]
fn a_new_catalog_reaches_everybody_within_seconds() {
    for seed in 0..10 {
        let mut world = World::without_multicast(seed);
        let key = organiser(1);
        let (old, new) = (release("ut", "1", 4), release("ut", "2", 4));
        let first = signed_file(&key, 1, vec![old.pinned()]);
        // A chain: the newest reaches the far end through the others.
        let mut last = world.add(Setup::new().pin(key.public()).catalog(&first).has(&old));
        let organiser = last;
        for _ in 0..5 {
            last = world.add(Setup::new().pin(key.public()).knows(last).has(&old));
        }
        world.until("all hold the first", 5, |world| world.all().all(|id| serial(world, id) == 1));
        world.run_for(Duration::from_secs(2));
        let second = signed_file(&key, 2, vec![new.pinned()]);
        world.feed(organiser, Input::CatalogGiven(second));
        world.until("all hold the second", 4, |world| world.all().all(|id| serial(world, id) == 2));
        let changed = |event: &Event| matches!(event, Event::CatalogChanged { serial: 2, .. });
        assert!(world.all().all(|id| world.count(id, changed) == 1));
        world.run_for(Duration::from_secs(2));
        assert_eq!(world.sources(last, &new), 0, "the old copies are no sources any more");
    }
}

#[test]
fn two_catalogs_with_one_serial_converge_with_a_notice() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        let key = organiser(1);
        let (ut, quake) = (release("ut", "1", 4), release("quake", "1", 4));
        let [one, other] = [ut, quake].map(|game| signed_file(&key, 3, vec![game.pinned()]));
        let laptops = [one, other].map(|file| world.add(Setup::new().pin(key.public()).catalog(&file)));
        let games = |world: &World, id| {
            let view = world.engine(id).unwrap().view();
            view.games.iter().map(|game| game.id.clone()).collect::<Vec<GameId>>()
        };
        world.until("both hold one of the two", 5, |world| {
            games(world, laptops[0]) == games(world, laptops[1])
        });
        let notice = |event: &Event| {
            matches!(event, Event::Notice { message: NoticeKind::TwinCatalogs { serial: 3 }, .. })
        };
        assert_eq!(
            world.count(laptops[0], notice) + world.count(laptops[1], notice),
            1,
            "whose catalog lost"
        );
    }
}

#[test]
fn another_folder_brings_what_was_chosen_there() {
    let (key, other) = (organiser(1), organiser(2));
    let game = release("ut", "1", 4);
    let stored = |key: &lanspread_protocol::OrganiserSecret, serial| FolderState {
        pinned: Some(key.public()),
        signed: Some(Arc::new(signed(key, serial, vec![game.open()]))),
        accepted: [(game.game.clone(), ("1".parse().unwrap(), game.manifest.id()))].into(),
        queue: vec![QueuedDownload {
            game: game.game.clone(),
            paused: true,
            purpose: Purpose::Fetch,
            failure: None,
            held: None,
        }],
    };
    let mut world = World::new(1);
    let unpinned = world.add(Setup::new());
    let pinned = world.add(Setup::new().pin(key.public()).catalog(&signed_file(&key, 5, vec![game.open()])));
    world.until("they meet", 3, World::all_meet);
    let mut switch = |id, stored: FolderState| {
        let result = Ok(Some(Box::new(stored)));
        world.feed(id, Input::GamesFolderSwitched { reply: ReplyId(u64::MAX), result });
        world.run_for(Duration::from_secs(2));
        let view = world.engine(id).unwrap().view();
        let operation = view.games[0].operation.as_ref().map(|operation| operation.phase);
        (world.nodes[id.0].stored.pinned.unwrap(), view.serial, operation)
    };
    let paused = Some(Phase::Paused);
    assert_eq!(
        switch(unpinned, stored(&key, 4)).0,
        key.public(),
        "without an own choice the folder's counts"
    );
    assert_eq!(switch(pinned, stored(&other, 9)), (key.public(), 5, paused), "its own choice stays");
    assert_eq!(switch(pinned, stored(&key, 4)), (key.public(), 5, paused), "an older catalog is none");
    assert_eq!(switch(pinned, stored(&key, 6)), (key.public(), 6, paused));
    assert_eq!(switch(pinned, FolderState::default()), (key.public(), 6, None), "nothing waits there");
    world.until("the newer catalog travels", 5, |world| serial(world, unpinned) == 6);
}

#[test]
fn other_keys_lower_serials_and_wrong_signatures_change_nothing() {
    let mut world = World::new(1);
    let (key, other) = (organiser(1), organiser(2));
    let a = world.add(Setup::new().pin(key.public()).catalog(&signed_file(&key, 5, vec![])));
    let old = world.add(Setup::new().catalog(&signed_file(&key, 4, vec![])));
    let foreign = world.add(Setup::new().catalog(&signed_file(&other, 9, vec![])));
    world.until("they meet", 3, World::all_meet);
    world.run_for(Duration::from_secs(3));
    assert_eq!((serial(&world, a), serial(&world, old), serial(&world, foreign)), (5, 4, 9));
    // A forger announces a newer one and cannot sign it.
    let forger = world.add(Setup::new());
    let head = signed(&key, 7, vec![]).head;
    world.nodes[forger.0].stored.forged = Some(head.clone());
    world.until("the forger is met", 3, World::all_meet);
    let conns: Vec<_> = world.nodes[forger.0].run().conns.keys().copied().collect();
    for conn in conns {
        world.send(forger, conn, lanspread_protocol::message::Control::Catalog(head.clone()));
    }
    world.run_for(Duration::from_secs(10));
    assert_eq!(serial(&world, a), 5);
    assert!(world.count(a, |event| matches!(event, Event::Notice { .. })) <= 3, "{}", world.story());
    // The same catalog from someone who has it is taken all the same.
    let real = signed_file(&key, 7, vec![]);
    world.nodes[old.0].stored.given = Some(real.clone());
    world.feed(old, Input::CatalogGiven(real));
    world.until("the real one is in force", 4, |world| serial(world, a) == 7);
}

#[test]
fn without_a_pin_catalogs_are_offered_and_one_is_trusted() {
    let mut world = World::new(2);
    let key = organiser(1);
    let payload = release("ut", "1", 2);
    let guest = world.add(Setup::new());
    let hosts: Vec<NodeId> = (0..3)
        .map(|_| {
            world.add(Setup::new().pin(key.public()).catalog(&signed_file(&key, 3, vec![payload.pinned()])))
        })
        .collect();
    world.until("they meet", 3, World::all_meet);
    let offered = |event: &Event| matches!(event, Event::CatalogOffered { peers: 3, .. });
    world.until("the guest hears of it from all three", 3, |world| world.count(guest, offered) == 1);
    assert_eq!(serial(&world, guest), 0, "nothing is pinned by itself");
    world.command(guest, Command::Trust { key: key.public() }).unwrap();
    world.until("it is in force", 3, |world| serial(world, guest) == 3);
    world.run_for(Duration::from_secs(1));
    let before = world.nodes[guest.0].events.len();
    world.command(guest, Command::Trust { key: key.public() }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.nodes[guest.0].events.len(), before, "to trust it again changes nothing");
    world.kill(guest);
    world.start(guest);
    assert_eq!(serial(&world, guest), 3, "it survives a restart");
    assert_eq!(hosts.len(), 3);
}

#[test]
fn a_catalog_that_cannot_be_had_at_first_is_asked_for_again() {
    let mut world = World::new(3);
    let key = organiser(1);
    let host = world.add(Setup::new().pin(key.public()).catalog(&signed_file(&key, 3, vec![])));
    let guest = world.add(Setup::new().pin(key.public()));
    let given = world.nodes[host.0].stored.given.take();
    world.until("they meet", 3, World::all_meet);
    world.run_for(Duration::from_secs(4));
    assert_eq!(serial(&world, guest), 0);
    world.nodes[host.0].stored.given = given;
    world.until("the guest has it", 10, |world| serial(world, guest) == 3);
}

/// Peers with a complete payload of an unpinned game; returns the one that downloads.
fn voters(world: &mut World, addresses: &[(u8, &crate::content::Release)]) -> NodeId {
    let wanted = addresses[0].1;
    let given = plain(vec![wanted.open()]);
    for (nth, (host, payload)) in addresses.iter().enumerate() {
        let mut setup = Setup::new().catalog(&given).has(payload);
        setup.address = Some(format!("10.0.9.{host}:{}", 40420 + nth).parse().unwrap());
        world.add(setup);
    }
    let guest = world.add(Setup::new().catalog(&given));
    world.until("they meet", 3, World::all_meet);
    let count = addresses.len();
    world.until("all offer", 5, |world| {
        world.engine(guest).unwrap().view().peers.iter().filter(|peer| peer.games.len() == 1).count() == count
    });
    guest
}

#[test]
fn an_unpinned_payload_is_chosen_by_vote_of_addresses() {
    // Same version, other bytes: three addresses hold `good`, five programs at one address hold `other`.
    let good = release("ut", "1", 6);
    let mut other = release("ut", "1x", 6);
    other.version = good.version.clone();
    let mut world = World::new(4);
    let guest = voters(
        &mut world,
        &[
            (1, &good),
            (2, &good),
            (3, &good),
            (7, &other),
            (7, &other),
            (7, &other),
            (7, &other),
            (7, &other),
        ],
    );
    world.download(guest, &good);
    world.until("it is here", 20, |world| world.shares(guest, &good));
    assert!(!world.has(guest, &other));
    let view = world.game(guest, &game("ut")).unwrap();
    assert_eq!(view.sources, 3, "{view:?}");
}

#[test]
fn equal_votes_are_settled_by_the_lowest_id() {
    let one = release("ut", "1", 6);
    let mut two = release("ut", "1x", 6);
    two.version = one.version.clone();
    for seed in 0..4 {
        let mut world = World::new(seed);
        let guest = voters(&mut world, &[(1, &one), (2, &two)]);
        world.download(guest, &one);
        let winner = if one.manifest.id() < two.manifest.id() { &one } else { &two };
        world.until("it is here", 20, |world| world.shares(guest, winner));
    }
}

#[test]
fn a_majority_of_stale_versions_does_not_count() {
    let (new, stale) = (release("ut", "2", 6), release("ut", "1", 6));
    let mut world = World::new(5);
    let given = plain(vec![new.open()]);
    let seed = world.add(Setup::new().catalog(&given).has(&new));
    for _ in 0..4 {
        world.add(Setup::new().catalog(&given).has(&stale));
    }
    let guest = world.add(Setup::new().catalog(&given));
    world.until("the source is known", 5, |world| world.sources(guest, &new) == 1);
    world.download(guest, &new);
    world.until("it is here", 20, |world| world.shares(guest, &new));
    let senders: Vec<&(GameId, NodeId)> = world.nodes[guest.0].received.keys().collect();
    assert!(senders.iter().all(|(_, sender)| *sender == seed), "{senders:?}");
}

#[test]
fn only_installed_counts_nowhere() {
    let payload = release("ut", "1", 6);
    let mut world = World::new(6);
    let given = plain(vec![payload.open()]);
    for _ in 0..3 {
        let id = world.add(Setup::new().catalog(&given));
        let folder = world.nodes[id.0].disk.folder(&payload.game);
        folder.has_local = true;
        world.feed(id, Input::GameTouched(payload.game.clone()));
    }
    let guest = world.add(Setup::new().catalog(&given));
    world.until("it is told as presence", 5, |world| {
        let peers = world.engine(guest).unwrap().view().peers;
        peers.iter().filter(|peer| peer.games.iter().any(|game| game.local_only)).count() == 3
    });
    assert_eq!(world.sources(guest, &payload), 0);
    let refused = world
        .command(guest, Command::Download { game: payload.game.clone(), then: AfterDownload::Nothing })
        .unwrap_err();
    assert_eq!(refused.code, lanspread_engine::ErrorCode::NoSource);
}
