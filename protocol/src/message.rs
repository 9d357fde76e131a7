//! The messages between two peers.
//!
//! Each side opens one unidirectional *control stream* and sends [`Control`] messages on it, [`Control::Hello`] first,
//! then its [`Control::Library`]. Each request is a bidirectional stream: one [`Request`] frame, answered by one
//! [`Response`] frame and, after `Ok`, that many raw bytes. A reset of either half ends the request.
//!
//! Requests name a manifest and units, never a path: what is not in an accepted manifest cannot be asked for.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::frame::Message;
use crate::{Blake3Hash, CatalogHead, GameId, InstanceId, ManifestId, PeerId, UnitIndex, UnitSet, Version};

/// What travels on a control stream. Grows at its end only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// The first message, exactly once.
    Hello(Hello),
    /// All that this peer offers; replaces what it said before.
    Library {
        revision: u64,
        offers: Vec<Offer>,
    },
    /// What changed in the library since the last revision.
    LibraryDelta {
        revision: u64,
        changed: Vec<Offer>,
        withdrawn: Vec<GameId>,
    },
    /// More verified units of a partial offer.
    Units {
        game: GameId,
        manifest: ManifestId,
        units: Vec<UnitIndex>,
    },
    /// Who is at this PC, and what they do.
    Presence(Presence),
    /// The newest catalog that this peer holds under its pinned key, or the one it was given.
    Catalog(CatalogHead),
    /// Who else is here, and where.
    Gossip(Vec<GossipPeer>),
    /// "I cannot reach this peer; tell us about each other": both sides then dial at once.
    Introduce {
        peer: PeerId,
    },
    /// Asks for a [`Control::Pong`] with the same number.
    Ping(u64),
    Pong(u64),
    /// "Another PC that is alive has the same identity as you": both make new keys.
    IdentityTaken,
    /// "A unit that you sent was wrong": the receiver verifies that game.
    Damaged {
        game: GameId,
        manifest: ManifestId,
        unit: UnitIndex,
    },
}

impl Message for Control {
    const VARIANTS: u32 = 12;
}

/// Who a connection's other end is, beyond its key.
///
/// Frozen: it takes no further field, since a peer of an earlier version closes the connection over one; new facts travel
/// as new [`Control`] variants at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub instance: InstanceId,
    /// The program's version, for people.
    pub program: String,
    pub presence: Presence,
}

/// What a person does at a PC, shown on the Party screen.
///
/// Frozen: it takes no further field, since a peer of an earlier version closes the connection over one; new facts travel
/// as new [`Control`] variants at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The player's name.
    pub name: String,
    /// The PC's name.
    pub pc: String,
    /// The game that runs here.
    pub playing: Option<GameId>,
    /// Game servers that run here.
    pub servers: Vec<GameServer>,
}

/// A game server that others can join.
///
/// Frozen: it takes no further field, since a peer of an earlier version closes the connection over one; new facts travel
/// as new [`Control`] variants at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GameServer {
    pub game: GameId,
    /// The launch entry that started it.
    pub entry: String,
}

/// What a peer says it has of one game.
///
/// Frozen: it takes no further field, since a peer of an earlier version closes the connection over one; new facts travel
/// as new [`Control`] variants at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub game: GameId,
    pub state: OfferState,
}

/// How much of a game a peer can serve.
///
/// Frozen: it takes no further variant or field, since a peer of an earlier version closes the connection over one; new
/// facts travel as new [`Control`] variants at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfferState {
    /// The whole payload.
    Complete { version: Version, manifest: ManifestId },
    /// Verified units of a payload in the making.
    Partial {
        version: Version,
        manifest: ManifestId,
        units: UnitSet,
        /// Weight in the choice of first fetchers: log2 of the upload rate in MB/s, 0 when paused or playing.
        weight: u8,
    },
    /// Installed without a payload: presence, never a source.
    LocalOnly,
}

/// A peer as another one knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GossipPeer {
    pub peer: PeerId,
    /// Private, on-link addresses.
    pub addresses: Vec<SocketAddr>,
}

/// The first frame on a request's stream. Grows at its end only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Units of a payload. The answer's bytes are the wanted chunks' bytes, in order.
    Units { game: GameId, manifest: ManifestId, units: Vec<WantedUnit> },
    /// An encoded manifest.
    Manifest(ManifestId),
    /// A cover image.
    Cover(Blake3Hash),
    /// A signed catalog by the hash of its file: 64 bytes of signature, then the file.
    Catalog(Blake3Hash),
}

impl Message for Request {
    const VARIANTS: u32 = 4;
}

