//! [`PeerAddress`]: where a person says that a peer is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use lanspread_protocol::limits::PORT_RANGE;
use thiserror::Error;

/// A host's address, with a port or without: then all usual ports are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress {
    /// With port 0 when none was given, which no peer can have.
    address: SocketAddr,
}

/// Why a text is no address of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    #[error(
        "“{0}” is no address: expected an IPv4 or IPv6 address such as 192.168.1.20, 192.168.1.20:40420 or [fd00::20]:40420"
    )]
    Syntax(String),
    #[error("“{0}” has port 0; leave the port out to try the usual ones")]
    PortZero(String),
    #[error("“{0}” names no single PC")]
    NoHost(String),
}

impl PeerAddress {
    /// Every address that is meant, in the order to try.
    pub fn socket_addrs(&self) -> Vec<SocketAddr> {
        let with_port = |port| {
            let mut address = self.address;
            address.set_port(port);
            address
        };
        match self.address.port() {
            0 => PORT_RANGE.map(with_port).collect(),
            port => vec![with_port(port)],
        }
    }
}

impl FromStr for PeerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let named = || text.chars().take(80).collect::<String>();
        let address = parse(text.trim()).ok_or_else(|| AddressError::Syntax(named()))?;
        let (address, has_port) = address;
        if has_port && address.port() == 0 {
            return Err(AddressError::PortZero(named()));
        }
        let ip = address.ip().to_canonical();
        if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Err(AddressError::NoHost(named()));
        }
        Ok(Self { address })
    }
}

/// The address, and whether a port was written.
fn parse(text: &str) -> Option<(SocketAddr, bool)> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some((address, true));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some((SocketAddr::new(address.into(), 0), false));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<Ipv6Addr>() {
        return Some((SocketAddr::new(address.into(), 0), false));
    }
    // std reads a scope only with brackets and a port.
    let address = format!("[{bare}]:0").parse::<SocketAddrV6>().ok()?;
    Some((address.into(), false))
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address.port() != 0 {
            return write!(f, "{}", self.address);
        }
        match self.address {
            SocketAddr::V6(address) if address.scope_id() != 0 => {
                write!(f, "{}%{}", address.ip(), address.scope_id())
            }
            SocketAddr::V4(_) | SocketAddr::V6(_) => write!(f, "{}", self.address.ip()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        let address: PeerAddress = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(address.to_string().parse(), Ok(address), "{text}");
        address.socket_addrs().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_address_with_a_port_is_one() {
        assert_eq!(addresses("10.0.0.7:41000"), ["10.0.0.7:41000"]);
        assert_eq!(addresses(" [fd00::7]:41000 "), ["[fd00::7]:41000"]);
        assert_eq!(addresses("[fe80::7%3]:41000"), ["[fe80::7%3]:41000"]);
    }

    #[test]
    fn an_address_without_a_port_means_the_usual_ones() {
        for (text, first, last) in [
            ("10.0.0.7", "10.0.0.7:40420", "10.0.0.7:40429"),
            ("fd00::7", "[fd00::7]:40420", "[fd00::7]:40429"),
            ("[fd00::7]", "[fd00::7]:40420", "[fd00::7]:40429"),
            ("fe80::7%3", "[fe80::7%3]:40420", "[fe80::7%3]:40429"),
        ] {
            let all = addresses(text);
            assert_eq!((all.len(), all[0].as_str(), all[9].as_str()), (10, first, last));
        }
    }

    #[test]
    fn what_is_no_pc_is_refused_with_its_reason() {
        let error = |text: &str| text.parse::<PeerAddress>().unwrap_err();
        for text in ["", "pc7", "10.0.0", "10.0.0.7:", "10.0.0.7:70000", "[fd00::7", "fd00::7]", "a b"] {
            assert_eq!(error(text), AddressError::Syntax(text.to_owned()));
        }
        assert_eq!(error("10.0.0.7:0"), AddressError::PortZero("10.0.0.7:0".to_owned()));
        for text in ["0.0.0.0", "[::]:40420", "224.0.0.251", "ff02::fb", "255.255.255.255", "::ffff:0.0.0.0"]
        {
            assert_eq!(error(text), AddressError::NoHost(text.to_owned()));
        }
    }
}
