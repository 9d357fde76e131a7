//! Who may change a party's catalog: Ed25519 signatures over its exact bytes.
//!
//! The signature is verified before a byte of the catalog is parsed. Beside `catalog.ron` lies `catalog.ron.sig`, one
//! line `ed25519 <public key> <signature>` in hex; an organiser's key file is one line `lanspread-organiser-key-1
//! <secret>`.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Blake3Hash;
use crate::catalog::{Catalog, CatalogError};
use crate::id::{hex_name, parse_hex32, write_hex};
use crate::limits::MAX_CATALOG_BYTES;

/// What is signed begins with this, so that a signature for anything else is never one for a catalog.
const CONTEXT: &[u8] = b"lanspread-catalog-1\0";
const KEY_FILE_MARK: &str = "lanspread-organiser-key-1";
const SIGNATURE_FILE_MARK: &str = "ed25519";

hex_name! {
    /// An organiser's public key.
    OrganiserKey
}

impl OrganiserKey {
    /// The key in four short English words, for two people to compare aloud: the first 44 bits of its BLAKE3 hash,
    /// by BIP-39's word list.
    pub fn words(&self) -> String {
        let list = bip39::Language::English.word_list();
        let hash = Blake3Hash::of(&self.0).0;
        let bits = hash[..8].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let word =
            |nth: u32| list[usize::try_from(bits >> (64 - 11 * (nth + 1)) & 0x7ff).unwrap_or_default()];
        [word(0), word(1), word(2), word(3)].join("-")
    }
}

/// An organiser's secret key. Never logged.
#[derive(Clone)]
pub struct OrganiserSecret(SigningKey);

impl fmt::Debug for OrganiserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrganiserSecret for {}", self.public())
    }
}

/// Why a key file, a signature file or a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    #[error("this is no organiser's key file: expected one line “{KEY_FILE_MARK} <64 hex digits>”")]
    KeyFile,
    #[error("this is no signature file: expected one line “{SIGNATURE_FILE_MARK} <key> <signature>”")]
    SignatureFile,
    #[error("the signature does not fit the catalog and the key {0}")]
    Wrong(OrganiserKey),
    #[error("a catalog of {0} bytes is larger than {MAX_CATALOG_BYTES}")]
    TooLarge(usize),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl OrganiserSecret {
    /// The key made of 32 random bytes.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    pub fn public(&self) -> OrganiserKey {
        OrganiserKey(self.0.verifying_key().to_bytes())
    }

    /// The text of a key file.
    pub fn to_file(&self) -> String {
        format!("{KEY_FILE_MARK} {}\n", Blake3Hash(self.0.to_bytes()))
    }

    pub fn from_file(text: &str) -> Result<Self, SignatureError> {
        let mut words = text.split_whitespace();
        let secret = match (words.next(), words.next(), words.next()) {
            (Some(KEY_FILE_MARK), Some(secret), None) => parse_hex32(secret),
            _ => return Err(SignatureError::KeyFile),
        };
        secret.map(Self::from_seed).map_err(|_invalid| SignatureError::KeyFile)
    }

    /// Signs a catalog's exact bytes.
    pub fn sign(&self, catalog: &[u8]) -> CatalogSignature {
        let signature = self.0.sign(&[CONTEXT, catalog].concat());
        CatalogSignature { key: self.public(), signature: signature.to_bytes() }
    }
}

/// The contents of `catalog.ron.sig`.
#[derive(Clone, PartialEq, Eq)]
pub struct CatalogSignature {
    pub key: OrganiserKey,
    pub signature: [u8; 64],
}

impl CatalogSignature {
    pub fn verify(&self, catalog: &[u8]) -> Result<(), SignatureError> {
        let wrong = |_invalid| SignatureError::Wrong(self.key);
        let key = VerifyingKey::from_bytes(&self.key.0).map_err(wrong)?;
        key.verify_strict(&[CONTEXT, catalog].concat(), &Signature::from_bytes(&self.signature))
            .map_err(wrong)
    }
}

impl fmt::Display for CatalogSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIGNATURE_FILE_MARK} {} ", self.key)?;
        write_hex(&self.signature, f)?;
        writeln!(f)
    }
}

impl fmt::Debug for CatalogSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CatalogSignature by {}", self.key)
    }
}

impl FromStr for CatalogSignature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let mut words = text.split_whitespace();
        let (Some(SIGNATURE_FILE_MARK), Some(key), Some(signature), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(SignatureError::SignatureFile);
        };
        let read = |text: Option<&str>| {
            text.and_then(|text| parse_hex32(text).ok()).ok_or(SignatureError::SignatureFile)
        };
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&read(signature.get(..64))?);
        bytes[32..].copy_from_slice(&read(signature.get(64..))?);
        Ok(Self { key: OrganiserKey(read(Some(key))?), signature: bytes })
    }
}