/// A unit, without the chunks the receiver has already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedUnit {
    pub unit: UnitIndex,
    /// A bitmap over the unit's chunks, lowest bit first; a set bit is not sent. May be shorter than the unit.
    pub skip: Vec<u8>,
}

impl WantedUnit {
    /// All of a unit.
    pub fn whole(unit: UnitIndex) -> Self {
        Self { unit, skip: Vec::new() }
    }

    /// Whether the unit's `nth` chunk is to be sent.
    pub fn wants(&self, nth: usize) -> bool {
        self.skip.get(nth / 8).is_none_or(|byte| byte & (1 << (nth % 8)) == 0)
    }

    /// Leaves the unit's `nth` chunk out.
    pub fn skip_chunk(&mut self, nth: usize) {
        if self.skip.len() <= nth / 8 {
            self.skip.resize(nth / 8 + 1, 0);
        }
        self.skip[nth / 8] |= 1 << (nth % 8);
    }
}

/// The first frame of an answer. Grows at its end only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// This many raw bytes follow.
    Ok {
        bytes: u64,
    },
    Refused(Refusal),
}

impl Message for Response {
    const VARIANTS: u32 = 2;
}

/// Why a request is not served. The number is the wire's; a newer program's reason reads as [`Refusal::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "u16", into = "u16")]
pub enum Refusal {
    Other,
    /// The game is not in this peer's catalog.
    UnknownGame,
    /// The manifest is not the accepted one of the expected version.
    WrongManifest,
    /// The payload is not complete and the unit not verified.
    NotHere,
    /// An operation runs on the game.
    Busy,
    /// Too many requests at once.
    TooMany,
    /// The request itself is against the rules.
    Malformed,
}

impl From<u16> for Refusal {
    fn from(code: u16) -> Self {
        match code {
            1 => Self::UnknownGame,
            2 => Self::WrongManifest,
            3 => Self::NotHere,
            4 => Self::Busy,
            5 => Self::TooMany,
            6 => Self::Malformed,
            _ => Self::Other,
        }
    }
}

impl From<Refusal> for u16 {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Other => 0,
            Refusal::UnknownGame => 1,
            Refusal::WrongManifest => 2,
            Refusal::NotHere => 3,
            Refusal::Busy => 4,
            Refusal::TooMany => 5,
            Refusal::Malformed => 6,
        }
    }
}

/// QUIC application close codes: why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloseCode {
    /// An orderly end: the peer leaves, or stops a transfer.
    Goodbye,
    /// Another connection to the same peer stays.
    Duplicate,
    /// The address sent wrong chunks too often.
    Banned,
    /// Something was against the protocol.
    Protocol,
    /// Too much at once: connections, messages.
    Flood,
    /// The key is not the one that was promised, or one's own.
    WrongIdentity,
}

impl CloseCode {
    pub fn code(self) -> u32 {
        match self {
            Self::Goodbye => 1,
            Self::Duplicate => 2,
            Self::Banned => 3,
            Self::Protocol => 4,
            Self::Flood => 5,
            Self::WrongIdentity => 6,
        }
    }

