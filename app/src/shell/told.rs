//! What events tell that the snapshot does not hold: failures, what was played; and which of them are told to people.

use std::time::Instant;

use lanspread_engine::{Event, Level, OperationKind};
use lanspread_peer::api::{PeerEvent, PublishRequest, Snapshot};
use lanspread_protocol::GameId;

use crate::model::{Finished, Offered, PublishStep, Publishing, Told};
use crate::notices::Notice;
use crate::text::NoticeText;

/// Of the peer's notices, for the report.
const KEPT_NOTICES: usize = 20;

#[expect(clippy::wildcard_enum_match_arm, reason = "a few of many events; all others are in the snapshot")]
/// Remembers an event; answers a toast for those that people must not miss.
pub(super) fn take(
    told: &mut Told,
    snapshot: &Snapshot,
    event: &PeerEvent,
    text: NoticeText,
) -> Option<Notice> {
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
            for operation in operations {
                told.failures.remove(&operation.game);
            }
            None
        }
        Event::OperationFailed { game, operation: OperationKind::Publish, error } => {
            publish_is_at(told, game, PublishStep::Failed(error.message.clone()));
            Some(Notice::bad(text.not_published(&title(snapshot, game)), error.message.clone()))
        }
        Event::OperationFailed { game, error, .. } => {
            told.failures.insert(game.clone(), error.clone());
            Some(Notice::bad(text.failed(&title(snapshot, game)), error.message.clone()))
        }
        Event::OperationFinished { game, operation } => {
            told.failures.remove(game);
            remember_finished(told, game, *operation);
            (*operation == OperationKind::Install)
                .then(|| Notice::good(text.is_ready(&title(snapshot, game)), ""))
        }
        Event::DownloadAllPeersGone { game } => {
            Some(Notice::warn(text.no_source_left(&title(snapshot, game)), text.goes_on()))
        }
        Event::CatalogOffered { party, key, peers, .. } => {
            told.offered.retain(|offered| offered.key != *key);
            told.offered.push(Offered { party: party.clone(), key: *key, pcs: *peers });
            None
        }
        Event::Notice { level, message } => {
            told.notices.push(message.clone());
            let surplus = told.notices.len().saturating_sub(KEPT_NOTICES);
            told.notices.drain(..surplus);
            Some(match level {
                Level::Info => Notice::good(message.clone(), ""),
                Level::Warning => Notice::warn(message.clone(), "").that_stays(),
                Level::Error => Notice::bad(message.clone(), ""),
            })
        }
        Event::GameStarted { game, .. } => {
            let next = told.played.values().max().map_or(1, |last| last + 1);
            told.played.insert(game.clone(), next);
            None
        }
        _ => None,
    }
}

/// How far a publish is. One that is done stays done.
pub(super) fn publish_is_at(told: &mut Told, game: &GameId, step: PublishStep) {
    let of = told.publishing.iter_mut().find(|publishing| publishing.request.game.id == *game);
    if let Some(publishing) = of.filter(|publishing| publishing.step != PublishStep::Published) {
        publishing.step = step;
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

fn title(snapshot: &Snapshot, game: &GameId) -> String {
    let view = snapshot.view.as_deref();
    view.and_then(|view| view.games.iter().find(|view| view.id == *game))
        .map_or_else(|| game.to_string(), |view| view.title.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::text::Language;
    use lanspread_engine::{CommandError, ErrorCode, OperationStatus, Phase};

    #[test]
    fn a_failure_is_kept_until_the_game_is_busy_again() {
        let mut told = Told::default();
        let snapshot = sample::party();
        let game: GameId = "wesnoth".parse().unwrap();
        let mut tell =
            |event| take(&mut told, &snapshot, &PeerEvent::Engine(event), NoticeText(Language::English));
        let operation = OperationKind::Download;
        let error = CommandError::new(ErrorCode::NoSpace, "the disk is full");
        let notice = tell(Event::OperationFailed { game: game.clone(), operation, error }).unwrap();
        assert_eq!(notice.title, "The Battle for Wesnoth did not work");
        let operations = vec![OperationStatus { game: game.clone(), operation, phase: Phase::Hashing }];
        assert_eq!(tell(Event::ActiveOperationsChanged { operations }), None);
        assert!(told.failures.is_empty());
    }
}
