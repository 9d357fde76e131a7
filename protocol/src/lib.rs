//! What Lanspread peers say to one another, and the files they agree on.
//!
//! Everything here is pure: no sockets, no files, no clock, no randomness. Untrusted bytes become types once, at
//! this crate's edge ([`GameId`], [`RelPath`], [`Manifest`], [`Catalog`], [`message`]); inside, the type is the
//! proof. Every bound has a name and a reason in [`limits`]. The bytes of each format are golden-tested, so that
//! a change of the wire cannot happen unnoticed.

pub mod catalog;
pub mod frame;
pub mod hasher;
pub mod id;
pub mod limits;
pub mod manifest;
pub mod message;
pub mod path;
pub mod signature;
pub mod unit_set;

pub use catalog::{Catalog, CatalogError, Game, InstallRecipe, LaunchEntry, Os, Players, WorkingFolder};
pub use frame::FrameError;
pub use hasher::FileHasher;
pub use id::{Blake3Hash, GameId, GameIdError, InstanceId, ManifestId, PeerId, Version};
pub use manifest::{Chunk, FileEntry, HashedFile, Manifest, ManifestError, Unit, UnitIndex};
pub use path::{InnerPath, PathError, RelPath};
pub use signature::{
    CatalogHead, CatalogSignature, OrganiserKey, OrganiserSecret, SignatureError, SignedCatalog,
};
pub use unit_set::UnitSet;

/// The ALPN name of this major version of the wire. Another one is shown as "runs another version".
pub const ALPN: &[u8] = b"lanspread/1";

/// The DNS-SD service type peers announce and browse.
pub const SERVICE_TYPE: &str = "_lanspread._udp.local.";

/// The first UDP port tried; see [`limits::PORT_RANGE`] for the rest.
pub const DEFAULT_PORT: u16 = 40420;

/// The file whose presence in a payload's root says "this payload is complete".
pub const SENTINEL: &str = "version.ini";
