//! mDNS / DNS-SD: telling the network who is here, and hearing who else is.
//!
//! The service is `_lanspread._udp.local.`; instance and host are the id's first 16 digits, the TXT record has `id`
//! (64 digits), `v` (the wire's major version) and `name` (the player's). What is heard is a claim: the id is proved by
//! the handshake that follows. A peer that announces this peer's own id from elsewhere is reported, too: it is a clone.
//!
//! [`run`] ends without an error only when it is cancelled. A closed channel of the daemon is a failure of the service;
//! that nothing is heard for however long is not.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lanspread_protocol::limits::MAX_ADDRESSES_PER_PEER;
use lanspread_protocol::{PeerId, SERVICE_TYPE};
use mdns_sd::{IfKind, MDNS_PORT, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::adapters::Adapters;

/// The wire's major version, as the TXT record tells it.
pub const WIRE_VERSION: &str = "1";
/// A TXT entry has 255 bytes, with its key.
const MAX_NAME_BYTES: usize = 200;
/// How long a goodbye may take.
const FAREWELL: Duration = Duration::from_millis(250);

/// What is told about this peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub peer: PeerId,
    /// The player's name.
    pub name: String,
    /// The UDP port that is listened on.
    pub port: u16,
    /// The addresses that are listened on; none means those of all adapters, as they come and go.
    pub addresses: Vec<IpAddr>,
}

/// What is heard about others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    Found {
        peer: PeerId,
        name: String,
        /// Whether it speaks [`WIRE_VERSION`]. If not, it "runs another version".
        version: String,
        /// Link-local ones with the scope of the adapter they were heard on.
        addresses: Vec<SocketAddr>,
    },
    Lost {
        peer: PeerId,
    },
}

/// Why discovery has stopped.
#[derive(Debug, Error)]
pub enum MdnsError {
    #[error("mDNS does not work here: {0}")]
    Daemon(#[from] mdns_sd::Error),
    #[error("the mDNS service has stopped")]
    Stopped,
}

/// Announces and browses until `token` is cancelled. A changed announcement replaces the one before.
pub async fn run(
    announcement: watch::Receiver<Announcement>,
    heard: mpsc::Sender<Discovery>,
    token: CancellationToken,
) -> Result<(), MdnsError> {
    run_on(MDNS_PORT, announcement, heard, token).await
}

async fn run_on(
    mdns_port: u16,
    announcement: watch::Receiver<Announcement>,
    heard: mpsc::Sender<Discovery>,
    token: CancellationToken,
) -> Result<(), MdnsError> {
    let daemon = ServiceDaemon::new_with_port(mdns_port)?;
    let told = announcement.borrow().clone();
    let result = announce_and_browse(&daemon, announcement, &heard, &token).await;
    say_goodbye(&daemon, &told).await;
    result
}

async fn announce_and_browse(
    daemon: &ServiceDaemon,
    mut announcement: watch::Receiver<Announcement>,
    heard: &mpsc::Sender<Discovery>,
    token: &CancellationToken,
) -> Result<(), MdnsError> {
    let mut own = announcement.borrow_and_update().clone();
    choose_adapters(daemon, &own.addresses)?;
    daemon.register(service(&own)?)?;
    let events = daemon.browse(SERVICE_TYPE)?;
    let mut listener = Listener::default();
    loop {
        let discovery = tokio::select! {
            () = token.cancelled() => return Ok(()),
            Ok(()) = announcement.changed() => {
                own = announcement.borrow_and_update().clone();
                daemon.register(service(&own)?)?;
                continue;
            }
            event = events.recv_async() => match event {
                Ok(event) => listener.discovery(event, &own),
                Err(_) if token.is_cancelled() => return Ok(()),
                Err(_closed) => return Err(MdnsError::Stopped),
            },
        };
        let Some(discovery) = discovery else { continue };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            // Without a listener there is nothing to do until the cancel that must follow.
            _ = heard.send(discovery) => {}
        }
    }
}

