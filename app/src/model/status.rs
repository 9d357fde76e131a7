//! The status bar and the rail's badges.

use lanspread_engine::{GameView, LocalState, OperationKind, Phase};

use super::{Source, failure, party};

/// What is always on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusModel {
    pub link: Link,
    /// Games that others can fetch from here.
    pub shared_games: usize,
    pub shared_bytes: u64,
    pub up_rate: u64,
    /// Peers that receive something now.
    pub receivers: usize,
    pub down_rate: u64,
    /// With this one.
    pub pcs: usize,
    pub free_bytes: Option<u64>,
    pub place: Option<String>,
    pub active_downloads: usize,
    pub needs_attention: bool,
    pub party_warning: bool,
    /// The player's name.
    pub name: String,
}

/// Whether the network service works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    #[default]
    Starting,
    Up,
    Down,
}

impl StatusModel {
    pub fn new(source: Source<'_>) -> Self {
        let link = match (&source.snapshot.failure, &source.snapshot.ready) {
            (Some(_), _) => Link::Down,
            (None, Some(_)) => Link::Up,
            (None, None) => Link::Starting,
        };
        let peers = source.view().map_or(&[][..], |view| &view.peers);
        let games = source.games();
        let shared = games.iter().filter(|game| is_shared(game)).filter_map(|game| game.local.as_ref());
        let is_fetching = |kind: OperationKind, phase: Phase| {
            matches!(kind, OperationKind::Download | OperationKind::Update)
                && !matches!(phase, Phase::Paused | Phase::Waiting)
        };
        Self {
            link,
            shared_games: games.iter().filter(|game| is_shared(game)).count(),
            shared_bytes: shared.map(|local| local.bytes).sum(),
            up_rate: peers.iter().map(|peer| peer.tx_rate).sum(),
            receivers: peers.iter().filter(|peer| peer.tx_rate > 0).count(),
            down_rate: peers.iter().map(|peer| peer.rx_rate).sum(),
            pcs: if link == Link::Down { 1 } else { peers.len() + 1 },
            free_bytes: source.free_bytes(),
            place: source.place(),
            active_downloads: games
                .iter()
                .filter_map(|game| game.operation.as_ref())
                .filter(|operation| is_fetching(operation.operation, operation.phase))
                .count(),
            needs_attention: games.iter().any(|game| failure(game).is_some()),
            party_warning: party::has_problem(source),
            name: source.snapshot.ready.as_ref().map(|ready| ready.name.clone()).unwrap_or_default(),
        }
    }
}

/// Others can fetch it from here.
pub(super) fn is_shared(game: &GameView) -> bool {
    let state = game.local.as_ref().map(|local| local.state);
    matches!(state, Some(LocalState::Downloaded | LocalState::Installed))
}
