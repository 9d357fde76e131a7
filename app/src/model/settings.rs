//! The settings.

use lanspread_engine::CatalogSource;

use super::Source;

/// Whose catalog is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatalogSeal {
    /// By the pinned key.
    Trusted,
    /// By a key that nobody has pinned.
    Signed,
    Unsigned,
    #[default]
    Nothing,
}

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsModel {
    pub name: String,
    pub games_dir: String,
    pub seal: CatalogSeal,
    pub games: usize,
}

impl SettingsModel {
    pub fn new(source: Source<'_>) -> Self {
        let ready = source.snapshot.ready.as_ref();
        let seal = source.view().map_or(CatalogSeal::Nothing, |view| match &view.catalog {
            CatalogSource::Pinned(_) => CatalogSeal::Trusted,
            CatalogSource::Given { signed_by: Some(_) } => CatalogSeal::Signed,
            CatalogSource::Given { signed_by: None } => CatalogSeal::Unsigned,
            CatalogSource::Nothing => CatalogSeal::Nothing,
        });
        Self {
            name: ready.map(|ready| ready.name.clone()).unwrap_or_default(),
            games_dir: ready.map(|ready| ready.games_dir.clone()).unwrap_or_default(),
            seal,
            games: source.games().iter().filter(|game| game.entry.is_some()).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_party_of_the_samples_has_an_unsigned_catalog() {
        let (snapshot, told) = (sample::party(), sample::party_told());
        let model = SettingsModel::new(Source { snapshot: &snapshot, told: &told });
        assert_eq!((model.name.as_str(), model.games_dir.as_str()), ("Mika", "/games"));
        assert_eq!((model.seal, model.games), (CatalogSeal::Unsigned, 18));
    }
}
