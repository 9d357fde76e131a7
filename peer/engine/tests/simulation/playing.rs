//! Installing, updating what is installed, fetching ahead, and what a running game keeps from happening.

use std::time::Duration;

use lanspread_engine::{
    AfterDownload, Answer, Background, Command, ErrorCode, Event, Extras, Input, KeptFiles, LocalState,
    OperationKind, Phase, ReplyId, RunId, Saves, Settings,
};
use lanspread_protocol::GameId;

use crate::content::{Release, plain, release, update};
use crate::downloads::{failed, party};
use crate::node::{NodeId, Setup};
use crate::world::World;

fn done(world: &World, id: NodeId, kind: OperationKind) -> usize {
    world.count(id, |event| matches!(event, Event::OperationFinished { operation, .. } if *operation == kind))
}

fn state(world: &World, id: NodeId, game: &GameId) -> Option<LocalState> {
    world.game(id, game)?.local.map(|local| local.state)
}

fn installed(world: &World, id: NodeId, game: &GameId) -> Option<String> {
    Some(world.game(id, game)?.installed_version?.as_str().to_owned())
}

/// Starts a game and lets its program appear.
fn start(world: &mut World, id: NodeId, game: &GameId, entry: &str) -> RunId {
    let reply = ReplyId(1_000_000 + world.nodes[id.0].run().started.len() as u64);
    let command = Command::Start { game: game.clone(), entry: entry.to_owned(), server: None };
    world.feed(id, Input::Command { reply, command });
    world.run_for(Duration::from_millis(100));
    let running = world.nodes[id.0].run();
    assert_eq!(running.replies.remove(&reply), Some(Ok(Answer::Started { pid: 4711 })));
    *running.started.last().expect("it was started")
}

fn exit(world: &mut World, id: NodeId, run: RunId) {
    world.feed(id, Input::Exited { run, code: Some(0), output: vec!["bye".to_owned()] });
    world.run_for(Duration::from_millis(100));
}

fn refusal(world: &mut World, id: NodeId, command: Command) -> ErrorCode {
    world.command(id, command).expect_err("it is refused").code
}

#[test]
fn a_download_becomes_an_installation_without_a_gap() {
    for seed in 0..5 {
        let payload = release("ut", "1", 60);
        let (mut world, _, guest) = party(seed, 1, &payload, 20_000_000);
        let game = || payload.game.clone();
        world.command(guest, Command::Download { game: game(), then: AfterDownload::Install }).unwrap();
        let mut was_free = false;
        world.until("it is installed", 20, |world| {
            let operation = world.game(guest, &payload.game).and_then(|game| game.operation);
            was_free |= operation.is_none() && done(world, guest, OperationKind::Install) == 0;
            state(world, guest, &payload.game) == Some(LocalState::Installed)
        });
        assert!(!was_free, "seed {seed}: something ran all the time");
        assert_eq!(
            (done(&world, guest, OperationKind::Download), done(&world, guest, OperationKind::Install)),
            (1, 1)
        );
        world.until("it is shared again", 5, |world| world.shares(guest, &payload));
        assert_eq!(installed(&world, guest, &payload.game).as_deref(), Some("1"));
    }
}

#[test]
fn a_cancelled_installation_leaves_the_download() {
    let payload = release("ut", "1", 20);
    let (mut world, _, guest) = party(1, 1, &payload, 20_000_000);
    let game = || payload.game.clone();
    world.command(guest, Command::Download { game: game(), then: AfterDownload::Install }).unwrap();
    world.until("it is being installed", 20, |world| {
        let operation = world.game(guest, &payload.game).and_then(|game| game.operation);
        operation.is_some_and(|operation| operation.phase == Phase::Installing)
    });
    world.command(guest, Command::Cancel { game: game() }).unwrap();
    world.until("it is over", 5, |world| {
        world.game(guest, &payload.game).is_some_and(|game| game.operation.is_none())
    });
    world.until("it is shared", 5, |world| world.shares(guest, &payload));
    assert_eq!(state(&world, guest, &payload.game), Some(LocalState::Downloaded));
    assert_eq!(world.count(guest, failed), 0);
    world.command(guest, Command::Install { game: game(), kept: KeptFiles::Restore }).unwrap();
    world.until("it is installed", 5, |world| done(world, guest, OperationKind::Install) == 1);
    world.command(guest, Command::Uninstall { game: game(), saves: Saves::Keep }).unwrap();
    world.until("it is uninstalled", 5, |world| done(world, guest, OperationKind::Uninstall) == 1);
    assert_eq!(world.count(guest, |event| matches!(event, Event::FilesKept { .. })), 1);
    world.run_for(Duration::from_secs(1));
    assert_eq!(
        refusal(&mut world, guest, Command::Uninstall { game: game(), saves: Saves::Keep }),
        ErrorCode::NotInstalled
    );
    world
        .command(guest, Command::Remove { game: game(), local: Some(Saves::Delete), extras: Extras::Keep })
        .unwrap();
    world.until("nothing is left", 5, |world| state(world, guest, &payload.game).is_none());
    assert_eq!(
        refusal(&mut world, guest, Command::Install { game: game(), kept: KeptFiles::Restore }),
        ErrorCode::NotDownloaded
    );
}

