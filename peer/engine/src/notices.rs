//! What must not be missed: it stays in the view, with an id, until it is dismissed.
//!
//! Notices are bounded: the oldest goes, and one that is told again takes the place of the old one. Failures belong to
//! their games and live with the operation table.

use std::collections::VecDeque;

use lanspread_protocol::GameId;
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::command::CommandError;
use crate::event::Level;
use crate::operations::OperationKind;

/// Notices that are kept at once. A person reads no more, and a hostile peer must not fill memory.
const MAX_NOTICES: usize = 32;

/// Something that was told, until [`crate::Command::Dismiss`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoticeView {
    /// Names it for as long as the program runs.
    pub id: u64,
    pub level: Level,
    pub message: NoticeKind,
}

/// What a notice tells. `Display`, and so its JSON, is an English sentence; programs of other languages have their own.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoticeKind {
    #[error("Another PC has the same identity as this one (a copied folder?). Both make new ones.")]
    IdentityRenewed,
    #[error(
        "Another PC says again that it has the same identity as this one, which made a new one not long ago and keeps it."
    )]
    IdentityKept,
    #[error("A catalog (serial {serial}) was refused: its signature or contents are wrong.")]
    CatalogRefused { serial: u64 },
    #[error(
        "Two different catalogs with serial {serial} were signed by the organiser's key. Everybody uses the same one of \
         them: look whether a game is missing, and publish it again."
    )]
    TwinCatalogs { serial: u64 },
    #[error("{game}: another PC received a damaged part from here. Its files are being checked.")]
    DamageChecked { game: GameId },
    #[error("{game}: what was asked for could not be done: {error}")]
    NotDone { game: GameId, error: CommandError },
    #[error(
        "What this PC remembered is not readable: {why} ({path}). It lies at “{aside}” now; the organiser's key and waiting \
         downloads have to be chosen again."
    )]
    StateSetAside { path: String, why: String, aside: String },
    #[error(
        "What this PC remembered is not readable: {why} ({path}). It cannot be set aside ({error}); the organiser's key and \
         waiting downloads have to be chosen again."
    )]
    StateNotReadable { path: String, why: String, error: String },
    #[error(
        "{game} was published into “{catalog}”, which is not the catalog that this peer uses: it counts here when that file \
         is given, or its organiser's key trusted."
    )]
    PublishedElsewhere { game: GameId, catalog: String },
    #[error("{count} events were lost: they are read too slowly")]
    EventsLost { count: u64 },
}

impl Serialize for NoticeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a game's last operation failed, until another begins on the game or [`crate::Command::Forget`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureView {
    pub operation: OperationKind,
    pub error: CommandError,
}

#[derive(Debug, Default)]
pub(crate) struct Notices {
    last_id: u64,
    list: VecDeque<NoticeView>,
}

impl Notices {
    pub(crate) fn add(&mut self, level: Level, message: NoticeKind) {
        self.list.retain(|notice| notice.message != message);
        if self.list.len() == MAX_NOTICES {
            self.list.pop_front();
        }
        self.last_id += 1;
        self.list.push_back(NoticeView { id: self.last_id, level, message });
    }

    pub(crate) fn dismiss(&mut self, id: u64) {
        self.list.retain(|notice| notice.id != id);
    }

    pub(crate) fn list(&self) -> Vec<NoticeView> {
        self.list.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_stay_until_they_are_dismissed_and_are_bounded() {
        let mut notices = Notices::default();
        let messages = |notices: &Notices| -> Vec<_> {
            notices.list().into_iter().map(|notice| (notice.id, notice.message)).collect()
        };
        let [first, second] = [1, 2].map(|serial| NoticeKind::CatalogRefused { serial });
        for message in [&first, &second, &first] {
            notices.add(Level::Warning, message.clone());
        }
        assert_eq!(messages(&notices), [(2, second), (3, first.clone())]);
        notices.dismiss(2);
        notices.dismiss(77);
        assert_eq!(messages(&notices), [(3, first)]);
        let lost = |nth: usize| NoticeKind::EventsLost { count: nth as u64 };
        (0..MAX_NOTICES + 5).for_each(|nth| notices.add(Level::Info, lost(nth)));
        assert_eq!(notices.list().len(), MAX_NOTICES);
        assert_eq!(notices.list()[0].message, lost(5), "the oldest went");
    }
}
