//! Pause, resume, cancel, remove, and the queue.

use std::time::Duration;

use lanspread_engine::{AfterDownload, Command, ErrorCode, Event, Extras, LocalState, MapCell, Phase};
use lanspread_protocol::GameId;

use crate::content::{Release, UNIT, plain, release};
use crate::downloads::{all_gone, failed, party};
use crate::node::{NodeId, Setup};
use crate::world::World;

fn phase(world: &World, id: NodeId, game: &GameId) -> Option<Phase> {
    Some(world.game(id, game)?.operation?.phase)
}

/// Steps so far into a download that each of its stages is met by some seed.
fn somewhere_into_it(world: &mut World, seed: u64) {
    let millis = [0, 1, 2, 3, 5, 8, 50, 300, 900][seed as usize % 9];
    world.run_for(Duration::from_millis(millis));
}

#[test]
fn a_download_is_paused_and_resumed_in_every_stage() {
    for seed in 0..27 {
        let payload = release("ut", "1", 60);
        let (mut world, _, guest) = party(seed, 1, &payload, 10_000_000);
        let game = || payload.game.clone();
        world.download(guest, &payload);
        somewhere_into_it(&mut world, seed);
        if world.command(guest, Command::Pause { game: game() }).is_err() {
            continue;
        }
        world.run_for(Duration::from_secs(5));
        assert_eq!(
            phase(&world, guest, &payload.game),
            Some(Phase::Paused),
            "seed {seed}\n{}",
            world.story()
        );
        let before: u64 = world.nodes[guest.0].received.values().sum();
        world.run_for(Duration::from_secs(5));
        assert_eq!(world.nodes[guest.0].received.values().sum::<u64>(), before, "nothing comes while paused");
        let kept = world.nodes[guest.0].disk.games.get(&payload.game).map_or(0, |folder| folder.parts.len());
        world.command(guest, Command::Resume { game: game() }).unwrap();
        world.until("it is here", 20, |world| world.shares(guest, &payload));
        let again = world.nodes[guest.0].received.values().sum::<u64>() - before;
        assert!(again <= payload.manifest.total_bytes() - kept as u64 * u64::from(UNIT) + u64::from(UNIT));
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
    }
}

#[test]
fn a_download_that_shows_as_paused_takes_every_command_at_once() {
    for seed in 0..27 {
        let payload = release("ut", "1", 60);
        let started = || {
            let (mut world, _, guest) = party(seed, 1, &payload, 10_000_000);
            world.download(guest, &payload);
            somewhere_into_it(&mut world, seed);
            let paused = world.command(guest, Command::Pause { game: payload.game.clone() });
            assert!(paused.is_err() || phase(&world, guest, &payload.game) == Some(Phase::Paused));
            paused.ok().map(|()| (world, guest))
        };
        let game = || payload.game.clone();
        let download = || Command::Download { game: game(), then: AfterDownload::Nothing };
        for again in [Command::Resume { game: game() }, download()] {
            let Some((mut world, guest)) = started() else { continue };
            world.command(guest, again).unwrap();
            assert_ne!(phase(&world, guest, &payload.game), Some(Phase::Paused));
            world.until("it is here", 20, |world| world.shares(guest, &payload));
            assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
        }
        for gone in [
            Command::Cancel { game: game() },
            Command::Remove { game: game(), local: None, extras: Extras::Keep },
        ] {
            let Some((mut world, guest)) = started() else { continue };
            world.command(guest, gone).unwrap();
            world.run_for(Duration::from_secs(3));
            assert_eq!(phase(&world, guest, &payload.game), None, "seed {seed}");
            let folder = world.nodes[guest.0].disk.games.get(&payload.game);
            assert!(folder.is_none_or(|folder| folder.parts.is_empty()));
            assert!(world.nodes[guest.0].stored.queue.is_empty());
        }
        let Some((mut world, guest)) = started() else { continue };
        world.command(guest, Command::Resume { game: game() }).unwrap();
        world.command(guest, Command::Pause { game: game() }).unwrap();
        world.run_for(Duration::from_secs(5));
        assert_eq!(phase(&world, guest, &payload.game), Some(Phase::Paused), "the last word counts");
    }
}

