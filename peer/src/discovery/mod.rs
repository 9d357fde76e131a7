pub mod adapters {
    use std::net::{IpAddr, SocketAddr};
    pub fn rank(_r: SocketAddr, _l: Option<IpAddr>) -> u8 {
        0
    }
    pub fn is_gossiped(_a: SocketAddr) -> bool {
        true
    }
}
pub mod mdns {
    use lanspread_protocol::PeerId;
    use std::net::SocketAddr;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;
    #[derive(Debug, thiserror::Error)]
    #[error("x")]
    pub struct MdnsError;
    #[derive(Debug)]
    pub struct Announcement {
        pub peer: PeerId,
        pub name: String,
        pub addresses: Vec<SocketAddr>,
    }
    #[derive(Debug)]
    pub struct Found {
        pub peer: PeerId,
        pub addresses: Vec<SocketAddr>,
    }
    pub async fn run(
        _a: Announcement,
        _s: mpsc::Sender<Found>,
        t: CancellationToken,
    ) -> Result<(), MdnsError> {
        t.cancelled().await;
        Ok(())
    }
}
