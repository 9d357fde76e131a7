//! The downloads: what runs, what waits, what needs attention, what is done; and how fast it all was.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lanspread_engine::{Command, GameView, LocalState, OperationKind, Phase};
use lanspread_peer::api::Status;
use lanspread_protocol::{GameId, Version};

use super::{Card, CardState, Finished, Source, StatusModel, Stop, Trouble, Work, failure, operation};

/// Seconds of the plot.
pub const HISTORY_SECS: usize = 120;

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DownloadsModel {
    /// Bytes a second of each of the last seconds, the newest last.
    pub down: Vec<u64>,
    pub up: Vec<u64>,
    pub down_rate: u64,
    pub up_rate: u64,
    /// Peers that receive something now.
    pub receivers: usize,
    /// Bytes that active downloads still need.
    pub bytes_left: u64,
    pub secs_left: Option<u64>,
    pub active: Vec<DownloadRow>,
    /// Those that wait for their turn, then those that do not go on.
    pub next: Vec<DownloadRow>,
    pub failed: Vec<DownloadRow>,
    /// The newest first.
    pub finished: Vec<DownloadRow>,
}

/// One game in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct DownloadRow {
    pub id: GameId,
    pub title: String,
    pub cover: Option<PathBuf>,
    pub version: Option<Version>,
    pub size: Option<u64>,
    pub sources: usize,
    /// Among those that wait; 0 is the next.
    pub place: Option<usize>,
    /// Where room was lacking, as Windows names drives.
    pub drive: Option<String>,
    pub state: RowState,
}

/// What a row says and offers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowState {
    Downloading {
        done: u64,
        total: u64,
        rate: u64,
        secs_left: Option<u64>,
    },
    Working {
        work: Work,
        share: Option<f32>,
    },
    Waiting {
        is_first: bool,
    },
    Stopped {
        why: Stop,
        share: f32,
    },
    /// `missing_space`: bytes that do not fit as it is now, where that is known.
    Failed {
        trouble: Trouble,
        retry: Retry,
        missing_space: Option<u64>,
    },
    Finished {
        what: OperationKind,
        secs_ago: u64,
        can_play: bool,
        can_install: bool,
    },
}

/// What trying again means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    Download,
    Update,
    Install,
}

impl RowState {
    /// It can be stopped for a while.
    pub const fn can_pause(self) -> bool {
        matches!(self, Self::Downloading { .. })
    }

    pub const fn can_resume(self) -> bool {
        matches!(self, Self::Stopped { why: Stop::Paused, .. })
    }
}

impl DownloadsModel {
    /// Pauses what runs; when nothing does, resumes what is paused.
    pub fn all_commands(&self) -> Vec<Command> {
        let games = |rows: &[DownloadRow], takes: fn(&DownloadRow) -> bool| -> Vec<GameId> {
            rows.iter().filter(|row| takes(row)).map(|row| row.id.clone()).collect()
        };
        let running = games(&self.active, |row| row.state.can_pause());
        if running.is_empty() {
            let paused = games(&self.next, |row| row.state.can_resume());
            return paused.into_iter().map(|game| Command::Resume { game }).collect();
        }
        running.into_iter().map(|game| Command::Pause { game }).collect()
    }

    pub fn new(source: Source<'_>, history: &History, now: Instant) -> Self {
        let status = StatusModel::new(source);
        let mut model = Self {
            down: history.down.iter().copied().collect(),
            up: history.up.iter().copied().collect(),
            down_rate: status.down_rate,
            up_rate: status.up_rate,
            receivers: status.receivers,
            ..Self::default()
        };
        for game in source.games() {
            model.take(source, game);
        }
        let is_waiting = |row: &DownloadRow| matches!(row.state, RowState::Waiting { .. });
        model.next.sort_by_key(|row| (!is_waiting(row), row.place.unwrap_or(usize::MAX)));
        let finished = source.told.finished.iter().rev();
        model.finished = finished.filter_map(|finished| finished_row(source, finished, now)).collect();
        model.secs_left =
            (model.bytes_left > 0 && model.down_rate > 0).then(|| model.bytes_left.div_ceil(model.down_rate));
        model
    }

    /// Downloads that can change places.
    pub fn in_line(&self) -> usize {
        self.next.iter().filter(|row| row.place.is_some()).count()
    }

    /// Nothing to list.
    pub fn is_empty(&self) -> bool {
        [&self.active, &self.next, &self.failed, &self.finished].iter().all(|rows| rows.is_empty())
    }

