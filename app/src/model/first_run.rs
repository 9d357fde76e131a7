//! The first run: a name and a games folder.

use super::Source;

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FirstRunModel {}

impl FirstRunModel {
    pub fn new(_source: Source<'_>) -> Self {
        Self {}
    }
}
