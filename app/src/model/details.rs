//! The panel with everything about one game.

use lanspread_protocol::GameId;

use super::{Card, Source};

/// What the panel shows.
#[derive(Clone, Debug, PartialEq)]
pub struct DetailsModel {
    pub card: Card,
}

impl DetailsModel {
    /// `None` when the game is gone: the panel closes.
    pub fn new(source: Source<'_>, game: &GameId) -> Option<Self> {
        Some(Self { card: Card::new(source, source.game(game)?) })
    }
}
