//! What events tell that the snapshot does not hold: what was played, what is done; and what of all is told to people.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Instant, SystemTime};

use egui::Context;
use lanspread_engine::{CommandError, ErrorCode, Event, GameView, OperationKind};
use lanspread_peer::api::{PeerEvent, PublishRequest, Snapshot};
use lanspread_protocol::GameId;

use crate::action::{Action, Question};
use crate::icon::Icon;
use crate::model::{Filter, Finished, PublishStep, Publishing, Sort, Source, Told};
use crate::notices::{Notice, NoticeButton};
use crate::text::{Common, Format, NoticeText, PeerText};

#[expect(clippy::wildcard_enum_match_arm, reason = "a few of many events; all others are in the snapshot")]
/// Remembers an event; answers a toast for those that people must not miss.
pub(super) fn take(told: &mut Told, snapshot: &Snapshot, event: &PeerEvent, ctx: &Context) -> Option<Notice> {
    let text = NoticeText::of(ctx);
    let event = match event {
        PeerEvent::Engine(event) => event,
        PeerEvent::OperationProgress {
            game,
            operation: OperationKind::Publish,
            bytes_done,
            bytes_total,
            ..
        } => {
            let (bytes_done, bytes_total) = (*bytes_done, *bytes_total);
            let is_read = bytes_total > 0 && bytes_done >= bytes_total;
            let reading = PublishStep::Preparing { bytes_done, bytes_total };
            publish_is_at(told, game, if is_read { PublishStep::Signing } else { reading });
            return None;
        }
        PeerEvent::Published(published) => {
            publish_is_at(told, &published.game, PublishStep::Published);
            return None;
        }
        _ => return None,
    };
    match event {
        Event::ActiveOperationsChanged { operations } => {
            let installs = || operations.iter().filter(|of| of.operation == OperationKind::Install);
            told.installing.retain(|game, _| installs().any(|install| install.game == *game));
            for install in installs() {
                told.installing.entry(install.game.clone()).or_insert_with(Instant::now);
            }
            None
        }
        Event::OperationFailed { game, operation: OperationKind::Publish, error } => {
            publish_is_at(told, game, PublishStep::Failed(error.clone()));
            Some(Notice::bad(text.not_published(&title(snapshot, game)), PeerText::of(ctx).error(error)))
        }
        Event::OperationFailed { game, error, .. } => {
            told.installing.remove(game);
            Some(Notice::bad(text.failed(&title(snapshot, game)), PeerText::of(ctx).error(error)))
        }
        Event::OperationFinished { game, operation } => {
            remember_finished(told, game, *operation);
            let began = told.installing.remove(game).filter(|_| *operation == OperationKind::Install)?;
            let span = Format::of(ctx).span(began.elapsed().as_secs().max(1));
            let play = button(Common::of(ctx).play(), Some(Icon::PLAY.fill()), Action::Play(game.clone()));
            let ready = Notice::good(text.is_ready(&title(snapshot, game)), text.installed_in(&span));
            Some(ready.with_button(play))
        }
        Event::DownloadAllPeersGone { game } => {
            Some(Notice::warn(text.no_source_left(&title(snapshot, game)), text.goes_on()))
        }
        Event::VerifyFinished { game, damaged_bytes, damaged } => {
            let title = title(snapshot, game);
            Some(if damaged.is_empty() {
                Notice::good(text.all_right(&title), text.as_it_should_be())
            } else {
                let line = text.fetched_again(&Format::of(ctx).size(*damaged_bytes));
                Notice::warn(text.damaged(damaged.len(), &title), line)
            })
        }
        Event::FilesKept { game, folder, paths } => {
            let show = Path::new(&snapshot.ready.as_ref()?.games_dir).join(game.as_str()).join(folder);
            let show = button(Common::of(ctx).open_folder(), None, Action::ShowFolder(show));
            let kept = Notice::good(text.kept(paths.len()), text.kept_of(&title(snapshot, game)));
            Some(kept.with_button(show))
        }
        Event::GameExited { game, code: Some(code), output, .. } if *code != 0 => {
            let copy = button(Common::of(ctx).copy_report(), None, Action::Copy(output.join("\n")));
            let ended = text.ended_with(&title(snapshot, game), *code);
            let last = output.iter().rev().find(|line| !line.trim().is_empty()).cloned();
            Some(Notice::warn(ended, last.unwrap_or_default()).with_button(copy))
        }
        Event::GameStarted { game, .. } => {
            told.played.insert(game.clone(), unix_secs());
            None
        }
        _ => None,
    }
}

