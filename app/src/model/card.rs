//! One game in the library.

use std::path::PathBuf;

use lanspread_engine::{ErrorCode, GameView, LocalState, OperationKind, OperationView, Phase, ProgressView};
use lanspread_protocol::{GameId, Players};

use super::{Cannot, Source, failure, operation};

/// A card's content.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub id: GameId,
    pub title: String,
    pub genre: Option<String>,
    pub players: Option<Players>,
    pub cover: Option<PathBuf>,
    pub state: CardState,
    /// What it says and does when nothing is under way and nothing has failed: what *Retry* does.
    pub untroubled: CardState,
    /// Players, then sources, also while the network is off: cards keep their places.
    pub popularity: (usize, usize),
    /// Players who play it now.
    pub playing: usize,
    /// Peers that receive it from here.
    pub outbound: usize,
    /// Peers that have it; shown on games that are not installed.
    pub sources: usize,
    pub is_installed: bool,
    pub cannot: Cannot,
    pub size: Option<u64>,
    pub last_played: Option<u64>,
}

/// What a card says and does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CardState {
    Play,
    Update {
        bytes: Option<u64>,
    },
    Install,
    Download {
        bytes: Option<u64>,
    },
    Downloading {
        share: f32,
        rate: u64,
        left_secs: Option<u64>,
    },
    /// `is_first`: the next one that starts.
    Waiting {
        share: f32,
        is_first: bool,
    },
    Stopped {
        why: Stop,
        share: f32,
    },
    Working {
        work: Work,
        share: Option<f32>,
    },
    Running,
    Failed(Trouble),
    NotOnTheLan,
}

/// Why a download does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Paused,
    NoSource,
    NoNetwork,
}

/// Work on this PC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Installing,
    Checking,
    Finishing,
    Uninstalling,
    Removing,
    Publishing,
}

/// A failure in two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    NoSpace,
    CannotWrite,
    NoSource,
    GameRuns,
    NotAsExpected,
    Other,
}

impl Trouble {
    pub const fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NoSpace => Self::NoSpace,
            ErrorCode::Io => Self::CannotWrite,
            ErrorCode::NoSource => Self::NoSource,
            ErrorCode::GameRunning => Self::GameRuns,
            ErrorCode::CatalogMismatch => Self::NotAsExpected,
            ErrorCode::BadCommand
            | ErrorCode::UnknownGame
            | ErrorCode::Busy
            | ErrorCode::NotDownloaded
            | ErrorCode::NotInstalled
            | ErrorCode::Refused => Self::Other,
        }
    }
}

impl Card {
    pub fn new(source: Source<'_>, game: &GameView) -> Self {
        let entry = game.entry.as_ref();
        let is_connected = source.is_connected();
        let people = |count: usize| if is_connected { count } else { 0 };
        Self {
            id: game.id.clone(),
            title: game.title.clone(),
            genre: entry.and_then(|entry| entry.genre.clone()),
            players: entry.and_then(|entry| entry.players),
            cover: source.cover(game),
            state: state(source, game),
            untroubled: resting(source, game),
            popularity: (game.playing, game.sources),
            playing: people(game.playing),
            outbound: people(game.receivers.len()),
            sources: people(game.sources),
            is_installed: game.installed,
            cannot: Cannot::of(game),
            size: entry.and_then(|entry| entry.size).or(game.local.as_ref().map(|local| local.bytes)),
            last_played: source.told.played.get(&game.id).copied(),
        }
    }
}

/// Nothing that could start waits before it.
fn is_next(source: Source<'_>, operation: &OperationView) -> bool {
    let Some(place) = operation.queue_position else { return false };
    let could_start = |game: &GameView| {
        let other = game.operation.as_ref().filter(|other| other.phase == Phase::Waiting && game.sources > 0);
        other.and_then(|other| other.queue_position)
    };
    source.games().iter().filter_map(could_start).all(|other| other >= place)
}

/// What goes first: what runs, what is done, what failed, what is here.
fn state(source: Source<'_>, game: &GameView) -> CardState {
    if !game.running.is_empty() {
        return CardState::Running;
    }
    match (operation(game), failure(game)) {
        (Some(operation), _) => busy(source, game, operation),
        (None, Some(failure)) => CardState::Failed(Trouble::of(failure.error.code)),
        (None, None) => resting(source, game),
    }
}

