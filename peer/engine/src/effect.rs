//! What the shell is to do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use lanspread_protocol::message::{CloseCode, Control, Refusal, Request, WantedUnit};
use lanspread_protocol::{
    Blake3Hash, CatalogHead, Game, GameId, Manifest, ManifestId, OrganiserKey, PeerId, SignedCatalog, Version,
};

use crate::command::{Answer, CommandError, Extras, KeptFiles, Saves};
use crate::config::QueuedDownload;
use crate::event::Event;
use crate::ids::{ConnId, DialId, FetchId, OpId, RaceId, ReplyId, RunId, ServeId};

/// One piece of work. The shell does them in order as far as starting goes; ends may come in any order.
#[derive(Clone, Debug)]
pub enum Effect {
    Dial {
        dial: DialId,
        address: SocketAddr,
        expect: Option<PeerId>,
    },
    Send {
        conn: ConnId,
        message: Control,
    },
    Close {
        conn: ConnId,
        code: CloseCode,
    },
    /// Refuses this address for the rest of the session.
    Ban {
        address: IpAddr,
    },
    /// Another PC has this identity: make a new one and start again.
    RenewIdentity,

    FetchUnits {
        fetch: FetchId,
        op: OpId,
        conn: ConnId,
        game: GameId,
        units: Vec<WantedUnit>,
    },
    /// What is stored until the fetch ends is still welcome; it must end.
    CancelFetch {
        fetch: FetchId,
    },
    /// Fetches a manifest from the first of these connections that brings it, asking in this order; so do the other
    /// races. Each ends with one result.
    FetchManifest {
        race: RaceId,
        op: OpId,
        from: Vec<ConnId>,
        manifest: ManifestId,
    },
    /// As [`Self::FetchManifest`]; all of them announced the catalog with this hash.
    FetchCatalog {
        race: RaceId,
        from: Vec<ConnId>,
        head: CatalogHead,
    },
    /// These are all candidates of a race that runs; those that it did not ask yet are asked in this order.
    WidenRace {
        race: RaceId,
        from: Vec<ConnId>,
    },
    /// The result still comes, and counts for nothing.
    CancelRace {
        race: RaceId,
    },

    /// Says which of these are not on this PC ([`crate::Input::CoversMissing`]).
    LookForCovers {
        covers: Vec<Blake3Hash>,
    },
    /// As [`Self::FetchManifest`]; stores the cover.
    FetchCover {
        race: RaceId,
        from: Vec<ConnId>,
        cover: Blake3Hash,
    },

    /// Answers a request. The transfer is registered; it must end with one [`crate::Input::ServeEnded`].
    Serve {
        serve: ServeId,
        from: ServeFrom,
    },
    /// Answers a request for a manifest, cover or catalog out of the blob store, or refuses it when it is not there.
    ServeBlob {
        serve: ServeId,
        request: Request,
    },
    Refuse {
        serve: ServeId,
        reason: Refusal,
    },
    /// Stops a transfer at its next await.
    CancelServe {
        serve: ServeId,
    },

    ListGames,
    /// `manifest`: what the payload's files are, if that is known.
    Scan {
        game: GameId,
        manifest: Option<ManifestId>,
    },
    Hash {
        game: GameId,
        fingerprint: u64,
        manifest: Option<ManifestId>,
    },
    LoadManifest {
        op: OpId,
        manifest: ManifestId,
    },
    /// Compares two manifests; fetches the new one where it is not known, asking in this order
    /// ([`crate::Input::UpdateMeasured`]).
    MeasureUpdate {
        game: GameId,
        old: ManifestId,
        new: ManifestId,
        from: Vec<ConnId>,
    },
    OpenStore {
        op: OpId,
        game: GameId,
        manifest: Arc<Manifest>,
        mode: StoreMode,
    },
    /// Everything is here: make it durable and commit it.
    Finish {
        op: OpId,
        game: GameId,
        version: Version,
        mode: StoreMode,
    },
    /// Closes a download's store; with `discard` its parts go. Always answered, also when no store was opened, or its
    /// opening is still under way (whose result is then dropped). Nobody reads from the store any more.
    CloseStore {
        op: OpId,
        game: GameId,
        discard: bool,
    },
    /// Reads all files and compares them with the manifest; where that is not on this PC, it is fetched from one of
    /// these first, which are asked in this order.
    Verify {
        op: OpId,
        game: GameId,
        manifest: ManifestId,
        from: Vec<ConnId>,
    },
    /// Makes `local/` out of the payload, in one transaction.
    Install {
        op: OpId,
        game: GameId,
        /// What the payload's files are, if that is known.
        manifest: Option<ManifestId>,
        /// The catalog's entry: recipe, keep-rules, programs.
        entry: Option<Box<Game>>,
        kept: KeptFiles,
    },
    /// Removes `local/`, in one transaction.
    Uninstall {
        op: OpId,
        game: GameId,
        /// Globs of what is a person's.
        keep: Vec<String>,
        saves: Saves,
    },
    /// Removes the payload, in one transaction; with `local` `local/` before it, in another.
    Remove {
        op: OpId,
        game: GameId,
        /// The manifest that the catalog names: files with its bytes are Lanspread's, whoever put them there.
        named: Option<ManifestId>,
        keep: Vec<String>,
        local: Option<Saves>,
        extras: Extras,
    },
    Publish {
        op: OpId,
        game: GameId,
    },
    /// Ends verifying, installing or publishing at its next step. Its result is still told.
    CancelWork {
        op: OpId,
    },
    /// Starts a program of an installed game.
    Start {
        run: RunId,
        game: GameId,
        /// The launch entry's name.
        entry: String,
        /// The catalog's entry; scripts of the payload count where it names no program.
        about: Option<Box<Game>>,
        /// The player's name.
        player: String,
        server: Option<String>,
    },
    SwitchGamesFolder {
        reply: ReplyId,
    },

    StoreCatalog(Arc<SignedCatalog>),
    StorePin(OrganiserKey),
    StoreAccepted {
        game: GameId,
        version: Version,
        manifest: ManifestId,
    },
    StoreQueue(Vec<QueuedDownload>),
    /// Chunk bytes a second in each direction, 0 is unlimited.
    SetLimits {
        upload: u64,
        download: u64,
    },
    /// Work in the background (hashing, full scans) rests while a game runs.
    SetBackground(Background),

    Emit(Event),
    Reply {
        reply: ReplyId,
        result: Result<Answer, CommandError>,
    },
}

/// Whether work in the background goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    Works,
    Rests,
}

/// Where a served unit's bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServeFrom {
    /// A complete payload.
    Payload { game: GameId, manifest: ManifestId, units: Vec<WantedUnit> },
    /// A download in the making.
    Store { op: OpId, game: GameId, units: Vec<WantedUnit> },
}

/// Where a download builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// There is no complete payload: files go to their places.
    Fresh,
    /// Beside a complete payload, swapped in at the end.
    Update,
}
