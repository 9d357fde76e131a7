//! Nobody waits for nothing, checked in debug builds after every input.
//!
//! While a download runs and a source has something that is missing, a request under way brings it, or a named timer
//! leads to one: the source's rest, the own limit, or the end of a request that was cancelled. While a download waits in
//! the queue and could begin, something is about to look at the queue.

#![cfg(debug_assertions)]

use super::requests::Fetch;
use super::sources::{Has, Source};
use super::swarm::{Swarm, UnitState};
use crate::engine::{DOWNLOAD_TICK, Engine};
use crate::operations::Why;

impl Engine {
    pub(crate) fn check_liveness(&self) {
        for (game, operation) in self.operations.active() {
            if let crate::operations::Work::Download(download) = &operation.work
                && let Some(swarm) = download.swarm()
            {
                assert_eq!(swarm.check_liveness(), Ok(()), "{game} waits for nothing");
            }
        }
        if self.operations.is_about_to_look() || self.operations.folder_is_changing() {
            return;
        }
        let is_full = self.operations.running_downloads(self.now) >= self.config.parallel_downloads;
        for entry in self.operations.line().filter(|_| !is_full) {
            let retry_at = match &entry.why {
                Why::NoSource(lack) => lack.retry_at,
                Why::Turn | Why::Paused | Why::Failed => None,
            };
            if let Some(retry_at) = retry_at.filter(|at| *at > self.now) {
                let wakes = self.operations.next_timeout().is_some_and(|next| next <= retry_at);
                assert!(wakes, "{} waits for a timer that is not set", entry.game);
                continue;
            }
            let can_begin = self.is_known(&entry.game) && self.operations.get(&entry.game).is_none();
            let lack = match &entry.why {
                Why::NoSource(lack) => lack,
                Why::Turn | Why::Paused | Why::Failed => &Box::default(),
            };
            let has_source = can_begin && self.has_source_for(&entry.game, lack);
            assert!(!has_source, "{} could begin and waits: {:?}", entry.game, entry.why);
        }
    }
}

impl Swarm {
    fn check_liveness(&self) -> Result<(), String> {
        // What came to be since the last tick, the next one looks at.
        let (then, natural) = (self.last_tick(), self.natural_silence());
        let brings = |fetch: &Fetch| {
            let source = self.sources.get(fetch.source);
            fetch.cancelled || source.is_some_and(|source| !source.is_silent(natural, then))
        };
        let looks_soon = self.look_at.is_some_and(|at| at <= self.next_tick() + DOWNLOAD_TICK);
        if self.units_left == 0 || looks_soon || self.fetches.values().any(brings) {
            return Ok(());
        }
        for (peer, source) in self.sources.iter().filter(|(peer, _)| self.sources.may_ask(*peer, then)) {
            // Bounded by the stronger one's silence, of which the ticks see.
            let waits_for_stronger =
                source.offered.has == Has::Everything && self.is_supplied_by_stronger(then);
            if source.fetches.is_empty()
                && !waits_for_stronger
                && let Some(unit) = self.could_bring(source)
            {
                return Err(format!(
                    "{peer} could bring unit {unit} of {}; {} requests are under way, all to silent sources; {} sources, {} rivals",
                    self.units.len(),
                    self.fetches.len(),
                    self.sources.len(),
                    self.rivals,
                ));
            }
        }
        Ok(())
    }

    /// A unit that the source has and that is missing, or owed by silent sources only.
    fn could_bring(&self, source: &Source) -> Option<u32> {
        let open = self.window().find(|(unit, state)| {
            matches!(state, UnitState::Missing | UnitState::Requested(1))
                && source.offered.has.contains(*unit)
        });
        open.map(|(unit, _)| unit.0)
    }
}
