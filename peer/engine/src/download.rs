//! Downloads and updates: from a click to a committed payload.
//!
//! A download goes through its [`Stage`]s: its manifest is loaded or fetched, its store opened (which finds out what is
//! here already), its units fetched by the swarm, and all committed at once at the end. The store, not the engine,
//! remembers what was verified: after a crash it is opened again and says.
//!
//! - `waiting`: downloads that do not run yet;
//! - `ahead`: new versions that are built before anybody asks;
//! - `held`: what is here of one that does not run;
//! - `measure`: how much an update would fetch;
//! - `lifecycle`: the stages and their ends;
//! - `swarm`: the state of a running download;
//! - `pick`: what to fetch next from whom;
//! - `shares`: the same while others download the payload too;
//! - `late`: what one source owes too late and another one is asked for;
//! - `budget`: how much may be under way in all;
//! - `requests`: what was asked, what came of it, and which requests bring nothing;
//! - `sources`: whom it can be asked of, judged by what they deliver;
//! - `fetches`: requests are sent and their results taken in;
//! - `rate`: how fast bytes come;
//! - `liveness`: nobody waits for nothing.

mod ahead;
mod budget;
mod fetches;
mod held;
mod late;
mod lifecycle;
mod liveness;
mod measure;
mod pick;
mod rate;
mod requests;
mod shares;
mod sources;
mod swarm;
mod waiting;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use lanspread_protocol::{Manifest, ManifestId, PeerId, Version};
use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::effect::StoreMode;
use crate::hedge::Race;
use crate::operations::{OperationKind, Phase, Why, Writer};
pub use held::Held;
pub(crate) use measure::Measured;
pub use sources::GivenUp;
pub(crate) use swarm::Swarm;

/// A running download.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) version: Option<Version>,
    pub(crate) mode: StoreMode,
    pub(crate) purpose: Purpose,
    pub(crate) stage: Stage,
    pub(crate) since: Option<Instant>,
    /// Stops for want of a source since the last unit came.
    pub(crate) setbacks: u32,
    /// What was here when it last ran, until its store says.
    pub(crate) held: Option<Held>,
}

/// What a download is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The payload.
    #[default]
    Fetch,
    /// The payload, and then `local/` out of it.
    Install,
    /// A new version of what is here, which waits for a click to be swapped in.
    Ahead,
}

impl Purpose {
    pub(crate) fn kind_of_waiting(self) -> OperationKind {
        match self {
            Self::Fetch | Self::Install => OperationKind::Download,
            Self::Ahead => OperationKind::Update,
        }
    }
}

/// Where a download is; it is in exactly one of these.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Looking for the manifest in this PC's own store.
    LoadingManifest(ManifestId),
    FetchingManifest {
        manifest: ManifestId,
        race: Race,
        /// Peers that failed in races before.
        asked: BTreeSet<PeerId>,
    },
    /// The store looks for what is here already.
    Opening {
        manifest: Arc<Manifest>,
        /// The peer that sent the manifest.
        answered: Option<PeerId>,
    },
    Fetching(Box<Swarm>),
    /// All is here; a click, or the end of the running game, swaps it in.
    Ready(Box<Swarm>),
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
        /// What a person asked for meanwhile.
        after: Option<Box<Command>>,
    },
}

impl Stage {
    /// What stands in a stage's place while it is taken out.
    pub(crate) const CLOSED: Self =
        Self::Closing { then: None, discard: false, writer: Writer::Writing, after: None };

    /// Everything of the swarm, as long as there is one.
    fn swarm(&self) -> Option<&Swarm> {
        match self {
            Self::Fetching(swarm) | Self::Ready(swarm) | Self::Draining(swarm) | Self::Finishing(swarm) => {
                Some(swarm)
            }
            Self::LoadingManifest(_)
            | Self::FetchingManifest { .. }
            | Self::Opening { .. }
            | Self::Closing { .. } => None,
        }
    }
}

impl Download {
    /// A waiting download whose parts are thrown away.
    pub(crate) fn discarding() -> Self {
        let stage = Stage::Closing { then: None, discard: true, writer: Writer::Draining, after: None };
        let purpose = Purpose::Fetch;
        Self { version: None, mode: StoreMode::Fresh, purpose, stage, since: None, setbacks: 0, held: None }
    }

    pub(crate) fn kind(&self) -> OperationKind {
        match self.mode {
            StoreMode::Fresh => OperationKind::Download,
            StoreMode::Update => OperationKind::Update,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match (&self.stage, self.mode) {
            (Stage::LoadingManifest(_) | Stage::FetchingManifest { .. } | Stage::Ready(_), _) => {
                Phase::Waiting
            }
            (Stage::Opening { .. }, _) => Phase::Hashing,
            (Stage::Fetching(_), _) => Phase::Downloading,
            (Stage::Draining(_), _) | (Stage::Finishing(_), StoreMode::Update) => Phase::Swapping,
            (Stage::Finishing(_), StoreMode::Fresh) => Phase::Finishing,
            (Stage::Closing { then: Some(Why::Paused | Why::Failed), .. }, _) => Phase::Paused,
            (Stage::Closing { then: Some(Why::Turn | Why::NoSource(_)), .. }, _) => Phase::Waiting,
            (Stage::Closing { then: None, .. }, _) => Phase::Finishing,
        }
    }

    /// The swarm while units are fetched.
    pub(crate) fn swarm(&self) -> Option<&Swarm> {
        self.stage.swarm().filter(|_| matches!(self.stage, Stage::Fetching(_)))
    }

    pub(crate) fn swarm_mut(&mut self) -> Option<&mut Swarm> {
        if let Stage::Fetching(swarm) = &mut self.stage { Some(swarm) } else { None }
    }

    /// The swarm whose verified units may be served: until a swap begins.
    pub(crate) fn serving_swarm(&self) -> Option<&Swarm> {
        let is_committing = matches!(self.stage, Stage::Finishing(_)) && self.mode == StoreMode::Fresh;
        let is_served = is_committing || matches!(self.stage, Stage::Fetching(_) | Stage::Ready(_));
        self.stage.swarm().filter(|_| is_served)
    }

    /// The swarm, also when nothing is fetched any more: for views.
    pub(crate) fn any_swarm(&self) -> Option<&Swarm> {
        self.stage.swarm()
    }

    /// All is here, and it waits to be swapped in.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready(_))
    }

    /// Its sources give nothing: meanwhile another download takes its turn.
    pub(crate) fn is_starved(&self, now: Instant) -> bool {
        self.swarm().is_some_and(|swarm| swarm.is_starved(now))
    }

    /// A complete payload is being replaced.
    pub(crate) fn is_swapping(&self) -> bool {
        self.mode == StoreMode::Update && matches!(self.stage, Stage::Draining(_) | Stage::Finishing(_))
    }

    /// It can be closed and goes on later.
    pub(crate) fn can_be_interrupted(&self) -> bool {
        !matches!(self.stage, Stage::Draining(_) | Stage::Finishing(_) | Stage::Closing { .. })
    }

    /// Over but for the closing of its store.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Closing { then: None, .. })
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.swarm().map(Swarm::next_timeout)
    }
}
