//! What is here of a download that does not run: as it was when it last did.
//!
//! To look at only. When the download goes on, its store is opened and says what is really here.

use lanspread_protocol::ManifestId;
use serde::{Deserialize, Serialize};

use super::Swarm;
use crate::view::{MapCell, PartsView, ProgressView};

/// What was here of a payload when its download last stood still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Of another payload it says nothing.
    pub manifest: ManifestId,
    pub bytes_done: u64,
    pub bytes_total: u64,
    /// Not stored: after a restart only the bytes are known.
    #[serde(skip)]
    pub parts: Option<PartsView>,
}

impl Held {
    pub(crate) fn of(swarm: &Swarm) -> Self {
        let rest = |cell: MapCell| if cell == MapCell::Here { cell } else { MapCell::Missing };
        let units: Vec<MapCell> = swarm.map().into_iter().map(rest).collect();
        let cells = PartsView::cells(&units);
        let (here, total) = (swarm.here().len(), swarm.manifest().units().len());
        Self {
            manifest: swarm.manifest().id(),
            bytes_done: swarm.bytes_done(),
            bytes_total: swarm.manifest().total_bytes(),
            parts: Some(PartsView { here, total, cells, sources: Vec::new() }),
        }
    }

    pub(crate) fn progress(&self) -> ProgressView {
        ProgressView { bytes_done: self.bytes_done, bytes_total: self.bytes_total, rate: 0, sources: 0 }
    }
}
