//! How much an update would fetch, for whoever looks at it before it begins.
//!
//! Two manifests say it, without a look at the disk: what is only in the new one has to come. The new one is fetched for it
//! where it is not known yet, a part in a thousand of the game. The view has the answer as long as it is about the payload
//! that is here and the version that is expected.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lanspread_protocol::{GameId, Manifest, ManifestId, UnitIndex};

use crate::effect::Effect;
use crate::engine::Engine;
use crate::input::UpdateSize;
use crate::library::LocalState;
use crate::view::{MapCell, PartsView};

/// No answer may come; then it is asked for again, with the next news of the game.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// What was found out, one answer a game.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    sizes: BTreeMap<GameId, UpdateSize>,
    /// When what was asked for last without a person's wish.
    asked: BTreeMap<GameId, Instant>,
}

impl UpdateSize {
    /// What an update from `old` to `new` would fetch.
    pub fn between(old: &Manifest, new: &Manifest) -> Self {
        let absent = new.units_absent_from(old);
        let units: Vec<MapCell> = (0..new.units().len())
            .filter_map(|unit| u32::try_from(unit).ok())
            .map(|unit| if absent.contains(UnitIndex(unit)) { MapCell::Missing } else { MapCell::Here })
            .collect();
        let (here, total) = (units.len() - absent.len(), units.len());
        let parts = PartsView { here, total, cells: PartsView::cells(&units), sources: Vec::new() };
        Self { old: old.id(), new: new.id(), bytes: new.bytes_absent_from(old), parts }
    }
}

impl Engine {
    /// Finds it out, if there is an update and it is not known.
    pub(crate) fn measure_update(&mut self, game: &GameId) {
        let Some((old, new)) = self.update_of(game) else { return };
        if self.update_size(game).is_none() {
            let from = self.conns_to_ask(self.holders_of(game, new));
            self.push(Effect::MeasureUpdate { game: game.clone(), old, new, from });
        }
    }

    /// Finds it out for an update that is not fetched ahead, as soon as somebody has it, so that cards can say it.
    pub(crate) fn measure_update_if_due(&mut self, game: &GameId) {
        let is_due = self.local_state(game) == Some(LocalState::WrongVersion)
            && self.operations.get(game).is_none()
            && self.operations.purpose_of_waiting(game).is_none()
            && self.update_size(game).is_none();
        let Some((_, new)) = self.update_of(game).filter(|_| is_due) else { return };
        let last = self.measured.asked.get(game);
        // Whatever peers say meanwhile: of an open choice, the payload that most hold may change at any time.
        let rests = last.is_some_and(|at| self.now < *at + ASK_AGAIN);
        if !rests && !self.plays() && !self.holders_of(game, new).is_empty() {
            self.measured.asked.insert(game.clone(), self.now);
            self.measure_update(game);
        }
    }

    pub(crate) fn update_measured(&mut self, game: GameId, size: UpdateSize) {
        if self.update_of(&game) == Some((size.old, size.new)) {
            self.measured.sizes.insert(game, size);
        }
    }

    /// What the update would fetch, when that was found out.
    pub(crate) fn update_size(&self, game: &GameId) -> Option<&UpdateSize> {
        let of = self.update_of(game)?;
        self.measured.sizes.get(game).filter(|size| (size.old, size.new) == of)
    }

    /// The payload that is here, and the one that is expected instead; of one that the catalog leaves open, what a click
    /// would choose now.
    fn update_of(&self, game: &GameId) -> Option<(ManifestId, ManifestId)> {
        let old = self.library.game(game)?.manifest()?;
        let new = self.authority.accepted(game).or_else(|| self.voted_manifest(game))?;
        (new != old).then_some((old, new))
    }
}