/// Where to announce and listen: everywhere but on loopback, or where the given addresses are.
fn choose_adapters(daemon: &ServiceDaemon, addresses: &[IpAddr]) -> Result<(), mdns_sd::Error> {
    if addresses.is_empty() {
        return daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6]);
    }
    daemon.disable_interface(IfKind::All)?;
    daemon.enable_interface(kinds_of(addresses))
}

fn kinds_of(addresses: &[IpAddr]) -> Vec<IfKind> {
    let kind = |address: &IpAddr| match address {
        IpAddr::V4(v4) if v4.is_loopback() => IfKind::LoopbackV4,
        IpAddr::V6(v6) if v6.is_loopback() => IfKind::LoopbackV6,
        IpAddr::V4(_) | IpAddr::V6(_) => IfKind::Addr(*address),
    };
    addresses.iter().map(kind).collect()
}

fn service(own: &Announcement) -> Result<ServiceInfo, mdns_sd::Error> {
    let label = own.peer.short();
    let host = format!("{label}.local.");
    let (id, name) = (own.peer.to_string(), truncated(&own.name));
    let properties = [("id", id.as_str()), ("v", WIRE_VERSION), ("name", name)];
    let info = ServiceInfo::new(SERVICE_TYPE, &label, &host, &own.addresses[..], own.port, &properties[..])?;
    if own.addresses.is_empty() {
        return Ok(info.enable_addr_auto());
    }
    let mut info = info;
    info.set_interfaces(kinds_of(&own.addresses));
    Ok(info)
}

fn truncated(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME_BYTES)]
}

/// Tells the network that this peer leaves, as far as that works quickly.
async fn say_goodbye(daemon: &ServiceDaemon, told: &Announcement) {
    let full_name = format!("{}.{SERVICE_TYPE}", told.peer.short());
    if let Ok(status) = daemon.unregister(&full_name) {
        // An answer, an ended daemon and a timeout are all the same now.
        drop(timeout(FAREWELL, status.recv_async()).await);
    }
    if let Err(error) = daemon.shutdown() {
        debug!("mDNS was not shut down: {error}");
    }
}

/// Remembers which instance is which peer: a removal names the instance only.
#[derive(Debug, Default)]
struct Listener(BTreeMap<String, PeerId>);

impl Listener {
    fn discovery(&mut self, event: ServiceEvent, own: &Announcement) -> Option<Discovery> {
        if let ServiceEvent::ServiceResolved(service) = event {
            self.found(&service, own)
        } else if let ServiceEvent::ServiceRemoved(_, instance) = event {
            self.0.remove(&instance).map(|peer| Discovery::Lost { peer })
        } else {
            None
        }
    }

    fn found(&mut self, service: &ResolvedService, own: &Announcement) -> Option<Discovery> {
        let text = |key| service.get_property_val_str(key);
        let peer: PeerId = text("id")?.parse().ok()?;
        if !service.get_fullname().starts_with(&peer.short()) {
            debug!("{} announces an id that is not its name's", service.get_fullname());
            return None;
        }
        let adapters = Adapters::now().unwrap_or_default();
        let is_here = |ip: IpAddr| adapters.is_own(ip) || own.addresses.contains(&ip);
        let is_this = |ip: IpAddr| peer == own.peer && service.get_port() == own.port && is_here(ip);
        let mut addresses: Vec<_> = service
            .get_addresses()
            .iter()
            .filter(|ip| !is_this(ip.to_ip_addr()))
            .map(|ip| with_port(ip, service.get_port()))
            .collect();
        addresses.sort_by_key(|address| (adapters.rank(*address), *address));
        addresses.truncate(MAX_ADDRESSES_PER_PEER);
        if addresses.is_empty() {
            return None;
        }
        self.0.insert(service.get_fullname().to_owned(), peer);
        let name = truncated(text("name").unwrap_or_default()).to_owned();
        let version = text("v").unwrap_or_default().chars().take(16).collect();
        Some(Discovery::Found { peer, name, version, addresses })
    }
}

