//! Who is here, and the checks for who is not.

use super::Source;

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartyModel {}

impl PartyModel {
    pub fn new(_source: Source<'_>) -> Self {
        Self {}
    }
}
