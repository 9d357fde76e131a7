//! The settings.

use super::Source;

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsModel {}

impl SettingsModel {
    pub fn new(_source: Source<'_>) -> Self {
        Self {}
    }
}
