//! The questions before something changes.

use std::path::PathBuf;

use lanspread_engine::{CommandError, GameView, LocalState, OfferedCatalogView, Phase};
use lanspread_peer::api::DiskSpace;
use lanspread_protocol::{GameId, OrganiserKey, Version};

use super::{Card, CatalogSeal, SettingsModel, Source, Trouble, failure, operation};
use crate::action::{FolderTrouble, Question, RemoveWhat, Start};

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
    Folder(FolderModel),
}

/// A games folder that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderModel {
    pub games: PathBuf,
    pub trouble: FolderTrouble,
}

#[derive(Clone, Debug, PartialEq)]
pub struct UpdateModel {
    pub card: Card,
    pub from: Option<String>,
    pub to: Option<String>,
    /// Bytes that are here and bytes in all, where they are known.
    pub progress: Option<(u64, u64)>,
    /// At the rate of now, if anything arrives.
    pub secs: Option<u64>,
    /// All of it is here: it is only swapped in.
    pub is_ready: bool,
    /// Bytes that do not fit, where that is known.
    pub missing_space: Option<u64>,
    pub place: Option<String>,
    pub is_running: bool,
    /// Players who receive the old version from here.
    pub receivers: Vec<String>,
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
    /// Bytes of what was installed, where they are counted; without a person's files.
    pub installed: Option<u64>,
    /// Bytes of a person's files, where they are counted.
    pub saves: Option<u64>,
    pub is_running: bool,
    /// Players who receive it from here.
    pub receivers: Vec<String>,
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
    pub offered: OfferedCatalogView,
    /// Another organiser is trusted now.
    pub replaces: bool,
}

/// A game whose files no catalog vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstStartModel {
    pub title: String,
    /// What was asked for, and starts if the person wants it.
    pub start: Start,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ErrorModel {
    pub card: Card,
    pub trouble: Trouble,
    /// The engine's sentence.
    pub error: CommandError,
    pub place: Option<String>,
    /// Where the games are.
    pub disk: Option<DiskSpace>,
    /// Bytes of a download that do not fit now. Of what else needs room, only the error tells the numbers.
    pub missing_space: Option<u64>,
    /// What would make most room.
    pub biggest: Option<Biggest>,
}

/// The game that takes most of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Biggest {
    pub title: String,
    pub bytes: u64,
    pub is_played: bool,
}

/// What closing would interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuitModel {
    pub operations: usize,
    /// Of these, what goes on at the next start.
    pub downloads: usize,
    /// The games are on their way to another folder.
    pub is_moving: bool,
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
        Self { operations: all, downloads, is_moving: source.told.moving.is_some() }
    }

    /// Something would be cut off.
    pub const fn is_to_be_asked(&self) -> bool {
        self.operations > 0 || self.is_moving
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
            Question::Quit => Some(QuitModel::new(source)).filter(QuitModel::is_to_be_asked).map(Self::Quit),
            Question::Trust(key) => TrustModel::new(source, *key).map(Self::Trust),
            Question::MoveGames(to) => {
                let bytes = SettingsModel::new(source).games_bytes;
                Some(Self::MoveGames(MoveModel { to: to.clone(), bytes }))
            }
            // It closes by itself once the peer runs.
            Question::Folder { games, trouble } => {
                let model = FolderModel { games: games.clone(), trouble: *trouble };
                source.snapshot.ready.is_none().then_some(Self::Folder(model))
            }
            Question::FirstStart(start) => {
                let title = source.game(&start.game)?.title.clone();
                Some(Self::FirstStart(FirstStartModel { title, start: start.clone() }))
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
        let progress = update_progress(game);
        let left = progress.map(|(done, total)| total.saturating_sub(done));
        let missing = left.zip(source.free_bytes()).map(|(left, free)| left.saturating_sub(free));
        let local_version = game.local.as_ref().and_then(|local| local.version.as_ref());
        let rates = source.view().map_or(&[][..], |view| &view.peers).iter().map(|peer| peer.rx_rate);
        let rate = Some(rates.sum::<u64>()).filter(|rate| *rate > 0);
        Self {
            card: Card::new(source, game),
            from: game.installed_version.as_ref().or(local_version).map(Version::to_string),
            to: game.expected.as_ref().map(Version::to_string),
            progress,
            secs: left.zip(rate).filter(|(left, _)| *left > 0).map(|(left, rate)| left.div_ceil(rate)),
            is_ready: game.update_ready,
            missing_space: missing.filter(|missing| *missing > 0),
            place: source.place(),
            is_running: !game.running.is_empty(),
            receivers: source.names(&game.receivers),
            keep: game.entry.as_ref().map(|entry| entry.keep.clone()).unwrap_or_default(),
        }
    }
}