    /// Puts a game where it belongs, if it belongs here.
    fn take(&mut self, source: Source<'_>, game: &GameView) {
        if game.operation.is_none() && failure(game).is_none() {
            return;
        }
        let card = Card::new(source, game);
        match card.state {
            CardState::Downloading { rate, left_secs, .. } => {
                let progress = game.operation.as_ref().and_then(|operation| operation.progress.as_ref());
                let (done, total) =
                    progress.map_or((0, 0), |progress| (progress.bytes_done, progress.bytes_total));
                self.bytes_left += total.saturating_sub(done);
                let state = RowState::Downloading { done, total, rate, secs_left: left_secs };
                self.active.push(row(game, card, state));
            }
            CardState::Working { work, share } if is_download(game) => {
                self.active.push(row(game, card, RowState::Working { work, share }));
            }
            CardState::Waiting { is_first, .. } => {
                self.next.push(row(game, card, RowState::Waiting { is_first }));
            }
            CardState::Stopped { why, share } => {
                self.next.push(row(game, card, RowState::Stopped { why, share }));
            }
            CardState::Failed(trouble) => {
                let is_full = trouble == Trouble::NoSpace;
                let missing_space = if is_full { missing_space(source, game) } else { None };
                let state = RowState::Failed { trouble, retry: retry(game), missing_space };
                let drive = source.place().filter(|_| is_full);
                self.failed.push(DownloadRow { drive, ..row(game, card, state) });
            }
            CardState::Working { .. }
            | CardState::Play
            | CardState::Update { .. }
            | CardState::Install
            | CardState::Download { .. }
            | CardState::Running
            | CardState::NotOnTheLan => {}
        }
    }
}

/// What brings a game here, unlike checking or removing it.
fn is_download(game: &GameView) -> bool {
    operation(game).is_some_and(|operation| {
        let is_on_its_way = matches!(
            operation.operation,
            OperationKind::Download | OperationKind::Update | OperationKind::Install
        );
        is_on_its_way && !matches!(operation.phase, Phase::Uninstalling | Phase::Removing)
    })
}

/// What a download still has to fetch and does not fit; nothing is said when it would fit by now.
pub(super) fn missing_space(source: Source<'_>, game: &GameView) -> Option<u64> {
    // An update also writes again what it keeps, an install what it unpacks: that is not counted here.
    failure(game).filter(|failed| failed.operation == OperationKind::Download)?;
    let missing = game.fetch_bytes?.saturating_sub(source.free_bytes()?);
    Some(missing).filter(|missing| *missing > 0)
}

fn retry(game: &GameView) -> Retry {
    let state = game.local.as_ref().map(|local| local.state);
    match state {
        _ if game.update_available && game.installed => Retry::Update,
        Some(LocalState::Downloaded | LocalState::Installed) => Retry::Install,
        _ => Retry::Download,
    }
}

fn row(game: &GameView, card: Card, state: RowState) -> DownloadRow {
    let operation = game.operation.as_ref().and_then(|operation| operation.progress.as_ref());
    let from = operation.map_or(0, |progress| progress.sources);
    DownloadRow {
        id: card.id,
        title: card.title,
        cover: card.cover,
        version: game.expected.clone(),
        size: card.size,
        sources: if from > 0 { from } else { card.sources },
        place: game.operation.as_ref().and_then(|operation| operation.queue_position),
        drive: None,
        state,
    }
}

/// A game that is no longer known is not shown.
fn finished_row(source: Source<'_>, finished: &Finished, now: Instant) -> Option<DownloadRow> {
    let game = source.game(&finished.game)?;
    let card = Card::new(source, game);
    let state = RowState::Finished {
        what: finished.what,
        secs_ago: now.saturating_duration_since(finished.at).as_secs(),
        can_play: card.state == CardState::Play,
        can_install: card.state == CardState::Install,
    };
    Some(row(game, card, state))
}

/// How fast the last two minutes were, made of the bytes that snapshots count.
#[derive(Clone, Debug, Default)]
pub struct History {
    last: Option<(Instant, u64, u64)>,
    /// What of the last step was less than a second.
    rest: Duration,
    down: VecDeque<u64>,
    up: VecDeque<u64>,
}

impl History {
    /// Takes what is counted now. Steps under a second wait for the next call; longer ones are seconds of one rate.
    pub fn take(&mut self, status: &Status, now: Instant) {
        let Some((before, received, sent)) = self.last else {
            self.last = Some((now, status.rx_bytes, status.tx_bytes));
            return;
        };
        let elapsed = now.saturating_duration_since(before);
        if elapsed < Duration::from_secs(1) {
            return;
        }
        let millis = elapsed.as_millis().try_into().unwrap_or(u64::MAX);
        // A restarted peer counts from zero again.
        let rate = |counted: u64, before: u64| counted.saturating_sub(before).saturating_mul(1000) / millis;
        let whole = elapsed + self.rest;
        self.rest = Duration::from_nanos(whole.subsec_nanos().into());
        let seconds = usize::try_from(whole.as_secs()).unwrap_or(HISTORY_SECS).min(HISTORY_SECS);
        push(&mut self.down, rate(status.rx_bytes, received), seconds);
        push(&mut self.up, rate(status.tx_bytes, sent), seconds);
        self.last = Some((now, status.rx_bytes, status.tx_bytes));
    }

    /// Something is still to be seen on its way out of the plot.
    pub fn is_moving(&self) -> bool {
        self.down.iter().chain(&self.up).any(|rate| *rate > 0)
    }
}

