//! The settings.

use std::net::SocketAddr;

use lanspread_engine::{CatalogSource, GameView, OfferedCatalogView};
use lanspread_protocol::OrganiserKey;

use super::{Fault, Moving, Source, operation};

/// Whose catalog is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatalogSeal {
    /// By the pinned key.
    Trusted(OrganiserKey),
    /// By a key that nobody has pinned.
    Signed(OrganiserKey),
    Unsigned,
    #[default]
    Nothing,
}

impl CatalogSeal {
    pub(super) const fn of(catalog: &CatalogSource) -> Self {
        match catalog {
            CatalogSource::Pinned(key) => Self::Trusted(*key),
            CatalogSource::Given { signed_by: Some(key) } => Self::Signed(*key),
            CatalogSource::Given { signed_by: None } => Self::Unsigned,
            CatalogSource::Nothing => Self::Nothing,
        }
    }

    pub const fn key(self) -> Option<OrganiserKey> {
        match self {
            Self::Trusted(key) | Self::Signed(key) => Some(key),
            Self::Unsigned | Self::Nothing => None,
        }
    }
}

/// Why a catalog file that was chosen is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogProblem {
    /// It may have been tampered with.
    pub is_signature: bool,
    pub why: Fault,
}

impl From<Fault> for CatalogProblem {
    fn from(why: Fault) -> Self {
        Self { is_signature: why.is_signature(), why }
    }
}

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsModel {
    pub name: String,
    pub games_dir: String,
    /// The games are on their way to another folder.
    pub moving: Option<Moving>,
    /// Bytes of all games that are here.
    pub games_bytes: u64,
    /// Of the disk that they are on: free bytes and all of them.
    pub disk: Option<(u64, u64)>,
    /// Something is being done with a game, or one runs: its folder stays where it is. What only waits or is paused,
    /// and a new version that waits for a click, are in nobody's way.
    pub is_busy: bool,
    pub seal: CatalogSeal,
    pub party: Option<String>,
    pub serial: u64,
    pub games: usize,
    /// Catalogs of others that a person may trust.
    pub offered: Vec<OfferedCatalogView>,
    pub addresses: Vec<SocketAddr>,
    /// Names of the network adapters that are here.
    pub adapters: Vec<String>,
    /// Others are connected: the port is reachable.
    pub is_reached: bool,
    pub is_running: bool,
}

impl SettingsModel {
    pub fn new(source: Source<'_>) -> Self {
        let ready = source.snapshot.ready.as_ref();
        let seal = source.view().map_or(CatalogSeal::Nothing, |view| CatalogSeal::of(&view.catalog));
        let trusted = if let CatalogSeal::Trusted(key) = seal { Some(key) } else { None };
        let offered = source.view().map_or(&[][..], |view| &view.offered);
        let offered = offered.iter().filter(|offered| Some(offered.key) != trusted);
        Self {
            name: ready.map(|ready| ready.name.clone()).unwrap_or_default(),
            games_dir: ready.map(|ready| ready.games_dir.clone()).unwrap_or_default(),
            moving: source.told.moving,
            games_bytes: source
                .games()
                .iter()
                .filter_map(|game| game.local.as_ref())
                .map(|local| local.bytes)
                .sum(),
            disk: source.snapshot.disk.map(|disk| (disk.free_bytes, disk.total_bytes)),
            is_busy: source.games().iter().any(is_busy),
            seal,
            party: source.party(),
            serial: source.view().map_or(0, |view| view.serial),
            games: source.games().iter().filter(|game| game.entry.is_some()).count(),
            offered: offered.cloned().collect(),
            adapters: source.snapshot.network.adapters.iter().map(|adapter| adapter.name.clone()).collect(),
            addresses: ready.map(|ready| ready.addresses.clone()).unwrap_or_default(),
            is_reached: source.view().is_some_and(|view| view.peers.iter().any(|peer| peer.connected)),
            is_running: ready.is_some() && source.is_connected(),
        }
    }
}

/// What the engine would refuse another games folder for. Only what runs has a number.
fn is_busy(game: &GameView) -> bool {
    !game.running.is_empty() || operation(game).is_some_and(|operation| operation.id.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample::{self, GameSample};
    use lanspread_engine::{OpId, OperationKind, Phase};

    #[test]
    fn the_party_of_the_samples_has_an_unsigned_catalog() {
        let (snapshot, told) = (sample::party(), Told::default());
        let model = SettingsModel::new(Source { snapshot: &snapshot, told: &told });
        assert_eq!((model.name.as_str(), model.games_dir.as_str()), ("Mika", r"D:\games"));
        assert_eq!((model.seal, model.games), (CatalogSeal::Unsigned, 18));
        assert!(model.is_busy && model.is_reached);
    }

    fn model_of(game: GameSample) -> SettingsModel {
        let (snapshot, told) = (sample::snapshot(vec![game]), Told::default());
        SettingsModel::new(Source { snapshot: &snapshot, told: &told })
    }

    #[test]
    fn only_what_runs_keeps_the_folder_where_it_is() {
        let game = || GameSample::new("game", "Game").sources(1);
        for (what, game, is_busy) in [
            ("nothing", game().installed(), false),
            ("paused", game().paused(), false),
            ("in line, or without a source", game().waiting(), false),
            ("a download", game().downloading(1, 2, 3), true),
            ("a check", game().downloaded().working(OperationKind::Verify, Phase::Verifying), true),
            ("a game that runs", game().installed().running(), true),
        ] {
            assert_eq!(model_of(game).is_busy, is_busy, "{what}");
        }
        // It keeps its number while it waits for the click.
        let mut ahead = game().installed().outdated().update_ready().waiting();
        if let Some(operation) = &mut ahead.0.operation {
            operation.id = Some(OpId(1));
        }
        assert!(!model_of(ahead).is_busy, "an update fetched ahead");
    }

    #[test]
    fn a_catalog_that_is_trusted_is_not_offered() {
        let mut snapshot = sample::party();
        let (own, other) = (OrganiserKey([1; 32]), OrganiserKey([2; 32]));
        let told = Told::default();
        if let Some(view) = snapshot.view.as_mut().and_then(std::sync::Arc::get_mut) {
            view.catalog = CatalogSource::Pinned(own);
            view.offered = [own, other].map(|key| sample::offered("LAN", key)).into();
        }
        let model = SettingsModel::new(Source { snapshot: &snapshot, told: &told });
        assert_eq!(model.offered.iter().map(|offered| offered.key).collect::<Vec<_>>(), [other]);
    }
}
