//! The screens of what flows between PCs, downloads and party, by what people see of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a harness fails its test by panicking")]

mod downloads;
mod harness;
mod party;
mod publish;
mod settings;