/// What peers tell one another of the catalog they hold. Of two by one key the greater (serial, hash) is newer.
///
/// Frozen: it takes no further field, since a peer of an earlier version closes the connection over one; new facts travel
/// as new [`crate::message::Control`] variants at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogHead {
    pub key: OrganiserKey,
    pub serial: u64,
    pub hash: Blake3Hash,
    pub party: String,
}

impl CatalogHead {
    /// Whether this is newer than `other`; both must be by one key.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.serial, self.hash) > (other.serial, other.hash)
    }
}

/// A catalog whose signature was verified, with the exact bytes that were signed.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedCatalog {
    pub head: CatalogHead,
    pub catalog: Catalog,
    pub bytes: Vec<u8>,
    pub signature: CatalogSignature,
}

impl SignedCatalog {
    /// Verifies, then parses.
    pub fn open(bytes: Vec<u8>, signature: CatalogSignature) -> Result<Self, SignatureError> {
        if bytes.len() > MAX_CATALOG_BYTES {
            return Err(SignatureError::TooLarge(bytes.len()));
        }
        signature.verify(&bytes)?;
        let catalog = Catalog::parse(&bytes)?;
        let head = CatalogHead {
            key: signature.key,
            serial: catalog.serial,
            hash: Blake3Hash::of(&bytes),
            party: catalog.party.clone(),
        };
        Ok(Self { head, catalog, bytes, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &[u8] = b"(party: \"LAN\", serial: 3, games: [])";

    fn secret() -> OrganiserSecret {
        OrganiserSecret::from_seed([7; 32])
    }

    #[test]
    fn a_signature_is_golden_and_deterministic() {
        let signature = secret().sign(CATALOG);
        assert_eq!(signature.to_string(), GOLDEN_SIGNATURE);
        assert_eq!(secret().public().words(), GOLDEN_WORDS);
        assert_eq!(signature.to_string().parse::<CatalogSignature>().unwrap(), signature);
    }

    const GOLDEN_SIGNATURE: &str = concat!(
        "ed25519 ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c ",
        "b7c820b496cd8a719d6b79012a3d64512de85bd8d01ea0fb1191b9b95c4f45a7",
        "5dbe13ffbcdf22e5be219802be9a04cefd1b1a2d23bdb6ec67e10692bbdc8c0a\n"
    );
    const GOLDEN_WORDS: &str = "anchor-moon-turkey-joke";

    #[test]
    fn a_signed_catalog_opens_only_unchanged_and_with_its_key() {
        let signature = secret().sign(CATALOG);
        let opened = SignedCatalog::open(CATALOG.to_vec(), signature.clone()).unwrap();
        assert_eq!((opened.head.serial, opened.head.party.as_str()), (3, "LAN"));
        let mut changed = CATALOG.to_vec();
        changed[20] ^= 1;
        assert_eq!(
            SignedCatalog::open(changed, signature.clone()),
            Err(SignatureError::Wrong(signature.key))
        );
        let other = OrganiserSecret::from_seed([8; 32]).public();
        let forged = CatalogSignature { key: other, ..signature };
        assert_eq!(SignedCatalog::open(CATALOG.to_vec(), forged), Err(SignatureError::Wrong(other)));
    }

    #[test]
    fn key_and_signature_files_are_read_back_and_nonsense_is_refused() {
        assert_eq!(OrganiserSecret::from_file(&secret().to_file()).unwrap().public(), secret().public());
        for bad in ["", "lanspread-organiser-key-1", "lanspread-organiser-key-1 ab", "other 00"] {
            assert_eq!(OrganiserSecret::from_file(bad).unwrap_err(), SignatureError::KeyFile);
        }
        for bad in ["", "ed25519 a b", "ed25519 é é", "rsa 1 2"] {
            assert_eq!(bad.parse::<CatalogSignature>(), Err(SignatureError::SignatureFile));
        }
    }

    #[test]
    fn of_two_catalogs_with_one_serial_the_greater_hash_is_newer() {
        let head = |serial, hash| CatalogHead {
            key: secret().public(),
            serial,
            hash: Blake3Hash([hash; 32]),
            party: String::new(),
        };
        assert!(head(2, 0).is_newer_than(&head(1, 9)));
        assert!(head(1, 2).is_newer_than(&head(1, 1)));
        assert!(!head(1, 1).is_newer_than(&head(1, 1)));
    }
}
