//! Who is here, and the checks for who is not.

use std::net::{IpAddr, SocketAddr};

use lanspread_engine::PeerView;
use lanspread_protocol::{GameId, PeerId, Version};

use super::{Source, StatusModel};

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartyModel {
    pub party: Option<String>,
    /// With this one.
    pub pcs: usize,
    pub playing: usize,
    /// By name.
    pub peers: Vec<PeerRow>,
    pub you: You,
    pub checks: Checks,
}

/// A PC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRow {
    pub id: PeerId,
    pub name: String,
    pub pc: String,
    /// The title of what is played there.
    pub playing: Option<String>,
    /// Games that are complete there, and what the catalog says of their sizes.
    pub games: usize,
    pub bytes: u64,
    pub to_you: u64,
    pub from_you: u64,
    pub is_connected: bool,
    pub addresses: Vec<SocketAddr>,
    /// What is shared there, by title.
    pub shared: Vec<SharedGame>,
}

/// A game on another PC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedGame {
    pub id: GameId,
    pub title: String,
    pub version: Option<Version>,
    /// All of it is there.
    pub is_complete: bool,
}

/// This PC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct You {
    pub name: String,
    pub address: Option<SocketAddr>,
    pub games: usize,
    pub sent: u64,
    pub received: u64,
}

/// The four checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    pub adapter: Check,
    pub firewall: Check,
    pub multicast: Check,
    pub reach: Check,
}

/// A check's result, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    #[default]
    Unknown,
    Ok,
    Problem,
}

impl PartyModel {
    pub fn new(source: Source<'_>) -> Self {
        let status = StatusModel::new(source);
        let peers = source.view().map_or(&[][..], |view| &view.peers);
        let mut rows: Vec<PeerRow> = peers.iter().map(|peer| row(source, peer)).collect();
        rows.sort_by_cached_key(|row| (row.name.to_lowercase(), row.id));
        let traffic = source.snapshot.status;
        Self {
            party: source.party(),
            pcs: status.pcs,
            playing: rows.iter().filter(|row| row.playing.is_some()).count(),
            you: You {
                name: status.name,
                address: address(source),
                games: status.shared_games,
                sent: traffic.tx_bytes,
                received: traffic.rx_bytes,
            },
            checks: checks(source, &rows),
            peers: rows,
        }
    }

    /// Who is at an address that was added.
    pub fn at(&self, ip: IpAddr) -> Option<&PeerRow> {
        self.peers.iter().find(|row| row.addresses.iter().any(|address| address.ip() == ip))
    }
}

fn address(source: Source<'_>) -> Option<SocketAddr> {
    let addresses = &source.snapshot.ready.as_ref()?.addresses;
    addresses.iter().find(|address| !address.ip().is_loopback()).copied()
}

fn row(source: Source<'_>, peer: &PeerView) -> PeerRow {
    let size = |game| source.game(game).and_then(|game| game.entry.as_ref()).and_then(|entry| entry.size);
    let complete = peer.games.iter().filter(|game| game.complete);
    let presence = &peer.presence;
    PeerRow {
        id: peer.peer_id,
        name: presence.name.clone(),
        pc: presence.pc.clone(),
        playing: presence
            .playing
            .as_ref()
            .map(|id| source.game(id).map_or_else(|| id.to_string(), |game| game.title.clone())),
        games: complete.clone().count(),
        bytes: complete.filter_map(|game| size(&game.id)).sum(),
        to_you: peer.rx_rate,
        from_you: peer.tx_rate,
        is_connected: peer.connected,
        addresses: peer.addresses.clone(),
        shared: shared(source, peer),
    }
}

fn shared(source: Source<'_>, peer: &PeerView) -> Vec<SharedGame> {
    let title = |id| source.game(id).map_or_else(|| id.to_string(), |game| game.title.clone());
    let offered = peer.games.iter().filter(|game| !game.local_only).map(|game| SharedGame {
        id: game.id.clone(),
        title: title(&game.id),
        version: game.version.clone(),
        is_complete: game.complete,
    });
    let mut games: Vec<SharedGame> = offered.collect();
    games.sort_by_cached_key(|game| game.title.to_lowercase());
    games
}

/// Somebody who is connected proves the way there; nobody proves nothing, for the party may be empty.
fn checks(source: Source<'_>, peers: &[PeerRow]) -> Checks {
    let snapshot = source.snapshot;
    let is_down = snapshot.failure.is_some();
    let adapter = match (is_down, &snapshot.ready) {
        (true, _) => Check::Problem,
        (false, None) => Check::Unknown,
        (false, Some(_)) if address(source).is_some() => Check::Ok,
        (false, Some(_)) => Check::Problem,
    };
    let is_reached = !is_down && peers.iter().any(|peer| peer.is_connected);
    Checks { adapter, reach: if is_reached { Check::Ok } else { Check::Unknown }, ..Checks::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample;
    use lanspread_peer::api::Snapshot;

    fn model(snapshot: &Snapshot) -> PartyModel {
        PartyModel::new(Source { snapshot, told: &Told::default() })
    }

    #[test]
    fn everybody_is_listed_by_name() {
        let mut lea = sample::peer(2, "lea", 0, 5);
        lea.presence.playing = Some("teeworlds".parse().unwrap());
        let games = vec![sample::GameSample::new("teeworlds", "Teeworlds").installed()];
        let model = model(&sample::snapshot_with(games, vec![sample::peer(3, "Marie", 7, 0), lea]));
        assert_eq!(model.peers.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["lea", "Marie"]);
        assert_eq!((model.pcs, model.playing, model.you.games), (3, 1, 1));
        assert_eq!(model.peers[0].playing.as_deref(), Some("Teeworlds"));
        assert_eq!((model.peers[0].from_you, model.peers[1].to_you), (5, 7));
        assert_eq!(model.at([192, 168, 10, 3].into()).map(|row| row.name.as_str()), Some("Marie"));
        assert_eq!(model.at([192, 168, 10, 4].into()), None);
    }

    #[test]
    fn checks_say_only_what_is_known() {
        let mut snapshot = sample::party();
        let known = model(&snapshot).checks;
        assert_eq!((known.adapter, known.reach), (Check::Ok, Check::Ok));
        assert_eq!((known.firewall, known.multicast), (Check::Unknown, Check::Unknown));
        assert_eq!(model(&sample::snapshot(Vec::new())).checks.reach, Check::Unknown, "nobody may be here");
        assert_eq!(model(&Snapshot::default()).checks, Checks::default());
        snapshot.failure = Some(sample::failure());
        assert_eq!(model(&snapshot).checks.adapter, Check::Problem);
        assert_eq!(model(&snapshot).checks.reach, Check::Unknown);
    }
}
