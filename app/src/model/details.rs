//! The panel with everything about one game.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use lanspread_engine::{GameView, LocalState, MapCell, OperationKind, PartsView, PeerView};
use lanspread_protocol::{GameId, Os, PeerId, Version};

use super::{Card, Source, operation};

/// What the panel shows.
#[derive(Clone, Debug, PartialEq)]
pub struct DetailsModel {
    pub card: Card,
    /// The party's version.
    pub expected: Option<String>,
    /// The version that is installed or else downloaded.
    pub version_here: Option<String>,
    pub is_outdated: bool,
    /// Bytes that are here and bytes in all, of an operation under way.
    pub progress: Option<(u64, u64)>,
    pub publisher: Option<String>,
    pub year: Option<u16>,
    description: BTreeMap<String, String>,
    /// A download is under way, waits or rests: it can be cancelled.
    pub is_fetching: bool,
    pub parts: Parts,
    /// Where it can be joined, by name.
    pub servers: Vec<ServerRow>,
    /// It has a server that others could join.
    pub can_host: bool,
    /// Fastest first.
    pub sources: Vec<SourceRow>,
    /// Who receives it from here, by name, and which version that is.
    pub receivers: Vec<ReceiverRow>,
    pub sent_version: Option<String>,
    /// The games beside it.
    pub before: Option<GameId>,
    pub after: Option<GameId>,
}

/// The chunk map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub cells: Arc<[MapCell]>,
    pub counted: Counted,
}

/// How much of the map's payload is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Parts that are here and proven.
    Checked { here: usize, total: usize },
    /// Bytes that an update finds here.
    Bytes { here: u64, total: u64 },
    /// Either all or nothing, or nobody counted.
    Nothing,
}

/// A peer that receives the game from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverRow {
    pub peer: PeerId,
    pub name: String,
    /// Bytes a second; of who receives several games at once it is not known how much of it is this one's.
    pub rate: Option<u64>,
}

/// A peer that has something of the game.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRow {
    pub peer: PeerId,
    pub name: String,
    pub has: Has,
    pub is_playing: bool,
    /// Bytes a second of this game.
    pub rate: u64,
}

/// A player whose PC runs a server of the game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRow {
    pub name: String,
    pub address: IpAddr,
}

/// How much of the game a peer has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Has {
    All,
    Share(f32),
    /// It did not say.
    Something,
}

impl DetailsModel {
    /// `None` when the game is gone: the panel closes.
    pub fn new(source: Source<'_>, id: &GameId) -> Option<Self> {
        let games = source.games();
        let at = games.binary_search_by(|game| game.id.cmp(id)).ok()?;
        let game = games.get(at)?;
        let entry = game.entry.as_ref();
        let progress = operation(game).and_then(|operation| operation.progress.as_ref());
        let local_version = game.local.as_ref().and_then(|local| local.version.as_ref());
        let version_here = game.installed_version.as_ref().or(local_version);
        Some(Self {
            card: Card::new(source, game),
            expected: game.expected.as_ref().map(Version::to_string),
            version_here: version_here.map(Version::to_string),
            is_outdated: game.update_available,
            progress: progress.map(|progress| (progress.bytes_done, progress.bytes_total)),
            publisher: entry.and_then(|entry| entry.publisher.clone()),
            year: entry.and_then(|entry| entry.year),
            description: entry.map(|entry| entry.description.clone()).unwrap_or_default(),
            is_fetching: operation(game).is_some_and(|operation| {
                matches!(operation.operation, OperationKind::Download | OperationKind::Update)
            }),
            parts: Parts::of(game),
            receivers: receivers(source, game),
            sent_version: sent_version(game),
            servers: servers(source, game),
            can_host: game.installed && has_entry(game, "server"),
            sources: sources(source, game),
            before: at.checked_sub(1).and_then(|at| games.get(at)).map(|game| game.id.clone()),
            after: games.get(at + 1).map(|game| game.id.clone()),
        })
    }

    /// In this language, else in English, else in any.
    pub fn description(&self, language: &str) -> Option<&str> {
        let texts = &self.description;
        texts.get(language).or_else(|| texts.get("en")).or_else(|| texts.values().next()).map(String::as_str)
    }
}

