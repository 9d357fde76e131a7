//! This PC's network adapters, and what they say about other PCs' addresses.
//!
//! An address is worth dialling in the order of the adapter that its packets leave by: cable before Wi-Fi before the
//! rest. It may be told to others only when it means the same place to them: private, and on a network that this PC is
//! on, too.

use std::io;
use std::net::{IpAddr, SocketAddr};

use lanspread_engine::LinkKind;

use crate::api::AdapterView;
use crate::net::is_link_local;

/// What an adapter is, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// This PC itself.
    Loopback,
    Cable,
    WiFi,
    /// VPNs, virtual machines, bridges, and what no adapter is directly connected to.
    Rest,
}

impl Rank {
    pub fn link(self) -> LinkKind {
        match self {
            Self::Cable => LinkKind::Cable,
            Self::WiFi => LinkKind::WiFi,
            Self::Rest => LinkKind::Virtual,
            Self::Loopback => LinkKind::Unknown,
        }
    }
}

/// One address of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    pub name: String,
    pub address: IpAddr,
    /// Leading bits that its network's addresses share.
    pub prefix_bits: u8,
    /// The scope of link-local IPv6 addresses heard here.
    pub index: Option<u32>,
    pub rank: Rank,
}

/// All addresses of all adapters, as they were at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adapters(Vec<Adapter>);

impl Adapters {
    /// As they are now. Asks the system, which takes a moment; not for the event loop.
    pub fn now() -> io::Result<Self> {
        let adapters = if_addrs::get_if_addrs()?.into_iter().map(|found| {
            let prefix_bits = match &found.addr {
                if_addrs::IfAddr::V4(v4) => v4.prefixlen,
                if_addrs::IfAddr::V6(v6) => v6.prefixlen,
            };
            let address = found.ip();
            let rank = match address.is_loopback() {
                true => Rank::Loopback,
                false if found.is_p2p => Rank::Rest,
                false => kind_of(&found.name),
            };
            Adapter { name: found.name, address, prefix_bits, index: found.index, rank }
        });
        Ok(Self(adapters.collect()))
    }

    pub fn as_slice(&self) -> &[Adapter] {
        &self.0
    }

    /// For people: one entry an adapter, best first, without loopback.
    pub fn views(&self) -> Vec<AdapterView> {
        let mut views: Vec<AdapterView> = Vec::new();
        let mut adapters: Vec<&Adapter> = self.0.iter().filter(|it| it.rank != Rank::Loopback).collect();
        adapters.sort_by_key(|adapter| adapter.rank);
        for adapter in adapters {
            match views.iter_mut().find(|view| view.name == adapter.name) {
                Some(view) => view.addresses.push(adapter.address),
                None => views.push(AdapterView {
                    name: adapter.name.clone(),
                    kind: adapter.rank.link(),
                    addresses: vec![adapter.address],
                }),
            }
        }
        views
    }

    /// Whether an address is this PC's.
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.0.iter().any(|adapter| adapter.address == address.to_canonical())
    }

    /// How good the way to an address is.
    pub fn rank(&self, address: SocketAddr) -> Rank {
        let ip = address.ip().to_canonical();
        if ip.is_loopback() {
            return Rank::Loopback;
        }
        self.0
            .iter()
            .filter(|adapter| leads_to(adapter, address))
            .map(|it| it.rank)
            .min()
            .unwrap_or(Rank::Rest)
    }

    /// Whether `address` may be told to, or taken from, a peer that is reached at `with`: it must be private and on one
    /// of this PC's networks. Link-local addresses mean another place on each PC; loopback addresses mean something
    /// only between peers on one PC.
    pub fn may_gossip(&self, address: IpAddr, with: IpAddr) -> bool {
        let address = address.to_canonical();
        if address.is_loopback() {
            return with.is_loopback();
        }
        is_private(address) && self.0.iter().any(|adapter| is_on_link(adapter, address))
    }
}

/// Whether packets for `address` leave by this adapter.
fn leads_to(adapter: &Adapter, address: SocketAddr) -> bool {
    if let SocketAddr::V6(v6) = address
        && is_link_local(address.ip())
    {
        return adapter.index == Some(v6.scope_id());
    }
    is_on_link(adapter, address.ip().to_canonical())
}

fn is_on_link(adapter: &Adapter, address: IpAddr) -> bool {
    let shared_bits = match (adapter.address, address) {
        (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V4(_) | IpAddr::V6(_), _) => return false,
    };
    adapter.rank != Rank::Loopback && shared_bits >= u32::from(adapter.prefix_bits)
}