fn push(rates: &mut VecDeque<u64>, rate: u64, seconds: usize) {
    rates.extend(std::iter::repeat_n(rate, seconds));
    rates.drain(..rates.len().saturating_sub(HISTORY_SECS));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;
    use crate::sample::{self, GameSample, snapshot};
    use lanspread_engine::ErrorCode;
    use lanspread_peer::api::Snapshot;

    fn model(snapshot: &Snapshot, told: &Told) -> DownloadsModel {
        DownloadsModel::new(Source { snapshot, told }, &History::default(), Instant::now())
    }

    fn ids(rows: &[DownloadRow]) -> Vec<&str> {
        rows.iter().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn each_game_is_in_its_group() {
        let mut party = sample::party();
        sample::fail(&mut party, "veloren", OperationKind::Download, ErrorCode::NoSpace);
        let model = model(&party, &Told::default());
        assert_eq!(ids(&model.active), ["redeclipse", "warzone2100"], "a check of files is no download");
        assert_eq!(ids(&model.next), ["etr", "unvanquished"], "what waits comes before what is paused");
        assert_eq!(model.next[0].state, RowState::Waiting { is_first: true });
        assert_eq!(ids(&model.failed), ["veloren"]);
        let failed =
            RowState::Failed { trouble: Trouble::NoSpace, retry: Retry::Download, missing_space: None };
        assert_eq!((&model.failed[0].state, model.failed[0].drive.as_deref()), (&failed, Some("D:")));
        assert_eq!(model.bytes_left, 1_839_000_000);
        assert_eq!(model.secs_left, Some(17));
        assert!(!model.is_empty());
    }

    #[test]
    fn a_full_drive_says_how_much_is_missing() {
        let failed = |fetches, code| {
            let game = GameSample::new("game", "Game").sources(1).fetches(fetches);
            let mut snapshot = snapshot(vec![game.failed(OperationKind::Download, code)]);
            snapshot.disk = Some(lanspread_peer::api::DiskSpace { free_bytes: 100, total_bytes: 1000 });
            let row = model(&snapshot, &Told::default()).failed.remove(0);
            let RowState::Failed { missing_space, .. } = row.state else { panic!("{row:?}") };
            (row.drive, missing_space)
        };
        let drive = Some("D:".to_owned());
        assert_eq!(failed(670, ErrorCode::NoSpace), (drive.clone(), Some(570)));
        assert_eq!(failed(70, ErrorCode::NoSpace), (drive, None), "there is room again");
        assert_eq!(failed(670, ErrorCode::Io), (None, None));
    }

    #[test]
    fn trying_again_is_what_is_still_to_do() {
        let game = || GameSample::new("game", "Game").sources(1);
        for (what, game, expected) in [
            ("nothing here", game(), Retry::Download),
            ("downloaded", game().downloaded(), Retry::Install),
            ("an older one installed", game().installed().outdated(), Retry::Update),
        ] {
            assert_eq!(retry(&game.0), expected, "{what}");
        }
    }

    #[test]
    fn what_is_done_is_listed_newest_first() {
        let games = vec![GameSample::new("a", "A").installed(), GameSample::new("b", "B").downloaded()];
        let now = Instant::now();
        let done = |game: &str, what| Finished { game: game.parse().unwrap(), what, at: now };
        let told = Told {
            finished: vec![
                done("a", OperationKind::Install),
                done("gone", OperationKind::Download),
                done("b", OperationKind::Download),
            ],
            ..Told::default()
        };
        let snapshot = snapshot(games);
        let source = Source { snapshot: &snapshot, told: &told };
        let model = DownloadsModel::new(source, &History::default(), now + Duration::from_secs(5));
        assert_eq!(ids(&model.finished), ["b", "a"]);
        let what = OperationKind::Download;
        let state = RowState::Finished { what, secs_ago: 5, can_play: false, can_install: true };
        assert_eq!(model.finished[0].state, state);
    }

    #[test]
    fn an_idle_peer_has_nothing_to_list() {
        assert!(model(&snapshot(vec![GameSample::new("a", "A").installed()]), &Told::default()).is_empty());
    }

    #[test]
    fn rates_are_the_bytes_between_two_snapshots() {
        let start = Instant::now();
        let mut history = History::default();
        let mut take = |millis, rx_bytes, tx_bytes| {
            let status = Status { rx_bytes, tx_bytes, ..Status::default() };
            history.take(&status, start + Duration::from_millis(millis));
            (history.down.clone(), history.up.clone())
        };
        assert_eq!(take(0, 500, 0).0, [0; 0], "what was before the window is no rate");
        assert_eq!(take(250, 600, 0).0, [0; 0], "less than a second waits");
        assert_eq!(take(1000, 1500, 50).0, [1000]);
        assert_eq!(take(3500, 1500, 300), ([1000, 0, 0].into(), [50, 100, 100].into()));
        assert_eq!(take(5000, 3000, 300).0, [1000, 0, 0, 1000, 1000], "half seconds add up");
        assert_eq!(take(6000, 10, 0).0.back(), Some(&0), "a restarted peer counts anew");
        let (down, up) = take(1_000_000, 10, 0);
        assert_eq!((down.len(), up.len()), (HISTORY_SECS, HISTORY_SECS));
        assert!(!history.is_moving());
    }
}
