//! Every bound of the protocol, each with its reason.
//!
//! A peer that exceeds one is closed with a reason; nothing else is touched. Bounds are chosen so that the largest
//! real party and the largest real game fit with room to spare, and a hostile peer costs at most a few megabytes.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Ports a peer tries to bind, and that an address without a port stands for.
pub const PORT_RANGE: RangeInclusive<u16> = 40420..=40429;

/// Smallest chunk that FastCDC cuts, except for the last of a file.
pub const CHUNK_MIN_BYTES: usize = 64 * 1024;
/// Size FastCDC aims for: small enough that a first copy reaches the next peer early.
pub const CHUNK_AVERAGE_BYTES: usize = 256 * 1024;
/// Largest chunk. A receiver holds whole chunks in memory to verify them before a byte is written.
pub const CHUNK_MAX_BYTES: usize = 1024 * 1024;

/// A unit is closed before it grows past this, unless one chunk alone is larger.
pub const UNIT_TARGET_BYTES: u64 = 256 * 1024;
/// Chunks in one unit; bounds the skip mask of a request when a game is made of tiny files.
pub const UNIT_MAX_CHUNKS: usize = 1024;

/// A control frame. The largest legal message is a library of [`MAX_GAMES`] offers or a long announcement.
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;
/// An encoded manifest: a 150 GB game has about 600,000 chunks of 37 bytes, 22 MB.
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024 * 1024;
/// Files and empty folders of one game. The largest known games have about 400,000.
pub const MAX_MANIFEST_FILES: usize = 1_000_000;
/// A catalog file: 5,000 games with descriptions in two languages take about 5 MB.
pub const MAX_CATALOG_BYTES: usize = 16 * 1024 * 1024;
/// Games in a catalog and in a library.
pub const MAX_GAMES: usize = 5_000;
/// A cover image.
pub const MAX_COVER_BYTES: usize = 512 * 1024;
/// `version.ini`; real ones have one short line.
pub const MAX_SENTINEL_BYTES: u64 = 64 * 1024;
/// A version token.
pub const MAX_VERSION_BYTES: usize = 64;
/// A player, PC, party or game title in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 256;
/// A description or command line in a catalog, in bytes.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// A path in bytes of UTF-8. Windows takes 32,767 UTF-16 units with its long form; nobody needs them.
pub const MAX_PATH_BYTES: usize = 1_024;
/// One path component in UTF-16 units (NTFS, exFAT) and in bytes (ext4): both hold 255.
pub const MAX_COMPONENT: usize = 255;
/// Folders one inside the other; a scan recurses this deep at most.
pub const MAX_PATH_DEPTH: usize = 64;

/// Peers a roster remembers. A party of 256 is simulated; four times that is room for noise on the network.
pub const MAX_PEERS: usize = 1_024;
/// Candidate addresses kept for one peer.
pub const MAX_ADDRESSES_PER_PEER: usize = 16;
/// Peers named in one gossip message.
pub const MAX_GOSSIP_PEERS: usize = 32;
/// Connections from one IP address; several peers behind one address exist in tests and virtual machines.
pub const MAX_CONNECTIONS_PER_ADDRESS: usize = 16;
/// Handshakes under way in all; past half of it every new address must prove itself by a QUIC Retry.
pub const MAX_PENDING_HANDSHAKES: usize = 64;
/// Bidirectional streams a peer may hold open on one connection: its requests in flight.
pub const MAX_REQUESTS_PER_CONNECTION: u32 = 64;
/// Unidirectional streams: the control stream, and room for a successor.
pub const MAX_CONTROL_STREAMS: u32 = 2;
/// Units in one request.
pub const MAX_UNITS_PER_REQUEST: usize = 64;
/// Control messages taken from one peer in one second before it is closed as a flood.
pub const MAX_MESSAGES_PER_SECOND: u32 = 2_000;
/// Requests taken from one peer in one second. A unit a request at a gigabyte a second is 4,000.
pub const MAX_REQUESTS_PER_SECOND: u32 = 20_000;
/// Control messages that wait for a peer. A flood of announcements in the busiest party is a few dozen a second.
pub const MAX_QUEUED_MESSAGES: usize = 1_024;
/// Bytes of control messages that wait for a peer: room for two of the largest.
pub const MAX_QUEUED_BYTES: usize = 2 * MAX_FRAME_BYTES;
/// Transfers sent at once on one connection. The others wait in order: what was asked for first is complete first,
/// and thirty receivers with full pipelines hold memory for sixty transfers, not for two thousand.
pub const TRANSFERS_AT_ONCE: usize = 2;
/// Units that a peer sends at once in all. With fewer, one receiver that pauses for a moment leaves the link idle; with
/// more, the first whole copies, which all others wait for, leave late: eight units fill a link of 100 Mbit/s for 170 ms.
pub const SENDING_PLACES: usize = 8;
/// Wrong chunks from one IP address after which it is banned for the session.
pub const BAD_CHUNKS_UNTIL_BAN: u32 = 3;

/// A first request, or the first control frame, must have arrived by then.
pub const GREETING_TIMEOUT: Duration = Duration::from_secs(5);
/// QUIC's idle timeout: a silent peer is gone by then.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(8);
/// QUIC's keep-alive interval: three may be lost before the idle timeout.
pub const KEEP_ALIVE: Duration = Duration::from_secs(2);
