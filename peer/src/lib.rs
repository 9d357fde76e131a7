//! The running Lanspread peer: network, disk and discovery around the engine.

pub mod api;
pub mod catalog_file;
pub mod disk;
pub mod json_lines;
pub mod logging;
pub mod runtime;