/// RFC 1918 and RFC 4193, without link-local addresses.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(target_os = "linux")]
fn kind_of(name: &str) -> Rank {
    let folder = std::path::Path::new("/sys/class/net").join(name);
    if folder.join("wireless").exists() || folder.join("phy80211").exists() {
        Rank::WiFi
    } else if folder.join("device").exists() {
        Rank::Cable
    } else {
        Rank::Rest
    }
}

#[cfg(not(target_os = "linux"))]
fn kind_of(name: &str) -> Rank {
    kind_by_name(name)
}

/// What Windows calls adapters, in the languages it ships in, and what VPNs and virtual machines call theirs.
#[cfg(any(not(target_os = "linux"), test))]
fn kind_by_name(name: &str) -> Rank {
    const WIFI: [&str; 5] = ["wi-fi", "wifi", "wlan", "wireless", "drahtlos"];
    const REST: [&str; 19] = [
        "vethernet",
        "virtual",
        "vmware",
        "vbox",
        "hyper-v",
        "docker",
        "vpn",
        "tap",
        "tun",
        "wireguard",
        "hamachi",
        "zerotier",
        "tailscale",
        "radmin",
        "ppp",
        "bluetooth",
        "teredo",
        "isatap",
        "wsl",
    ];
    let name = name.to_lowercase();
    let has_any = |words: &[&str]| words.iter().any(|word| name.contains(word));
    // "Wi-Fi (Virtual)" is virtual first.
    if has_any(&REST) {
        Rank::Rest
    } else if has_any(&WIFI) {
        Rank::WiFi
    } else {
        Rank::Cable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapters() -> Adapters {
        let adapter = |name: &str, address: &str, prefix_bits, index, rank| Adapter {
            name: name.to_owned(),
            address: address.parse().unwrap(),
            prefix_bits,
            index: Some(index),
            rank,
        };
        Adapters(vec![
            adapter("lo", "127.0.0.1", 8, 1, Rank::Loopback),
            adapter("eth0", "192.168.1.5", 24, 2, Rank::Cable),
            adapter("eth0", "fe80::5", 64, 2, Rank::Cable),
            adapter("wlan0", "192.168.2.5", 24, 3, Rank::WiFi),
            adapter("wlan0", "fd00::5", 64, 3, Rank::WiFi),
            adapter("vpn", "10.8.0.2", 8, 4, Rank::Rest),
            adapter("wan", "93.184.216.5", 24, 5, Rank::Cable),
        ])
    }

    #[test]
    fn the_way_decides_how_good_an_address_is() {
        let rank = |address: &str| adapters().rank(address.parse().unwrap());
        assert_eq!(rank("127.0.0.9:1"), Rank::Loopback);
        assert_eq!(rank("192.168.1.77:1"), Rank::Cable);
        assert_eq!(rank("[::ffff:192.168.1.77]:1"), Rank::Cable);
        assert_eq!(rank("192.168.2.77:1"), Rank::WiFi);
        assert_eq!(rank("[fd00::77]:1"), Rank::WiFi);
        assert_eq!(rank("10.9.9.9:1"), Rank::Rest);
        assert_eq!(rank("172.16.0.1:1"), Rank::Rest);
        assert_eq!(rank("[fe80::1%2]:1"), Rank::Cable);
        assert_eq!(rank("[fe80::1%3]:1"), Rank::WiFi);
        assert_eq!(rank("[fe80::1]:1"), Rank::Rest);
        assert!(Rank::Cable < Rank::WiFi && Rank::WiFi < Rank::Rest);
    }

    #[test]
    fn only_what_means_the_same_place_to_others_is_told() {
        let peer = "192.168.1.9".parse().unwrap();
        let may = |address: &str| adapters().may_gossip(address.parse().unwrap(), peer);
        assert!(may("192.168.1.77") && may("fd00::77") && may("10.9.9.9") && may("::ffff:192.168.1.77"));
        assert!(!may("172.16.0.1"), "private, but of no network here");
        assert!(!may("93.184.216.34"), "on link, but not private");
        assert!(!may("fe80::1") && !may("169.254.1.1"), "link-local");
        assert!(!may("127.0.0.2"));
        assert!(adapters().may_gossip("127.0.0.2".parse().unwrap(), "127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn names_tell_kinds() {
        for (name, rank) in [
            ("Ethernet 2", Rank::Cable),
            ("Wi-Fi", Rank::WiFi),
            ("WLAN", Rank::WiFi),
            ("vEthernet (Default Switch)", Rank::Rest),
            ("Tailscale", Rank::Rest),
        ] {
            assert_eq!(kind_by_name(name), rank, "{name}");
        }
    }

    #[test]
    fn this_pc_has_adapters() {
        let adapters = Adapters::now().unwrap();
        assert!(adapters.as_slice().iter().all(|adapter| adapters.is_own(adapter.address)));
    }
}
