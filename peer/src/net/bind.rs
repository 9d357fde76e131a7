//! Which sockets a peer listens on.
//!
//! By default one for IPv4 and one for IPv6 alone, on the same port: a dual-stack socket depends on system settings and
//! shows IPv4 peers under mapped addresses. A PC without one family does with the other. Every socket has the same
//! port, the first of [`PORT_RANGE`] that is free on all of them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use lanspread_protocol::limits::PORT_RANGE;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use tracing::debug;

use super::address::is_link_local_v6;

/// Room for what arrives while no thread looks: packets lost on a busy machine went from hundreds to none.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Any free port is asked for anew this often, when the one the first family got is taken in the other.
const ANY_PORT_ATTEMPTS: usize = 16;

/// Which port is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Port {
    /// The first free one of [`PORT_RANGE`].
    #[default]
    Search,
    /// This one and no other.
    Exactly(u16),
    /// Any free one.
    Any,
}

/// Why there is no socket.
#[derive(Debug, Error)]
pub enum BindError {
    #[error("the UDP port {} is taken", .0.port())]
    Taken(SocketAddr),
    #[error("the UDP ports {} to {} are all taken", PORT_RANGE.start(), PORT_RANGE.end())]
    AllTaken,
    #[error("{0} is not an address of this PC")]
    NotHere(IpAddr),
    #[error("cannot listen on {address}: {source}")]
    Failed { address: SocketAddr, source: io::Error },
}

/// Opens the sockets for `addresses`; none means all adapters.
pub(crate) fn bind(addresses: &[IpAddr], port: Port) -> Result<Vec<UdpSocket>, BindError> {
    let (ports, attempts) = match port {
        Port::Search => (PORT_RANGE, 1),
        Port::Exactly(port) => (port..=port, 1),
        Port::Any => (0..=0, ANY_PORT_ATTEMPTS),
    };
    let mut taken = None;
    for candidate in ports.flat_map(|port| std::iter::repeat_n(port, attempts)) {
        let sockets =
            if addresses.is_empty() { bind_all(candidate) } else { bind_these(addresses, candidate) };
        match sockets {
            Err(BindError::Taken(address)) => taken = Some(address),
            other => return other,
        }
    }
    match (port, taken) {
        (Port::Exactly(_), Some(address)) => Err(BindError::Taken(address)),
        _ => Err(BindError::AllTaken),
    }
}

fn bind_these(addresses: &[IpAddr], mut port: u16) -> Result<Vec<UdpSocket>, BindError> {
    let mut sockets: Vec<UdpSocket> = Vec::new();
    let mut bound: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !bound.contains(address) {
            let socket = open(with_scope(*address, port))?;
            port = port_of(&socket).unwrap_or(port);
            sockets.push(socket);
            bound.push(*address);
        }
    }
    Ok(sockets)
}

fn bind_all(port: u16) -> Result<Vec<UdpSocket>, BindError> {
    let v4 = match open((Ipv4Addr::UNSPECIFIED, port).into()) {
        Err(BindError::Taken(address)) => return Err(BindError::Taken(address)),
        other => other,
    };
    let port = v4.as_ref().ok().and_then(port_of).unwrap_or(port);
    match (v4, open((Ipv6Addr::UNSPECIFIED, port).into())) {
        (_, Err(BindError::Taken(address))) => Err(BindError::Taken(address)),
        (Ok(v4), Ok(v6)) => Ok(vec![v4, v6]),
        (Ok(v4), Err(error)) => {
            debug!("without IPv6: {error}");
            Ok(vec![v4])
        }
        (Err(error), Ok(v6)) => {
            debug!("without IPv4: {error}");
            Ok(vec![v6])
        }
        (Err(error), Err(_)) => Err(error),
    }
}

fn port_of(socket: &UdpSocket) -> Option<u16> {
    socket.local_addr().ok().map(|address| address.port())
}

/// A link-local address means nothing without its adapter.
fn with_scope(address: IpAddr, port: u16) -> SocketAddr {
    let IpAddr::V6(v6) = address else { return SocketAddr::new(address, port) };
    if !is_link_local_v6(v6) {
        return SocketAddr::new(address, port);
    }
    let adapters = if_addrs::get_if_addrs().unwrap_or_default();
    let index = adapters.iter().find(|adapter| adapter.ip() == address).and_then(|adapter| adapter.index);
    SocketAddrV6::new(v6, port, 0, index.unwrap_or(0)).into()
}

fn open(address: SocketAddr) -> Result<UdpSocket, BindError> {
    try_open(address).map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            BindError::Taken(address)
        } else if source.kind() == io::ErrorKind::AddrNotAvailable {
            BindError::NotHere(address.ip())
        } else {
            BindError::Failed { address, source }
        }
    })
}

fn try_open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6()
        && let Err(error) = socket.set_only_v6(true)
    {
        debug!("cannot ask for IPv6 alone, hoping for the system's default: {error}");
    }
    let buffers = socket
        .set_recv_buffer_size(SOCKET_BUFFER_BYTES)
        .and_then(|()| socket.set_send_buffer_size(SOCKET_BUFFER_BYTES));
    if let Err(error) = buffers {
        debug!("the UDP buffers of {address} keep the system's size: {error}");
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn every_socket_has_the_same_port() {
        let sockets = bind(&[], Port::Any).unwrap();
        let ports: Vec<_> = sockets.iter().filter_map(port_of).collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");
        let one = bind(&[LOOPBACK, LOOPBACK], Port::Any).unwrap();
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn a_taken_port_is_named() {
        let first = bind(&[LOOPBACK], Port::Any).unwrap();
        let port = port_of(&first[0]).unwrap();
        let error = bind(&[LOOPBACK], Port::Exactly(port)).unwrap_err();
        assert_eq!(error.to_string(), format!("the UDP port {port} is taken"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_next_port_is_tried_when_one_is_taken() {
        // An address of this process's own, so that no other program's ports matter.
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(127, 128 | high, middle, low));
        let ports: Vec<_> = PORT_RANGE.map(|_| bind(&[address], Port::Search).unwrap().remove(0)).collect();
        let numbers: Vec<_> = ports.iter().filter_map(port_of).collect();
        assert_eq!(numbers, PORT_RANGE.collect::<Vec<_>>());
        assert!(matches!(bind(&[address], Port::Search), Err(BindError::AllTaken)));
    }

    #[test]
    fn a_foreign_address_is_named() {
        let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let error = bind(&[foreign], Port::Any).unwrap_err();
        assert_eq!(error.to_string(), "192.0.2.1 is not an address of this PC");
    }
}