impl Parts {
    /// Counted while a version is fetched, and once an update was measured; else all or nothing of the expected one. Until
    /// then it is not known how much of a new version the old one holds: no cells.
    fn of(game: &GameView) -> Self {
        if let Some(parts) = &game.parts {
            let (here, total) = (parts.here, parts.total);
            let counted = match update_bytes(game).filter(|_| operation(game).is_none()) {
                Some((here, total)) => Counted::Bytes { here, total },
                None => Counted::Checked { here, total },
            };
            return Self { cells: Arc::clone(&parts.cells), counted };
        }
        if game.update_available && !game.update_ready {
            return Self { cells: Arc::new([]), counted: Counted::Nothing };
        }
        let is_whole = matches!(
            game.local.as_ref().map(|local| local.state),
            Some(LocalState::Downloaded | LocalState::Installed)
        );
        let cell = if is_whole || game.update_ready { MapCell::Here } else { MapCell::Missing };
        Self { cells: vec![cell; PartsView::MAX_CELLS].into(), counted: Counted::Nothing }
    }
}

/// Bytes of the new version that are here and bytes in all, once that was counted.
fn update_bytes(game: &GameView) -> Option<(u64, u64)> {
    let (missing, total) = (game.fetch_bytes?, game.entry.as_ref()?.size?);
    (game.update_available && !game.update_ready).then(|| (total.saturating_sub(missing), total))
}

fn receivers(source: Source<'_>, game: &GameView) -> Vec<ReceiverRow> {
    if !source.is_connected() || game.receivers.is_empty() {
        return Vec::new();
    }
    let receives = |game: &GameView, peer: &PeerView| game.receivers.contains(&peer.peer_id);
    let games = |peer| source.games().iter().filter(|game| receives(game, peer)).count();
    let peers = source.view().map_or(&[][..], |view| &view.peers).iter();
    let mut rows: Vec<_> = peers
        .filter(|peer| receives(game, peer))
        .map(|peer| ReceiverRow {
            peer: peer.peer_id,
            name: peer.presence.name.clone(),
            rate: (games(peer) == 1).then_some(peer.tx_rate),
        })
        .collect();
    rows.sort_by_cached_key(|row| row.name.to_lowercase());
    rows
}

/// While a version is fetched its verified parts are what others get.
fn sent_version(game: &GameView) -> Option<String> {
    let here = game.local.as_ref().and_then(|local| local.version.as_ref());
    let version = if operation(game).is_some() { game.expected.as_ref() } else { here };
    version.map(Version::to_string)
}

/// Those who run a server, as long as this PC can join one.
fn servers(source: Source<'_>, game: &GameView) -> Vec<ServerRow> {
    if !source.is_connected() || !game.installed || !has_entry(game, "join") {
        return Vec::new();
    }
    let peers = source.view().map_or(&[][..], |view| &view.peers).iter();
    let hosts = peers.filter(|peer| peer.presence.servers.iter().any(|server| server.game == game.id));
    let mut rows: Vec<_> = hosts
        .filter_map(|peer| {
            Some(ServerRow { name: peer.presence.name.clone(), address: peer.addresses.first()?.ip() })
        })
        .collect();
    rows.sort_by_cached_key(|row| row.name.to_lowercase());
    rows
}

/// The catalog has a program of this name for this system.
fn has_entry(game: &GameView, name: &str) -> bool {
    let entries = game.entry.as_ref().map_or(&[][..], |entry| &entry.launch);
    entries.iter().any(|entry| entry.os == Os::CURRENT && entry.name == name)
}

