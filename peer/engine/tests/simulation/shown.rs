//! What people are shown until they have seen it, and what they can rearrange.

use std::time::Duration;

use lanspread_engine::{AfterDownload, Command, ErrorCode, Input, Level, NoticeKind, Phase};
use lanspread_protocol::{Blake3Hash, Game, GameId};

use crate::content::{Release, organiser, plain, release, signed_file};
use crate::node::{NodeId, Setup};
use crate::world::World;

fn failure_code(world: &World, id: NodeId, game: &GameId) -> Option<ErrorCode> {
    world.game(id, game)?.failure.map(|failure| failure.error.code)
}

#[test]
fn a_failed_download_says_why_until_it_is_forgotten_or_tried_again() {
    for forgets in [true, false] {
        let payload = release("ut", "1", 20);
        let mut world = World::new(1);
        let catalog = plain(vec![payload.pinned()]);
        let seed = world.add(Setup::new().catalog(&catalog).has(&payload));
        let guest = world.add(Setup::new().catalog(&catalog));
        world.until("they meet", 3, |world| world.sources(guest, &payload) == 1);
        world.nodes[guest.0].full_disks.insert(payload.game.clone());
        world.download(guest, &payload);
        let fails = |world: &World| failure_code(world, guest, &payload.game) == Some(ErrorCode::NoSpace);
        world.until("it says why", 3, fails);
        world.quit(guest);
        world.start(guest);
        world.until("it still says why after a restart", 3, fails);
        world.run_for(Duration::from_secs(5));
        assert!(fails(&world), "it is not tried again by itself\n{}", world.story());
        world.until("they meet again", 5, |world| world.sees(guest, seed));
        world.nodes[guest.0].full_disks.clear();
        if forgets {
            world.command(guest, Command::Forget { game: payload.game.clone() }).unwrap();
            assert_eq!(failure_code(&world, guest, &payload.game), None);
            assert!(world.nodes[guest.0].stored.queue.is_empty());
        } else {
            world.command(guest, Command::Resume { game: payload.game.clone() }).unwrap();
            assert_eq!(failure_code(&world, guest, &payload.game), None);
            world.until("it is here", 10, |world| world.shares(guest, &payload));
        }
    }
}

#[test]
fn a_notice_stays_until_it_is_dismissed() {
    let mut world = World::new(1);
    let node = world.add(Setup::new());
    world.run_for(Duration::from_secs(1));
    world.feed(node, Input::Notice { level: Level::Warning, message: NoticeKind::EventsLost { count: 3 } });
    world.run_for(Duration::from_mins(1));
    let notices = world.engine(node).unwrap().view().notices;
    let told: Vec<_> = notices.iter().map(|notice| &notice.message).collect();
    assert_eq!(told, [&NoticeKind::EventsLost { count: 3 }]);
    world.command(node, Command::Dismiss { id: notices[0].id }).unwrap();
    assert!(world.engine(node).unwrap().view().notices.is_empty());
}

#[test]
fn waiting_downloads_can_be_put_in_another_order() {
    let payloads: Vec<Release> = ["a", "b", "c", "d", "e"].map(|name| release(name, "1", 40)).into();
    let catalog = plain(payloads.iter().map(Release::pinned).collect());
    let mut world = World::new(1);
    let has_all = payloads.iter().fold(Setup::new(), Setup::has);
    world.add(has_all.catalog(&catalog).link(1_000_000));
    let guest = world.add(Setup::new().catalog(&catalog));
    world.until("they meet", 3, |world| payloads.iter().all(|it| world.sources(guest, it) == 1));
    for payload in &payloads {
        let then = AfterDownload::Nothing;
        world.command(guest, Command::Download { game: payload.game.clone(), then }).unwrap();
    }
    let line = |world: &World| {
        let games = world.engine(guest).unwrap().view().games;
        let mut line: Vec<_> = games
            .iter()
            .filter_map(|game| Some((game.operation.as_ref()?.queue_position?, game.id.to_string())))
            .collect();
        line.sort();
        line.into_iter().map(|(_, game)| game).collect::<Vec<_>>()
    };
    let waiting = line(&world);
    assert!(waiting.len() >= 3, "{waiting:?}");
    let last: GameId = waiting.last().unwrap().parse().unwrap();
    let moved = |game: &GameId, position| Command::MoveInQueue { game: game.clone(), position };
    world.command(guest, moved(&last, 1)).unwrap();
    assert_eq!(line(&world)[1], last.as_str());
    world.command(guest, moved(&last, 0)).unwrap();
    assert_eq!(line(&world)[0], last.as_str());
    world.command(guest, moved(&last, 77)).unwrap();
    assert_eq!(line(&world), waiting);
    world.command(guest, moved(&last, 0)).unwrap();
    let runs = |world: &World| {
        let operation = world.game(guest, &last).and_then(|game| game.operation);
        operation.is_some_and(|operation| operation.phase != Phase::Waiting)
    };
    world.until("the first one runs", 60, runs);
    assert!(line(&world).contains(&waiting[waiting.len() - 2]), "it overtook {waiting:?}");
    assert_eq!(world.command(guest, moved(&last, 0)).unwrap_err().code, ErrorCode::Refused);
}