/// Bytes that are shown as here of a game, and those that its map of parts shows.
fn shown(world: &World, id: NodeId, game: &GameId) -> Option<(u64, bool)> {
    let view = world.game(id, game)?;
    let has_map = view.parts.is_some_and(|parts| parts.cells.contains(&MapCell::Here));
    Some((view.operation?.progress?.bytes_done, has_map))
}

#[test]
fn what_is_here_of_a_download_is_shown_while_it_rests() {
    let payload = release("ut", "1", 60);
    let (mut world, sources, guest) = party(1, 1, &payload, 10_000_000);
    let game = || payload.game.clone();
    world.download(guest, &payload);
    world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 10);
    world.command(guest, Command::Pause { game: game() }).unwrap();
    world.run_for(Duration::from_secs(2));
    let paused = shown(&world, guest, &payload.game);
    assert!(paused.is_some_and(|(bytes, has_map)| bytes > 10 * u64::from(UNIT) && has_map), "{paused:?}");
    let (bytes, _) = paused.unwrap();
    let missing = payload.manifest.total_bytes() - bytes;
    assert_eq!(world.game(guest, &payload.game).unwrap().fetch_bytes, Some(missing));

    world.quit(guest);
    world.start(guest);
    world.until("it is paused after a restart", 3, |world| shown(world, guest, &payload.game).is_some());
    assert_eq!(shown(&world, guest, &payload.game).map(|(bytes, _)| bytes), Some(bytes), "it is stored");

    world.quit(sources[0]);
    world.command(guest, Command::Resume { game: game() }).unwrap();
    world.run_for(Duration::from_secs(5));
    assert_eq!(phase(&world, guest, &payload.game), Some(Phase::Waiting));
    assert_eq!(shown(&world, guest, &payload.game).map(|(bytes, _)| bytes), Some(bytes), "without a source");
}

#[test]
fn a_cancelled_download_leaves_nothing() {
    for seed in 0..27 {
        let payload = release("ut", "1", 60);
        let (mut world, _, guest) = party(seed, 1, &payload, 10_000_000);
        world.download(guest, &payload);
        somewhere_into_it(&mut world, seed);
        if world.command(guest, Command::Cancel { game: payload.game.clone() }).is_err() {
            continue;
        }
        world.run_for(Duration::from_secs(3));
        assert_eq!(phase(&world, guest, &payload.game), None, "seed {seed}");
        assert!(
            world.nodes[guest.0].disk.games.get(&payload.game).is_none_or(|folder| folder.parts.is_empty())
        );
        assert!(world.nodes[guest.0].stored.queue.is_empty());
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
        world.download(guest, &payload);
        world.until("it can be had after all", 20, |world| world.shares(guest, &payload));
    }
}

#[test]
fn a_waiting_or_paused_download_is_cancelled_with_its_parts() {
    let payload = release("ut", "1", 60);
    let (mut world, sources, guest) = party(1, 1, &payload, 10_000_000);
    world.download(guest, &payload);
    world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 10);
    world.quit(sources[0]);
    world.until("it waits", 5, |world| world.count(guest, all_gone) == 1);
    world.run_for(Duration::from_secs(1));
    assert!(!world.nodes[guest.0].disk.games[&payload.game].parts.is_empty());
    world.command(guest, Command::Cancel { game: payload.game.clone() }).unwrap();
    world.run_for(Duration::from_secs(1));
    assert!(world.nodes[guest.0].disk.games[&payload.game].parts.is_empty());
    world.start(sources[0]);
    world.run_for(Duration::from_secs(20));
    assert!(!world.has(guest, &payload), "a cancelled download does not come back");
}