/// Bytes that are here and bytes in all: of the operation, or of what a click would begin.
fn update_progress(game: &GameView) -> Option<(u64, u64)> {
    let size = game.entry.as_ref().and_then(|entry| entry.size);
    if game.update_ready {
        return size.map(|size| (size, size));
    }
    let running = game.operation.as_ref().and_then(|operation| operation.progress.as_ref());
    let running = running.map(|progress| (progress.bytes_done, progress.bytes_total));
    running.or_else(|| size.zip(game.fetch_bytes).map(|(size, fetch)| (size.saturating_sub(fetch), size)))
}

impl RemoveModel {
    fn new(source: Source<'_>, game: &GameView, first: RemoveWhat) -> Self {
        let payload = game.local.as_ref().filter(|local| local.state != LocalState::LocalOnly);
        let measured = source.told.measured.as_ref().filter(|(measured, _)| *measured == game.id);
        Self {
            id: game.id.clone(),
            title: game.title.clone(),
            first,
            download: payload.map(|local| local.bytes),
            is_installed: game.installed,
            installed: measured.map(|(_, size)| size.game),
            saves: measured.map(|(_, size)| size.person),
            is_running: !game.running.is_empty(),
            receivers: source.names(&game.receivers),
            others: if source.is_connected() { game.sources } else { 0 },
        }
    }
}

impl ErrorModel {
    /// `None` once something else has begun.
    fn new(source: Source<'_>, game: &GameView) -> Option<Self> {
        let failed = failure(game).filter(|_| operation(game).is_none())?;
        let error = &failed.error;
        Some(Self {
            card: Card::new(source, game),
            trouble: Trouble::of(error.code),
            error: error.clone(),
            place: source.place(),
            disk: source.snapshot.disk,
            missing_space: super::downloads::missing_space(source, game),
            biggest: Biggest::besides(source, &game.id),
        })
    }
}

impl Biggest {
    fn besides(source: Source<'_>, game: &GameId) -> Option<Self> {
        // Those that the way to the biggest games lists.
        let others = source.games().iter().filter(|other| other.id != *game && other.installed);
        let sized = others.filter_map(|other| Some((other, other.local.as_ref()?.bytes)));
        let (biggest, bytes) = sized.filter(|(_, bytes)| *bytes > 0).max_by_key(|(_, bytes)| *bytes)?;
        let is_played = source.told.played.contains_key(&biggest.id);
        Some(Self { title: biggest.title.clone(), bytes, is_played })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample::{GameSample, snapshot};
    use lanspread_engine::{ErrorCode, OperationKind};

    #[test]
    fn only_a_download_knows_what_is_missing() {
        let missing = |failed, fetches, free_bytes| {
            let game = GameSample::new("game", "Game").sources(1).fetches(fetches);
            let other = GameSample::new("other", "Other").installed();
            let mut snapshot = snapshot(vec![game.failed(failed, ErrorCode::NoSpace), other]);
            snapshot.disk = snapshot.disk.map(|disk| DiskSpace { free_bytes, ..disk });
            let source = Source { snapshot: &snapshot, told: &Told::default() };
            let model = ErrorModel::new(source, source.game(&"game".parse().unwrap()).unwrap()).unwrap();
            assert_eq!(model.biggest.as_ref().map(|biggest| biggest.title.as_str()), Some("Other"));
            model.missing_space
        };
        assert_eq!(missing(OperationKind::Download, 610, 40), Some(570));
        assert_eq!(missing(OperationKind::Download, 610, 700), None);
        assert_eq!(missing(OperationKind::Install, 0, 40), None, "what is unpacked is not counted here");
        assert_eq!(missing(OperationKind::Update, 212, 40), None, "what is kept is written again, too");
    }

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
    fn numbers_are_known_before_the_click_and_when_all_is_here() {
        let game = GameSample::new("game", "Game").size(3_200).installed().outdated().sources(1).fetches(212);
        let of = |game: GameSample| {
            let (snapshot, told) = (snapshot(vec![game]), Told::default());
            let question = Question::Update("game".parse().unwrap());
            let model = DialogsModel::new(Source { snapshot: &snapshot, told: &told }, &question);
            let Some(DialogsModel::Update(model)) = model else { panic!() };
            (model.progress, model.secs, model.is_ready)
        };
        assert_eq!(of(game.clone()), (Some((2_988, 3_200)), None, false));
        assert_eq!(of(game.update_ready()), (Some((3_200, 3_200)), None, true));
    }

    #[test]
    fn an_error_is_asked_about_as_long_as_it_is_told() {
        let question = Question::Error("game".parse().unwrap());
        let of = |game: GameSample| {
            let (snapshot, told) = (snapshot(vec![game]), Told::default());
            DialogsModel::new(Source { snapshot: &snapshot, told: &told }, &question)
        };
        let game = GameSample::new("game", "Game").sources(1);
        let failed = game.clone().failed(OperationKind::Download, ErrorCode::NoSpace);
        let model = of(failed.clone());
        assert!(matches!(model, Some(DialogsModel::Error(model)) if model.trouble == Trouble::NoSpace));
        assert_eq!((of(game), of(failed.waiting())), (None, None));
    }
}
