//! Publishing a game, for organisers.

use super::Source;

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishModel {}

impl PublishModel {
    pub fn new(_source: Source<'_>) -> Self {
        Self {}
    }
}