#[test]
fn those_who_fetch_from_a_cancelled_download_get_the_rest_elsewhere() {
    for seed in 0..10 {
        let payload = release("ut", "1", 200);
        let (mut world, _, guest) = party(seed, 1, &payload, 20_000_000);
        let other = world.add(Setup::new().catalog(&plain(vec![payload.pinned()])));
        world.until("the source is known", 5, |world| world.sources(other, &payload) == 1);
        world.download(guest, &payload);
        world.download(other, &payload);
        world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 60);
        // The world checks that parts are thrown away only when nobody reads them.
        world.command(guest, Command::Cancel { game: payload.game.clone() }).unwrap();
        world.until("it is here", 20, |world| world.shares(other, &payload));
        assert_eq!(world.count(other, failed), 0);
    }
}

#[test]
fn two_download_at_a_time_and_the_rest_wait_in_order() {
    let payloads: Vec<Release> = (0..5).map(|nth| release(&format!("game{nth}"), "1", 20)).collect();
    let mut world = World::new(1);
    let given = plain(payloads.iter().map(Release::pinned).collect());
    let setup = payloads.iter().fold(Setup::new().catalog(&given), Setup::has);
    world.add(setup.link(20_000_000));
    let guest = world.add(Setup::new().catalog(&given));
    world
        .until("all are known", 5, |world| payloads.iter().all(|payload| world.sources(guest, payload) == 1));
    for nth in [3, 1, 4, 0, 2] {
        world.download(guest, &payloads[nth]);
    }
    let mut most = 0;
    let mut done: Vec<usize> = Vec::new();
    world.until("all are here", 30, |world| {
        let running = payloads.iter().filter(|payload| {
            phase(world, guest, &payload.game).is_some_and(|phase| phase == Phase::Downloading)
        });
        most = most.max(running.count());
        for (nth, payload) in payloads.iter().enumerate() {
            if world.has(guest, payload) && !done.contains(&nth) {
                done.push(nth);
            }
        }
        done.len() == payloads.len()
    });
    assert_eq!(most, 2);
    let place = |nth| done.iter().position(|done| *done == nth).unwrap();
    assert!(place(3) < 2 && place(1) < 2 && place(2) >= 3, "{done:?}");
}

#[test]
fn the_queue_survives_a_restart() {
    for seed in 0..6 {
        let payloads: Vec<Release> = (0..4).map(|nth| release(&format!("game{nth}"), "1", 40)).collect();
        let mut world = World::new(seed);
        let given = plain(payloads.iter().map(Release::pinned).collect());
        world.add(payloads.iter().fold(Setup::new().catalog(&given), Setup::has).link(20_000_000));
        let guest = world.add(Setup::new().catalog(&given));
        world.until("all are known", 5, |world| {
            payloads.iter().all(|payload| world.sources(guest, payload) == 1)
        });
        for payload in &payloads {
            world.download(guest, payload);
        }
        world.command(guest, Command::Pause { game: payloads[3].game.clone() }).unwrap();
        world.run_for(Duration::from_millis(300));
        if seed % 2 == 0 {
            world.kill(guest);
        } else {
            world.quit(guest);
        }
        world.run_for(Duration::from_secs(1));
        world.start(guest);
        world.until("all but the paused one are here", 40, |world| {
            payloads[..3].iter().all(|payload| world.shares(guest, payload))
        });
        world.run_for(Duration::from_secs(2));
        assert!(!world.has(guest, &payloads[3]), "paused stays paused");
        world.command(guest, Command::Resume { game: payloads[3].game.clone() }).unwrap();
        world.until("and comes when it is resumed", 20, |world| world.shares(guest, &payloads[3]));
    }
}