    /// `None` for a code of a newer program.
    pub fn from_code(code: u64) -> Option<Self> {
        [Self::Goodbye, Self::Duplicate, Self::Banned, Self::Protocol, Self::Flood, Self::WrongIdentity]
            .into_iter()
            .find(|reason| u64::from(reason.code()) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{self, FrameError};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    fn game() -> GameId {
        "ab".parse().unwrap()
    }

    /// The encoded messages, a line each, after checking that each reads back as itself.
    fn encoded<M: Message + PartialEq + std::fmt::Debug>(messages: &[M]) -> Vec<String> {
        let encode = |message: &M| {
            let bytes = frame::encode(message).unwrap();
            assert_eq!(frame::payload_length(bytes[..4].try_into().unwrap()), Ok(bytes.len() - 4));
            assert_eq!(frame::decode::<M>(&bytes[4..]).unwrap().as_ref(), Some(message));
            hex(&bytes).replace(&"01".repeat(32), "<ones>")
        };
        messages.iter().map(encode).collect()
    }

    #[test]
    fn control_messages_are_golden() {
        let presence = Presence {
            name: "Lea".into(),
            pc: "PC".into(),
            playing: Some(game()),
            servers: vec![GameServer { game: game(), entry: "server".into() }],
        };
        let (manifest, peer, version) = (ManifestId([1; 32]), PeerId([1; 32]), || "1".parse().unwrap());
        let units = [UnitIndex(0), UnitIndex(65)].into_iter().collect();
        let offer = |state| Offer { game: game(), state };
        let addresses = vec!["10.0.0.1:40420".parse().unwrap(), "[fd00::1]:1".parse().unwrap()];
        let head = CatalogHead {
            key: crate::OrganiserKey([1; 32]),
            serial: 300,
            hash: Blake3Hash([1; 32]),
            party: "LAN".into(),
        };
        let messages = [
            Control::Hello(Hello {
                instance: InstanceId(300),
                program: "0.1".into(),
                presence: presence.clone(),
            }),
            Control::Library {
                revision: 1,
                offers: vec![
                    offer(OfferState::Complete { version: version(), manifest }),
                    offer(OfferState::LocalOnly),
                ],
            },
            Control::LibraryDelta {
                revision: 2,
                changed: vec![offer(OfferState::Partial { version: version(), manifest, units, weight: 3 })],
                withdrawn: vec![game()],
            },
            Control::Units { game: game(), manifest, units: vec![UnitIndex(200)] },
            Control::Presence(presence),
            Control::Catalog(head),
            Control::Gossip(vec![GossipPeer { peer, addresses }]),
            Control::Introduce { peer },
            Control::Ping(1),
            Control::Pong(1),
            Control::IdentityTaken,
            Control::Damaged { game: game(), manifest, unit: UnitIndex(5) },
        ];
        assert_eq!(u32::try_from(messages.len()).unwrap(), Control::VARIANTS);
        assert_eq!(encoded(&messages), GOLDEN_CONTROL);
    }

    const GOLDEN_CONTROL: [&str; 12] = [
        "1d00000000ac0203302e31034c6561025043010261620102616206736572766572",
        "2d000000010102026162000131<ones>02616202",
        "31000000020201026162010131<ones>0201020301026162",
        "2700000003026162<ones>01c801",
        "1700000004034c6561025043010261620102616206736572766572",
        "4700000005<ones>ac02<ones>034c414e",
        "3d00000006<ones>0102000a000001e4bb0201fd00000000000000000000000000000101",
        "2100000007<ones>",
        "020000000801",
        "020000000901",
        "010000000a",
        "250000000b026162<ones>05",
    ];

    #[test]
    fn requests_and_responses_are_golden() {
        let mut wanted = WantedUnit::whole(UnitIndex(1));
        wanted.skip_chunk(9);
        let units = vec![WantedUnit::whole(UnitIndex(0)), wanted];
        let requests = [
            Request::Units { game: game(), manifest: ManifestId([1; 32]), units },
            Request::Manifest(ManifestId([1; 32])),
            Request::Cover(Blake3Hash([1; 32])),
            Request::Catalog(Blake3Hash([1; 32])),
        ];
        assert_eq!(u32::try_from(requests.len()).unwrap(), Request::VARIANTS);
        assert_eq!(encoded(&requests), GOLDEN_REQUESTS);
        let responses = [Response::Ok { bytes: 300 }, Response::Refused(Refusal::Busy)];
        assert_eq!(u32::try_from(responses.len()).unwrap(), Response::VARIANTS);
        assert_eq!(encoded(&responses), ["0300000000ac02", "020000000104"]);
    }

    const GOLDEN_REQUESTS: [&str; 4] =
        ["2b00000000026162<ones>02000001020002", "21000000<ones>01", "2100000002<ones>", "2100000003<ones>"];

    #[test]
    fn variants_of_newer_programs_are_skipped_and_garbage_is_not() {
        assert_eq!(frame::decode::<Control>(&[12, 1, 2, 3]), Ok(None));
        assert_eq!(frame::decode::<Response>(&[0, 5, 9]), Err(FrameError::TrailingBytes));
        assert!(frame::decode::<Control>(&[]).is_err());
        assert!(frame::decode::<Control>(&[0, 0xff]).is_err());
        assert_eq!(postcard::from_bytes::<Refusal>(&[99]), Ok(Refusal::Other));
        assert_eq!(frame::payload_length([0; 4]), Err(FrameError::Empty));
        assert!(frame::payload_length([0xff; 4]).is_err());
    }

    #[test]
    fn a_skip_mask_leaves_chunks_out() {
        let mut wanted = WantedUnit::whole(UnitIndex(1));
        wanted.skip_chunk(9);
        assert!(wanted.wants(8) && !wanted.wants(9) && wanted.wants(10) && wanted.wants(1000));
        assert_eq!(wanted.skip, [0, 2]);
    }

    #[test]
    fn close_codes_are_read_back() {
        assert_eq!(CloseCode::from_code(1), Some(CloseCode::Goodbye));
        assert_eq!(CloseCode::from_code(u64::from(CloseCode::Flood.code())), Some(CloseCode::Flood));
        assert_eq!(CloseCode::from_code(77), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let control = frame::decode::<Control>(&bytes);
            let request = frame::decode::<Request>(&bytes);
            proptest::prop_assert!(control.is_ok() || control.is_err() || request.is_err());
        }
    }
}