fn busy(source: Source<'_>, game: &GameView, operation: &OperationView) -> CardState {
    let share = operation.progress.as_ref().map_or(0.0, share);
    let known = operation.progress.as_ref().map(self::share);
    let work = |work| CardState::Working { work, share: known };
    match operation.phase {
        Phase::Paused => CardState::Stopped { why: Stop::Paused, share },
        Phase::Waiting if is_fetch(operation.operation) => match (source.is_connected(), game.sources) {
            (false, _) => CardState::Stopped { why: Stop::NoNetwork, share },
            (true, 0) => CardState::Stopped { why: Stop::NoSource, share },
            (true, _) => CardState::Waiting { share, is_first: is_next(source, operation) },
        },
        Phase::Waiting => CardState::Working { work: kind_of_work(operation.operation), share: None },
        Phase::Downloading if !source.is_connected() => CardState::Stopped { why: Stop::NoNetwork, share },
        Phase::Downloading => match &operation.progress {
            Some(progress) => downloading(progress),
            None => CardState::Waiting { share, is_first: false },
        },
        Phase::Hashing | Phase::Verifying => CardState::Working { work: Work::Checking, share: None },
        Phase::Finishing => work(Work::Finishing),
        Phase::Swapping | Phase::Installing => {
            CardState::Working { work: kind_of_work(operation.operation), share: None }
        }
        Phase::Uninstalling => CardState::Working { work: Work::Uninstalling, share: None },
        Phase::Removing => CardState::Working { work: Work::Removing, share: None },
    }
}

const fn is_fetch(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Download | OperationKind::Update)
}

const fn kind_of_work(kind: OperationKind) -> Work {
    match kind {
        OperationKind::Download | OperationKind::Update | OperationKind::Install => Work::Installing,
        OperationKind::Uninstall => Work::Uninstalling,
        OperationKind::Remove => Work::Removing,
        OperationKind::Verify => Work::Checking,
        OperationKind::Publish => Work::Publishing,
    }
}