/// A guest with the old version installed, in a party that expects the new one.
fn outdated(seed: u64, setup: fn(Setup) -> Setup) -> (World, NodeId, NodeId, Release) {
    let (old, new) = (update("ut", "1", 100, 3), update("ut", "2", 100, 3));
    let mut world = World::new(seed);
    let given = plain(vec![new.pinned()]);
    let source = world.add(Setup::new().catalog(&given).has(&new).link(10_000_000));
    let guest = world.add(setup(Setup::new().catalog(&given).has(&old).installed(&old)));
    world.until("the source is known", 5, |world| world.sources(guest, &new) == 1);
    (world, source, guest, new)
}

#[test]
fn an_update_of_an_installed_game_installs_it_anew() {
    let (mut world, _, guest, new) = outdated(1, |setup| setup);
    world.run_for(Duration::from_secs(5));
    assert_eq!(installed(&world, guest, &new.game).as_deref(), Some("1"), "nothing happens by itself");
    world.command(guest, Command::Update { game: new.game.clone() }).unwrap();
    world.until("the new one is installed", 20, |world| {
        installed(world, guest, &new.game).as_deref() == Some("2")
    });
    world.until("and shared", 5, |world| world.shares(guest, &new));
}

fn is_ready(world: &World, guest: NodeId, new: &Release) -> bool {
    world.game(guest, &new.game).is_some_and(|game| game.update_ready)
}

#[test]
fn a_new_version_is_fetched_ahead_and_waits_for_the_click() {
    for seed in 0..5 {
        let (mut world, source, guest, new) = outdated(seed, Setup::ahead);
        world.until("all of it is here", 20, |world| is_ready(world, guest, &new));
        world.quit(source);
        world.run_for(Duration::from_secs(5));
        assert_eq!(state(&world, guest, &new.game), Some(LocalState::WrongVersion), "nothing was swapped");
        let run = start(&mut world, guest, &new.game, "play");
        exit(&mut world, guest, run);
        world.command(guest, Command::Update { game: new.game.clone() }).unwrap();
        world.until("it is installed", 5, |world| installed(world, guest, &new.game).as_deref() == Some("2"));
        assert_eq!((world.count(guest, failed), done(&world, guest, OperationKind::Update)), (0, 1));
    }
}

#[test]
fn others_fetch_from_those_who_wait_with_the_new_version() {
    let (mut world, source, guest, new) = outdated(1, Setup::ahead);
    world.until("all of it is here", 20, |world| is_ready(world, guest, &new));
    world.quit(source);
    let other = world.add(Setup::new().catalog(&plain(vec![new.pinned()])));
    world.until("the waiting one is known", 10, |world| world.sources(other, &new) == 1);
    world.download(other, &new);
    world.until("it is here", 20, |world| world.shares(other, &new));
}

#[test]
fn what_is_fetched_ahead_makes_way_and_comes_back() {
    let (mut world, _, guest, new) = outdated(1, Setup::ahead);
    world.until("all of it is here", 20, |world| is_ready(world, guest, &new));
    world.command(guest, Command::Uninstall { game: new.game.clone(), saves: Saves::Keep }).unwrap();
    world.until("it is uninstalled", 5, |world| done(world, guest, OperationKind::Uninstall) == 1);
    world.until("all of it is here again", 20, |world| is_ready(world, guest, &new));
    world.command(guest, Command::Cancel { game: new.game.clone() }).unwrap();
    world.run_for(Duration::from_secs(10));
    assert!(!is_ready(&world, guest, &new), "a person does not want it");
    assert!(world.nodes[guest.0].disk.games[&new.game].parts.is_empty());
    world.command(guest, Command::Update { game: new.game.clone() }).unwrap();
    world.until("it can be had after all", 20, |world| world.shares(guest, &new));
}

#[test]
fn what_is_fetched_ahead_is_not_in_the_way_of_another_folder() {
    let (mut world, source, guest, new) = outdated(1, Setup::ahead);
    world.until("all of it is here", 20, |world| is_ready(world, guest, &new));
    let reply = ReplyId(2_000_000);
    world.feed(guest, Input::Command { reply, command: Command::ChangeGamesFolder });
    let start = Command::Start { game: new.game.clone(), entry: "play".to_owned(), server: None };
    assert_eq!(refusal(&mut world, guest, start), ErrorCode::Busy, "nothing begins in the old folder");
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.nodes[guest.0].run().replies.remove(&reply), Some(Ok(Answer::Done)));
    world.quit(source);
    world.until("all of it is here again", 20, |world| is_ready(world, guest, &new));
    assert_eq!(world.count(guest, failed), 0);
}

