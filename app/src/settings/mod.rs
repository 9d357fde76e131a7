//! What a person chose, kept from one start to the next: what there is to choose ([`Settings`]), where it is kept
//! ([`Store`]), and the thread that writes it ([`Keeper`]).

mod keeper;
mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lanspread_peer::api::{PeerAddress, PeerConfig, SettingsChange};
use lanspread_protocol::{GameId, OrganiserKey, Version};
use serde::{Deserialize, Serialize};

use crate::text::Language;

pub use keeper::Keeper;
pub use store::{Loaded, Store, Unread};

/// All that is chosen; `None` is as it is by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub games: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A language's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<ThemeChoice>,
    /// A catalog file; none follows the party's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<PathBuf>,
    /// An organiser's key file; none looks beside the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organiser_key: Option<PathBuf>,
    /// Bytes a second, 0 is unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_limit: Option<u64>,
    /// Bytes a second while a game runs, 0 is unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playing_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch_ahead: Option<bool>,
    /// The name of the only network adapter that is used; none is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// The organiser whose signed catalogs count, for who trusts none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organiser: Option<OrganiserKey>,
    /// Addresses where others may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<Vec<String>>,
    /// The party's name, until a catalog says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// Versions of games without an organiser's word that a person started anyway.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub started: BTreeMap<GameId, Version>,
    /// When each game was started last, in seconds since 1970.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub played: BTreeMap<GameId, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowPlace>,
    /// By Ctrl + and −.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoom: Option<f32>,
    /// Of a newer version; kept as it is.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, ron::Value>,
}

/// Dark, light, or as the system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThemeChoice {
    #[default]
    Dark,
    Light,
    System,
}

/// Where the window was, in the points of a window without zoom: what a window is made with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
    pub is_maximized: bool,
}

impl From<ThemeChoice> for egui::ThemePreference {
    fn from(choice: ThemeChoice) -> Self {
        match choice {
            ThemeChoice::Dark => Self::Dark,
            ThemeChoice::Light => Self::Light,
            ThemeChoice::System => Self::System,
        }
    }
}

impl From<egui::ThemePreference> for ThemeChoice {
    fn from(preference: egui::ThemePreference) -> Self {
        match preference {
            egui::ThemePreference::Dark => Self::Dark,
            egui::ThemePreference::Light => Self::Light,
            egui::ThemePreference::System => Self::System,
        }
    }
}

impl Settings {
    /// The chosen language, else the system's.
    pub fn language(&self) -> Language {
        self.language.as_deref().map_or_else(Language::of_system, Language::by_locale)
    }

    pub fn theme(&self) -> ThemeChoice {
        self.theme.unwrap_or_default()
    }

    /// 1 is as large as the system says.
    pub fn zoom(&self) -> f32 {
        self.zoom.filter(|zoom| zoom.is_finite()).unwrap_or(1.0).clamp(0.5, 3.0)
    }

    /// Only how the window looks.
    #[must_use]
    pub fn look(self) -> Self {
        Self { language: self.language, theme: self.theme, zoom: self.zoom, ..Self::default() }
    }

    /// Remembers what the peer is told to change.
    pub fn change(&mut self, change: &SettingsChange) {
        let keep = |to: &mut Option<u64>, from: Option<u64>| *to = from.or(*to);
        keep(&mut self.upload_limit, change.upload_limit);
        keep(&mut self.playing_limit, change.playing_limit);
        self.fetch_ahead = change.fetch_ahead.or(self.fetch_ahead);
        self.games = change.games.clone().or_else(|| self.games.take());
        self.name = change.name.clone().or_else(|| self.name.take());
        self.catalog = change.catalog.clone().or_else(|| self.catalog.take());
    }

    /// Lets a peer start with what was chosen. What its configuration says already counts more. Where the chosen adapter
    /// listens is not asked here.
    pub fn configure(&self, config: &mut PeerConfig) {
        config.name = config.name.take().or_else(|| self.name.clone());
        config.catalog = config.catalog.take().or_else(|| self.catalog.clone());
        config.upload_limit = self.upload_limit.unwrap_or(config.upload_limit);
        config.playing_limit = self.playing_limit.unwrap_or(config.playing_limit);
        config.fetch_ahead = self.fetch_ahead.unwrap_or(config.fetch_ahead);
        config.organiser = config.organiser.or(self.organiser);
        for address in self.peers.iter().flatten() {
            match address.parse::<PeerAddress>() {
                Ok(address) => config.peers.push(address),
                Err(error) => tracing::warn!(%address, %error, "an address of the settings is left out"),
            }
        }
    }

    /// This, and where nothing is chosen what `base` says.
    #[must_use]
    fn over(self, base: &Self) -> Self {
        let base = base.clone();
        let mut unknown = base.unknown;
        unknown.extend(self.unknown);
        let mut started = base.started;
        started.extend(self.started);
        let mut played = base.played;
        played.extend(self.played);
        Self {
            games: self.games.or(base.games),
            name: self.name.or(base.name),
            language: self.language.or(base.language),
            theme: self.theme.or(base.theme),
            catalog: self.catalog.or(base.catalog),
            organiser_key: self.organiser_key.or(base.organiser_key),
            upload_limit: self.upload_limit.or(base.upload_limit),
            playing_limit: self.playing_limit.or(base.playing_limit),
            fetch_ahead: self.fetch_ahead.or(base.fetch_ahead),
            adapter: self.adapter.or(base.adapter),
            organiser: self.organiser.or(base.organiser),
            peers: self.peers.or(base.peers),
            party: self.party.or(base.party),
            started,
            played,
            window: self.window.or(base.window),
            zoom: self.zoom.or(base.zoom),
            unknown,
        }
    }

