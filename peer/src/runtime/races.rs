//! Races under way (see [`crate::net::race`]), so that the engine can widen and cancel them.

use std::collections::BTreeMap;

use lanspread_engine::{ConnId, Input, RaceId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Races, from the effect that starts one to the input that tells its end.
#[derive(Debug, Default)]
pub(super) struct Races(BTreeMap<RaceId, Race>);

#[derive(Debug)]
struct Race {
    candidates: watch::Sender<Vec<ConnId>>,
    token: CancellationToken,
}

impl Races {
    /// Registers a race that also ends with `parent`.
    pub(super) fn begin(
        &mut self,
        race: RaceId,
        from: Vec<ConnId>,
        parent: &CancellationToken,
    ) -> (watch::Receiver<Vec<ConnId>>, CancellationToken) {
        let (candidates, receiver) = watch::channel(from);
        let token = parent.child_token();
        self.0.insert(race, Race { candidates, token: token.clone() });
        (receiver, token)
    }

    pub(super) fn widen(&self, race: RaceId, from: Vec<ConnId>) {
        if let Some(race) = self.0.get(&race) {
            race.candidates.send_replace(from);
        }
    }

    pub(super) fn cancel(&self, race: RaceId) {
        if let Some(race) = self.0.get(&race) {
            race.token.cancel();
        }
    }

    /// Forgets a race whose end is on its way to the engine.
    pub(super) fn note_end(&mut self, input: &Input) {
        if let Input::ManifestFetched { race, .. }
        | Input::CatalogFetched { race, .. }
        | Input::CoverFetched { race, .. } = input
        {
            self.0.remove(race);
        }
    }
}