fn with_port(ip: &ScopedIp, port: u16) -> SocketAddr {
    let address = SocketAddr::new(ip.to_ip_addr(), port);
    match (ip, address) {
        (ScopedIp::V6(scoped), SocketAddr::V6(mut v6)) => {
            v6.set_scope_id(scoped.scope_id().index);
            crate::net::canonical(v6.into())
        }
        _ => crate::net::canonical(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinHandle;

    const PATIENCE: Duration = Duration::from_secs(10);
    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn announcement(seed: u8, port: u16) -> Announcement {
        Announcement { peer: PeerId([seed; 32]), name: format!("P{seed}"), port, addresses: vec![LOOPBACK] }
    }

    struct Running {
        task: JoinHandle<Result<(), MdnsError>>,
        heard: mpsc::Receiver<Discovery>,
        told: watch::Sender<Announcement>,
        token: CancellationToken,
    }

    fn start(mdns_port: u16, own: Announcement) -> Running {
        let (told, announcement) = watch::channel(own);
        let (sender, heard) = mpsc::channel(16);
        let token = CancellationToken::new();
        let task = tokio::spawn(run_on(mdns_port, announcement, sender, token.clone()));
        Running { task, heard, told, token }
    }

    /// A port of this test's own, so that no other mDNS service is met or disturbed.
    fn free_port() -> u16 {
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[expect(clippy::print_stderr, reason = "a test that skips must say so")]
    #[tokio::test]
    async fn two_peers_find_and_lose_each_other() {
        let mdns_port = free_port();
        let (mut a, b) = (start(mdns_port, announcement(1, 1001)), start(mdns_port, announcement(2, 1002)));
        let Ok(found) = timeout(PATIENCE, a.heard.recv()).await else {
            eprintln!("skipped: no multicast on this machine's loopback");
            return;
        };
        let expected = |name: &str| Discovery::Found {
            peer: PeerId([2; 32]),
            name: name.to_owned(),
            version: WIRE_VERSION.to_owned(),
            addresses: vec![SocketAddr::new(LOOPBACK, 1002)],
        };
        assert_eq!(found, Some(expected("P2")));
        b.told.send_modify(|own| own.name = "Renamed".to_owned());
        let next = async |a: &mut Running| timeout(PATIENCE, a.heard.recv()).await.unwrap().unwrap();
        while next(&mut a).await != expected("Renamed") {}
        b.token.cancel();
        assert!(matches!(timeout(PATIENCE, b.task).await.unwrap().unwrap(), Ok(())));
        while next(&mut a).await != (Discovery::Lost { peer: PeerId([2; 32]) }) {}
        a.token.cancel();
        assert!(matches!(timeout(PATIENCE, a.task).await.unwrap().unwrap(), Ok(())));
    }

    #[tokio::test]
    async fn a_dead_daemon_is_a_failure_and_a_cancel_is_not() {
        let daemon = ServiceDaemon::new_with_port(free_port()).unwrap();
        let (_told, announcement) = watch::channel(announcement(3, 1003));
        let (heard, _heard) = mpsc::channel(16);
        let token = CancellationToken::new();
        let ending = announce_and_browse(&daemon, announcement.clone(), &heard, &token);
        let (result, ()) = tokio::join!(ending, async {
            daemon.shutdown().unwrap().recv_async().await.unwrap();
        });
        assert!(result.is_err(), "{result:?}");
        token.cancel();
        let daemon = ServiceDaemon::new_with_port(free_port()).unwrap();
        assert!(announce_and_browse(&daemon, announcement, &heard, &token).await.is_ok());
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(truncated("Lea"), "Lea");
        assert_eq!(truncated(&"ü".repeat(150)).len(), 200);
        assert_eq!(truncated(&"€".repeat(150)).len(), 198);
    }
}
