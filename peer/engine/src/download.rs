//! Downloads and updates: from a click to a committed payload.
//!
//! A download goes through its [`Stage`]s: its manifest is loaded or fetched, its store opened (which finds out what is
//! here already), its units fetched by the swarm, and all committed at once at the end. The store, not the engine,
//! remembers what was verified: after a crash it is opened again and says.
//!
//! - `waiting`: downloads that do not run yet;
//! - `lifecycle`: the stages and their ends;
//! - `swarm`: the state of a running download;
//! - `pick`: what to fetch next from whom;
//! - `fetches`: requests, their results, slow and failing sources;
//! - `rate`: how fast a source is.

mod fetches;
mod lifecycle;
mod pick;
mod rate;
mod swarm;
mod waiting;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use lanspread_protocol::{Manifest, ManifestId, PeerId, Version};

use crate::effect::StoreMode;
use crate::ids::ConnId;
use crate::operations::{OperationKind, Phase, Why, Writer};
pub(crate) use swarm::Swarm;

/// A running download.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) version: Option<Version>,
    pub(crate) mode: StoreMode,
    pub(crate) stage: Stage,
    pub(crate) since: Option<Instant>,
    /// Stops for want of a source since the last unit came.
    pub(crate) setbacks: u32,
}

/// Where a download is; it is in exactly one of these.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Looking for the manifest in this PC's own store.
    LoadingManifest(ManifestId),
    FetchingManifest {
        manifest: ManifestId,
        from: ConnId,
        /// Peers that did not have it.
        without: BTreeSet<PeerId>,
    },
    /// The store looks for what is here already.
    Opening(Arc<Manifest>),
    Fetching(Box<Swarm>),
    /// All is here; a complete payload is about to be replaced, so its readers end first.
    Draining(Box<Swarm>),
    /// Everything is made durable and committed.
    Finishing(Box<Swarm>),
    /// The store is being closed; then the download waits, or is over.
    Closing {
        then: Option<Why>,
        /// Its parts go.
        discard: bool,
        /// Those who read from it end first.
        writer: Writer,
    },
}

impl Stage {
    /// What stands in a stage's place while it is taken out.
    pub(crate) const CLOSED: Self = Self::Closing { then: None, discard: false, writer: Writer::Writing };
}

impl Download {
    /// A waiting download whose parts are thrown away.
    pub(crate) fn discarding() -> Self {
        let stage = Stage::Closing { then: None, discard: true, writer: Writer::Draining };
        Self { version: None, mode: StoreMode::Fresh, stage, since: None, setbacks: 0 }
    }

    pub(crate) fn kind(&self) -> OperationKind {
        match self.mode {
            StoreMode::Fresh => OperationKind::Download,
            StoreMode::Update => OperationKind::Update,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match (&self.stage, self.mode) {
            (Stage::LoadingManifest(_) | Stage::FetchingManifest { .. }, _) => Phase::Waiting,
            (Stage::Opening(_), _) => Phase::Hashing,
            (Stage::Fetching(_), _) => Phase::Downloading,
            (Stage::Draining(_), _) | (Stage::Finishing(_), StoreMode::Update) => Phase::Swapping,
            (Stage::Finishing(_), StoreMode::Fresh) => Phase::Finishing,
            (Stage::Closing { then: Some(Why::Paused | Why::Failed), .. }, _) => Phase::Paused,
            (Stage::Closing { .. }, _) => Phase::Finishing,
        }
    }

    /// The swarm while units are fetched.
    pub(crate) fn swarm(&self) -> Option<&Swarm> {
        match &self.stage {
            Stage::Fetching(swarm) => Some(swarm),
            Stage::LoadingManifest(_)
            | Stage::FetchingManifest { .. }
            | Stage::Opening(_)
            | Stage::Draining(_)
            | Stage::Finishing(_)
            | Stage::Closing { .. } => None,
        }
    }

    pub(crate) fn swarm_mut(&mut self) -> Option<&mut Swarm> {
        match &mut self.stage {
            Stage::Fetching(swarm) => Some(swarm),
            Stage::LoadingManifest(_)
            | Stage::FetchingManifest { .. }
            | Stage::Opening(_)
            | Stage::Draining(_)
            | Stage::Finishing(_)
            | Stage::Closing { .. } => None,
        }
    }

    /// The swarm whose verified units may be served: until a swap begins.
    pub(crate) fn serving_swarm(&self) -> Option<&Swarm> {
        match (&self.stage, self.mode) {
            (Stage::Fetching(swarm), _) | (Stage::Finishing(swarm), StoreMode::Fresh) => Some(swarm),
            (
                Stage::LoadingManifest(_)
                | Stage::FetchingManifest { .. }
                | Stage::Opening(_)
                | Stage::Draining(_)
                | Stage::Finishing(_)
                | Stage::Closing { .. },
                _,
            ) => None,
        }
    }

    /// The swarm, also when nothing is fetched any more: for views.
    pub(crate) fn any_swarm(&self) -> Option<&Swarm> {
        match &self.stage {
            Stage::Fetching(swarm) | Stage::Draining(swarm) | Stage::Finishing(swarm) => Some(swarm),
            Stage::LoadingManifest(_)
            | Stage::FetchingManifest { .. }
            | Stage::Opening(_)
            | Stage::Closing { .. } => None,
        }
    }

    /// Over but for the closing of its store.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Closing { then: None, .. })
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.swarm().map(Swarm::next_tick)
    }
}