#[test]
fn a_removed_game_is_offered_no_more() {
    for seed in 0..10 {
        let payload = release("ut", "1", 200);
        let (mut world, sources, guest) = party(seed, 2, &payload, 20_000_000);
        world.download(guest, &payload);
        world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 20);
        // The world checks offers against the disk, and that nobody reads when files go.
        world
            .command(
                sources[0],
                Command::Remove { game: payload.game.clone(), local: None, extras: Extras::Keep },
            )
            .unwrap();
        let busy = world.command(sources[0], Command::Verify { game: payload.game.clone() }).unwrap_err();
        assert_eq!(busy.code, ErrorCode::Busy);
        world.until("it is here", 20, |world| world.shares(guest, &payload));
        assert!(!world.has(sources[0], &payload));
        let removed = |event: &Event| {
            matches!(
                event,
                Event::OperationFinished { operation: lanspread_engine::OperationKind::Remove, .. }
            )
        };
        assert_eq!(world.count(sources[0], removed), 1);
        assert_eq!(world.game(sources[0], &payload.game).unwrap().local.map(|local| local.state), None);
    }
}

#[test]
fn commands_that_make_no_sense_are_refused_with_a_reason() {
    let payload = release("ut", "1", 20);
    let (mut world, sources, guest) = party(1, 1, &payload, 20_000_000);
    let unknown: GameId = "unknown".parse().unwrap();
    let code = |world: &mut World, id, command| world.command(id, command).unwrap_err().code;
    for command in [
        Command::Download { game: unknown.clone(), then: AfterDownload::Nothing },
        Command::Update { game: unknown.clone() },
        Command::Verify { game: unknown.clone() },
        Command::Cancel { game: unknown.clone() },
        Command::Pause { game: unknown.clone() },
        Command::Resume { game: unknown.clone() },
        Command::Remove { game: unknown.clone(), local: None, extras: Extras::Keep },
    ] {
        assert_eq!(code(&mut world, guest, command), ErrorCode::UnknownGame);
    }
    let game = || payload.game.clone();
    assert_eq!(code(&mut world, guest, Command::Verify { game: game() }), ErrorCode::NotDownloaded);
    assert_eq!(
        code(&mut world, guest, Command::Remove { game: game(), local: None, extras: Extras::Keep }),
        ErrorCode::NotDownloaded
    );
    assert_eq!(code(&mut world, guest, Command::Update { game: game() }), ErrorCode::NotDownloaded);
    assert_eq!(code(&mut world, guest, Command::Resume { game: game() }), ErrorCode::Refused);
    assert_eq!(code(&mut world, guest, Command::Cancel { game: game() }), ErrorCode::Refused);
    world.command(sources[0], Command::Verify { game: game() }).unwrap();
    assert_eq!(code(&mut world, sources[0], Command::Verify { game: game() }), ErrorCode::Busy);
    world.run_for(Duration::from_secs(2));
    world.download(guest, &payload);
    assert_eq!(code(&mut world, guest, Command::ChangeGamesFolder), ErrorCode::Busy);
    world.until("it is here", 10, |world| world.shares(guest, &payload));
    let before = world.nodes[guest.0].events.len();
    world.download(guest, &payload);
    assert_eq!(world.nodes[guest.0].events.len(), before + 1, "what is here is finished at once");
}

#[test]
fn an_equal_games_folder_is_told_once_and_to_nobody_else() {
    let payload = release("ut", "1", 20);
    let (mut world, sources, guest) = party(1, 1, &payload, 20_000_000);
    world.run_for(Duration::from_secs(3));
    let before = world.nodes[sources[0].0].events.len();
    let messages = world.nodes[sources[0].0].stats.control_messages;
    world.feed(
        sources[0],
        lanspread_engine::Input::Command {
            reply: lanspread_engine::ReplyId(999_999),
            command: Command::ChangeGamesFolder,
        },
    );
    world.run_for(Duration::from_secs(2));
    let events: Vec<&Event> =
        world.nodes[sources[0].0].events[before..].iter().map(|(_, event)| event).collect();
    assert!(matches!(events[..], [Event::LocalLibraryChanged { .. }]), "{events:?}");
    assert_eq!(world.nodes[sources[0].0].stats.control_messages, messages);
    world.download(guest, &payload);
    world.until("it is still served", 10, |world| world.shares(guest, &payload));
    assert_eq!(
        world.game(sources[0], &payload.game).unwrap().local.map(|local| local.state),
        Some(LocalState::Downloaded)
    );
}
