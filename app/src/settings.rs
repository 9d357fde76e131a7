//! What a person chose, kept in a RON file from one start to the next.
//!
//! The file is in the system's folder for settings, or beside the program once a `lanspread.ron` lies there. It is
//! replaced as a whole, so that a power cut leaves the old or the new one. What this version does not know is kept; a
//! file that cannot be read is set aside, never written over. Saving happens on a thread of its own.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use etcetera::BaseStrategy as _;
use lanspread_peer::api::{PeerConfig, SettingsChange};
use lanspread_protocol::{GameId, Version};
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};

use crate::text::Language;

/// The file beside the program that makes it portable.
const PORTABLE: &str = "lanspread.ron";
/// Failures that nobody has seen yet; more of the same say no more.
const MAX_FAILURES: usize = 4;

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
    /// Versions of games without an organiser's word that a person started anyway.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub started: BTreeMap<GameId, Version>,
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

/// Where the window was, in points.
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

    /// Lets a peer start with what was chosen. What its configuration says already counts more.
    pub fn configure(&self, config: &mut PeerConfig) {
        config.name = config.name.take().or_else(|| self.name.clone());
        config.catalog = config.catalog.take().or_else(|| self.catalog.clone());
        config.upload_limit = self.upload_limit.unwrap_or(config.upload_limit);
        config.playing_limit = self.playing_limit.unwrap_or(config.playing_limit);
        config.fetch_ahead = self.fetch_ahead.unwrap_or(config.fetch_ahead);
    }
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
    is_portable: bool,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    pub settings: Settings,
    /// The file was broken and lies here now.
    pub set_aside: Option<PathBuf>,
}

impl Store {
    pub const fn at(path: PathBuf) -> Self {
        Self { path, is_portable: false }
    }

    /// Beside the program if a file is there or `portable` asks for it, else where the system keeps settings. `None`:
    /// there is no home folder, and nothing is kept.
    pub fn find(portable: bool) -> Option<Self> {
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Path::parent).map(|folder| folder.join(PORTABLE));
        if let Some(path) = beside.filter(|path| portable || path.is_file()) {
            return Some(Self { path, is_portable: true });
        }
        let folder = etcetera::choose_base_strategy().ok()?.config_dir();
        Some(Self::at(folder.join("lanspread").join("settings.ron")))
    }

    /// See [`Keeper::own_catalog`].
    fn own_catalog(&self) -> PathBuf {
        self.path.with_file_name("organiser").join("catalog.ron")
    }

    pub const fn is_portable(&self) -> bool {
        self.is_portable
    }

    /// What was chosen; everything by default when there is no file.
    pub fn load(&self) -> Loaded {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Loaded::default(),
            Err(error) => return self.set_aside(&error.to_string()),
        };
        match format().from_str(&text) {
            Ok(settings) => Loaded { settings, set_aside: None },
            Err(error) => self.set_aside(&error.to_string()),
        }
    }

    fn set_aside(&self, error: &str) -> Loaded {
        let aside = self.path.with_extension("ron.broken");
        tracing::warn!(path = %self.path.display(), error, "settings cannot be read");
        if let Err(error) = std::fs::rename(&self.path, &aside) {
            tracing::warn!(%error, "settings cannot be set aside");
        }
        Loaded { settings: Settings::default(), set_aside: Some(aside) }
    }

    /// Replaces the file as a whole.
    pub fn save(&self, settings: &Settings) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder)?;
        let text = format().to_string_pretty(settings, PrettyConfig::new()).map_err(io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// People may write `name: "Mika"` without `Some`.
fn format() -> ron::Options {
    ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME)
}

/// Saves in the background; of several changes in a row the last is written.
#[derive(Debug)]
pub struct Keeper {
    own_catalog: PathBuf,
    latest: Arc<Mutex<Option<Settings>>>,
    wake: Option<SyncSender<()>>,
    failures: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// `failed` is called after a file could not be written.
    pub fn new(store: Store, failed: impl Fn() + Send + 'static) -> io::Result<Self> {
        let latest = Arc::<Mutex<Option<Settings>>>::default();
        let own_catalog = store.own_catalog();
        let (wake, woken) = sync_channel::<()>(1);
        let (fail, failures) = sync_channel(MAX_FAILURES);
        let to_save = Arc::clone(&latest);
        let work = move || {
            while woken.recv().is_ok() {
                let settings = to_save.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(Err(error)) = settings.map(|settings| store.save(&settings)) else { continue };
                // Full: those before it say the same.
                drop(fail.try_send(error.to_string()));
                failed();
            }
        };
        let thread = std::thread::Builder::new().name("settings".to_owned()).spawn(work)?;
        Ok(Self { own_catalog, latest, wake: Some(wake), failures, thread: Some(thread) })
    }

