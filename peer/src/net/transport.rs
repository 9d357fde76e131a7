//! QUIC's settings for a LAN, and why.
//!
//! - **Acknowledgements** are asked for rarely: on a LAN, where little is lost, one for every second packet is work for
//!   both sides and news for neither. They wait for 2 ms at most: a small congestion window has fewer packets than the
//!   ten, and would stand still for quinn's 25 ms after each.
//! - **Loss** is a matter of time only. By the standard, a packet that three later ones overtake is lost (RFC 9002,
//!   6.1.1), and Cubic slows down, also where packets only changed their order. So no number of packets counts, and a
//!   packet may be late by a whole round trip; real loss is found that much later. The receiver need not report gaps at
//!   once either, for no decision waits for it.
//! - **MTU**: the handshake starts with 1,200 bytes, which every path carries (VPNs carry little more); discovery then
//!   looks for more: up to jumbo frames on a LAN, up to whole UDP datagrams on loopback.
//!   Jumbo frames cost nothing where there are none; on loopback, packets as large as UDP allows move 2.7 times what
//!   Ethernet's move.
//! - **Congestion control** is Cubic: over a link limited to 100 Mbit/s or 1 Gbit/s it fills 95 % with file bytes, BBR
//!   89 %; on loopback BBR moves half of a bare stream's bytes.
//! - **Windows** bound memory. What one connection may hold is set by [`super::windows`] from a budget of the process;
//!   here stand only the starting values.
//! - **Liveness**: keep-alives and the idle timeout are the protocol's, the same on all peers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lanspread_protocol::limits::{
    IDLE_TIMEOUT, KEEP_ALIVE, MAX_CONTROL_STREAMS, MAX_PENDING_HANDSHAKES, MAX_REQUESTS_PER_CONNECTION,
};
use quinn::{AckFrequencyConfig, EndpointConfig, MtuDiscoveryConfig, TransportConfig, VarInt};

use super::congestion;
use super::windows::{MAX_WINDOW_BYTES, START_SEND_WINDOW_BYTES, START_WINDOW_BYTES};

/// Payload of a jumbo frame of 9,000 bytes under IPv6's headers.
const JUMBO_MTU: u16 = 9_000 - 48;
/// The largest UDP payload of IPv4, which loopback carries.
const LOOPBACK_MTU: u16 = 65_507;
/// A guess for the first packets: a third of the usual one, so that lost first packets (a firewall that the other
/// side's dial is about to open) are sent again soon.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Packets until the receiver acknowledges.
const PACKETS_PER_ACK: u32 = 10;
/// The longest time that the receiver may keep an acknowledgement back.
const MAX_ACK_DELAY: Duration = Duration::from_millis(2);
/// A packet is lost when a later one has arrived and it is this many round trips old. The round trip is measured by the
/// packets that arrive first, so that the slowest of a jittering link take up to twice as long.
const LOST_AFTER_ROUND_TRIPS: f32 = 2.0;
/// For the rule of the standard that goes by the number of later packets: more than are ever under way.
const LOST_AFTER_PACKETS: u32 = 1_000_000;
/// What a stranger may send before its handshake begins; a first flight is two packets.
const BYTES_BEFORE_HANDSHAKE: u64 = 16 * 1024;

/// The settings of a connection with `remote`.
pub(crate) fn transport(remote: IpAddr) -> Arc<TransportConfig> {
    let mut ack = AckFrequencyConfig::default();
    ack.ack_eliciting_threshold(PACKETS_PER_ACK.into())
        .max_ack_delay(Some(MAX_ACK_DELAY))
        .reordering_threshold(0_u32.into());
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(if remote.is_loopback() { LOOPBACK_MTU } else { JUMBO_MTU });
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(MAX_REQUESTS_PER_CONNECTION.into())
        .max_concurrent_uni_streams(MAX_CONTROL_STREAMS.into())
        .max_idle_timeout(IDLE_TIMEOUT.try_into().ok())
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .packet_threshold(LOST_AFTER_PACKETS)
        .time_threshold(LOST_AFTER_ROUND_TRIPS)
        .stream_receive_window(MAX_WINDOW_BYTES.into())
        .receive_window(START_WINDOW_BYTES.into())
        .send_window(START_SEND_WINDOW_BYTES.into())
        .mtu_discovery_config(Some(mtu))
        .ack_frequency_config(Some(ack))
        .congestion_controller_factory(Arc::new(congestion::Factory))
        // Nothing here uses datagrams.
        .datagram_receive_buffer_size(None);
    Arc::new(config)
}

/// The settings of one socket.
pub(crate) fn endpoint() -> EndpointConfig {
    let mut config = EndpointConfig::default();
    if config.max_udp_payload_size(LOOPBACK_MTU).is_err() {
        tracing::warn!("QUIC does not take packets of {LOOPBACK_MTU} bytes");
    }
    config
}

/// Bounds what strangers make a socket keep.
pub(crate) fn bound_strangers(config: &mut quinn::ServerConfig) {
    config
        .max_incoming(MAX_PENDING_HANDSHAKES)
        .incoming_buffer_size(BYTES_BEFORE_HANDSHAKE)
        .incoming_buffer_size_total(BYTES_BEFORE_HANDSHAKE * MAX_PENDING_HANDSHAKES as u64);
}

/// A close code in QUIC's own type.
pub(crate) fn code(code: lanspread_protocol::message::CloseCode) -> VarInt {
    code.code().into()
}