/// What the party has in a new version since the last look. One game has a toast of its own; many share one.
pub(super) fn updates(told: &mut Told, snapshot: &Snapshot, ctx: &Context) -> Option<Notice> {
    let view = snapshot.view.as_ref().filter(|view| view.is_settled)?;
    let outdated = || view.games.iter().filter(|game| game.update_available);
    let new: Vec<&GameView> = outdated().filter(|game| !told.outdated.contains(&game.id)).collect();
    let (text, format) = (NoticeText::of(ctx), Format::of(ctx));
    let notice = match *new.as_slice() {
        [] => None,
        [game] => {
            let version = game.expected.as_ref().map(ToString::to_string).unwrap_or_default();
            let line = match game.fetch_bytes {
                Some(bytes) if !game.update_ready => text.is_at_the_party_size(&version, &format.size(bytes)),
                _ => text.is_at_the_party(&version),
            };
            let ask = button(text.update(), None, Action::Ask(Question::Update(game.id.clone())));
            Some(Notice::update(text.update_for(&game.title), line).with_button(ask))
        }
        _ => {
            let show = button(text.show(), None, Action::Browse(Filter::Updates, Sort::default()));
            Some(Notice::update(text.updates(new.len()), text.new_versions()).with_button(show))
        }
    };
    told.outdated = outdated().map(|game| game.id.clone()).collect::<BTreeSet<_>>();
    notice
}

/// A toast's button leads nowhere: the update was made by another way.
pub(super) fn is_done(source: Source<'_>, action: &Action) -> bool {
    let Action::Ask(Question::Update(game)) = action else { return false };
    source.game(game).is_none_or(|game| !game.update_available)
}

fn button(label: &str, icon: Option<Icon>, action: Action) -> NoticeButton {
    NoticeButton { label: label.to_owned(), icon, action }
}

/// How far a publish is. One that is done stays done.
pub(super) fn publish_is_at(told: &mut Told, game: &GameId, step: PublishStep) {
    let of = told.publishing.iter_mut().find(|publishing| publishing.request.game.id == *game);
    if let Some(publishing) = of.filter(|publishing| publishing.step != PublishStep::Published) {
        publishing.step = step;
    }
}

/// The peer that published is gone.
pub(super) fn publishes_are_cut(told: &mut Told) {
    let is_open = |step: &PublishStep| matches!(step, PublishStep::Preparing { .. } | PublishStep::Signing);
    for publishing in told.publishing.iter_mut().filter(|publishing| is_open(&publishing.step)) {
        let error = CommandError::new(
            ErrorCode::Refused,
            "the network service was restarted meanwhile; publish it again",
        );
        publishing.step = PublishStep::Failed(error);
    }
}

/// A publish was asked for; what was known of an older one of the game goes.
pub(super) fn publish_begins(told: &mut Told, request: Box<PublishRequest>) {
    told.publishing.retain(|publishing| publishing.request.game.id != request.game.id);
    let step = PublishStep::Preparing { bytes_done: 0, bytes_total: 0 };
    told.publishing.push(Publishing { request, at: Instant::now(), step });
}