    pub fn save(&self, settings: &Settings) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings.clone());
        if let Some(wake) = &self.wake {
            // Full: the thread is about to take the latest anyway.
            wake.try_send(()).ok();
        }
    }

    /// The catalog of a party that is organised here, unless another is chosen.
    pub fn own_catalog(&self) -> PathBuf {
        self.own_catalog.clone()
    }

    /// Why settings could not be saved.
    pub fn failure(&self) -> Option<String> {
        self.failures.try_recv().ok()
    }
}

impl Drop for Keeper {
    /// What was changed last is on disk when this ends.
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::at(folder.path().join("lanspread").join("settings.ron"))
    }

    #[test]
    fn everything_chosen_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        assert_eq!(store.load(), Loaded::default());
        let settings = Settings {
            games: Some("/games".into()),
            name: Some("Mika".to_owned()),
            language: Some("de".to_owned()),
            theme: Some(ThemeChoice::Light),
            catalog: None,
            organiser_key: Some("/keys/own.key".into()),
            upload_limit: Some(5_000_000),
            playing_limit: Some(0),
            fetch_ahead: Some(false),
            started: [("chess".parse().unwrap(), "2".parse().unwrap())].into(),
            window: Some(WindowPlace { x: 1.0, y: 2.0, width: 3.0, height: 4.0, is_maximized: true }),
            zoom: Some(1.25),
            unknown: BTreeMap::new(),
        };
        store.save(&settings).unwrap();
        store.save(&settings).unwrap();
        assert_eq!(store.load(), Loaded { settings, set_aside: None });
    }

    #[test]
    fn what_a_newer_version_wrote_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("settings.ron"));
        std::fs::write(&store.path, "{\"name\": \"Mika\", \"wallpaper\": \"sea\", \"speed\": 3}").unwrap();
        let mut settings = store.load().settings;
        assert_eq!(settings.name.as_deref(), Some("Mika"));
        settings.name = Some("Lea".to_owned());
        store.save(&settings).unwrap();
        let text = std::fs::read_to_string(&store.path).unwrap();
        assert!(text.contains("\"wallpaper\": \"sea\"") && text.contains("\"speed\": 3"), "{text}");
        assert_eq!(store.load().settings, settings);
    }

    #[test]
    fn a_broken_file_is_set_aside_and_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("settings.ron"));
        std::fs::write(&store.path, "{\"name\": ").unwrap();
        let loaded = store.load();
        assert_eq!(loaded.settings, Settings::default());
        let aside = loaded.set_aside.unwrap();
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"name\": ");
        assert_eq!(store.load(), Loaded::default());
    }

    #[test]
    fn the_last_of_many_changes_is_on_disk_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let keeper = Keeper::new(store.clone(), || {}).unwrap();
        let mut settings = Settings::default();
        for limit in 0..100 {
            settings.upload_limit = Some(limit);
            keeper.save(&settings);
        }
        drop(keeper);
        assert_eq!(store.load().settings.upload_limit, Some(99));
    }

    #[test]
    fn a_failure_to_save_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lanspread"), "a file where the folder goes").unwrap();
        let (told, failed) = sync_channel(1);
        let keeper = Keeper::new(store(&folder), move || {
            told.try_send(()).ok();
        })
        .unwrap();
        keeper.save(&Settings::default());
        failed.recv().unwrap();
        assert!(keeper.failure().is_some());
    }

    #[test]
    fn the_peer_starts_with_what_was_chosen() {
        let mut settings = Settings::default();
        settings.change(&SettingsChange { upload_limit: Some(7), ..SettingsChange::default() });
        settings.change(&SettingsChange { name: Some("Lea".to_owned()), ..SettingsChange::default() });
        let mut config = PeerConfig { catalog: Some("c.ron".into()), ..PeerConfig::new("g") };
        settings.configure(&mut config);
        let expected = PeerConfig {
            catalog: Some("c.ron".into()),
            name: Some("Lea".to_owned()),
            upload_limit: 7,
            ..PeerConfig::new("g")
        };
        assert_eq!(config, expected);
    }
}
