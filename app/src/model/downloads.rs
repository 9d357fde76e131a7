//! The downloads: what runs, what waits, what needs attention.

use super::Source;

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DownloadsModel {}

impl DownloadsModel {
    pub fn new(_source: Source<'_>) -> Self {
        Self {}
    }
}
