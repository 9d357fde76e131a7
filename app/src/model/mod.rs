//! What screens show, as plain data made of the peer's snapshot. No egui, no words, no numbers as text: those are the
//! screens' business. One file per screen.

mod banner;
mod cannot;
mod card;
mod details;
mod dialogs;
mod downloads;
mod fault;
mod first_run;
mod library;
mod party;
mod peers;
mod publish;
mod report;
mod settings;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use lanspread_engine::{Command, FailureView, GameView, OperationKind, OperationView, Phase, View};
use lanspread_peer::api::Snapshot;
use lanspread_peer::disk::GamesFolder;
use lanspread_peer::install::LocalSize;
use lanspread_protocol::{Game, GameId, LaunchEntry, Os, PeerId};

use crate::action::Start;

pub use banner::BannerModel;
pub use cannot::{Cannot, Hindrance};
pub use card::{Card, CardState, Stop, Trouble, Work};
pub use details::{Counted, DetailsModel, Has, Parts, ReceiverRow, ServerRow, SourceRow};
pub use dialogs::{
    DialogsModel, ErrorModel, FirstStartModel, FolderModel, MoveModel, QuitModel, RemoveModel, TrustModel,
    UpdateModel,
};
pub use downloads::{DownloadRow, DownloadsModel, HISTORY_SECS, History, Retry, RowState};
pub use fault::{Fault, FileFault};
pub use first_run::{FolderNote, FolderReport, KnownParty, can_begin};
pub use library::{Counts, Filter, LibraryCache, LibraryModel, Sort};
pub use party::{Checks, PartyModel, You};
pub use peers::{PeerRow, PeerRows, Quality, SharedGame};
pub use publish::{
    Form, Lack, Organiser, PublishModel, PublishStep, PublishedRow, Publishing, SourceCheck, SourceReport,
};
pub use report::report;
pub use settings::{CatalogProblem, CatalogSeal, SettingsModel};
pub use status::{Link, StatusModel};

/// What a model is made of: the snapshot, and what events told that the snapshot does not hold.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub snapshot: &'a Snapshot,
    pub told: &'a Told,
}

impl<'a> Source<'a> {
    pub fn view(self) -> Option<&'a View> {
        self.snapshot.view.as_deref()
    }

    pub fn games(self) -> &'a [GameView] {
        self.view().map_or(&[], |view| &view.games)
    }

    pub fn game(self, id: &GameId) -> Option<&'a GameView> {
        self.games().get(self.place_of(id)?)
    }

    /// Where it is among the games.
    pub fn place_of(self, id: &GameId) -> Option<usize> {
        self.games().binary_search_by(|game| game.id.cmp(id)).ok()
    }

    /// That is the view which is shown: what was made of it holds.
    pub fn is_of(self, view: Option<&Arc<View>>) -> bool {
        view.map(Arc::as_ptr) == self.snapshot.view.as_ref().map(Arc::as_ptr)
    }

    /// The network service works.
    pub const fn is_connected(self) -> bool {
        self.snapshot.failure.is_none()
    }

    /// The party's name, by the catalog in force.
    pub fn party(self) -> Option<String> {
        self.view()?.party.clone()
    }

    /// Free bytes where the games are.
    pub fn free_bytes(self) -> Option<u64> {
        self.snapshot.disk.map(|disk| disk.free_bytes)
    }

    /// Where the games are, in a word, as Windows names drives: `D:`.
    pub fn place(self) -> Option<String> {
        let (drive, _) = self.snapshot.ready.as_ref()?.games_dir.split_once(":\\")?;
        let letter = drive.chars().last().filter(char::is_ascii_alphabetic)?;
        Some(format!("{letter}:"))
    }

    /// Names of players who are here.
    fn names(self, peers: &[PeerId]) -> Vec<String> {
        let all = self.view().map_or(&[][..], |view| &view.peers).iter();
        let here = all.filter(|peer| peers.contains(&peer.peer_id));
        here.map(|peer| peer.presence.name.clone()).collect()
    }

    /// Where a game's cover is, once it is here: the file of the one that the catalog names, else the game's folder, which
    /// may hold one.
    pub fn cover(self, game: &GameView) -> Option<PathBuf> {
        let games = Path::new(&self.snapshot.ready.as_ref()?.games_dir);
        match game.entry.as_ref().and_then(|entry| entry.cover) {
            Some(hash) => Some(GamesFolder::new(games).cover(hash)),
            None => game.local.as_ref().map(|_| games.join(game.id.as_str())),
        }
    }
}

