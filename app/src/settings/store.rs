//! Where settings are kept.
//!
//! Installed, they are one RON file in the system's folder for settings. Portable, on a stick, they are two: what the
//! organiser set for everybody in `lanspread.ron` beside the program, which is never written, so that its comments stay;
//! and what was chosen on each PC in `lanspread-pcs.ron`, by a hash of the PC's id. Paths on the stick are relative to it,
//! because its drive letter changes. A stick that cannot be written keeps nothing, and that is fine: a PC is asked again.
//!
//! A file is replaced as a whole, so that a power cut leaves the old or the new one. What this version does not know is
//! kept; a file of choices that cannot be read is set aside, never written over.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use directories::BaseDirs;
use lanspread_peer::identity::MachineId;
use ron::extensions::Extensions;
use ron::ser::PrettyConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::Settings;

/// The organiser's file beside the program; it makes it portable.
const ON_STICK: &str = "lanspread.ron";
/// What was chosen on each PC, beside it.
const PCS: &str = "lanspread-pcs.ron";

/// Where settings are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    path: PathBuf,
    stick: Option<Stick>,
}

/// A folder that goes from PC to PC.
#[derive(Clone, Debug, PartialEq)]
struct Stick {
    folder: PathBuf,
    /// Names this PC in the file.
    pc: String,
    /// What everybody gets, with whole paths.
    base: Settings,
    /// Why the organiser's file could not be read.
    error: Option<String>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    pub settings: Settings,
    pub unread: Option<Unread>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It was broken, lies here now, and all is as at the start.
    SetAside(PathBuf),
    /// It could not be read now, or not be set aside: nothing may be written in its place.
    Left { path: PathBuf, error: String },
    /// The organiser's on the stick: it stays as it is and counts for nothing.
    OnStick { path: PathBuf, error: String },
}

impl Store {
    pub const fn at(path: PathBuf) -> Self {
        Self { path, stick: None }
    }

    /// Beside the program if the organiser's file is there or `portable` asks for it, else where the system keeps
    /// settings. `None`: there is no home folder, and nothing is kept.
    pub fn find(portable: bool) -> Option<Self> {
        let program = std::env::current_exe().ok();
        let beside = program.as_deref().and_then(Path::parent);
        if let Some(folder) = beside.filter(|folder| portable || folder.join(ON_STICK).is_file()) {
            return Some(Self::on_stick(folder, MachineId::of_this_machine().to_string()));
        }
        let folder = BaseDirs::new()?.config_dir().join("lanspread");
        Some(Self::at(folder.join("settings.ron")))
    }

    fn on_stick(folder: &Path, pc: String) -> Self {
        let (base, error) = match read::<Settings>(&folder.join(ON_STICK)) {
            Ok(base) => (base.unwrap_or_default().map_paths(|path| folder.join(path)), None),
            Err(error) => (Settings::default(), Some(error.to_string())),
        };
        let stick = Stick { folder: folder.to_owned(), pc, base, error };
        Self { path: folder.join(PCS), stick: Some(stick) }
    }

    /// The file that is written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The catalog of a party that is organised here. On a stick there is none: it comes with a key that guests must not
    /// get, and lies with the games.
    pub(super) fn own_catalog(&self) -> Option<PathBuf> {
        self.stick.is_none().then(|| self.path.with_file_name("organiser").join("catalog.ron"))
    }

    pub const fn is_portable(&self) -> bool {
        self.stick.is_some()
    }

    /// What was chosen; everything by default when there is no file.
    pub fn load(&self) -> Loaded {
        let Some(stick) = &self.stick else {
            return match read(&self.path) {
                Ok(settings) => Loaded { settings: settings.unwrap_or_default(), unread: None },
                Err(error) => Loaded { settings: Settings::default(), unread: Some(self.unread(error)) },
            };
        };
        let (mut pcs, unread) = match read::<BTreeMap<String, Settings>>(&self.path) {
            Ok(pcs) => (pcs.unwrap_or_default(), None),
            Err(error) => (BTreeMap::new(), Some(self.unread(error))),
        };
        let own = pcs.remove(&stick.pc).unwrap_or_default();
        let own = own.map_paths(|path| stick.folder.join(path));
        let error = stick.error.clone();
        let on_stick = error.map(|error| Unread::OnStick { path: stick.folder.join(ON_STICK), error });
        // What is left must not be written over, so it is told first.
        let is_left = matches!(unread, Some(Unread::Left { .. }));
        let unread = if is_left { unread } else { on_stick.or(unread) };
        Loaded { settings: own.over(&stick.base), unread }
    }

