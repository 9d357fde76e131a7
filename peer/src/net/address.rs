//! Small truths about addresses that the standard library leaves out.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// `fe80::/10` and `169.254.0.0/16`: addresses that mean another place on each network.
pub fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => is_link_local_v6(v6),
    }
}

/// `fe80::/10`.
pub(crate) fn is_link_local_v6(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xffc0 == 0xfe80
}

/// One spelling for each place: IPv4 never mapped into IPv6, and a scope only where it means something. quinn compares
/// addresses as a whole, so a stray scope would make a peer's own packets a stranger's.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    let port = address.port();
    match (address.ip().to_canonical(), address) {
        (IpAddr::V6(ip), SocketAddr::V6(whole)) => {
            let scope = if is_link_local_v6(ip) { whole.scope_id() } else { 0 };
            SocketAddrV6::new(ip, port, 0, scope).into()
        }
        (ip, _) => SocketAddr::new(ip, port),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_place_has_one_spelling() {
        let canonical = |text: &str| super::canonical(text.parse().unwrap()).to_string();
        assert_eq!(canonical("[::ffff:10.0.0.1]:5"), "10.0.0.1:5");
        assert_eq!(canonical("10.0.0.1:5"), "10.0.0.1:5");
        assert_eq!(canonical("[fe80::1%3]:5"), "[fe80::1%3]:5");
        assert_eq!(canonical("[fd00::1%3]:5"), "[fd00::1]:5");
    }
}
