//! The questions before something changes.

use std::path::PathBuf;

use lanspread_engine::{GameView, LocalState, Phase};
use lanspread_protocol::{GameId, OrganiserKey, Version};

use super::{Card, CardState, CatalogSeal, Offered, SettingsModel, Source, Told, Trouble};
use crate::action::{Question, RemoveWhat};

/// What a dialog shows.
#[derive(Clone, Debug, PartialEq)]
pub enum DialogsModel {
    Update(UpdateModel),
    Remove(RemoveModel),
    Error(ErrorModel),
    Quit(QuitModel),
    Organise,
    Trust(TrustModel),
    MoveGames(MoveModel),
    FirstStart(FirstStartModel),
}

#[derive(Clone, Debug, PartialEq)]
pub struct UpdateModel {
    pub card: Card,
    pub from: Option<String>,
    pub to: Option<String>,
    /// Bytes that are here and bytes in all, where they are known.
    pub progress: Option<(u64, u64)>,
    /// Bytes that do not fit, where that is known.
    pub missing_space: Option<u64>,
    pub place: Option<String>,
    pub is_running: bool,
    /// Players who receive the old version from here.
    pub receivers: usize,
    /// What of `local/` survives.
    pub keep: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RemoveModel {
    pub id: GameId,
    pub title: String,
    pub first: RemoveWhat,
    /// Bytes of the payload; `None`: it is not here.
    pub download: Option<u64>,
    pub is_installed: bool,
    pub is_running: bool,
    pub receivers: usize,
    /// Others who have it.
    pub others: usize,
}

/// Another games folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveModel {
    pub to: PathBuf,
    pub bytes: u64,
}

/// A catalog of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustModel {
    pub offered: Offered,
    /// Another organiser is trusted now.
    pub replaces: bool,
}

/// A game whose files no catalog vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStartModel {
    pub id: GameId,
    pub title: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ErrorModel {
    pub card: Card,
    pub trouble: Trouble,
    /// The engine's sentence.
    pub message: String,
    pub place: Option<String>,
    /// What the game's button does when nothing has failed.
    pub untroubled: CardState,
}

/// What closing would interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuitModel {
    pub operations: usize,
    /// Of these, what goes on at the next start.
    pub downloads: usize,
}

impl QuitModel {
    pub fn new(source: Source<'_>) -> Self {
        let is_paused = |phase| matches!(phase, Phase::Paused | Phase::Waiting);
        let operations = source.games().iter().filter_map(|game| game.operation.as_ref());
        let running = operations.filter(|operation| !is_paused(operation.phase));
        let (mut all, mut downloads) = (0, 0);
        for operation in running {
            all += 1;
            downloads += usize::from(operation.phase == Phase::Downloading);
        }
        Self { operations: all, downloads }
    }
}

impl DialogsModel {
    /// `None` when what is asked about is gone: the dialog closes.
    pub fn new(source: Source<'_>, question: &Question) -> Option<Self> {
        match question {
            Question::Update(id) => Some(Self::Update(UpdateModel::new(source, source.game(id)?))),
            Question::Remove { game, first } => {
                Some(Self::Remove(RemoveModel::new(source, source.game(game)?, *first)))
            }
            Question::Error(id) => ErrorModel::new(source, source.game(id)?).map(Self::Error),
            Question::Organise => Some(Self::Organise),
            Question::Quit => {
                Some(QuitModel::new(source)).filter(|model| model.operations > 0).map(Self::Quit)
            }
            Question::Trust(key) => TrustModel::new(source, *key).map(Self::Trust),
            Question::MoveGames(to) => {
                let bytes = SettingsModel::new(source).games_bytes;
                Some(Self::MoveGames(MoveModel { to: to.clone(), bytes }))
            }
            Question::FirstStart(id) => {
                let title = source.game(id)?.title.clone();
                Some(Self::FirstStart(FirstStartModel { id: id.clone(), title }))
            }
        }
    }
}

impl TrustModel {
    /// `None` once the catalog is trusted, or its PCs are gone.
    fn new(source: Source<'_>, key: OrganiserKey) -> Option<Self> {
        let settings = SettingsModel::new(source);
        let offered = settings.offered.into_iter().find(|offered| offered.key == key)?;
        Some(Self { offered, replaces: matches!(settings.seal, CatalogSeal::Trusted(_)) })
    }
}

impl UpdateModel {
    fn new(source: Source<'_>, game: &GameView) -> Self {
        let progress = game.operation.as_ref().and_then(|operation| operation.progress.as_ref());
        let progress = progress.map(|progress| (progress.bytes_done, progress.bytes_total));
        let left = progress.map(|(done, total)| total.saturating_sub(done));
        let missing = left.zip(source.free_bytes()).map(|(left, free)| left.saturating_sub(free));
        let local_version = game.local.as_ref().and_then(|local| local.version.as_ref());
        Self {
            card: Card::new(source, game),
            from: game.installed_version.as_ref().or(local_version).map(Version::to_string),
            to: game.expected.as_ref().map(Version::to_string),
            progress,
            missing_space: missing.filter(|missing| *missing > 0),
            place: source.place(),
            is_running: !game.running.is_empty(),
            receivers: game.outbound,
            keep: game.entry.as_ref().map(|entry| entry.keep.clone()).unwrap_or_default(),
        }
    }
}

impl RemoveModel {
    fn new(source: Source<'_>, game: &GameView, first: RemoveWhat) -> Self {
        let payload = game.local.as_ref().filter(|local| local.state != LocalState::LocalOnly);
        Self {
            id: game.id.clone(),
            title: game.title.clone(),
            first,
            download: payload.map(|local| local.bytes),
            is_installed: game.installed,
            is_running: !game.running.is_empty(),
            receivers: game.outbound,
            others: if source.is_connected() { game.sources } else { 0 },
        }
    }
}

impl ErrorModel {
    /// `None` once something else has begun.
    fn new(source: Source<'_>, game: &GameView) -> Option<Self> {
        let failure = source.told.failures.get(&game.id)?;
        Some(Self {
            card: Card::new(source, game),
            trouble: Trouble::of(failure.code),
            message: failure.message.clone(),
            place: source.place(),
            untroubled: Card::new(Source { told: &Told::default(), ..source }, game).state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{GameSample, snapshot, told_failure};
    use lanspread_peer::api::DiskSpace;

    #[test]
    fn an_update_that_does_not_fit_says_how_much_is_missing() {
        let game = GameSample::new("game", "Game").installed().outdated().downloading(100, 1000, 1);
        let mut snapshot = snapshot(vec![game]);
        snapshot.disk = snapshot.disk.map(|disk| DiskSpace { free_bytes: 600, ..disk });
        let told = Told::default();
        let source = Source { snapshot: &snapshot, told: &told };
        let question = Question::Update("game".parse().unwrap());
        let Some(DialogsModel::Update(model)) = DialogsModel::new(source, &question) else { panic!() };
        assert_eq!((model.missing_space, model.progress), (Some(300), Some((100, 1000))));
    }

    #[test]
    fn an_error_is_asked_about_as_long_as_it_is_told() {
        let snapshot = snapshot(vec![GameSample::new("game", "Game").sources(1)]);
        let told = told_failure("game", lanspread_engine::ErrorCode::NoSpace);
        let question = Question::Error("game".parse().unwrap());
        let of = |told: &Told| DialogsModel::new(Source { snapshot: &snapshot, told }, &question);
        assert!(matches!(of(&told), Some(DialogsModel::Error(model)) if model.trouble == Trouble::NoSpace));
        assert_eq!(of(&Told::default()), None);
    }
}
