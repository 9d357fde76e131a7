//! Who is here, and the checks for who is not.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lanspread_peer::api::{AdapterView, CheckReason, CheckResult};
use lanspread_peer::firewall::AllowCommand;
use lanspread_protocol::PeerId;

use super::peers::{PeerRow, PeerRows, SharedGame};
use super::{Source, StatusModel};

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartyModel {
    pub party: Option<String>,
    /// With this one.
    pub pcs: usize,
    pub playing: usize,
    /// Different games that others can be given, anywhere.
    pub games_shared: usize,
    /// By name.
    pub peers: Arc<[PeerRow]>,
    /// What the PC shares whose row is open, by title.
    pub shared: Arc<[SharedGame]>,
    pub you: You,
    pub checks: Checks,
}

/// This PC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct You {
    pub name: String,
    pub address: Option<SocketAddr>,
    /// What is shared from here.
    pub games: usize,
    pub bytes: u64,
    pub sent: u64,
    pub received: u64,
}

/// The checks for who is not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    pub adapter: CheckResult,
    pub firewall: CheckResult,
    pub multicast: CheckResult,
    pub reach: CheckResult,
    /// What the network is reached by.
    pub adapters: Vec<AdapterView>,
    pub port: Option<u16>,
    /// The port is not the usual one: others find this PC by multicast or hearsay only.
    pub is_other_port: bool,
    /// Who answers fastest, and after which time.
    pub answers: Option<(String, Option<Duration>)>,
    /// The network service has stopped.
    pub is_down: bool,
    /// How an administrator lets others in.
    pub allow_command: Option<AllowCommand>,
    /// The name of the firewall's rule that keeps others out.
    pub blocking_rule: Option<String>,
}

/// Something keeps PCs from meeting.
pub(super) fn has_problem(source: Source<'_>) -> bool {
    let found = source.snapshot.network.checks;
    let all = [found.adapter, firewall(found), found.multicast, found.reach];
    !source.is_connected() || all.iter().any(|check| matches!(check, CheckResult::Problem(_)))
}

/// Whoever was reached is not in trouble, whatever the firewall's rules say: what this PC sends opens it for whom it is
/// sent to, and a PC may be in several networks.
fn firewall(found: lanspread_peer::api::Checks) -> CheckResult {
    match (found.firewall, found.reach) {
        (CheckResult::Unknown, CheckResult::Ok) => CheckResult::Ok,
        (CheckResult::Problem(reason), CheckResult::Ok) => CheckResult::Limited(reason),
        (firewall, _) => firewall,
    }
}

impl PartyModel {
    /// With what the PC shares whose row is open.
    pub fn new(source: Source<'_>, rows: &mut PeerRows, opened: Option<PeerId>) -> Self {
        let status = StatusModel::new(source);
        let traffic = source.snapshot.status;
        rows.update(source, opened);
        Self {
            party: source.party(),
            pcs: status.pcs,
            playing: rows.peers.iter().filter(|row| row.playing.is_some()).count(),
            games_shared: rows.games_shared,
            peers: Arc::clone(&rows.peers),
            shared: Arc::clone(&rows.shared),
            you: You {
                name: status.name,
                address: address(source),
                games: status.shared_games,
                bytes: status.shared_bytes,
                sent: traffic.tx_bytes,
                received: traffic.rx_bytes,
            },
            checks: checks(source),
        }
    }

    /// Who is at an address that was added.
    pub fn at(&self, ip: IpAddr) -> Option<&PeerRow> {
        self.peers.iter().find(|row| row.addresses.iter().any(|address| address.ip() == ip))
    }
}

fn address(source: Source<'_>) -> Option<SocketAddr> {
    let addresses = &source.snapshot.ready.as_ref()?.addresses;
    let outside = addresses.iter().find(|address| !address.ip().is_loopback());
    // Of a party on one PC, all are here.
    let is_met = source.view().is_some_and(|view| view.peers.iter().any(|peer| peer.connected));
    outside.or_else(|| addresses.first().filter(|_| is_met)).copied()
}

/// Facts of the peer. Somebody who is connected proves the way there; nobody proves nothing, for the party may be empty.
fn checks(source: Source<'_>) -> Checks {
    let (network, peers) = (&source.snapshot.network, source.view().map_or(&[][..], |view| &view.peers));
    let fastest =
        peers.iter().filter(|peer| peer.connected).min_by_key(|peer| peer.rtt.unwrap_or(Duration::MAX));
    let is_down = !source.is_connected();
    let unless_down = |result| if is_down { CheckResult::Unknown } else { result };
    let found = network.checks;
    Checks {
        adapter: if is_down { CheckResult::Problem(CheckReason::NoAdapter) } else { found.adapter },
        firewall: unless_down(firewall(found)),
        multicast: unless_down(found.multicast),
        reach: unless_down(found.reach),
        adapters: network.adapters.clone(),
        port: network.port,
        is_other_port: matches!(found.port, CheckResult::Limited(_)),
        answers: fastest.filter(|_| !is_down).map(|peer| (peer.presence.name.clone(), peer.rtt)),
        is_down,
        allow_command: network.allow_command.clone().filter(|_| !is_down),
        blocking_rule: network.blocking_rule.clone().filter(|_| !is_down),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample;
    use lanspread_peer::api::Snapshot;

    fn model(snapshot: &Snapshot) -> PartyModel {
        PartyModel::new(Source { snapshot, told: &Told::default() }, &mut PeerRows::default(), None)
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
    fn checks_are_the_peers_and_nothing_is_known_without_a_network() {
        let mut snapshot = sample::party();
        snapshot.network = sample::network();
        let checks = model(&snapshot).checks;
        let blocks = CheckReason::RuleBlocks;
        assert_eq!(checks.firewall, CheckResult::Limited(blocks), "others reach it all the same");
        assert_eq!((checks.adapter, checks.port), (CheckResult::Ok, Some(40420)));
        assert_eq!(checks.answers, Some(("Jonas".to_owned(), Some(Duration::from_micros(300)))));
        let has_problem = |snapshot: &Snapshot| has_problem(Source { snapshot, told: &Told::default() });
        assert!(!has_problem(&snapshot) && !has_problem(&Snapshot::default()));
        snapshot.network.checks.reach = CheckResult::Limited(CheckReason::NothingInbound);
        assert!(has_problem(&snapshot));
        assert_eq!(model(&snapshot).checks.firewall, CheckResult::Problem(blocks));
        snapshot.network.checks.firewall = CheckResult::Unknown;
        assert_eq!(model(&snapshot).checks.firewall, CheckResult::Unknown);
        snapshot.network.checks.reach = CheckResult::Ok;
        assert_eq!(model(&snapshot).checks.firewall, CheckResult::Ok, "who was reached has one that is open");
        snapshot.failure = Some(sample::failure());
        let checks = model(&snapshot).checks;
        assert_eq!((checks.firewall, checks.answers), (CheckResult::Unknown, None));
        assert!(matches!(checks.adapter, CheckResult::Problem(_)));
    }
}
