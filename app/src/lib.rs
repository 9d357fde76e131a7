//! Lanspread's window: a thin shell over the peer.
//!
//! - [`shell`] is the program: it loads the peer's snapshot once a frame, lets [`window`] draw it, and carries out the
//!   [`action`]s that come back. It is the only part that acts;
//! - [`window`] draws everything out of a snapshot and a state; [`frame`] is what surrounds each of the [`screens`];
//! - [`model`] makes plain data of the snapshot, one file per screen, without egui;
//! - [`theme`], [`text`], [`icon`], [`widgets`] and [`cover`] are what screens are made of: no colour, word or control
//!   is anywhere else;
//! - [`settings`] is what a person chose, from one start to the next;
//! - [`dropped`] is what is dragged on the window; [`notices`] are banners and toasts; [`sample`] makes snapshots by hand, for tests and pictures.
//!
//! A frame touches no file, waits for nothing, and an idle window draws no frame.

pub mod action;
pub mod cover;
pub mod demo;
pub mod dropped;
pub mod frame;
pub mod icon;
pub mod model;
pub mod notices;
pub mod sample;
pub mod screens;
pub mod settings;
pub mod shell;
pub mod start;
pub mod text;
pub mod theme;
pub mod widgets;
pub mod window;