    /// What of this `base` does not say: [`Settings::over`] the same base it is this again.
    #[must_use]
    fn beyond(self, base: &Self) -> Self {
        fn unless<T: PartialEq>(chosen: Option<T>, base: Option<&T>) -> Option<T> {
            if chosen.as_ref() == base { None } else { chosen }
        }
        let mut unknown = self.unknown;
        unknown.retain(|name, value| base.unknown.get(name) != Some(value));
        let mut started = self.started;
        started.retain(|game, version| base.started.get(game) != Some(version));
        let mut played = self.played;
        played.retain(|game, at| base.played.get(game) != Some(at));
        Self {
            games: unless(self.games, base.games.as_ref()),
            name: unless(self.name, base.name.as_ref()),
            language: unless(self.language, base.language.as_ref()),
            theme: unless(self.theme, base.theme.as_ref()),
            catalog: unless(self.catalog, base.catalog.as_ref()),
            organiser_key: unless(self.organiser_key, base.organiser_key.as_ref()),
            upload_limit: unless(self.upload_limit, base.upload_limit.as_ref()),
            playing_limit: unless(self.playing_limit, base.playing_limit.as_ref()),
            fetch_ahead: unless(self.fetch_ahead, base.fetch_ahead.as_ref()),
            adapter: unless(self.adapter, base.adapter.as_ref()),
            organiser: unless(self.organiser, base.organiser.as_ref()),
            peers: unless(self.peers, base.peers.as_ref()),
            party: unless(self.party, base.party.as_ref()),
            started,
            played,
            window: unless(self.window, base.window.as_ref()),
            zoom: unless(self.zoom, base.zoom.as_ref()),
            unknown,
        }
    }

    /// Changes all paths.
    #[must_use]
    fn map_paths(mut self, map: impl Fn(&Path) -> PathBuf) -> Self {
        for path in [&mut self.games, &mut self.catalog, &mut self.organiser_key].into_iter().flatten() {
            *path = map(path);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything is chosen.
    pub(super) fn all() -> Settings {
        Settings {
            games: Some("/games".into()),
            name: Some("Mika".to_owned()),
            language: Some("de".to_owned()),
            theme: Some(ThemeChoice::Light),
            catalog: Some("/catalog.ron".into()),
            organiser_key: Some("/keys/own.key".into()),
            upload_limit: Some(5_000_000),
            playing_limit: Some(0),
            fetch_ahead: Some(false),
            adapter: Some("Ethernet".to_owned()),
            organiser: Some(OrganiserKey([1; 32])),
            peers: Some(vec!["192.168.10.7".to_owned()]),
            party: Some("LAN Nord".to_owned()),
            started: [("chess".parse().unwrap(), "2".parse().unwrap())].into(),
            played: [("chess".parse().unwrap(), 1_800_000_000)].into(),
            window: Some(WindowPlace { x: 1.0, y: 2.0, width: 3.0, height: 4.0, is_maximized: true }),
            zoom: Some(1.25),
            unknown: [("wallpaper".to_owned(), ron::Value::Bool(true))].into(),
        }
    }

    #[test]
    fn what_is_chosen_goes_over_what_everybody_gets() {
        let mut base = all();
        assert_eq!(base.clone().beyond(&base), Settings::default());
        assert_eq!(Settings::default().over(&base), base);
        assert_eq!(all().beyond(&Settings::default()), all());
        (base.theme, base.games) = (Some(ThemeChoice::Dark), None);
        let own = all().beyond(&base);
        let expected =
            Settings { theme: Some(ThemeChoice::Light), games: all().games, ..Settings::default() };
        assert_eq!(own, expected);
        assert_eq!(own.over(&base), all());
    }

    #[test]
    fn the_peer_starts_with_what_was_chosen() {
        let mut settings = Settings::default();
        settings.change(&SettingsChange { upload_limit: Some(7), ..SettingsChange::default() });
        settings.change(&SettingsChange { name: Some("Lea".to_owned()), ..SettingsChange::default() });
        settings.organiser = Some(OrganiserKey([3; 32]));
        settings.peers = Some(vec!["192.168.10.2".to_owned(), "nowhere at all".to_owned()]);
        let mut config = PeerConfig { catalog: Some("c.ron".into()), ..PeerConfig::new("g") };
        settings.configure(&mut config);
        let expected = PeerConfig {
            catalog: Some("c.ron".into()),
            name: Some("Lea".to_owned()),
            upload_limit: 7,
            organiser: Some(OrganiserKey([3; 32])),
            peers: vec!["192.168.10.2".parse().unwrap()],
            ..PeerConfig::new("g")
        };
        assert_eq!(config, expected);
    }
}