    /// A broken file is set aside. One that could not be read may be whole, and is left.
    fn unread(&self, error: ReadError) -> Unread {
        tracing::warn!(path = %self.path.display(), %error, "settings cannot be read");
        let left = |error: String| Unread::Left { path: self.path.clone(), error };
        if let ReadError::Io(error) = error {
            return left(error.to_string());
        }
        let aside = self.path.with_extension("ron.broken");
        match std::fs::rename(&self.path, &aside) {
            Ok(()) => Unread::SetAside(aside),
            Err(cannot) => {
                tracing::warn!(error = %cannot, "settings cannot be set aside");
                left(error.to_string())
            }
        }
    }

    /// Replaces the file as a whole.
    ///
    /// # Errors
    /// When it cannot be written; a stick that is write-protected is no error.
    pub fn save(&self, settings: &Settings) -> io::Result<()> {
        let Some(stick) = &self.stick else { return write(&self.path, settings) };
        // Other PCs were here since, perhaps.
        let pcs = read::<BTreeMap<String, Settings>>(&self.path).map_err(io::Error::other)?;
        let mut pcs = pcs.unwrap_or_default();
        let own = settings.clone().beyond(&stick.base).map_paths(|path| stick.relative(path));
        if own == Settings::default() && !pcs.contains_key(&stick.pc) {
            return Ok(());
        }
        pcs.insert(stick.pc.clone(), own);
        match write(&self.path, &pcs) {
            Err(error) if is_write_protected(&error) => {
                tracing::info!(%error, "the stick cannot be written: nothing is kept");
                Ok(())
            }
            result => result,
        }
    }
}

impl Stick {
    /// What is on the stick goes with it; with `/`, which every system reads.
    fn relative(&self, path: &Path) -> PathBuf {
        let Ok(inner) = path.strip_prefix(&self.folder) else { return path.to_owned() };
        let names: Vec<_> = inner.iter().map(|name| name.to_string_lossy()).collect();
        let names = names.join("/");
        if names.is_empty() { PathBuf::from(".") } else { names.into() }
    }
}

/// Why a file was not read.
#[derive(Debug, Error)]
enum ReadError {
    #[error(transparent)]
    Io(io::Error),
    #[error("{0}")]
    Broken(String),
}

/// `None`: there is no file. Windows' editor may begin it with a byte order mark.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ReadError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(ReadError::Broken(error.to_string()));
        }
        Err(error) => return Err(ReadError::Io(error)),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    format().from_str(text).map(Some).map_err(|error| ReadError::Broken(error.to_string()))
}

fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let text = format().to_string_pretty(value, PrettyConfig::new()).map_err(io::Error::other)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// People may write `name: "Mika"` without `Some`.
fn format() -> ron::Options {
    ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME)
}