#[test]
fn a_running_game_is_left_alone() {
    let (mut world, _, guest, new) = outdated(1, |setup| setup);
    let game = || new.game.clone();
    let run = start(&mut world, guest, &new.game, "play");
    for command in [
        Command::Update { game: game() },
        Command::Install { game: game(), kept: KeptFiles::Restore },
        Command::Uninstall { game: game(), saves: Saves::Keep },
        Command::Remove { game: game(), local: None, extras: Extras::Keep },
    ] {
        assert_eq!(refusal(&mut world, guest, command), ErrorCode::GameRunning);
    }
    assert_eq!(refusal(&mut world, guest, Command::ChangeGamesFolder), ErrorCode::GameRunning);
    let again = Command::Start { game: game(), entry: "play".to_owned(), server: None };
    assert_eq!(refusal(&mut world, guest, again), ErrorCode::GameRunning);
    exit(&mut world, guest, run);
    world.command(guest, Command::Update { game: game() }).unwrap();
    let run = {
        world.run_for(Duration::from_millis(50));
        start(&mut world, guest, &new.game, "play")
    };
    world.until("the update waits for the game's end", 20, |world| is_ready(world, guest, &new));
    world.run_for(Duration::from_secs(2));
    assert_eq!(installed(&world, guest, &new.game).as_deref(), Some("1"));
    exit(&mut world, guest, run);
    world
        .until("then it is installed", 5, |world| installed(world, guest, &new.game).as_deref() == Some("2"));
}

#[test]
fn others_see_who_plays_and_traffic_is_limited_meanwhile() {
    let (mut world, source, guest, new) = outdated(1, |setup| setup);
    world
        .command(guest, Command::Set(Settings { upload_limit: Some(9_000_000), ..Default::default() }))
        .unwrap();
    let run = start(&mut world, guest, &new.game, "play");
    let server = start(&mut world, guest, &new.game, "server");
    let presence = world.engine(source).unwrap().view().peers[0].presence.clone();
    assert_eq!((presence.playing, presence.servers.len()), (Some(new.game.clone()), 1));
    assert_eq!(world.game(source, &new.game).unwrap().playing, 1);
    let limits = |world: &mut World| {
        let running = world.nodes[guest.0].run();
        (running.upload_limit, running.download_limit, running.background)
    };
    assert_eq!(limits(&mut world), (4_000_000, 4_000_000, Some(Background::Rests)));
    exit(&mut world, guest, run);
    assert_eq!(limits(&mut world), (4_000_000, 4_000_000, Some(Background::Rests)), "the server still runs");
    exit(&mut world, guest, server);
    assert_eq!(limits(&mut world), (9_000_000, 0, Some(Background::Works)));
    let presence = world.engine(source).unwrap().view().peers[0].presence.clone();
    assert_eq!((presence.playing, presence.servers.len()), (None, 0));
    assert_eq!(world.count(guest, |event| matches!(event, Event::GameExited { .. })), 2);
}

/// A guest that plays one game and downloads another from many, at the playing limit.
fn fetch_while_playing(seed: u64, sources: usize, limit: u64) -> (World, NodeId, Release) {
    let (played, wanted) = (release("ut", "1", 4), release("quake", "1", 40));
    let mut world = World::new(seed);
    let given = plain(vec![played.pinned(), wanted.pinned()]);
    for _ in 0..sources {
        world.add(Setup::new().catalog(&given).has(&wanted));
    }
    let guest = world.add(Setup::new().catalog(&given).has(&played).installed(&played));
    world.until("all are known", 5, |world| world.sources(guest, &wanted) == sources);
    let settings = Settings { playing_limit: Some(limit), ..Settings::default() };
    world.command(guest, Command::Set(settings)).unwrap();
    start(&mut world, guest, &played.game, "play");
    world.download(guest, &wanted);
    (world, guest, wanted)
}

#[test]
fn an_own_limit_does_not_look_like_stalled_sources() {
    for (seed, sources) in [(1, 1), (2, 8), (3, 30)] {
        let (mut world, guest, wanted) = fetch_while_playing(seed, sources, 400_000);
        let total = wanted.manifest.total_bytes();
        let secs = total / 200_000 + 10;
        world.until("it is here", secs, |world| world.shares(guest, &wanted));
        let received: u64 = world.nodes[guest.0].received.values().sum();
        assert!(received <= total * 11 / 10, "{received} bytes came for {total}, from {sources}");
        assert_eq!(world.count(guest, failed), 0);
    }
}

#[test]
fn a_server_that_is_announced_can_be_joined() {
    let payload = release("ut", "1", 20);
    let mut world = World::new(1);
    let setup = || Setup::new().catalog(&plain(vec![payload.pinned()])).has(&payload).installed(&payload);
    let (host, guest) = (world.add(setup()), world.add(setup()));
    world.until("they meet", 5, World::all_meet);
    let join = Command::Start { game: payload.game.clone(), entry: "join".to_owned(), server: None };
    assert_eq!(refusal(&mut world, guest, join), ErrorCode::NoSource);
    start(&mut world, host, &payload.game, "server");
    start(&mut world, guest, &payload.game, "join");
    assert_eq!(world.game(host, &payload.game).unwrap().playing, 1);
}
