//! The names of things: games, versions, peers, hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::MAX_VERSION_BYTES;
use crate::path::is_device_name;

/// A game's id out of the catalog: `^[a-z0-9][a-z0-9_-]{0,63}$` and no Windows device name, because it is a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GameId(Box<str>);

/// Why a text is no [`GameId`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "“{0}” is no game id: 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit, no Windows device name"
)]
pub struct GameIdError(pub String);

impl GameId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GameId {
    type Err = GameIdError;

    fn from_str(text: &str) -> Result<Self, GameIdError> {
        let bytes = text.as_bytes();
        let starts_well = bytes.first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let is_plain = bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if starts_well && is_plain && bytes.len() <= 64 && !is_device_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(GameIdError(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for GameId {
    type Error = GameIdError;

    fn try_from(text: String) -> Result<Self, GameIdError> {
        text.parse()
    }
}

impl From<GameId> for String {
    fn from(id: GameId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An opaque version token, compared for equality only. Never empty, at most 64 bytes, without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Box<str>);

/// Why a text is no [`Version`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("“{0}” is no version: 1 to 64 bytes without control characters, not starting or ending with a blank")]
pub struct VersionError(pub String);

impl Version {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version that a sentinel's contents name: the first line, without BOM and surrounding blanks.
    /// `None` if that is no version.
    pub fn from_sentinel(contents: &[u8]) -> Option<Self> {
        let contents = contents.strip_prefix(b"\xef\xbb\xbf").unwrap_or(contents);
        let line = contents.split(|b| *b == b'\n').next()?;
        std::str::from_utf8(line).ok()?.trim().parse().ok()
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let fits = !text.is_empty() && text.len() <= MAX_VERSION_BYTES && text.trim() == text;
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(VersionError(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0.into()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected 64 hex digits")]
pub struct HexError;

/// Reads exactly 64 hex digits.
pub(crate) fn parse_hex32(text: &str) -> Result<[u8; 32], HexError> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return Err(HexError);
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16).ok_or(HexError)?;
        let low = char::from(pair[1]).to_digit(16).ok_or(HexError)?;
        *byte = u8::try_from(high * 16 + low).unwrap_or_default();
    }
    Ok(bytes)
}

pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Declares a 32-byte name: hex in texts (RON, JSON, logs), raw bytes on the wire.
macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The first 16 hex digits: for logs and DNS labels.
            pub fn short(&self) -> String {
                self.to_string().chars().take(16).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $crate::id::write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $crate::id::write_hex(&self.0[..4], f)
            }
        }

        impl FromStr for $name {
            type Err = $crate::id::HexError;

            fn from_str(text: &str) -> Result<Self, $crate::id::HexError> {
                $crate::id::parse_hex32(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <[u8; 32]>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}
pub(crate) use hex_name;

hex_name! {
    /// Who a peer is: its Ed25519 public key, proved by the TLS handshake. Not where it is.
    PeerId
}
hex_name! {
    /// The BLAKE3 hash of bytes: a chunk, a cover, a catalog.
    Blake3Hash
}
hex_name! {
    /// The BLAKE3 hash of a manifest's encoded bytes: the identity of a payload.
    ManifestId
}

impl Blake3Hash {
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }
}

impl From<ManifestId> for Blake3Hash {
    fn from(id: ManifestId) -> Self {
        Self(id.0)
    }
}

/// A random number per start of a program: tells a restarted peer from a cloned one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn game_ids_are_plain_folder_names() {
        for good in ["a", "0ad", "counter-strike_1-6", &"x".repeat(64)] {
            assert_eq!(good.parse::<GameId>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "_a", "A", "a b", "a/b", "..", "con", "nul", "com1", "ü", &"x".repeat(65)] {
            assert!(bad.parse::<GameId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sentinel_names_its_version_on_the_first_line() {
        let version = |bytes: &[u8]| Version::from_sentinel(bytes).map(String::from);
        assert_eq!(version(b"20250308").as_deref(), Some("20250308"));
        assert_eq!(version(b"\xef\xbb\xbf 1.2 beta \r\nrest").as_deref(), Some("1.2 beta"));
        assert_eq!(version(b""), None);
        assert_eq!(version(b"\n1.0"), None);
        assert_eq!(version(b"\xff\xfe1"), None);
        assert_eq!(version("v".repeat(65).as_bytes()), None);
    }

    #[test]
    fn hashes_are_hex_in_texts_and_raw_on_the_wire() {
        let id = PeerId([0xab; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(ron::to_string(&id).unwrap(), format!("\"{id}\""));
        assert_eq!(postcard::to_stdvec(&id).unwrap(), [0xab; 32]);
        assert_eq!("ab".parse::<PeerId>(), Err(HexError));
        assert_eq!("+b".repeat(32).parse::<PeerId>(), Err(HexError));
    }
}