fn is_write_protected(error: &io::Error) -> bool {
    // Windows tells the switch on a stick by a code of its own.
    const ERROR_WRITE_PROTECT: i32 = 19;
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
        || (cfg!(windows) && error.raw_os_error() == Some(ERROR_WRITE_PROTECT))
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    #[test]
    fn everything_chosen_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("lanspread").join("settings.ron"));
        assert_eq!(store.load(), Loaded::default());
        store.save(&all()).unwrap();
        store.save(&all()).unwrap();
        assert_eq!(store.load(), Loaded { settings: all(), unread: None });
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
        let Some(Unread::SetAside(aside)) = store.load().unread else { panic!("it was read") };
        assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"name\": ");
        assert_eq!(store.load(), Loaded::default());
    }

    #[test]
    fn what_cannot_be_read_now_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("settings.ron"));
        // It is there and cannot be read, whoever asks.
        std::fs::create_dir(&store.path).unwrap();
        assert!(matches!(store.load().unread, Some(Unread::Left { path, .. }) if path == store.path));
        assert!(store.path.is_dir(), "not set aside");
    }

    #[test]
    fn a_broken_file_that_cannot_be_set_aside_is_not_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("settings.ron"));
        std::fs::write(&store.path, "{\"name\": ").unwrap();
        let in_the_way = store.path.with_extension("ron.broken");
        std::fs::create_dir_all(in_the_way.join("full")).unwrap();
        assert!(matches!(store.load().unread, Some(Unread::Left { path, .. }) if path == store.path));
        assert_eq!(std::fs::read_to_string(&store.path).unwrap(), "{\"name\": ");
    }

    #[test]
    fn a_byte_order_mark_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(ON_STICK), "\u{feff}{ \"party\": \"LAN Nord\" }").unwrap();
        let loaded = Store::on_stick(folder.path(), "pc".to_owned()).load();
        assert_eq!((loaded.settings.party.as_deref(), loaded.unread), (Some("LAN Nord"), None));
    }

    /// A stick as the organiser made it, in this folder.
    fn stick(folder: &Path) -> String {
        std::fs::create_dir_all(folder).unwrap();
        let text = "// For everybody\n{ \"party\": \"LAN Nord\", \"catalog\": \"lan/catalog.ron\", \"theme\": Light }";
        std::fs::write(folder.join(ON_STICK), text).unwrap();
        text.to_owned()
    }

    #[test]
    fn each_pc_finds_its_own_choices_wherever_the_stick_is() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("e"), folder.path().join("f"));
        let organisers = stick(&first);
        let (anna, ben) = ("anna-pc".to_owned(), "ben-pc".to_owned());
        let store = Store::on_stick(&first, anna.clone());
        let mut chosen = store.load().settings;
        assert_eq!(chosen.catalog, Some(first.join("lan/catalog.ron")));
        assert_eq!((chosen.party.as_deref(), chosen.name.as_deref()), (Some("LAN Nord"), None));
        chosen.name = Some("Anna".to_owned());
        chosen.games = Some(first.join("games").join("of anna"));
        store.save(&chosen).unwrap();
        let store = Store::on_stick(&first, ben.clone());
        let mut chosen = store.load().settings;
        assert_eq!((chosen.name.clone(), chosen.games.clone()), (None, None), "nothing of Anna's");
        chosen.games = Some("/home/ben/games".into());
        store.save(&chosen).unwrap();
        std::fs::rename(&first, &second).unwrap();
        let anna = Store::on_stick(&second, anna).load().settings;
        assert_eq!(anna.games, Some(second.join("games").join("of anna")));
        assert_eq!(anna.catalog, Some(second.join("lan/catalog.ron")));
        assert_eq!(Store::on_stick(&second, ben).load().settings.games, Some("/home/ben/games".into()));
        assert_eq!(std::fs::read_to_string(second.join(ON_STICK)).unwrap(), organisers, "comments and all");
        let pcs = std::fs::read_to_string(second.join(PCS)).unwrap();
        assert!(pcs.contains("\"games/of anna\"") && !pcs.contains("theme"), "{pcs}");
    }

    #[test]
    fn a_broken_organisers_file_is_told_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(ON_STICK), "{ party: ").unwrap();
        let loaded = Store::on_stick(folder.path(), "pc".to_owned()).load();
        assert_eq!(loaded.settings, Settings::default());
        let path = folder.path().join(ON_STICK);
        assert!(matches!(&loaded.unread, Some(Unread::OnStick { path: told, .. }) if *told == path));
        assert!(path.is_file());
    }

    #[test]
    fn a_stick_that_only_starts_the_program_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        stick(folder.path());
        let store = Store::on_stick(folder.path(), "pc".to_owned());
        store.save(&store.load().settings).unwrap();
        assert!(!folder.path().join(PCS).exists());
    }

    #[test]
    fn write_protection_is_no_failure() {
        for kind in [io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied] {
            assert!(is_write_protected(&kind.into()), "{kind}");
        }
        assert!(!is_write_protected(&io::ErrorKind::StorageFull.into()));
    }
}
