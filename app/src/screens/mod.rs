//! The screens: each a pure function of its model and its own state that returns what a person wants.

pub mod details;
pub mod dialogs;
pub mod downloads;
pub mod first_run;
pub mod library;
pub mod party;
pub mod publish;
pub mod settings;

use crate::cover::Covers;
use crate::frame::Places;

/// Where a screen is drawn, and with which pictures.
#[derive(Debug)]
pub struct Scene<'a> {
    pub places: Places,
    pub covers: &'a mut Covers,
}
