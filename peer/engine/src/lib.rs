//! Every decision of a Lanspread peer, as a pure state machine.
//!
//! # Contract
//! [`Engine::handle`] takes one [`Input`] and the time, and changes state. Then the caller drains
//! [`Engine::poll_effect`] until it is `None`: each [`Effect`] is work for the shell, whose result comes back as an
//! input. [`Engine::poll_timeout`] says when to call `handle` with [`Input::Tick`] at the latest; calling it earlier is
//! harmless. Time never runs backwards: an earlier `now` than the last counts as the last.
//!
//! # What is deliberately absent
//! No await, no clock, no file, no socket, no lock, no chunk's bytes, and no randomness but the seed in
//! [`EngineConfig`]: the same inputs at the same times give the same effects. Collections iterate in key order.
//!
//! # Where what is decided
//! - `roster`: who is here, which connection to a peer stays, whom to dial, gossip;
//! - `authority`: which catalog is in force, which manifest of a game is the accepted one;
//! - `library`: what is on this PC's disk and what of it is offered;
//! - `operations`: what runs on which game, and what waits;
//! - `serving`: which requests are answered; the writer's wait for the last reader;
//! - `download`: what to fetch next from whom;
//! - `playing`: which games run, and what rests meanwhile;
//! - `covers`: the catalog's pictures, from whom;
//! - `hedge`: in which order peers are asked for a manifest, a catalog or a cover;
//! - `notices`: what must not be missed.

mod authority;
mod command;
mod config;
mod covers;
mod download;
mod effect;
mod engine;
mod event;
mod hedge;
mod ids;
mod input;
mod invariants;
mod library;
mod notices;
mod offers;
mod operations;
mod playing;
mod random;
mod roster;
mod serving;
pub mod transaction;
mod view;

pub use authority::{CatalogSource, GivenCatalog};
pub use command::{
    AfterDownload, Answer, Command, CommandError, ErrorCode, ErrorDetail, Extras, KeptFiles, Saves, Settings,
};
pub use config::{EngineConfig, FolderState, QueuedDownload};
pub use download::{GivenUp, Held, Purpose};
pub use effect::{Background, Effect, ServeFrom, StoreMode};
pub use engine::Engine;
pub use event::{Event, LeaveReason, Level, OperationStatus, PeerGame, StateEntry};
pub use ids::{ConnId, DialId, FetchId, OpId, RaceId, ReplyId, RunId, ServeId};
pub use input::{
    BlobError, Candidate, ClosedReason, DiskFailure, FailureKind, FetchEnd, Input, Kept, Opened, Payload,
    Raced, ScannedGame, ServeEnd, UpdateSize, VerifyOutcome,
};
pub use library::LocalState;
pub use notices::{FailureView, NoticeKind, NoticeView};
pub use operations::{OperationKind, Phase};
pub use view::{
    GameView, LinkKind, LocalView, MapCell, OfferedCatalogView, OperationView, PartsView, PeerView,
    ProgressView, RunView, View,
};
