//! How much an update would fetch, for whoever looks at it before it begins.
//!
//! Two manifests say it, without a look at the disk: what is only in the new one has to come. The new one is fetched for it
//! where it is not known yet, a part in a thousand of the game. The view has the answer as long as it is about the payload
//! that is here and the version that is expected.

use std::collections::BTreeMap;

use lanspread_protocol::{GameId, ManifestId};

use crate::effect::Effect;
use crate::engine::Engine;
use crate::input::UpdateSize;

/// What was found out, one answer a game.
#[derive(Debug, Default)]
pub(crate) struct Measured(BTreeMap<GameId, UpdateSize>);

impl Engine {
    /// Finds it out, if there is an update and it is not known.
    pub(crate) fn measure_update(&mut self, game: &GameId) {
        let Some((old, new)) = self.update_of(game) else { return };
        if self.update_bytes(game).is_none() {
            let from = self.holders_of(game, new);
            self.push(Effect::MeasureUpdate { game: game.clone(), old, new, from });
        }
    }

    pub(crate) fn update_measured(&mut self, game: GameId, size: UpdateSize) {
        if self.update_of(&game) == Some((size.old, size.new)) {
            self.measured.0.insert(game, size);
        }
    }

    /// Bytes that the update would fetch, when that was found out.
    pub(crate) fn update_bytes(&self, game: &GameId) -> Option<u64> {
        let of = self.update_of(game)?;
        self.measured.0.get(game).filter(|size| (size.old, size.new) == of).map(|size| size.bytes)
    }

    /// The payload that is here, and the one that is expected instead.
    fn update_of(&self, game: &GameId) -> Option<(ManifestId, ManifestId)> {
        let old = self.library.game(game)?.manifest()?;
        self.authority.accepted(game).filter(|new| *new != old).map(|new| (old, new))
    }
}
