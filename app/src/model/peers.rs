//! The other PCs: who, what they play, how well they are reached, and what they share.
//!
//! A party of 30 PCs tells of thousands of games. So all this is made when there is news, not for every frame, and the list of
//! a PC's games only while its row is open.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lanspread_engine::{LinkKind, PeerView, View};
use lanspread_protocol::{GameId, PeerId, Version};

use super::Source;
use super::status::is_shared;

/// Rows as they were made last: frames in which nothing is new make none.
#[derive(Debug, Default)]
pub struct PeerRows {
    /// What they are made of. Held, so that no other view can lie at its place.
    view: Option<Arc<View>>,
    opened: Option<PeerId>,
    /// By name.
    pub(super) peers: Arc<[PeerRow]>,
    /// Of the PC whose row is open, by title.
    pub(super) shared: Arc<[SharedGame]>,
    /// Different games that others can be given, anywhere.
    pub(super) games_shared: usize,
}

/// A PC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRow {
    pub id: PeerId,
    pub name: String,
    pub pc: String,
    /// The title of what is played there.
    pub playing: Option<String>,
    /// The title of a game whose server runs there.
    pub hosts: Option<String>,
    /// Games that are complete there, and what the catalog says of their sizes.
    pub games: usize,
    pub bytes: u64,
    pub to_you: u64,
    pub from_you: u64,
    /// How well it is reached; `None` before it is.
    pub quality: Option<Quality>,
    pub link: LinkKind,
    /// There and back.
    pub rtt: Option<Duration>,
    pub addresses: Vec<SocketAddr>,
}

/// How well another PC is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    Great,
    Good,
    Fair,
    Weak,
    /// The time there and back is not measured yet.
    Unmeasured,
}