/// What is known beside the snapshot.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// When each game was last started here, in seconds since 1970.
    pub played: BTreeMap<GameId, u64>,
    /// How large an installed game was found to be, when its removal was asked about.
    pub measured: Option<(GameId, LocalSize)>,
    /// Since when games are being installed.
    pub installing: BTreeMap<GameId, Instant>,
    /// Games whose new versions were told.
    pub outdated: BTreeSet<GameId>,
    /// What was brought here, the newest last.
    pub finished: Vec<Finished>,
    /// What was published here, or is about to be; one entry a game.
    pub publishing: Vec<Publishing>,
    /// Games that are on their way to another folder.
    pub moving: Option<Moving>,
    /// Why the peer did not start, the last time that it did not.
    pub not_started: Option<Fault>,
}

/// How far the games are on their way to another folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moving {
    pub bytes_done: u64,
    pub bytes_total: u64,
}

/// An operation that brought a game here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    pub game: GameId,
    pub what: OperationKind,
    pub at: Instant,
}

/// What runs on a game. A new version that was fetched ahead keeps its place in the table while it waits for a click:
/// nothing runs then.
pub fn operation(game: &GameView) -> Option<&OperationView> {
    game.operation.as_ref().filter(|operation| !(game.update_ready && operation.phase == Phase::Waiting))
}

/// Why the last thing that was done with a game failed. What became of a publish is the publish screen's.
fn failure(game: &GameView) -> Option<&FailureView> {
    game.failure.as_ref().filter(|failure| failure.operation != OperationKind::Publish)
}

/// What *Play* starts: the entry of this name, else the first for this system.
fn play_entry(game: &Game) -> Option<&LaunchEntry> {
    let mut here = game.launch.iter().filter(|entry| entry.os == Os::CURRENT);
    here.clone().find(|entry| entry.name == "play").or_else(|| here.next())
}

/// What the peer is told to start.
pub fn start_command(source: Source<'_>, start: Start) -> Command {
    let Start { game, entry, server } = start;
    let played = || source.game(&game)?.entry.as_ref().and_then(play_entry).map(|entry| entry.name.clone());
    // Without an entry the peer says why it does not start.
    let entry = entry.map(str::to_owned).or_else(played).unwrap_or_else(|| "play".to_owned());
    Command::Start { game, entry, server: server.map(|server| server.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{GameSample, snapshot};

    #[test]
    fn what_was_asked_for_is_what_starts() {
        let game = GameSample::new("game", "Game").programs(&["server", "duel"]);
        let (snapshot, told) = (snapshot(vec![game]), Told::default());
        let source = Source { snapshot: &snapshot, told: &told };
        let started = |start| start_command(source, start);
        let command = |game: GameId, entry: &str, server: Option<&str>| Command::Start {
            game,
            entry: entry.to_owned(),
            server: server.map(str::to_owned),
        };
        let id = || "game".parse::<GameId>().unwrap();
        assert_eq!(started(Start::play(id())), command(id(), "server", None), "the first for this system");
        let joins = Start { game: id(), entry: Some("join"), server: Some([192, 168, 10, 2].into()) };
        assert_eq!(started(joins), command(id(), "join", Some("192.168.10.2")));
        let other: GameId = "other".parse().unwrap();
        let unknown = started(Start::play(other.clone()));
        assert_eq!(unknown, command(other, "play", None), "the peer says why not");
    }
}
