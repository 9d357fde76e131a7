//! What must not be missed: it stays in the view, with an id, until it is dismissed.
//!
//! Notices are bounded: the oldest goes, and one that is told again takes the place of the old one. Failures belong to
//! their games and live with the operation table.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

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
    pub message: String,
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
    pub(crate) fn add(&mut self, level: Level, message: String) {
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
        for message in ["a", "b", "a"] {
            notices.add(Level::Warning, message.to_owned());
        }
        assert_eq!(messages(&notices), [(2, "b".to_owned()), (3, "a".to_owned())]);
        notices.dismiss(2);
        notices.dismiss(77);
        assert_eq!(messages(&notices), [(3, "a".to_owned())]);
        (0..MAX_NOTICES + 5).for_each(|nth| notices.add(Level::Info, nth.to_string()));
        assert_eq!(notices.list().len(), MAX_NOTICES);
        assert_eq!(notices.list()[0].message, "5", "the oldest went");
    }
}