#[test]
fn offered_catalogs_are_shown_until_one_is_trusted() {
    let mut world = World::new(1);
    let key = organiser(1);
    let game = release("ut", "1", 4);
    let file = signed_file(&key, 3, vec![game.pinned()]);
    world.add(Setup::new().pin(key.public()).catalog(&file));
    world.add(Setup::new().pin(key.public()).catalog(&file));
    let guest = world.add(Setup::new());
    let offered = |world: &World| world.engine(guest).unwrap().view().offered;
    world.until("both are counted", 5, |world| offered(world).first().is_some_and(|it| it.peers == 2));
    assert_eq!((offered(&world).len(), offered(&world)[0].key), (1, key.public()));
    assert_eq!(world.engine(guest).unwrap().view().party, None);
    world.command(guest, Command::Trust { key: key.public() }).unwrap();
    assert!(offered(&world).is_empty());
    let party = |world: &World| world.engine(guest).unwrap().view().party;
    world.until("the party has a name", 5, |world| party(world).as_deref() == Some("LAN"));
}

#[test]
fn covers_reach_everybody_from_whoever_has_them() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        let key = organiser(1);
        let covers: Vec<Blake3Hash> = (0..5_u8).map(|nth| Blake3Hash::of(&[nth])).collect();
        let with_cover = |(nth, cover): (usize, &Blake3Hash)| Game {
            cover: Some(*cover),
            ..release(&format!("game-{nth}"), "1", 4).pinned()
        };
        let games = covers.iter().enumerate().map(with_cover).collect();
        let organiser = world.add(Setup::new().pin(key.public()).catalog(&signed_file(&key, 1, games)));
        world.nodes[organiser.0].stored.covers.extend(covers.iter().copied());
        for _ in 0..4 {
            world.add(Setup::new().pin(key.public()));
        }
        let has_all = |world: &World, id: NodeId| world.nodes[id.0].stored.covers.len() == covers.len();
        world.until("all have all covers", 60, |world| world.all().all(|id| has_all(world, id)));
        world.quit(organiser);
        let late = world.add(Setup::new().pin(key.public()));
        world.until("who comes late has them from others", 60, |world| has_all(world, late));
    }
}

#[test]
fn who_receives_a_game_is_named_once_and_only_while_it_does() {
    let payload = release("ut", "1", 200);
    let mut world = World::new(1);
    let catalog = plain(vec![payload.pinned()]);
    let seed = world.add(Setup::new().catalog(&catalog).has(&payload).link(1_000_000));
    let guest = world.add(Setup::new().catalog(&catalog));
    world.until("they meet", 3, |world| world.sources(guest, &payload) == 1);
    let receivers = |world: &World| world.game(seed, &payload.game).unwrap().receivers;
    assert_eq!(receivers(&world), []);
    world.download(guest, &payload);
    let guest_id = world.nodes[guest.0].peer;
    world.until("it is sent", 5, |world| receivers(world) == [guest_id]);
    world.until("it is here", 120, |world| world.shares(guest, &payload));
    world.until("nothing is sent", 5, |world| receivers(world).is_empty());
}