fn downloading(progress: &ProgressView) -> CardState {
    let missing = progress.bytes_total.saturating_sub(progress.bytes_done);
    let left_secs = (progress.rate > 0).then(|| missing.div_ceil(progress.rate.max(1)));
    CardState::Downloading { share: share(progress), rate: progress.rate, left_secs }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share to look at")]
fn share(progress: &ProgressView) -> f32 {
    if progress.bytes_total == 0 {
        return 0.0;
    }
    (progress.bytes_done as f64 / progress.bytes_total as f64) as f32
}

/// The state of a game on which nothing is done.
fn resting(source: Source<'_>, game: &GameView) -> CardState {
    let can_fetch = source.is_connected() && game.sources > 0 && game.expected.is_some();
    if game.update_ready || (game.update_available && can_fetch) {
        return CardState::Update { bytes: game.fetch_bytes.filter(|_| !game.update_ready) };
    }
    if game.installed {
        return CardState::Play;
    }
    match game.local.as_ref().map(|local| local.state) {
        Some(
            LocalState::Downloaded
            | LocalState::Installed
            | LocalState::Modified
            | LocalState::WrongVersion
            | LocalState::NotInCatalog,
        ) => CardState::Install,
        Some(LocalState::LocalOnly) => CardState::Play,
        Some(LocalState::Incomplete) | None if can_fetch => {
            let size = game.entry.as_ref().and_then(|entry| entry.size);
            CardState::Download { bytes: game.fetch_bytes.or(size) }
        }
        Some(LocalState::Incomplete) | None => CardState::NotOnTheLan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::GameSample;

    fn state_of(game: GameSample) -> CardState {
        game.card(true).state
    }

    #[test]
    fn the_first_that_can_start_is_next() {
        let waiting = |id, place, sources| GameSample::new(id, id).sources(sources).waiting().place(place);
        let games = vec![waiting("a", 0, 0), waiting("b", 1, 1), waiting("c", 2, 1)];
        let (snapshot, told) = (crate::sample::snapshot(games), crate::model::Told::default());
        let source = Source { snapshot: &snapshot, told: &told };
        let states: Vec<_> = source.games().iter().map(|game| state(source, game)).collect();
        assert_eq!(
            states,
            [
                CardState::Stopped { why: Stop::NoSource, share: 0.0 },
                CardState::Waiting { share: 0.0, is_first: true },
                CardState::Waiting { share: 0.0, is_first: false },
            ]
        );
    }

    #[test]
    fn each_row_of_the_table_has_its_state() {
        let game = GameSample::new("game", "Game");
        for (what, game, state) in [
            ("installed", game.clone().installed(), CardState::Play),
            ("update", game.clone().installed().outdated().sources(2), CardState::Update { bytes: None }),
            ("update without a source", game.clone().installed().outdated(), CardState::Play),
            ("ready", game.clone().downloaded(), CardState::Install),
            ("on the LAN", game.clone().sources(3), CardState::Download { bytes: Some(1_300_000_000) }),
            (
                "downloading",
                game.clone().sources(3).downloading(410, 1000, 59),
                CardState::Downloading { share: 0.41, rate: 59, left_secs: Some(10) },
            ),
            (
                "waiting",
                game.clone().sources(1).waiting(),
                CardState::Waiting { share: 0.0, is_first: false },
            ),
            (
                "paused",
                game.clone().sources(1).paused(),
                CardState::Stopped { why: Stop::Paused, share: 0.0 },
            ),
            ("no source", game.clone().waiting(), CardState::Stopped { why: Stop::NoSource, share: 0.0 }),
            (
                "installing",
                game.clone().working(OperationKind::Install, Phase::Installing),
                CardState::Working { work: Work::Installing, share: None },
            ),
            (
                "checking",
                game.clone().installed().working(OperationKind::Verify, Phase::Verifying),
                CardState::Working { work: Work::Checking, share: None },
            ),
            ("running", game.clone().installed().running(), CardState::Running),
            ("not on the LAN", game.clone(), CardState::NotOnTheLan),
        ] {
            assert_eq!(state_of(game), state, "{what}");
        }
    }

    #[test]
    fn without_a_network_nothing_is_promised() {
        let game = GameSample::new("game", "Game");
        let off = |game: GameSample| game.card(false);
        assert_eq!(off(game.clone().installed().outdated().sources(2)).state, CardState::Play);
        assert_eq!(off(game.clone().sources(2)).state, CardState::NotOnTheLan);
        let stopped = CardState::Stopped { why: Stop::NoNetwork, share: 0.5 };
        assert_eq!(off(game.clone().sources(2).downloading(5, 10, 1)).state, stopped);
        let card = off(game.installed().playing(3).outbound(2).sources(4));
        assert_eq!((card.playing, card.outbound, card.sources), (0, 0, 0));
    }

    #[test]
    fn a_failure_is_shown_until_something_begins() {
        let game = GameSample::new("game", "Game").sources(2);
        let failed = || game.clone().failed(OperationKind::Download, ErrorCode::NoSpace);
        let card = failed().card(true);
        assert_eq!(card.state, CardState::Failed(Trouble::NoSpace));
        assert_eq!(card.untroubled, CardState::Download { bytes: Some(1_300_000_000) });
        assert_eq!(state_of(failed().waiting()), CardState::Waiting { share: 0.0, is_first: false });
        let published = game.clone().installed().failed(OperationKind::Publish, ErrorCode::Io);
        assert_eq!(state_of(published), CardState::Play, "the publish screen says it");
    }

    #[test]
    fn an_update_says_what_it_fetches() {
        let game = GameSample::new("game", "Game").installed().outdated().sources(2).fetches(212);
        assert_eq!(state_of(game.clone()), CardState::Update { bytes: Some(212) });
        assert_eq!(state_of(game.update_ready()), CardState::Update { bytes: None });
    }

    #[test]
    fn an_update_that_is_all_here_needs_no_source() {
        let game = GameSample::new("game", "Game").installed().outdated().update_ready();
        assert_eq!(state_of(game.clone()), CardState::Update { bytes: None });
        // Fetched ahead, it keeps its place in the table.
        assert_eq!(state_of(game.waiting()), CardState::Update { bytes: None });
    }
}
