//! The running Lanspread peer: network, disk and discovery around the engine.
//!
//! - [`api`]: what a program starts, commands and is told; [`json_lines`] is that as lines of text;
//! - [`runtime`]: the thread, the loop that owns the engine, the shell that carries its decisions out;
//! - [`net`] and [`discovery`]: other peers; [`identity`]: this one's key;
//! - [`firewall`]: whether the system lets others in;
//! - [`launch`]: starting games, and knowing how long they run;
//! - [`disk`]: what lies on disk; [`transaction`]: changes that no crash leaves half done; [`store`]: a download in the
//!   making; [`install`]: `local/`; [`unpack`]: archives;
//! - [`publish`] and [`catalog_file`]: a game's way into a catalog.

pub mod api;
pub mod catalog_file;
pub mod discovery;
pub mod disk;
pub mod eti;
pub mod firewall;
pub mod identity;
pub mod install;
pub mod json_lines;
pub mod launch;
pub mod logging;
pub mod net;
pub mod publish;
pub mod runtime;
pub mod store;
pub mod transaction;
pub mod unpack;