/// Keeps the last word about each game that was brought here.
fn remember_finished(told: &mut Told, game: &GameId, what: OperationKind) {
    if matches!(what, OperationKind::Download | OperationKind::Update | OperationKind::Install) {
        told.finished.retain(|finished| finished.game != *game);
        told.finished.push(Finished { game: game.clone(), what, at: Instant::now() });
    }
}

fn unix_secs() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn title(snapshot: &Snapshot, game: &GameId) -> String {
    let view = snapshot.view.as_deref();
    view.and_then(|view| view.games.iter().find(|view| view.id == *game))
        .map_or_else(|| game.to_string(), |view| view.title.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, GameSample};
    use lanspread_engine::{OperationStatus, Phase};

    #[test]
    fn what_failed_and_what_is_ready_is_told() {
        let (mut told, ctx) = (Told::default(), Context::default());
        let snapshot = sample::party();
        let game: GameId = "wesnoth".parse().unwrap();
        let mut tell = |event| take(&mut told, &snapshot, &PeerEvent::Engine(event), &ctx);
        let error = CommandError::new(ErrorCode::NoSpace, "the disk is full");
        let operation = OperationKind::Download;
        let notice = tell(Event::OperationFailed { game: game.clone(), operation, error }).unwrap();
        assert_eq!(notice.title, "The Battle for Wesnoth did not work");
        let operation = OperationKind::Install;
        let operations = vec![OperationStatus { game: game.clone(), operation, phase: Phase::Installing }];
        assert_eq!(tell(Event::ActiveOperationsChanged { operations }), None);
        let ready = tell(Event::OperationFinished { game: game.clone(), operation }).unwrap();
        assert_eq!(
            (ready.title.as_str(), ready.line.as_str()),
            ("The Battle for Wesnoth is ready", "Installed in 1 s.")
        );
        assert_eq!(ready.button.map(|button| button.action), Some(Action::Play(game)));
    }

    #[test]
    fn an_open_publish_fails_with_the_peer_that_carried_it() {
        let mut told = Told::default();
        let steps = |told: &Told| told.publishing.iter().map(|one| one.step.clone()).collect::<Vec<_>>();
        for id in ["a", "b", "c"] {
            publish_begins(
                &mut told,
                Box::new(PublishRequest {
                    game: GameSample::new(id, id).0.entry.unwrap(),
                    version: "1".parse().unwrap(),
                    from: Vec::new(),
                    catalog: "catalog.ron".into(),
                    cover: None,
                    key: None,
                    links: lanspread_peer::api::Links::default(),
                    leave_out: Vec::new(),
                }),
            );
        }
        publish_is_at(&mut told, &"b".parse().unwrap(), PublishStep::Signing);
        publish_is_at(&mut told, &"c".parse().unwrap(), PublishStep::Published);
        publishes_are_cut(&mut told);
        assert!(
            matches!(
                steps(&told)[..],
                [PublishStep::Failed(_), PublishStep::Failed(_), PublishStep::Published]
            ),
            "{:?}",
            steps(&told)
        );
    }

    #[test]
    fn a_new_version_is_told_once() {
        let (mut told, ctx) = (Told::default(), Context::default());
        let old = |id: &str| GameSample::new(id, id).installed().outdated().sources(1).fetches(212_000_000);
        let now = |games| sample::snapshot(games);
        let mut see = |games: Vec<GameSample>| updates(&mut told, &now(games), &ctx);
        let first = see(vec![old("a")]).unwrap();
        assert_eq!(
            (first.title.as_str(), first.line.as_str()),
            ("Update for a", "2 is at the party, 212 MB.")
        );
        assert_eq!(see(vec![old("a")]), None);
        assert_eq!(
            see(vec![old("a"), old("b"), old("c")]).map(|notice| notice.title),
            Some("2 updates".to_owned())
        );
        assert_eq!(see(Vec::new()), None);
        assert!(see(vec![old("a")]).is_some(), "a later version is news again");
    }
}