impl Quality {
    /// Wi-Fi may look good for a moment: it is never better than fair.
    fn of(link: LinkKind, rtt: Option<Duration>) -> Self {
        let Some(rtt) = rtt else { return Self::Unmeasured };
        match rtt.as_micros() {
            20_000.. => Self::Weak,
            5_000.. => Self::Fair,
            _ if link == LinkKind::WiFi => Self::Fair,
            2_000.. => Self::Good,
            _ => Self::Great,
        }
    }
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

impl PeerRows {
    pub(super) fn update(&mut self, source: Source<'_>, opened: Option<PeerId>) {
        let is_news = !source.is_of(self.view.as_ref());
        if is_news {
            let mut shares = Shares::of_this_pc(source);
            let peers = peers(source).iter();
            let mut peers: Vec<PeerRow> = peers.map(|peer| row(source, peer, &mut shares)).collect();
            peers.sort_by_cached_key(|row| (row.name.to_lowercase(), row.id));
            self.peers = peers.into();
            self.games_shared = shares.count();
            self.view.clone_from(&source.snapshot.view);
        }
        if is_news || self.opened != opened {
            let peer = opened.and_then(|id| peers(source).iter().find(|peer| peer.peer_id == id));
            self.shared = peer.map(|peer| shared(source, peer)).unwrap_or_default().into();
            self.opened = opened;
        }
    }
}

fn peers(source: Source<'_>) -> &[PeerView] {
    source.view().map_or(&[], |view| &view.peers)
}

fn row<'a>(source: Source<'a>, peer: &'a PeerView, shares: &mut Shares<'a>) -> PeerRow {
    let title = |id: &GameId| source.game(id).map_or_else(|| id.to_string(), |game| game.title.clone());
    let (mut games, mut bytes) = (0, 0);
    for game in peer.games.iter().filter(|game| game.complete) {
        let place = source.place_of(&game.id);
        let entry = place.and_then(|place| source.games().get(place)?.entry.as_ref());
        games += 1;
        bytes += entry.and_then(|entry| entry.size).unwrap_or_default();
        if !game.local_only {
            shares.add(place, &game.id);
        }
    }
    let presence = &peer.presence;
    PeerRow {
        id: peer.peer_id,
        name: presence.name.clone(),
        pc: presence.pc.clone(),
        playing: presence.playing.as_ref().map(title),
        hosts: presence.servers.first().map(|server| title(&server.game)),
        games,
        bytes,
        to_you: peer.rx_rate,
        from_you: peer.tx_rate,
        quality: peer.connected.then(|| Quality::of(peer.link, peer.rtt)),
        link: peer.link,
        rtt: peer.rtt,
        addresses: peer.addresses.clone(),
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

/// Different games that somebody shares. A party tells of the same ones again and again: those that are known here are
/// counted by their places.
#[derive(Debug)]
struct Shares<'a> {
    known: Vec<bool>,
    others: HashSet<&'a GameId>,
}

impl<'a> Shares<'a> {
    fn of_this_pc(source: Source<'_>) -> Self {
        Self { known: source.games().iter().map(is_shared).collect(), others: HashSet::new() }
    }

    fn add(&mut self, place: Option<usize>, game: &'a GameId) {
        match place.and_then(|place| self.known.get_mut(place)) {
            Some(is_known) => *is_known = true,
            None => drop(self.others.insert(game)),
        }
    }

    fn count(&self) -> usize {
        self.known.iter().filter(|is_known| **is_known).count() + self.others.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample::{self, GameSample};
    use lanspread_engine::PeerGame;

    #[test]
    fn rows_are_made_anew_only_for_news_and_games_only_of_the_pc_that_is_open() {
        let game = |id: &str, complete, local_only| PeerGame {
            id: id.parse().unwrap(),
            version: None,
            complete,
            local_only,
            chunks: 1,
            chunks_total: 1,
        };
        let mut lea = sample::peer(1, "Lea", 0, 0);
        lea.games = vec![game("b", true, false), game("a", false, false), game("c", true, true)];
        let mut ole = sample::peer(2, "Ole", 0, 0);
        ole.games = vec![game("b", true, false), game("d", true, false)];
        let games = vec![GameSample::new("b", "Alpha"), GameSample::new("e", "E").downloaded()];
        let mut snapshot = sample::snapshot_with(games, vec![ole, lea]);
        let (told, mut rows) = (Told::default(), PeerRows::default());
        rows.update(Source { snapshot: &snapshot, told: &told }, None);
        assert_eq!((rows.peers.len(), rows.shared.len(), rows.games_shared), (2, 0, 3));
        let made = Arc::clone(&rows.peers);
        rows.update(Source { snapshot: &snapshot, told: &told }, Some(PeerId([1; 32])));
        assert!(Arc::ptr_eq(&made, &rows.peers), "nobody else came");
        let shared: Vec<_> = rows.shared.iter().map(|game| (&*game.title, game.is_complete)).collect();
        assert_eq!(shared, [("a", false), ("Alpha", true)]);
        let view = snapshot.view.take().unwrap();
        snapshot.view = Some(Arc::new(View { peers: view.peers[..1].to_vec(), ..view.as_ref().clone() }));
        rows.update(Source { snapshot: &snapshot, told: &told }, Some(PeerId([1; 32])));
        assert_eq!((rows.peers.len(), rows.shared.len()), (1, 0), "Lea is gone");
    }

    #[test]
    fn a_connection_is_as_good_as_it_is_fast() {
        let of = |link, micros| Quality::of(link, Some(Duration::from_micros(micros)));
        assert_eq!(of(LinkKind::Cable, 1_999), Quality::Great);
        assert_eq!(of(LinkKind::Virtual, 2_000), Quality::Good);
        assert_eq!(of(LinkKind::Cable, 5_000), Quality::Fair);
        assert_eq!(of(LinkKind::WiFi, 900), Quality::Fair);
        assert_eq!(of(LinkKind::WiFi, 20_000), Quality::Weak);
        assert_eq!(Quality::of(LinkKind::Cable, None), Quality::Unmeasured);
    }
}