fn sources(source: Source<'_>, game: &GameView) -> Vec<SourceRow> {
    if !source.is_connected() {
        return Vec::new();
    }
    let rates: BTreeMap<PeerId, u64> =
        game.parts.as_ref().map(|parts| parts.sources.iter().copied().collect()).unwrap_or_default();
    let peers = source.view().map_or(&[][..], |view| &view.peers);
    let mut rows: Vec<_> = peers.iter().filter_map(|peer| row(peer, game, &rates)).collect();
    rows.sort_by(|a, b| b.rate.cmp(&a.rate).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn row(peer: &PeerView, game: &GameView, rates: &BTreeMap<PeerId, u64>) -> Option<SourceRow> {
    let rate = rates.get(&peer.peer_id).copied();
    let theirs = peer.games.iter().find(|theirs| {
        theirs.id == game.id
            && !theirs.local_only
            && theirs.version.is_some()
            && theirs.version == game.expected
    });
    let has = match theirs {
        Some(theirs) if theirs.complete => Has::All,
        Some(theirs) if theirs.chunks_total > 0 => Has::Share(share(theirs.chunks, theirs.chunks_total)),
        Some(_) => Has::Something,
        None if rate.is_some() => Has::Something,
        None => return None,
    };
    Some(SourceRow {
        peer: peer.peer_id,
        name: peer.presence.name.clone(),
        has,
        is_playing: peer.presence.playing.is_some(),
        rate: rate.unwrap_or_default(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share to look at")]
fn share(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CardState, Told};
    use crate::sample::{GameSample, host, peer, snapshot_with};
    use lanspread_engine::{ErrorCode, PeerGame};

    fn model(game: GameSample, peers: Vec<PeerView>) -> DetailsModel {
        let id = game.0.id.clone();
        let snapshot = snapshot_with(vec![game], peers);
        DetailsModel::new(Source { snapshot: &snapshot, told: &Told::default() }, &id).unwrap()
    }

    fn has(mut peer: PeerView, version: &str, chunks: usize) -> PeerView {
        peer.games = vec![PeerGame {
            id: "game".parse().unwrap(),
            version: version.parse().ok(),
            complete: chunks == 100,
            local_only: false,
            chunks,
            chunks_total: 100,
        }];
        peer
    }

    #[test]
    fn sources_are_those_that_have_the_expected_version_and_the_fastest_is_first() {
        let mut game = GameSample::new("game", "Game").sources(3).downloading(1, 2, 3);
        game.0.parts = Some(PartsView {
            here: 1,
            total: 2,
            cells: vec![MapCell::Here, MapCell::Missing].into(),
            sources: vec![(PeerId([2; 32]), 9), (PeerId([1; 32]), 0)],
        });
        let peers = vec![
            has(peer(1, "Ada", 0, 0), "2", 100),
            has(peer(2, "Bo", 0, 0), "2", 72),
            has(peer(3, "Cy", 0, 0), "1", 100),
            peer(4, "Di", 0, 0),
        ];
        let model = model(game, peers);
        let rows: Vec<_> = model.sources.iter().map(|row| (row.name.as_str(), row.has, row.rate)).collect();
        assert_eq!(rows, [("Bo", Has::Share(0.72), 9), ("Ada", Has::All, 0)]);
        assert_eq!(model.parts.counted, Counted::Checked { here: 1, total: 2 });
    }

    #[test]
    fn who_receives_it_is_listed_with_a_rate_that_is_known_to_be_of_this_game() {
        let (game, other) = (GameSample::new("game", "Game"), GameSample::new("other", "Other"));
        let games = vec![game.installed().outdated().outbound(2), other.installed().outbound(1)];
        let id = games[0].0.id.clone();
        let snapshot = snapshot_with(games, vec![peer(1, "Marie", 0, 24), peer(2, "Ole", 0, 14)]);
        let model = DetailsModel::new(Source { snapshot: &snapshot, told: &Told::default() }, &id).unwrap();
        let rows: Vec<_> = model.receivers.iter().map(|row| (row.name.as_str(), row.rate)).collect();
        assert_eq!(rows, [("Marie", None), ("Ole", Some(14))], "Marie receives two games");
        assert_eq!(model.sent_version.as_deref(), Some("1"));
    }

    #[test]
    fn an_update_that_was_measured_has_a_map() {
        let mut game = GameSample::new("game", "Game").installed().outdated().sources(1).size(1000);
        assert!(model(game.clone(), Vec::new()).parts.cells.is_empty());
        game = game.fetches(212);
        game.0.parts = Some(PartsView {
            here: 3,
            total: 4,
            cells: vec![MapCell::Here, MapCell::Missing].into(),
            sources: Vec::new(),
        });
        let parts = model(game, Vec::new()).parts;
        assert_eq!((parts.cells.len(), parts.counted), (2, Counted::Bytes { here: 788, total: 1000 }));
    }

    #[test]
    fn a_failed_game_still_knows_what_to_do() {
        let game = GameSample::new("game", "Game").sources(1);
        let model = model(game.failed(OperationKind::Download, ErrorCode::NoSpace), Vec::new());
        assert!(matches!(model.card.state, CardState::Failed(_)));
        assert_eq!(model.card.untroubled, CardState::Download { bytes: Some(1_300_000_000) });
    }

    #[test]
    fn who_has_the_game_installed_can_join_those_who_run_a_server() {
        let game = || GameSample::new("game", "Game").programs(&["play", "join", "server"]);
        let lea = host(peer(2, "Lea", 0, 0), "game");
        let joined = model(game().installed(), vec![peer(1, "Jonas", 0, 0), lea.clone()]);
        let server = ServerRow { name: "Lea".to_owned(), address: [192, 168, 10, 2].into() };
        assert_eq!((joined.servers, joined.can_host), (vec![server], true));
        let not_installed = model(game().downloaded(), vec![lea]);
        assert_eq!((not_installed.servers, not_installed.can_host), (Vec::new(), false));
    }

    #[test]
    fn a_description_is_in_the_persons_language_or_in_english() {
        let game = GameSample::new("game", "Game").entry(|entry| {
            entry.description =
                [("de".to_owned(), "Schön".to_owned()), ("en".to_owned(), "Nice".to_owned())].into();
        });
        let model = model(game, Vec::new());
        assert_eq!([model.description("de"), model.description("fr")], [Some("Schön"), Some("Nice")]);
    }
}
